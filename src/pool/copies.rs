//! The copies of a unit's parked files: made when they are parked, put back when a deploy has deleted them.

use super::copy::Copy;
use super::find::{Found, Prospect};
use super::member::Member;
use super::names::{Entry, Names};
use super::record::{Parked, Record};
use std::io;

/// So much the copies of one unit hold together, in bytes.
const SIZE_MAX: usize = 256 << 10;

impl Member {
    /// Keeps a copy of each parked file of the record, those that were made before among them.
    pub(super) fn keep_copies(&self, record: &Record) {
        let before = self.store.copies();
        let copy = |parked: &Parked| match before.iter().find(|copy| copy.is_of(parked)) {
            Some(copy) => Some(copy.clone()),
            None => match self.find(record, parked) {
                Prospect::Here(found) if found.fate.is_parked() => {
                    Copy::take(parked, &found.directory, &found.disabled).ok().flatten()
                }
                _ => None,
            },
        };
        let mut room = SIZE_MAX;
        let fits = |copy: &Copy| {
            let left = room.checked_sub(copy.size());
            room = left.unwrap_or(room);
            left.is_some()
        };
        let copies: Vec<Copy> = record.parked.iter().filter_map(copy).filter(fits).collect();
        if copies != before {
            self.store.keep_copies(&copies);
        }
    }

    /// Makes a health file anew that was deleted together with its parked self; none if there is no copy.
    pub(super) fn put_copy_back(&self, parked: &Parked, found: &Found) -> Option<io::Result<()>> {
        let copies = self.store.copies();
        let copy = copies.iter().find(|copy| copy.is_of(parked))?;
        // A file that is there after all must not be there twice.
        if !found.directory.look(&found.disabled).is_ok_and(Entry::is_free) {
            return None;
        }
        Some(copy.put_back(&found.directory, &found.health))
    }
}
