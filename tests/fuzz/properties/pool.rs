//! What holds for every record, also for one of another version of this program.

use super::{Boot, Entry, Fate, FileId, Place, Record, View};

/// What is read is written alike, and only the very file that was parked is renamed back.
///
/// # Panics
/// When one of these does not hold.
pub fn record(bytes: &[u8]) {
    let Ok(record) = serde_json::from_slice::<Record>(bytes) else { return };
    let again = serde_json::to_vec(&record).and_then(|text| serde_json::from_slice::<Record>(&text));
    assert_eq!(again.ok().as_ref(), Some(&record));
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
