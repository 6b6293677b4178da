//! What becomes of a parked file, decided from what can be seen of it just now.
//!
//! Guarantees, each a property of the tests:
//! - a file is renamed back only if it is the one that was parked, and nothing has the health file's name;
//! - an entry of the record is over only when a health file is in its place.

use super::identity::{Boot, FileId};
use super::names::Entry;
use super::record::Parked;
use std::path::Path;

/// The directory that has the recorded path now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The one in which the file was parked.
    Same,
    /// Another of the same file system: a deploy has replaced it.
    Another,
    /// One of another file system: that of the file is not mounted.
    AnotherDisk,
    /// An older version did not record which it was.
    NotRecorded,
}

/// What is seen in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// Which directory it is.
    pub place: Place,
    /// What has the health file's name.
    pub health: Entry,
    /// Whether that came there after the node was taken out.
    pub health_is_newer: bool,
    /// What has the disabled file's name.
    pub disabled: Entry,
}

/// What becomes of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is where it was parked: rename it back.
    Rename,
    /// It is in its place: it was brought back, or never went.
    Back,
    /// Another health file is in its place, and it is gone: a deploy has brought a new one.
    Renewed,
    /// A newer health file is in its place: leave ours beside it.
    Superseded,
    /// It has both names, because a rename by way of a hard link was cut short: drop the disabled one.
    HalfMoved,
    /// A new directory with a newer health file has come in place of the old one, for good.
    Replaced,
    /// What lies there now is not the file that was parked: leave it.
    NotOurs,
    /// Both names are gone from the directory.
    Deleted,
    /// Something that is no file has the health file's name.
    Blocked,
    /// The directory is not the one in which it was parked, so nothing can be said about it.
    OutOfSight,
}

impl Fate {
    /// Whether a health file is in its place, so that the record's entry has served its purpose.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::Back | Self::Renewed | Self::Superseded | Self::HalfMoved | Self::Replaced)
    }

    /// What keeps the file from being put back, in words.
    #[must_use]
    pub fn trouble(self, disabled: &Path) -> Option<String> {
        match self {
            Self::NotOurs => Some(format!("{} is not the file that was moved there", disabled.display())),
            Self::Deleted => Some(format!("it is gone, and so is {}", disabled.display())),
            Self::Blocked => Some("something that is no file has its name".to_owned()),
            Self::OutOfSight => Some("its directory is another".to_owned()),
            Self::Rename
            | Self::Back
            | Self::Renewed
            | Self::Superseded
            | Self::HalfMoved
            | Self::Replaced => None,
        }
    }

    /// Whether the very file that was parked lies there still.
    #[must_use]
    pub fn is_parked(self) -> bool {
        matches!(self, Self::Rename | Self::Superseded | Self::HalfMoved)
    }
}

impl Parked {
    /// Decides, from what is there now, what becomes of this file.
    #[must_use]
    pub fn fate(&self, view: &View, boot: Boot) -> Fate {
        match view.disabled {
            Entry::File(found) if found.is(self.file, boot) || found.is_like(self.file) => {
                match view.health {
                    Entry::Absent | Entry::Placeholder => Fate::Rename,
                    Entry::File(health) if health.is_linked_to(found) => Fate::HalfMoved,
                    Entry::File(_) => Fate::Superseded,
                    Entry::NoFile => Fate::Blocked,
                }
            }
            disabled => self.without_ours(view, disabled, boot),
        }
    }

    /// The disabled name has another file, or none.
    fn without_ours(&self, view: &View, disabled: Entry, boot: Boot) -> Fate {
        let elsewhere = matches!(view.place, Place::Another | Place::AnotherDisk);
        match (view.health, disabled) {
            (Entry::File(health), _) if self.is_unchanged(health, boot) => Fate::Back,
            (Entry::File(health), _) if !elsewhere || health.is(self.file, boot) => Fate::Renewed,
            (Entry::File(_), _) if view.place == Place::Another && view.health_is_newer => Fate::Replaced,
            (Entry::NoFile, _) if !elsewhere => Fate::Blocked,
            (_, Entry::Absent | Entry::Placeholder) if view.place == Place::Same => Fate::Deleted,
            (_, Entry::File(_) | Entry::NoFile) if !elsewhere => Fate::NotOurs,
            _ => Fate::OutOfSight,
        }
    }

    /// Whether `found` is the file that was parked, and nobody has written to it since. A new file may have its number.
    fn is_unchanged(&self, found: FileId, boot: Boot) -> bool {
        found.is(self.file, boot) && (self.file.written.is_none() || found.is_like(self.file))
    }

