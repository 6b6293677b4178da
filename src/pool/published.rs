//! What everybody on the host may know of a unit, root or not: whether the node is out, by whom and why, and what
//! goes on just now. It lies in memory, and is written anew whenever one of these changes.

use super::last_drain::LastDrain;
use super::record::{By, Record};
use crate::clock::Stamp;
use crate::process::Process;
use rustix::process::{Pid, test_kill_process};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The format that this program writes. A reader takes no other: to answer for a node, it has to understand all of it.
/// What it need not understand is added without a new number.
pub const VERSION: u32 = 1;

/// The published state of a unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// The format.
    pub version: u32,
    /// The unit.
    pub unit: String,
    /// When this was written; it says nothing of another boot.
    pub written: Stamp,
    /// Whether the node is out.
    #[serde(flatten)]
    pub membership: Membership,
    /// What goes on, if anything does.
    #[serde(default)]
    pub activity: Option<Activity>,
    /// How the last drain ended.
    #[serde(default)]
    pub last_drain: Option<LastDrain>,
}

/// Whether hhvm-drain has taken the node out. What somebody moved by hand is no concern of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "node", rename_all = "kebab-case")]
pub enum Membership {
    /// It has not, or has put it back.
    In,
    /// It has.
    Out {
        /// Who wanted it.
        by: By,
        /// The operator's login name.
        #[serde(default)]
        who: Option<String>,
        /// Why.
        #[serde(default)]
        reason: Option<String>,
        /// Since when.
        since: Stamp,
    },
    /// The record cannot be read.
    Unknown,
}

/// Something that takes time, and the process that does it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// What is done.
    pub phase: Phase,
    /// Since when.
    pub since: Stamp,
    /// For so many seconds at most; none if nobody can tell.
    #[serde(default)]
    pub at_most: Option<u64>,
    /// Who does it.
    pub writer: Writer,
}

/// What is done that takes time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Waiting until no request is in flight.
    Draining,
    /// Waiting until the server serves, to put the node back.
    Returning,
    /// Something that a later version does.
    #[serde(other)]
    Other,
}

/// Whose activity is told of, if several processes do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precedence {
    /// The new one's.
    First,
    /// That of the others, while they run.
    Last,
}

/// A process that is still the one that wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Writer {
    /// Its number.
    pub pid: i32,
    /// When it was started, in clock ticks since boot (`/proc/PID/stat`, field 22); no other process has both.
    pub started: u64,
}

/// What there is to say to a balancer that asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// Send no more requests.
    Drain,
    /// Send requests, if the checks are good.
    Ready,
}

impl Word {
    /// What HAProxy's agent-check wants to read. Its other words are not used: `up` would raise a server whose checks
    /// fail, `maint` would stop the checks, and some are not undone by `ready`.
    #[must_use]
    pub fn line(self) -> &'static [u8] {
        match self {
            Self::Drain => b"drain\n",
            Self::Ready => b"ready\n",
        }
    }
}

impl Published {
    /// Whether this tells of the boot and the unit in which the reader is.
    #[must_use]
    pub fn is_about(&self, unit: &str, boot_id: &str) -> bool {
        self.version == VERSION && self.unit == unit && !boot_id.is_empty() && self.written.boot_id == boot_id
    }

    /// What this says to a balancer; none if it does not know.
    #[must_use]
    pub fn word(&self) -> Option<Word> {
        match (&self.membership, &self.activity) {
            (Membership::Unknown, _) => None,
            // Also where the health file could not be moved.
            (Membership::Out { .. }, _) | (_, Some(Activity { phase: Phase::Draining, .. })) => {
                Some(Word::Drain)
            }
            (Membership::In, _) => Some(Word::Ready),
        }
    }
}

impl Membership {
    /// What the record says.
    #[must_use]
    pub fn of(record: Option<&Record>) -> Self {
        record.map_or(Self::In, |record| Self::Out {
            by: record.by,
            who: record.who.clone(),
            reason: record.reason.clone(),
            since: record.since.clone(),
        })
    }
}

impl Writer {
    /// This process.
    #[must_use]
    pub fn this(proc: &Path) -> Option<Self> {
        let pid = i32::try_from(std::process::id()).ok()?;
        Some(Self { pid, started: Process::open(pid, proc)?.started() })
    }

    /// Whether it runs; none if that cannot be told.
    #[must_use]
    pub fn runs(&self, proc: &Path) -> Option<bool> {
        if let Some(process) = Process::open(self.pid, proc) {
            return Some(process.started() == self.started);
        }
        let is_gone = |pid| test_kill_process(pid) == Err(rustix::io::Errno::SRCH);
        Pid::from_raw(self.pid).is_some_and(is_gone).then_some(false)
    }
}
