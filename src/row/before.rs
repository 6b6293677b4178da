//! What a balancer said of this node's rows before a drain: what the way back is measured by.

use super::{Id, Row, Sends, View};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A balancer that tells no times has had no chance to notice anything within this.
const AT_ONCE: Duration = Duration::from_millis(250);

/// A row before this node was taken out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Before {
    /// Backend and server.
    pub row: String,
    /// The balancer's words.
    pub said: String,
    /// Whether it got requests.
    pub sent: bool,
}

impl Before {
    /// The rows of the first answer, which was complete so long after the node was taken out. One that may have gone out
    /// in that time, because of that, is left out.
    #[must_use]
    pub fn of(view: &View, passed: Duration) -> Vec<Self> {
        let was_so = |row: &&Row| {
            row.sends != Sends::No || row.unchanged.map_or(passed < AT_ONCE, |unchanged| unchanged > passed)
        };
        let before = |row: &Row| Self {
            row: row.id.to_string(),
            said: row.said.clone(),
            sent: row.sends != Sends::No,
        };
        view.rows.iter().filter(was_so).map(before).collect()
    }

    /// Whether this is about that row.
    #[must_use]
    pub fn is_about(&self, id: &Id) -> bool {
        self.row == id.to_string()
    }
}
