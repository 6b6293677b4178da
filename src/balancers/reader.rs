//! What every reader offers, and what several need.

use crate::context::Context;
use crate::row::{Here, Id, Named, Row, Sends, Unclear, View};
use std::time::{Duration, Instant};

/// An answer of a balancer is no longer than this: 15,000 servers of HAProxy's.
pub(super) const ANSWER_MAX: usize = 4 << 20;

/// Asks one balancer for this node's rows.
pub trait Reader {
    /// What it says; returns by `deadline`.
    ///
    /// # Errors
    /// Why it is not known what it does.
    fn view(&mut self, deadline: Instant) -> Result<View, Unclear>;
}

/// What is looked for at every balancer.
pub struct Wanted<'a> {
    /// Where files are.
    pub context: &'a Context,
    /// The setting `balancer-name`.
    pub named: &'a Named,
    /// This node.
    pub here: Here,
}

/// The row of a balancer that knows one thing only.
pub(super) fn single(sends: Sends) -> View {
    let said = match sends {
        Sends::No => "out",
        Sends::Yes | Sends::Blindly => "in",
    };
    let id = Id { backend: String::new(), server: String::new(), address: None };
    let row = Row::plain(id, sends, said);
    View { process: None, rows: vec![row] }
}

/// The time left until `deadline`, or the reason that there is none.
pub(super) fn left(deadline: Instant) -> Result<Duration, Unclear> {
    match deadline.saturating_duration_since(Instant::now()) {
        Duration::ZERO => Err(Unclear::TimedOut),
        left => Ok(left),
    }
}
