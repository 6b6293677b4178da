//! Which file it is, whatever its name; also after a reboot and on file systems that number their files anew.

use rustix::fs::{Stat, major};
use serde::{Deserialize, Serialize};

/// Which file or directory it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileId {
    /// Device number (`st_dev`, stat(3type)).
    pub device: u64,
    /// Inode number (`st_ino`).
    pub inode: u64,
    /// What the last write left, which a rename does not change. Older versions did not record it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written: Option<Written>,
}

/// Size and time of the last write (`st_size`, `st_mtim`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// In bytes.
    pub size: i64,
    /// Since 1970.
    pub seconds: i64,
    /// Since that second.
    pub nanoseconds: u64,
}

/// Whether two looks at a file were in the same boot of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Boot {
    /// They were.
    Same,
    /// They were not, or nobody knows: disks may have got other numbers.
    Another,
}

impl FileId {
    /// The file of `stat`.
    #[must_use]
    pub fn of(stat: &Stat) -> Self {
        let written = Written { size: stat.st_size, seconds: stat.st_mtime, nanoseconds: stat.st_mtime_nsec };
        Self { device: stat.st_dev, inode: stat.st_ino, written: Some(written) }
    }

    /// Whether both are the same file.
    ///
    /// Inodes last. The number of a disk lasts until the machine boots; that of a file system without a disk (NFS,
    /// btrfs, overlay, tmpfs: major number 0) is made up at each mount.
    #[must_use]
    pub fn is(self, other: Self, boot: Boot) -> bool {
        self.inode == other.inode && (boot == Boot::Another || self.may_be_on_the_disk_of(other))
    }

    /// Whether both, seen in one directory, are two names of one file. Not by the number alone: there are file systems
    /// that make it up, and the file may lose a name on the strength of this.
    #[must_use]
    pub fn is_linked_to(self, other: Self) -> bool {
        self.is(other, Boot::Same) && self.is_like(other)
    }

    /// Whether both may be on the same file system, as far as its number tells.
    #[must_use]
    pub fn may_be_on_the_disk_of(self, other: Self) -> bool {
        let made_up = |device: u64| major(device) == 0;
        self.device == other.device || (made_up(self.device) && made_up(other.device))
    }

    /// Whether both were written at the same time and are of the same size: the same file under another number, or its
    /// copy. Shared folders and FUSE file systems make up inodes, too, and a backup that was played back has new ones.
    #[must_use]
    pub fn is_like(self, other: Self) -> bool {
        self.written.is_some() && self.written == other.written
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SDA1: u64 = 0x801;
    const SDB1: u64 = 0x811;
    const MADE_UP: u64 = 0x2a;

    fn file(device: u64, inode: u64) -> FileId {
        FileId { device, inode, written: None }
    }

    #[test]
    fn disks_keep_their_numbers_until_the_machine_boots() {
        for (one, other, boot, same) in [
            (file(SDA1, 7), file(SDA1, 7), Boot::Same, true),
            (file(SDA1, 7), file(SDA1, 8), Boot::Same, false),
            (file(SDA1, 7), file(SDB1, 7), Boot::Same, false),
            (file(SDA1, 7), file(SDB1, 7), Boot::Another, true),
            (file(SDA1, 7), file(SDB1, 8), Boot::Another, false),
            (file(MADE_UP, 7), file(MADE_UP + 1, 7), Boot::Same, true),
            (file(MADE_UP, 7), file(SDA1, 7), Boot::Same, false),
        ] {
            assert_eq!(one.is(other, boot), same, "{one:?} {other:?} {boot:?}");
        }
    }

    #[test]
    fn nothing_is_like_what_an_older_version_recorded() {
        let written = Some(Written { size: 3, seconds: 5, nanoseconds: 7 });
        let (old, new) = (file(SDA1, 7), FileId { written, ..file(SDB1, 8) });
        assert!(new.is_like(FileId { inode: 9, ..new }));
        assert!(!old.is_like(old) && !old.is_like(new) && !new.is_like(old));
    }
}
