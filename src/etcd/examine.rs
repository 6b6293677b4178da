//! What `check` wants to know: each member by itself, and whether this node may write what it will have to.

use super::gateway::Path;
use super::json::{self, StatusAnswer, TxnAnswer};
use super::members::{Effect, Members, Said};
use super::{Etcd, Failure};
use crate::fleet::Name;
use crate::text::quote;
use serde_json::json;
use std::time::{Duration, Instant};

/// So long all members together may take.
const EXAMINATION: Duration = Duration::from_secs(10);

/// A member that has answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// etcd's version there.
    pub version: String,
    /// Whether it knows a leader: without one, nothing can be written.
    pub has_leader: bool,
}

impl Etcd {
    /// What each member says of itself, by its URL; or why it says nothing.
    pub fn examine(&mut self) -> Vec<(String, Result<State, String>)> {
        let end = Instant::now() + EXAMINATION;
        let count = self.members.count();
        let one = |at| {
            let name = self.members.name(at);
            let deadline = Members::patience().min(end);
            let answer = self.members.ask_one(at, Path::Status, &json!({}), deadline, &mut Said::default());
            let state = |said: StatusAnswer| State {
                version: quote(&said.version),
                has_leader: !said.leader.is_zero() && said.errors.is_empty(),
            };
            (name, answer.map(state).map_err(|trouble| trouble.to_string()))
        };
        (0..count).map(one).collect()
    }

    /// Whether this node may read and write the pool's keys. Nothing is written.
    ///
    /// # Errors
    /// Why not.
    pub fn may_write(&mut self, node: &Name) -> Result<(), Failure> {
        let request = json::trial(&self.keys, node);
        let asked = self.members.ask::<TxnAnswer>(Path::Txn, &request, Effect::None);
        asked.map(|_| ()).map_err(|unanswered| unanswered.failure)
    }

    /// Whether etcd wants to know who asks, as far as it was asked for a token.
    #[must_use]
    pub fn knows_users(&self) -> bool {
        self.members.knows_users()
    }

    /// Where the pool's keys lie.
    #[must_use]
    pub fn prefix(&self) -> &str {
        self.keys.prefix()
    }
}
