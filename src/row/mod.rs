//! What a load balancer says of the servers behind it, as values: rows, and which of them are this node's.

mod before;
mod csv;
mod mine;
mod news;
mod others;
mod unclear;

pub use before::Before;
pub use csv::{Hidden, Table, hidden};
pub use mine::{Here, Mine, Named};
pub use news::News;
pub use others::Others;
pub use unclear::Unclear;

use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Most rows that one node has at one balancer.
pub const ROWS_MAX: usize = 64;

/// What a balancer has said at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// The number of its process, where it tells: a reload makes a new one, which knows nothing of what was before.
    pub process: Option<u64>,
    /// This node's rows, at least one.
    pub rows: Vec<Row>,
}

/// One answer of a balancer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// When it was asked.
    pub asked: Instant,
    /// When its answer was complete.
    pub answered: Instant,
    /// What it said.
    pub view: Result<View, Unclear>,
}

/// One server of one backend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Which.
    pub id: Id,
    /// Whether it gets requests.
    pub sends: Sends,
    /// What the balancer calls that, for people.
    pub said: String,
    /// What is under way, where the balancer counts.
    pub counters: Option<Counters>,
    /// For how long its state has been the same, in whole seconds, where the balancer tells.
    pub unchanged: Option<Duration>,
    /// So many failed checks take it out (`check_rise` and `check_fall` of HAProxy), where the balancer tells.
    pub fall: Option<u32>,
    /// Whether clients with a cookie are sent here though it is out.
    pub is_sticky: bool,
}

impl Row {
    /// A row of which nothing else is known.
    #[must_use]
    pub fn plain(id: Id, sends: Sends, said: &str) -> Self {
        Self {
            id,
            sends,
            said: said.to_owned(),
            counters: None,
            unchanged: None,
            fall: None,
            is_sticky: false,
        }
    }
}

/// A row's name and place. Several rows may have the same address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Id {
    /// The backend.
    pub backend: String,
    /// The server.
    pub server: String,
    /// Where requests are sent to, unless the balancer hides that.
    pub address: Option<SocketAddr>,
}

/// Whether a server gets requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sends {
    /// It does.
    Yes,
    /// It gets none but those that were on their way, and those that persistence sends.
    No,
    /// It does, and will for ever: the balancer does not look whether the server is there.
    Blindly,
}

/// What HAProxy counts for a server (management.txt, 9.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counters {
    /// Requests that wait for this server (`qcur`).
    pub queued: u64,
    /// Sessions on it, those that are being connected among them (`scur`).
    pub sessions: u64,
    /// Sessions since HAProxy was started or its counters cleared, its own checks not among them (`stot`).
    pub total: u64,
}

impl Counters {
    /// Whether nothing is under way.
    #[must_use]
    pub fn are_idle(&self) -> bool {
        self.queued == 0 && self.sessions == 0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.backend[..], &self.server[..]) {
            (backend, "") => f.write_str(backend),
            (backend, server) => write!(f, "{backend}/{server}"),
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gap = if self.id.backend.is_empty() { "" } else { " " };
        write!(f, "{}{gap}{}", self.id, self.said)
    }
}

#[cfg(any(test, fuzzing))]
#[path = "../../tests/fuzz/properties/row.rs"]
pub mod properties;

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
