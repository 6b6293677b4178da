//! Which other units of this host name the same health file: instances behind one web server.

use super::finding::{Finding, good};
use super::neighbours::neighbours;
use super::session::Session;
use crate::context::{Context, UnitName};
use crate::error::Result;
use crate::pool::{Left, Member, Own, Standing};
use crate::settings::Settings;
use crate::settings::layers::load;
use crate::systemd::{self, Job};

/// The active units, besides this one, that hhvm-drain drains and that name a health file of this one.
pub(super) fn active_sharers(context: &Context, settings: &Settings) -> Vec<UnitName> {
    let shares = |unit: &UnitName| {
        let other = Context { unit: unit.clone(), ..context.clone() };
        let (theirs, _) = load(&other, &Vec::new());
        theirs.health_files.iter().any(|file| settings.health_files.contains(file))
    };
    let drained = systemd::active_drained_units();
    drained.into_iter().filter(|unit| *unit != context.unit && shares(unit)).collect()
}

/// What `check` says of units that share a health file.
pub(super) fn finding(context: &Context, settings: &Settings) -> Option<Finding> {
    let names: Vec<String> = active_sharers(context, settings).iter().map(ToString::to_string).collect();
    (!names.is_empty()).then(|| {
        good(format!(
            "health-file: shared with {}; it is away while any of these units drains",
            names.join(", ")
        ))
    })
}

impl Session<'_> {
    /// After the stop of a unit that stays stopped: the node goes back if another unit serves from the same file.
    /// Whether it did, or is left to that unit.
    pub(super) fn leave_to_others(&self, member: &Member) -> Result<bool> {
        if systemd::job(&self.context.unit) != Some(Job::Stop) {
            return Ok(false);
        }
        let active = active_sharers(self.context, self.settings);
        if active.is_empty() {
            return Ok(false);
        }
        let mut others = neighbours(member);
        for unit in active {
            others.entry(unit).or_insert(Standing::Serves);
        }
        let mut messages = Vec::new();
        let left = member.undo_drain(Own::Stopped, &others, &mut messages);
        self.reporter.tell_all(messages);
        Ok(matches!(left?, Left::Nothing | Left::ToOthers))
    }
}
