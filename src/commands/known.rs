//! Who took the node out and what goes on, as far as the caller may know: from the record and the locks, or, without
//! root, from what is published.

use crate::context::Context;
use crate::error::Error;
use crate::pool::{Activity, Member, Membership, PastDrain, Phase, Published, Record, drain_in_progress};
use crate::systemd;
use crate::unit::Activity as UnitActivity;

/// What is known of a node.
pub(super) struct Known {
    /// The record, for whoever may read it, unless it is over.
    pub(super) record: Option<Record>,
    /// What is wrong with the record.
    pub(super) record_error: Option<String>,
    /// Whether the node is out, by this program's doing.
    pub(super) membership: Membership,
    /// What goes on, by a process that runs.
    pub(super) activity: Option<Activity>,
    /// Whether a `stop` goes on.
    pub(super) is_draining: bool,
    /// How the last drain ended.
    pub(super) last_drain: Option<PastDrain>,
}

impl Known {
    /// What the caller may know of `member`.
    pub(super) fn of(member: &Member, context: &Context) -> Self {
        let published = published(member, context);
        let activity = published.as_ref().and_then(|published| published.activity.clone());
        let runs = activity.as_ref().map(|activity| activity.writer.runs(&context.root.join("/proc")));
        let mut known = Self {
            record: None,
            record_error: None,
            membership: Membership::Unknown,
            activity: activity.filter(|_| runs != Some(Some(false))),
            is_draining: drain_in_progress(member.store()),
            last_drain: member.store().last_drain(),
        };
        match member.store().record() {
            Ok(record) => {
                known.record = record.filter(|record| !member.is_over(record));
                known.membership = Membership::of(known.record.as_ref());
            }
            Err(error @ Error::RecordDenied(_)) => known.rest_on(published, context, &error),
            Err(error) => known.record_error = Some(error.to_string()),
        }
        known
    }

    /// Takes from what is published what only root may read.
    fn rest_on(&mut self, published: Option<Published>, context: &Context, denied: &Error) {
        let Some(published) = published else {
            self.is_draining = is_stopping(context);
            self.record_error = Some(denied.to_string());
            return;
        };
        self.is_draining = self.may_drain(context);
        self.membership = published.membership;
        self.last_drain = published.last_drain;
    }

    /// Whether a drain goes on, for whoever cannot ask the lock.
    fn may_drain(&self, context: &Context) -> bool {
        match &self.activity {
            Some(activity) if activity.phase == Phase::Draining => {
                activity.writer.runs(&context.root.join("/proc")) == Some(true) || is_stopping(context)
            }
            _ => false,
        }
    }
}

/// What is published in this boot.
fn published(member: &Member, context: &Context) -> Option<Published> {
    let published = member.store().published().ok().flatten()?;
    published.is_about(context.unit.as_str(), &member.store().now().boot_id).then_some(published)
}

/// systemd's word, for whoever can see neither the lock nor the process that drains.
fn is_stopping(context: &Context) -> bool {
    systemd::unit(&context.unit).is_some_and(|unit| unit.activity == UnitActivity::Deactivating)
}
