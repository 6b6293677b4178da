//! The note of this unit's slot in a fleet, and an operator's word that a stop need not wait for one.

use super::shelf::{RUNTIME, STATE};
use super::store::Store;
use super::whole::{Durability, Readers, read, remove, write};
use crate::clock::Stamp;
use crate::fleet::Revision;
use serde::{Deserialize, Serialize};

/// How the name of the note ends; not as a record's does, for which the maintainer scripts look.
const SLOT: &str = "slot";
/// The name of an operator's word.
const GO: &str = "go";

/// What a later run needs to know of a slot to give it back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotNote {
    /// The fleet's name.
    pub pool: String,
    /// The node's name there.
    pub node: String,
    /// The engine's revision at which the node's key was created; none if that is not known.
    pub created: Option<u64>,
    /// When this was written.
    pub written: Stamp,
}

impl SlotNote {
    /// The revision, for the slot of that node of that fleet.
    #[must_use]
    pub fn created(&self, pool: &str, node: &str) -> Option<Revision> {
        self.created.filter(|_| self.pool == pool && self.node == node).map(Revision)
    }
}

impl Store {
    /// What is known of this unit's slot.
    #[must_use]
    pub fn slot(&self) -> Option<SlotNote> {
        // As with the record, the one in memory is newer.
        [RUNTIME, STATE].into_iter().find_map(|shelf| read(&self.spot(shelf, SLOT)).ok().flatten())
    }

    /// Notes a slot before it is taken, synced to the disk; where that cannot be had, in memory. Without either, the next
    /// start finds the slot by the node's name.
    pub fn note_slot(&self, note: &SlotNote) {
        let volatile = self.spot(RUNTIME, SLOT);
        let _ = match write(&self.spot(STATE, SLOT), note, Readers::Root, Durability::Synced) {
            Ok(()) => remove(&volatile),
            Err(_) => write(&volatile, note, Readers::Root, Durability::WhenConvenient),
        };
    }

    /// Forgets the slot, which is given back.
    pub fn forget_slot(&self) {
        for shelf in [STATE, RUNTIME] {
            let _ = remove(&self.spot(shelf, SLOT));
        }
    }

    /// Tells a stop that waits for its turn to go.
    ///
    /// # Errors
    /// As open(2) and write(2).
    pub fn tell_to_go(&self) -> std::io::Result<()> {
        write(&self.spot(RUNTIME, GO), &self.now(), Readers::Root, Durability::WhenConvenient)
    }

    /// Whether it has been told; it is then taken for done.
    #[must_use]
    pub fn is_told_to_go(&self) -> bool {
        let spot = self.spot(RUNTIME, GO);
        let told: Option<Stamp> = read(&spot).ok().flatten();
        told.is_some() && remove(&spot).is_ok()
    }
}
