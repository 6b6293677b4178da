//! What a process of this program does that takes time, for others to read.

use crate::clock::Stamp;
use crate::curve::Curve;
use crate::process::Process;
use rustix::process::{Pid, test_kill_process};
use serde::{Deserialize, Serialize};
use std::path::Path;

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
    /// What there is to see of it.
    #[serde(default)]
    pub live: Live,
}

/// What is to see of a drain, once a second.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Live {
    /// The load, if it is known.
    #[serde(default)]
    pub load: Option<u64>,
    /// The load until now.
    #[serde(default)]
    pub curve: Curve,
    /// What each load balancer that is asked says, after its name.
    #[serde(default)]
    pub balancers: Vec<String>,
    /// The last lines of the log.
    #[serde(default)]
    pub lines: Vec<String>,
}

/// What is done that takes time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Waiting, in the pool, for the node's turn in its fleet.
    Waiting,
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

impl Writer {
    /// This process.
    #[must_use]
    pub fn this(proc: &Path) -> Option<Self> {
        let pid = i32::try_from(std::process::id()).ok()?;
        Some(Self { pid, started: Process::open(pid, proc)?.started()? })
    }

    /// Whether it runs; none if that cannot be told.
    #[must_use]
    pub fn runs(&self, proc: &Path) -> Option<bool> {
        if let Some(process) = Process::open(self.pid, proc) {
            return process.started().map(|started| started == self.started);
        }
        let is_gone = |pid| test_kill_process(pid) == Err(rustix::io::Errno::SRCH);
        Pid::from_raw(self.pid).is_some_and(is_gone).then_some(false)
    }
}
