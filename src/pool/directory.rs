//! One directory: looks at names in it and renames within it, never over somebody's file.

use super::identity::FileId;
use super::way;
use rustix::fs::{
    Access, AtFlags, FileType, Mode, OFlags, RenameFlags, Stat, fstat, fsync, openat, renameat,
    renameat_with, statat, unlinkat,
};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

/// What is appended to the name of a parked file.
const SUFFIX: &str = ".disabled";
/// How many other names are tried when `NAME.disabled` is taken.
const OTHER_NAMES: u32 = 9;
/// What a file holds that keeps a name for a rename, on file systems that have nothing better.
const PLACEHOLDER: &[u8] = b"hhvm-drain holds this name for the moment of a rename\n";
/// The mode of such a file, which web servers cannot read.
const PLACEHOLDER_MODE: Mode = Mode::XOTH;

/// What has a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// Nothing.
    Absent,
    /// A regular file or a symlink.
    File(FileId),
    /// A file of ours that kept the name for a rename which was cut short. It counts as nothing.
    Placeholder,
    /// A directory, a FIFO, a device: nothing that a health file can be.
    NoFile,
}

/// An opened directory with its real path, so that a symlink that is flipped afterwards changes nothing.
#[derive(Debug)]
pub struct Directory {
    fd: OwnedFd,
    path: PathBuf,
    id: FileId,
}

impl Entry {
    /// Which file it is, if it is one.
    #[must_use]
    pub fn file(self) -> Option<FileId> {
        match self {
            Self::File(id) => Some(id),
            Self::Absent | Self::Placeholder | Self::NoFile => None,
        }
    }

    /// Whether the name is to be had.
    #[must_use]
    pub fn is_free(self) -> bool {
        matches!(self, Self::Absent | Self::Placeholder)
    }
}

impl Directory {
    /// Opens the directory at `path`, following symlinks that lead nobody astray.
    ///
    /// # Errors
    /// As open(2), and when a symlink is not to be followed.
    pub fn open(path: &Path) -> io::Result<Self> {
        let fd = way::open(path)?;
        let real = std::fs::read_link(format!("/proc/self/fd/{}", fd.as_raw_fd()))
            .or_else(|_| path.canonicalize())?;
        let id = FileId { written: None, ..FileId::of(&fstat(&fd)?) };
        Ok(Self { fd, path: real, id })
    }

    /// Which directory it is.
    #[must_use]
    pub fn id(&self) -> FileId {
        self.id
    }

    /// The path of `name` in it.
    #[must_use]
    pub fn join(&self, name: &OsStr) -> PathBuf {
        self.path.join(name)
    }

    pub(super) fn fd(&self) -> &OwnedFd {
        &self.fd
    }