    /// Which directory is at the recorded path, if `found` is there.
    #[must_use]
    pub fn place(&self, found: FileId, boot: Boot) -> Place {
        match self.directory {
            Some(directory) if directory.is(found, boot) => Place::Same,
            Some(directory) if directory.may_be_on_the_disk_of(found) => Place::Another,
            Some(_) => Place::AnotherDisk,
            None => Place::NotRecorded,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::identity::Written;
    use proptest::prelude::*;

    const SDA1: u64 = 0x801;
    const SDB1: u64 = 0x811;
    const WRITTEN: Option<Written> = Some(Written { size: 3, seconds: 5, nanoseconds: 7 });
    const OURS: FileId = FileId { device: SDA1, inode: 7, written: WRITTEN };
    const EDITED: FileId = FileId { written: None, ..OURS };
    const OTHER: FileId = FileId { device: SDA1, inode: 8, written: None };
    const RENUMBERED: FileId = FileId { inode: 8, ..OURS };
    const MOVED_DISK: FileId = FileId { device: SDB1, ..EDITED };

    fn parked() -> Parked {
        Parked {
            health_file: "/var/www/status.php".into(),
            disabled: "/var/www/status.php.disabled".into(),
            file: OURS,
            directory: Some(FileId { device: SDA1, inode: 2, written: None }),
            named: None,
        }
    }

    fn fate(place: Place, health: Entry, disabled: Entry, boot: Boot) -> Fate {
        parked().fate(&View { place, health, health_is_newer: false, disabled }, boot)
    }

    #[test]
    fn only_the_very_file_that_was_parked_is_renamed_back() {
        use Entry::{Absent, File, NoFile, Placeholder};
        for (health, disabled, expected) in [
            (Absent, File(OURS), Fate::Rename),
            (Absent, File(EDITED), Fate::Rename),
            (Absent, File(RENUMBERED), Fate::Rename),
            (Placeholder, File(OURS), Fate::Rename),
            (Absent, File(OTHER), Fate::NotOurs),
            (Absent, File(MOVED_DISK), Fate::NotOurs),
            (Absent, NoFile, Fate::NotOurs),
            (Absent, Absent, Fate::Deleted),
            (File(OURS), Absent, Fate::Back),
            (File(OURS), Placeholder, Fate::Back),
            (File(OURS), File(OURS), Fate::HalfMoved),
            (File(OTHER), Absent, Fate::Renewed),
            (File(EDITED), Absent, Fate::Renewed),
            (File(OTHER), File(OURS), Fate::Superseded),
            (File(OTHER), File(OTHER), Fate::Renewed),
            (NoFile, File(OURS), Fate::Blocked),
            (NoFile, Absent, Fate::Blocked),
        ] {
            let found = fate(Place::Same, health, disabled, Boot::Same);
            assert_eq!(found, expected, "{health:?} {disabled:?}");
        }
        assert_eq!(fate(Place::Same, Absent, File(MOVED_DISK), Boot::Another), Fate::Rename);
    }

    #[test]
    fn what_hides_below_a_mount_point_is_no_reason_to_forget() {
        use Entry::{Absent, File};
        for (health, disabled) in [(Absent, Absent), (File(OTHER), Absent), (Absent, File(OTHER))] {
            assert_eq!(fate(Place::Another, health, disabled, Boot::Same), Fate::OutOfSight);
            let newer = View { place: Place::Another, health, health_is_newer: true, disabled };
            let ends = parked().fate(&newer, Boot::Same) == Fate::Replaced;
            assert_eq!(ends, health != Absent, "a newer health file ends it");
        }
        assert_eq!(fate(Place::NotRecorded, Absent, Absent, Boot::Same), Fate::OutOfSight);
        let below =
            View { place: Place::AnotherDisk, health: File(OTHER), health_is_newer: true, disabled: Absent };
        assert_eq!(parked().fate(&below, Boot::Same), Fate::OutOfSight, "a file below a mount point");
    }

    #[test]
    fn a_directory_is_known_by_its_number() {
        let directory = parked().directory.unwrap();
        let (other, old) = (FileId { inode: 3, ..directory }, Parked { directory: None, ..parked() });
        let mounted = FileId { device: SDB1, ..other };
        assert_eq!(parked().place(directory, Boot::Same), Place::Same);
        assert_eq!(parked().place(other, Boot::Same), Place::Another);
        assert_eq!(parked().place(mounted, Boot::Same), Place::AnotherDisk);
        assert_eq!(old.place(directory, Boot::Same), Place::NotRecorded);
    }

    fn ids() -> impl Strategy<Value = FileId> {
        prop::sample::select(vec![OURS, EDITED, OTHER, RENUMBERED, MOVED_DISK])
    }

    fn entries() -> impl Strategy<Value = Entry> {
        let others = vec![Entry::Absent, Entry::Placeholder, Entry::NoFile];
        prop_oneof![ids().prop_map(Entry::File), prop::sample::select(others)]
    }

    fn views() -> impl Strategy<Value = (View, Boot)> {
        let places =
            prop::sample::select(vec![Place::Same, Place::Another, Place::AnotherDisk, Place::NotRecorded]);
        let boots = prop::sample::select(vec![Boot::Same, Boot::Another]);
        (places, entries(), any::<bool>(), entries(), boots).prop_map(
            |(place, health, health_is_newer, disabled, boot)| {
                (View { place, health, health_is_newer, disabled }, boot)
            },
        )
    }

    proptest! {
        #[test]
        fn nothing_is_renamed_over_a_file_and_nothing_is_forgotten_unseen((view, boot) in views()) {
            let fate = parked().fate(&view, boot);
            let health_file_is_there = matches!(view.health, Entry::File(_));
            if fate == Fate::Rename {
                prop_assert!(!health_file_is_there && view.health != Entry::NoFile);
                prop_assert!(matches!(view.disabled, Entry::File(id) if id.inode == 7 || id.is_like(OURS)));
            }
            if fate.is_over() {
                prop_assert!(health_file_is_there, "{fate:?}");
            }
            if fate == Fate::Deleted {
                prop_assert!(view.place == Place::Same && !health_file_is_there);
            }
        }
    }
}
