//! What holds for every record, also for one of another version of this program.

use super::{FileId, Record, Unpark};

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
        let other = FileId { inode: ours.inode ^ 1, ..ours };
        assert_eq!(parked.unpark(None, Some(ours), true), Unpark::Rename);
        for found in [None, Some(ours), Some(other)] {
            assert_ne!(parked.unpark(Some(other), found, false), Unpark::Rename, "over another file");
        }
        assert_ne!(parked.unpark(None, Some(other), false), Unpark::Rename, "another file");
    }
}
