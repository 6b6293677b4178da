//! What this process does, for everybody to see for as long as it lasts.

use super::activity::{Activity, Phase, Precedence, Writer};
use super::store::Store;
use std::time::Duration;

/// An activity that is published until this is dropped. A process that is killed leaves it behind; readers notice that,
/// because no process has its number and start time any more.
#[derive(Debug)]
pub struct Announcement {
    store: Store,
    writer: Writer,
}

impl Announcement {
    /// Publishes that this process begins a drain of at most that time, whatever else goes on. Nothing, where procfs
    /// does not tell of this process.
    #[must_use]
    pub fn of_drain(store: &Store, at_most: Duration) -> Option<Self> {
        Self::of(store, Phase::Draining, Some(at_most), Precedence::First)
    }

    /// Publishes that this process waits for the node's turn, for at most that time. Nothing, where procfs does not tell of
    /// this process.
    #[must_use]
    pub fn of_wait(store: &Store, at_most: Duration) -> Option<Self> {
        Self::of(store, Phase::Waiting, Some(at_most), Precedence::First)
    }

    /// Publishes that this process waits until the node can go back, for at most that time if there is a bound; unless
    /// another does something. Nothing, where procfs does not tell of this process.
    #[must_use]
    pub fn of_return(store: &Store, at_most: Option<Duration>) -> Option<Self> {
        Self::of(store, Phase::Returning, at_most, Precedence::Last)
    }

    fn of(store: &Store, phase: Phase, at_most: Option<Duration>, precedence: Precedence) -> Option<Self> {
        let writer = Writer::this(&store.proc())?;
        let at_most = at_most.map(|time| time.as_secs());
        store.announce(Activity { phase, since: store.now(), at_most, writer }, precedence);
        Some(Self { store: store.clone(), writer })
    }
}

impl Drop for Announcement {
    fn drop(&mut self) {
        // What a panic leaves is seen to be the dead's.
        if !std::thread::panicking() {
            self.store.announce_end(self.writer);
        }
    }
}
