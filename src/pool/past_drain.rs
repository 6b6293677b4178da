//! The note of how the last drain ended.

use crate::outcome::{Balancers, FrontEnd, Outcome};
use serde::{Deserialize, Serialize};

/// What became of the last drain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastDrain {
    /// How it ended.
    pub outcome: Outcome,
    /// The load at its end, if it was known.
    pub load: Option<u64>,
    /// How long it took.
    pub seconds: u64,
    /// When it ended.
    pub at: String,
    /// What the front end said for the health file; not asked by version 0.1.0.
    #[serde(default)]
    pub front_end: FrontEnd,
    /// What the load balancers said; not asked by version 0.1.0.
    #[serde(default)]
    pub balancers: Balancers,
    /// For so long the node was out of its pool: until the load balancers sent requests again, if they are asked, else
    /// until the health file was back. None while it is out, and where it is not known.
    #[serde(default)]
    pub seconds_out: Option<u64>,
}
