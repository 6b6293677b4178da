//! Several units that name one health file, instances behind one web server: when the file goes back, and who sees to it.
//!
//! Each unit that wants the node out has a record of the file, its claim. The file is away as long as there is a claim;
//! a unit that has no more use for its own gives it up, and the last one renames the file back.
//!
//! Guarantees, each a property of the tests:
//! - the file is never back while a unit that names it drains, nor against an operator's wish;
//! - a unit that was stopped for good does not keep it away while another serves;
//! - a claim is given up only if the file goes back, or another claim is left.

use crate::context::UnitName;
use std::collections::BTreeMap;

/// How a unit stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// It drains.
    Drains,
    /// It is being stopped or started, or is up and does not serve yet: its own hooks will see to its claim.
    Comes,
    /// It serves.
    Serves,
    /// It was stopped for good, or has failed, or is no more.
    Stopped,
}

/// How the other units of this host stand that name the same health file, with or without a claim. A unit that has a
/// claim and is not among them counts as one that comes.
pub type Neighbours = BTreeMap<UnitName, Standing>;

/// Who made a claim, as far as it matters to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Claim {
    /// A drain.
    Drain,
    /// An operator.
    Operator,
}

/// Another unit that names the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Neighbour {
    /// Its name.
    pub unit: UnitName,
    /// Its claim, if it has one.
    pub claim: Option<Claim>,
    /// How it stands.
    pub standing: Standing,
}

/// Whether the unit that would bring the file back may do so for its own part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Own {
    /// Its HHVM serves, or the settings put the node back after the stop in any case.
    Ready,
    /// It was stopped, and the settings want a healthy HHVM: only if another serves.
    Stopped,
}

/// What becomes of the unit's claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The file goes back, and the claims of these units, which are stopped, are void.
    Return(Vec<UnitName>),
    /// The claim is given up: that unit has one, too, and brings the file back when it can.
    LeaveTo(UnitName),
    /// The claim stays, because nobody serves.
    Stay,
}

/// Decides for a drain whose unit stands as `own` says.
#[must_use]
pub fn decide(own: Own, others: &[Neighbour]) -> Verdict {
    let keeps_away = |other: &&Neighbour| match other.claim {
        Some(Claim::Operator) => true,
        Some(Claim::Drain) => other.standing != Standing::Stopped,
        None => false,
    };
    if let Some(other) = others.iter().find(keeps_away) {
        return Verdict::LeaveTo(other.unit.clone());
    }
    let somebody_drains = others.iter().any(|other| other.standing == Standing::Drains);
    let somebody_serves = others.iter().any(|other| other.standing == Standing::Serves);
    if somebody_drains || (own == Own::Stopped && !somebody_serves) {
        return Verdict::Stay;
    }
    Verdict::Return(claimants(others))
}

/// Decides for an operator who wants the node back: only a drain that goes on is waited for.
#[must_use]
pub fn decide_for_operator(others: &[Neighbour]) -> Verdict {
    let drains = |other: &&Neighbour| other.claim.is_some() && other.standing == Standing::Drains;
    match others.iter().find(drains) {
        Some(other) => Verdict::LeaveTo(other.unit.clone()),
        None => Verdict::Return(claimants(others)),
    }
}

fn claimants(others: &[Neighbour]) -> Vec<UnitName> {
    others.iter().filter(|other| other.claim.is_some()).map(|other| other.unit.clone()).collect()
}

#[cfg(test)]
#[path = "sharing_tests.rs"]
mod tests;
