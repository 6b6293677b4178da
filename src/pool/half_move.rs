//! A file that has both of its names, because a rename by way of a hard link was cut short.

use super::fate::Fate;
use super::find::{Found, Prospect};
use super::member::Member;
use super::names::Names;
use super::record::{Parked, Record};

impl Member {
    /// Leaves each such file of an operator's record under the name of the health file alone: it is in the pool, as it was
    /// before that.
    pub fn settle_half_moves(&self, record: &Record) {
        let half_moved = |parked: &Parked| match self.find(record, parked) {
            Prospect::Here(found) => Some(found).filter(|found| found.fate == Fate::HalfMoved),
            Prospect::Elsewhere(_) | Prospect::OutOfSight(_) => None,
        };
        let all = || record.parked.iter().filter_map(half_moved).collect::<Vec<Found>>();
        if all().is_empty() {
            return;
        }
        // It may be half of a rename that goes on just now.
        let Ok(_lock) = self.lock() else { return };
        for found in all() {
            let _ = found.directory.remove(&found.disabled);
        }
    }
}
