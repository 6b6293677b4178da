//! Whose turn it is: a pure judgement over the keys of a fleet at one revision.
//!
//! A node may go if fewer than `limit` nodes are out or in front of it. That holds without any lock: of all nodes that are
//! out, take the one whose key was created last; when it looked, the keys of all others were there and were counted.

use crate::fleet::{Entry, Holder, Look, Name, Revision, Slots, Snapshot, Why};
use crate::text::quote;
use std::fmt;
use std::time::Duration;

/// Between two looks of the one who is next.
const POLL: Duration = Duration::from_secs(1);
/// The longest time between two looks; a third of what a waiting node's lease lasts.
pub const POLL_MAX: Duration = Duration::from_secs(15);
/// How long a waiting node's key lives when nobody renews it.
pub const LEASE: Duration = Duration::from_secs(45);

/// Where a waiting node stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Row {
    /// It waits for its turn.
    First,
    /// It has waited for long enough: as many nodes as the limit says may be out beyond it, at most.
    Second,
}

/// A node that asks for its turn.
#[derive(Debug, Clone, Copy)]
pub struct Asker<'a> {
    /// Its name.
    pub node: &'a Name,
    /// When its key was created.
    pub created: Revision,
    /// Where it stands.
    pub row: Row,
}

/// What a look comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// The node's key is not there, or is another one: it has lost its place.
    Lost,
    /// It is out already.
    Held,
    /// It may go, if its key and the limit stay as they are.
    Go,
    /// So many nodes are out, or in front of it; at least.
    Waits(u32),
    /// Too little was looked at.
    LookAtAll,
}

impl Asker<'_> {
    /// What `snapshot`, which is what `look` has shown, comes to for this node.
    #[must_use]
    pub fn judge(&self, snapshot: &Snapshot, look: Look) -> Judgement {
        let slots = self.slots(snapshot);
        let shows_all = match look {
            Look::Whole => true,
            Look::First(count) => snapshot.out_count <= u64::from(count),
        };
        let own = snapshot.out.iter().find(|(name, _)| name == self.node).map(|(_, entry)| entry);
        match own {
            Some(own) if own.created != self.created => return Judgement::Lost,
            Some(Entry { lease: None, .. }) => return Judgement::Held,
            None if shows_all => return Judgement::Lost,
            Some(_) | None => {}
        }
        let others = snapshot.out.iter().filter(|(name, _)| name != self.node);
        let counts = |entry: &Entry| entry.lease.is_none() || entry.created < self.created;
        let ahead = others.filter(|(_, entry)| counts(entry)).count();
        match u32::try_from(ahead).unwrap_or(u32::MAX) {
            ahead if ahead >= slots => Judgement::Waits(ahead),
            // A node that was let out over the limit may be behind all that were looked at.
            _ if !shows_all => Judgement::LookAtAll,
            _ => Judgement::Go,
        }
    }

    /// So many nodes may be out for this one to go.
    fn slots(&self, snapshot: &Snapshot) -> u32 {
        let limit = slots(snapshot).count();
        match self.row {
            Row::First => limit,
            Row::Second => limit.saturating_mul(2),
        }
    }

    /// How much this node has to see next, if so many were ahead in `snapshot`: who is far behind sees that by the first few.
    #[must_use]
    pub fn next_look(&self, snapshot: &Snapshot, ahead: u32) -> Look {
        let slots = self.slots(snapshot);
        if ahead > slots.saturating_mul(2) { Look::First(slots.saturating_add(1)) } else { ALL }
    }
}

/// All of `out/`, without its values.
pub const ALL: Look = Look::First(u32::MAX);

/// How many nodes may be out.
#[must_use]
pub fn slots(snapshot: &Snapshot) -> Slots {
    Slots::of(snapshot.limit.as_ref().map(|entry| entry.value.as_slice()))
}

/// How long to wait until the next look, with so many ahead: each place takes its time.
#[must_use]
pub fn poll_interval(ahead: u32, slots: Slots) -> Duration {
    (POLL * ahead.max(1) / slots.count()).clamp(POLL, POLL_MAX)
}

/// A node that is out and does not come back by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocker {
    /// Its name.
    pub node: Name,
    /// Why it does not.
    pub why: Stuck,
}

