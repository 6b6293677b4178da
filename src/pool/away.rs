//! The note of a drain whose node is not back yet: since when it is out, and what the balancers said before.

use super::record::{By, Record};
use super::shelf::STATE;
use super::store::Store;
use super::whole::{Durability, Readers, read, remove, write};
use crate::clock::Stamp;
use crate::row::Before;
use serde::{Deserialize, Serialize};

/// How the name of the note ends; not as a record's does, for which the maintainer scripts look.
const AWAY: &str = "away";

/// A node that was taken out, until the balancers send requests to it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Away {
    /// By whom.
    pub by: By,
    /// Since when.
    pub since: Stamp,
    /// What each balancer said before.
    pub balancers: Vec<Said>,
}

/// What a balancer said before a drain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// Its name in the settings.
    pub balancer: String,
    /// Of each row.
    pub rows: Vec<Before>,
}

impl Away {
    /// What that balancer said before.
    #[must_use]
    pub fn of(&self, balancer: &str) -> Vec<Before> {
        self.balancers
            .iter()
            .find(|said| said.balancer == balancer)
            .map(|said| said.rows.clone())
            .unwrap_or_default()
    }
}

impl Said {
    /// The same, where the node was not known to be back since `earlier`.
    fn after(self, earlier: &Away) -> Self {
        let Self { balancer, mut rows } = self;
        for before in earlier.of(&balancer) {
            match rows.iter_mut().find(|row| row.row == before.row) {
                Some(row) if before.sent && !row.sent => *row = before,
                Some(_) => {}
                None => rows.push(before),
            }
        }
        Self { balancer, rows }
    }
}

impl Store {
    /// Notes at the end of a drain what the balancers said before the node was taken out. Nothing but the wait for them
    /// depends on it.
    ///
    /// What got requests before an earlier drain, and none since, is out because of that one: nobody has seen the end of
    /// its way back yet.
    pub fn note_away(&self, balancers: Vec<Said>) {
        let Some(Record { by, since, .. }) = self.record().ok().flatten() else { return self.forget_away() };
        let balancers = match self.away() {
            Some(earlier) => balancers.into_iter().map(|said| said.after(&earlier)).collect(),
            None => balancers,
        };
        let away = Away { by, since, balancers };
        let _ = write(&self.spot(STATE, AWAY), &away, Readers::Root, Durability::WhenConvenient);
    }

    /// The note, until the balancers send again.
    #[must_use]
    pub fn away(&self) -> Option<Away> {
        read(&self.spot(STATE, AWAY)).ok().flatten()
    }

    /// The node is back, or nobody waits for it any more.
    pub fn forget_away(&self) {
        let _ = remove(&self.spot(STATE, AWAY));
    }

    /// Notes with the last drain that the node is back now, if it was out because of it.
    pub fn note_back(&self) {
        if self.last_drain().is_some_and(|last| last.seconds_out.is_none()) {
            self.note_balancers(true);
        }
    }

    /// Notes with the last drain whether the balancers send again now; if not, it is not known for how long the node was
    /// out.
    pub fn note_balancers(&self, send: bool) {
        let Some(away) = self.away().filter(|away| away.by == By::Drain) else { return };
        let now = self.now();
        let time = away.since.about(&now).filter(|_| send);
        self.amend(|last| {
            last.seconds_out = time.map(|time| time.as_secs());
            if send {
                last.balancers_send(&now);
            }
        });
    }
}