    /// What has the name `name`.
    ///
    /// # Errors
    /// As stat(2).
    pub fn look(&self, name: &OsStr) -> io::Result<Entry> {
        let stat = match statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => return Ok(Entry::Absent),
            Err(error) => return Err(error.into()),
        };
        Ok(match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile if self.is_placeholder(name, &stat) => Entry::Placeholder,
            FileType::RegularFile | FileType::Symlink => Entry::File(FileId::of(&stat)),
            _ => Entry::NoFile,
        })
    }

    /// When `name` got its place or its contents (`st_ctim`, stat(3type)), in seconds since 1970.
    #[must_use]
    pub fn changed(&self, name: &OsStr) -> Option<i64> {
        statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW).ok().map(|stat| stat.st_ctime)
    }

    /// Opens the regular file `name` for reading, never through a symlink, without waiting for anybody.
    pub(super) fn read(&self, name: &OsStr) -> rustix::io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        openat(&self.fd, name, flags, Mode::empty()).map(File::from)
    }

    /// Makes the file `name`; never replaces another.
    pub(super) fn create(&self, name: &OsStr, mode: Mode) -> rustix::io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        openat(&self.fd, name, flags, mode).map(File::from)
    }

    pub(super) fn remove(&self, name: &OsStr) -> rustix::io::Result<()> {
        unlinkat(&self.fd, name, AtFlags::empty())
    }

    /// Renames `from` to `to`, unless `to` exists, and syncs the directory.
    ///
    /// # Errors
    /// As renameat2(2); `AlreadyExists` if `to` exists.
    pub fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        match self.rename_once(from, to) {
            Err(Errno::EXIST) if matches!(self.look(to), Ok(Entry::Placeholder)) => {
                self.remove(to)?;
                self.rename_once(from, to)?;
            }
            other => other?,
        }
        // The rename is done, and the record tells of it: a directory that cannot be synced does not undo that.
        let _ = self.sync();
        Ok(())
    }

    /// By the best means that the file system has.
    fn rename_once(&self, from: &OsStr, to: &OsStr) -> rustix::io::Result<()> {
        match renameat_with(&self.fd, from, &self.fd, to, RenameFlags::NOREPLACE) {
            // File systems without RENAME_NOREPLACE, NFS among them: a hard link never replaces a file either.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {}
            other => return other,
        }
        match self.link_and_unlink(from, to) {
            // Without hard links, too: shared folders of virtual machines, buckets. What else may be wrong, rename(2)
            // will say.
            Err(error) if !matches!(error, Errno::EXIST | Errno::NOENT) => self.reserve_and_rename(from, to),
            other => other,
        }
    }

    fn link_and_unlink(&self, from: &OsStr, to: &OsStr) -> rustix::io::Result<()> {
        rustix::fs::linkat(&self.fd, from, &self.fd, to, AtFlags::empty())?;
        match self.remove(from) {
            Ok(()) => Ok(()),
            Err(error) => match self.look(from) {
                // A server has removed it, and its answer got lost.
                Ok(Entry::Absent) => Ok(()),
                Ok(_) => {
                    let _ = self.remove(to);
                    Err(error)
                }
                // Who knows: the other name stays, too.
                Err(_) => Err(error),
            },
        }
    }

    /// Takes the name `to` by a file of its own, which no other file can replace unknowingly, and renames over that.
    ///
    /// Whoever overwrites `to` between the last look and the rename (some microseconds) loses what was written. Such a
    /// file system offers nothing that would prevent it.
    fn reserve_and_rename(&self, from: &OsStr, to: &OsStr) -> rustix::io::Result<()> {
        drop(self.reserve(to)?);
        self.rename_over_placeholder(from, to)
    }

    /// Makes a placeholder.
    pub(super) fn reserve(&self, name: &OsStr) -> rustix::io::Result<File> {
        let mut file = self.create(name, PLACEHOLDER_MODE)?;
        match file.write_all(PLACEHOLDER) {
            Ok(()) => Ok(file),
            Err(error) => {
                let _ = self.remove(name);
                Err(Errno::from_io_error(&error).unwrap_or(Errno::IO))
            }
        }
    }

    fn rename_over_placeholder(&self, from: &OsStr, to: &OsStr) -> rustix::io::Result<()> {
        if !matches!(self.look(to), Ok(Entry::Placeholder)) {
            return Err(Errno::EXIST);
        }
        renameat(&self.fd, from, &self.fd, to).inspect_err(|_| self.remove_placeholder(to))
    }

    /// Removes what was left of a rename that was cut short; nothing else.
    pub(super) fn remove_placeholder(&self, name: &OsStr) {
        if matches!(self.look(name), Ok(Entry::Placeholder)) {
            let _ = self.remove(name);
        }
    }

    /// Whether the regular file `name` is a placeholder: by what is in it, or, if the program was killed before it wrote
    /// that, by a mode that no other file has. Not all file systems that need one keep modes, and hardly any inodes.
    fn is_placeholder(&self, name: &OsStr, stat: &Stat) -> bool {
        let size = usize::try_from(stat.st_size).unwrap_or(usize::MAX);
        if size == 0 {
            return Mode::from_raw_mode(stat.st_mode) == PLACEHOLDER_MODE;
        }
        if size != PLACEHOLDER.len() {
            return false;
        }
        let mut text = Vec::new();
        let read = |file: File| file.take(PLACEHOLDER.len() as u64 + 1).read_to_end(&mut text).is_ok();
        let is_left_by_a_power_cut = |text: &[u8]| {
            text.iter().all(|byte| *byte == 0) && Mode::from_raw_mode(stat.st_mode) == PLACEHOLDER_MODE
        };
        self.read(name).is_ok_and(read) && (text == PLACEHOLDER || is_left_by_a_power_cut(&text))
    }

    fn sync(&self) -> rustix::io::Result<()> {
        fsync(self.readable()?)
    }

    /// The directory once more, opened for more than its path.
    pub(super) fn readable(&self) -> rustix::io::Result<OwnedFd> {
        openat(&self.fd, ".", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
    }

    /// Whether entries can be changed in it, by its mode and its file system.
    ///
    /// # Errors
    /// As access(2), `EROFS` among them.
    pub(super) fn writable(&self) -> io::Result<()> {
        Ok(rustix::fs::accessat(&self.fd, ".", Access::WRITE_OK | Access::EXEC_OK, AtFlags::empty())?)
    }

    /// The first name for a parked `name` that is free: `NAME.disabled`, then `NAME.disabled.1` and so on.
    ///
    /// Another is needed when anything of that name was left by hand or by a deploy; the node must be taken out all the
    /// same, and nothing may be overwritten.
    ///
    /// # Errors
    /// As stat(2), and when all names are taken.
    pub fn free_name(&self, name: &OsStr) -> io::Result<OsString> {
        for number in 0..=OTHER_NAMES {
            let mut candidate = disabled_name(name);
            if number > 0 {
                candidate.push(format!(".{number}"));
            }
            if self.look(&candidate)?.is_free() {
                return Ok(candidate);
            }
        }
        let message = format!(
            "{} and the same name with .1 to .9 already exist; remove the files that nobody needs",
            self.join(&disabled_name(name)).display()
        );
        Err(io::Error::other(message))
    }
}

/// `NAME.disabled`.
#[must_use]
pub fn disabled_name(name: &OsStr) -> OsString {
    let mut disabled = name.to_owned();
    disabled.push(SUFFIX);
    disabled
}

#[cfg(test)]
#[path = "directory_tests.rs"]
mod tests;
