//! A fleet: its nodes' keys at an engine, and what an engine can do. No decision and no wire here.
//!
//! Below `hhvm-drain/POOL/` lie `limit` (how many nodes may be out), `out/NODE` (a node's place in the queue and its slot;
//! the create revision is the place) and `alive/NODE`. An `out/NODE` with a lease waits, one without is admitted.

mod engine;
mod holder;
mod limit;
mod name;

pub use engine::{
    Change, Committed, Compare, Engine, Entry, Failure, Key, Lease, Look, Revision, Snapshot, Transaction,
};
pub use holder::{Claim, Holder, Over, Why};
pub use limit::{LIMIT_MAX, Limit, Slots};
pub use name::Name;