/// Why a node does not come back by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stuck {
    /// An operator has taken it out; who, if known.
    Operator(Option<String>),
    /// It was started, and does not serve since then.
    DoesNotServe(String),
    /// Nothing was heard of it for `stale-after`.
    Silent,
    /// What stands there was not written by this program.
    Strange,
}

impl fmt::Display for Blocker {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let node = &self.node;
        match &self.why {
            Stuck::Operator(Some(who)) => write!(out, "{node} (operator {})", quote(who)),
            Stuck::Operator(None) => write!(out, "{node} (operator)"),
            Stuck::DoesNotServe(since) => write!(out, "{node} (does not serve since {})", quote(since)),
            Stuck::Silent => write!(out, "{node} (silent)"),
            Stuck::Strange => write!(out, "{node} (not written by hhvm-drain)"),
        }
    }
}

/// The nodes that are out and do not come back by themselves, if they hold every slot: waiting would have no end. None
/// otherwise. `snapshot` shows the whole.
#[must_use]
pub fn all_stuck(snapshot: &Snapshot, node: &Name) -> Option<Vec<Blocker>> {
    let held = snapshot.out.iter().filter(|(name, entry)| name != node && entry.lease.is_none());
    let stuck = held.filter_map(|(name, entry)| {
        Some(Blocker { node: name.clone(), why: why_stuck(snapshot, name, entry)? })
    });
    let stuck: Vec<_> = stuck.collect();
    let slots = usize::try_from(slots(snapshot).count()).unwrap_or(usize::MAX);
    (stuck.len() >= slots).then_some(stuck)
}

/// Why a node that is out does not come back by itself, if so. `snapshot` shows the whole.
#[must_use]
pub fn why_stuck(snapshot: &Snapshot, name: &Name, entry: &Entry) -> Option<Stuck> {
    let Some(holder) = Holder::parse(&entry.value) else { return Some(Stuck::Strange) };
    if let Some(claim) = holder.units.values().find(|claim| claim.why == Why::Operator) {
        return Some(Stuck::Operator(claim.who.clone()));
    }
    if is_silent(snapshot, name) {
        return Some(Stuck::Silent);
    }
    holder.units.values().find_map(|claim| claim.fails_since.clone()).map(Stuck::DoesNotServe)
}

/// Nodes that are out and of which nothing was heard for `stale-after`, with the key's last revision: their slots may be
/// freed. An operator's is none of them, nor what others have written. `snapshot` shows the whole.
#[must_use]
pub fn stale(snapshot: &Snapshot, node: &Name) -> Vec<(Name, Revision)> {
    let is_stale = |name: &Name, entry: &Entry| {
        let is_ours = || Holder::parse(&entry.value).is_some_and(|holder| !holder.is_operators());
        name != node && entry.lease.is_none() && is_silent(snapshot, name) && is_ours()
    };
    let found = snapshot.out.iter().filter(|(name, entry)| is_stale(name, entry));
    found.map(|(name, entry)| (name.clone(), entry.modified)).collect()
}

fn is_silent(snapshot: &Snapshot, node: &Name) -> bool {
    !snapshot.alive.iter().any(|(name, _)| name == node)
}

/// What stands below the prefix that this program has not written, a line each. `snapshot` shows the whole.
#[must_use]
pub fn oddities(snapshot: &Snapshot) -> Vec<String> {
    let mut lines = Vec::new();
    match slots(snapshot) {
        Slots::Unset | Slots::Set(_) => {}
        Slots::Nonsense => lines.push("limit is not a number, so it counts as 1".to_owned()),
        Slots::Zero => lines.push("limit is 0, which counts as 1".to_owned()),
        Slots::TooMany => {
            lines.push(format!("limit is too large, so it counts as {}", Slots::TooMany.count()));
        }
    }
    let strange = |(name, entry): &(Name, Entry)| {
        Holder::parse(&entry.value).is_none().then(|| format!("out/{name} was not written by hhvm-drain"))
    };
    lines.extend(snapshot.out.iter().filter_map(strange));
    lines.extend(snapshot.strange.iter().map(|key| format!("{} is no key of hhvm-drain", quote(key))));
    lines
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
