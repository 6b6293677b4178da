//! What every protocol offers: one request with one bounded answer, by a deadline.

use crate::load::Unknown;
use std::time::{Duration, Instant};

/// What came back for one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status, 200 where FastCGI names none.
    pub status: u16,
    /// At most one byte more than was asked for.
    pub body: Vec<u8>,
}

/// A way to ask one endpoint; one file per protocol.
pub trait Client {
    /// Requests `path` with `query`, and returns by `deadline` with the reply, of its body `limit` bytes and one.
    fn get(&mut self, path: &str, query: &str, limit: usize, deadline: Instant) -> Result<Reply, Unknown>;
}

/// The time left until `deadline`, or the reason that there is none.
pub(super) fn left(deadline: Instant) -> Result<Duration, Unknown> {
    match deadline.saturating_duration_since(Instant::now()) {
        Duration::ZERO => Err(Unknown::TimedOut),
        left => Ok(left),
    }
}
