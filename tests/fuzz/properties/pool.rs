//! What holds for every record, also for one of another version of this program.

use super::copy::Copy;
use super::{Boot, Entry, Fate, FileId, Membership, PastDrain, Place, Published, Record, View, Word};
use serde::{Serialize, de::DeserializeOwned};
use std::fmt::Debug;

/// What is read is written alike, and only the very file that was parked is renamed back.
///
/// # Panics
/// When one of these does not hold.
pub fn record(bytes: &[u8]) {
    let Some(record) = is_written_alike::<Record>(bytes) else { return };
    assert!(!record.story().is_empty());
    for parked in &record.parked {
        let ours = parked.file;
        let other = FileId { inode: ours.inode ^ 1, written: None, ..ours };
        let fate = |place, health, disabled, boot| {
            parked.fate(&View { place, health, health_is_newer: false, disabled }, boot)
        };
        for place in [Place::Same, Place::Another, Place::AnotherDisk, Place::NotRecorded] {
            let back = fate(place, Entry::Absent, Entry::File(ours), Boot::Same);
            assert_eq!(back, Fate::Rename);
            for disabled in [Entry::Absent, Entry::NoFile, Entry::File(ours), Entry::File(other)] {
                let fate = fate(place, Entry::File(other), disabled, Boot::Another);
                assert_ne!(fate, Fate::Rename, "over another file");
            }
            let fate = fate(place, Entry::Absent, Entry::File(other), Boot::Another);
            assert!(fate != Fate::Rename && !fate.is_over(), "another file");
        }
    }
}

/// The same for what is published, for copies and for the last drain; and who cannot know says nothing to a balancer.
///
/// # Panics
/// When one of these does not hold.
pub fn published(bytes: &[u8]) {
    if let Some(state) = is_written_alike::<Published>(bytes) {
        match state.membership {
            Membership::Unknown => assert_eq!(state.word(), None),
            Membership::Out { .. } => assert_eq!(state.word(), Some(Word::Drain)),
            Membership::In => assert!(state.word().is_some()),
        }
        assert!(!state.is_about(&state.unit, ""));
        assert!(!state.is_about(&state.unit, &format!("{}x", state.written.boot_id)));
    }
    if let Some(copies) = is_written_alike::<Vec<Copy>>(bytes) {
        assert!(copies.iter().map(Copy::size).sum::<usize>() <= bytes.len());
    }
    is_written_alike::<PastDrain>(bytes);
}

fn is_written_alike<T: DeserializeOwned + Serialize + PartialEq + Debug>(bytes: &[u8]) -> Option<T> {
    let read = serde_json::from_slice::<T>(bytes).ok()?;
    let again = serde_json::to_vec(&read).and_then(|text| serde_json::from_slice::<T>(&text));
    assert_eq!(again.ok().as_ref(), Some(&read));
    Some(read)
}
