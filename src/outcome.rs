//! How a drain ended, and every sentence about it.

use crate::curve::Curve;
use crate::endpoint::Kind;
use crate::load::Load;
use crate::row::Before;
use crate::text::{seconds, whole};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// How a drain ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The load was zero.
    Drained,
    /// The timeout passed first.
    #[serde(rename = "timeout")]
    TimedOut,
    /// HHVM ended during the drain.
    HhvmEnded,
    /// HHVM was not running at all.
    NotRunning,
    /// This program was asked to end.
    Interrupted,
    /// This program failed, or was killed.
    Died,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Drained, Self::TimedOut, Self::HhvmEnded, Self::NotRunning, Self::Interrupted, Self::Died];

    /// The name for machines, in the journal and in `status --json`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Drained => "drained",
            Self::TimedOut => "timeout",
            Self::HhvmEnded => "hhvm-ended",
            Self::NotRunning => "not-running",
            Self::Interrupted => "interrupted",
            Self::Died => "died",
        }
    }
}

/// What the front end on this host answered for the health file while the node was out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FrontEnd {
    /// It was not asked: there is no `health-url`.
    #[default]
    NotAsked,
    /// That the file is gone.
    Noticed,
    /// That the node is up, for so long that its answers were left aside.
    StillUp,
}

/// What the load balancers that are set said at the end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Balancers {
    /// They were not asked: none is set, or the node could not be taken out.
    #[default]
    NotAsked,
    /// That nothing comes any more, all of them.
    Confirmed,
    /// One of them nothing that is understood, or it still had requests under way: min-drain was in force.
    Unconfirmed,
    /// One of them that it sends requests here.
    StillSending,
}

/// How a wait ended: what the journal, the status line, the next `status` and machines are told of it.
#[derive(Debug, Clone)]
pub struct Ending {
    /// Of whom.
    pub server: Kind,
    /// How.
    pub outcome: Outcome,
    /// The last load.
    pub load: Load,
    /// How long it took.
    pub elapsed: Duration,
    /// What the front end said.
    pub front_end: FrontEnd,
    /// What the load balancers said.
    pub balancers: Balancers,
    /// What each of them said of this node before.
    pub before: Vec<Vec<Before>>,
    /// How it went; none if there was nothing to wait for.
    pub course: Option<Course>,
    /// How long it waited for its turn before that; none if it is in no fleet.
    pub turn: Option<Duration>,
}

/// How a wait went.
#[derive(Debug, Clone)]
pub struct Course {
    /// The cap.
    pub at_most: Duration,
    /// Until when a zero would not have been believed, because the load balancers might still have sent.
    pub notice: Duration,
    /// Until when the front end on this host went on serving the health file, if it is asked.
    pub front_end: Option<Duration>,
    /// The first load that was known.
    pub first: Option<u64>,
    /// The highest.
    pub highest: Option<u64>,
    /// All of them.
    pub curve: Curve,
    /// What was left to wait for.
    pub held_up_by: Option<String>,
}

impl fmt::Display for Ending {
    /// The line of the journal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (time, server) = (seconds(self.elapsed), self.server);
        match (&self.outcome, &self.load) {
            (Outcome::Drained, Load::Known(load)) => {
                write!(f, "load was {load} after {time}; {server} may stop now")
            }
            (Outcome::TimedOut, Load::Known(load)) => {
                write!(f, "load is still {load} after {time}; the stop goes on")
            }
            (Outcome::Drained | Outcome::TimedOut, Load::Unknown(why)) => {
                write!(f, "load is unknown after {time} ({why}); the stop goes on")
            }
            (Outcome::HhvmEnded, _) => {
                write!(f, "{server} ended {time} into the drain; nothing is left to wait for")
            }
            (Outcome::NotRunning, _) => write!(f, "{server} is not running; nothing to drain"),
            (Outcome::Interrupted, _) => write!(f, "interrupted after {time}; not waiting any longer"),
            (Outcome::Died, _) => write!(f, "hhvm-drain ended after {time}; the stop goes on"),
        }
    }
}

impl Ending {
    /// The status line that stays after the stop.
    #[must_use]
    pub fn status_line(&self) -> String {
        let (time, server) = (seconds(whole(self.elapsed)), self.server);
        match (&self.outcome, &self.load) {
            (Outcome::Drained, Load::Known(load)) => format!("Drained in {time}, {load} in flight"),
            (Outcome::TimedOut, Load::Known(load)) => format!("Not drained: {load} in flight after {time}"),
            (Outcome::Drained | Outcome::TimedOut, Load::Unknown(why)) => {
                format!("Not drained: load unknown after {time} ({why})")
            }
            (Outcome::HhvmEnded, _) => format!("Not drained: {server} ended by itself after {time}"),
            (Outcome::NotRunning, _) => format!("Nothing to drain: {server} was not running"),
            (Outcome::Interrupted, _) => format!("Not drained: interrupted after {time}"),
            (Outcome::Died, _) => format!("Not drained: hhvm-drain ended after {time}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_the_journal_have_the_same_names() {
        for outcome in Outcome::ALL {
            let json = serde_json::to_string(&outcome).unwrap();
            assert_eq!(json, format!("\"{}\"", outcome.name()));
            assert_eq!(serde_json::from_str::<Outcome>(&json).unwrap(), outcome);
        }
    }
}
