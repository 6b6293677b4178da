//! One directory of the disk: what the names in it are asked for, and done with, as system calls.

use super::guard;
use super::identity::FileId;
use super::names::{Entry, Names};
use crate::context::Root;
use crate::files;
use crate::way::{self, Found};
use rustix::fs::{
    Access, AtFlags, FileType, Mode, OFlags, RenameFlags, Stat, fstat, fsync, linkat, openat, renameat,
    renameat_with, statat, unlinkat,
};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// What a file holds that keeps a name for a rename, on file systems that have nothing better.
const PLACEHOLDER: &[u8] = b"hhvm-drain holds this name for the moment of a rename\n";
/// The mode of such a file, which web servers cannot read.
const PLACEHOLDER_MODE: Mode = Mode::XOTH;

/// An opened directory with its real path, so that a symlink that is flipped afterwards changes nothing.
#[derive(Debug)]
pub struct Directory {
    fd: OwnedFd,
    path: PathBuf,
    id: FileId,
}

impl Directory {
    /// Opens the directory at `path` below `root`, following symlinks that lead nobody astray.
    ///
    /// # Errors
    /// As open(2), and when a symlink is not to be followed.
    pub fn open(root: &Root, path: &Path) -> io::Result<Self> {
        let Found { fd, path } = way::directory(root, path)?;
        let id = FileId { written: None, ..FileId::of(&fstat(&fd)?) };
        Ok(Self { fd, path, id })
    }

    /// Which directory it is.
    #[must_use]
    pub fn id(&self) -> FileId {
        self.id
    }

    pub(super) fn fd(&self) -> &OwnedFd {
        &self.fd
    }

    /// When `name` got its place or its contents (`st_ctim`, stat(3type)), in seconds since 1970.
    #[must_use]
    pub fn changed(&self, name: &OsStr) -> Option<i64> {
        statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW).ok().map(|stat| stat.st_ctime)
    }

    /// Opens the regular file `name` for reading, never through a symlink, without waiting for anybody.
    pub(super) fn read(&self, name: &OsStr) -> io::Result<File> {
        files::open_in(&self.fd, name)
    }

    /// Makes the file `name`; never replaces another.
    pub(super) fn create(&self, name: &OsStr, mode: Mode) -> rustix::io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        openat(&self.fd, name, flags, mode).map(File::from)
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

    /// The directory once more, opened for more than its path.
    pub(super) fn readable(&self) -> rustix::io::Result<OwnedFd> {
        guard::readable(&self.fd)
    }

    /// Whether entries can be changed in it, by its mode and its file system.
    ///
    /// # Errors
    /// As access(2), `EROFS` among them.
    pub(super) fn writable(&self) -> io::Result<()> {
        Ok(rustix::fs::accessat(&self.fd, ".", Access::WRITE_OK | Access::EXEC_OK, AtFlags::empty())?)
    }
}

/// Whether anything has that path below `root`, a symlink that leads nowhere too.
pub(super) fn is_there(root: &Root, path: &Path) -> bool {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return false };
    way::directory(root, parent).is_ok_and(|found| statat(found.fd, name, AtFlags::SYMLINK_NOFOLLOW).is_ok())
}

impl Names for Directory {
    fn join(&self, name: &OsStr) -> PathBuf {
        self.path.join(name)
    }

    fn look(&self, name: &OsStr) -> io::Result<Entry> {
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

    fn rename_unless_taken(&self, from: &OsStr, to: &OsStr) -> rustix::io::Result<()> {
        renameat_with(&self.fd, from, &self.fd, to, RenameFlags::NOREPLACE)
    }

    fn rename_over(&self, from: &OsStr, to: &OsStr) -> rustix::io::Result<()> {
        renameat(&self.fd, from, &self.fd, to)
    }

    fn link(&self, from: &OsStr, to: &OsStr) -> rustix::io::Result<()> {
        linkat(&self.fd, from, &self.fd, to, AtFlags::empty())
    }

    fn remove(&self, name: &OsStr) -> rustix::io::Result<()> {
        unlinkat(&self.fd, name, AtFlags::empty())
    }

    fn hold(&self, name: &OsStr) -> rustix::io::Result<()> {
        self.reserve(name).map(drop)
    }

    fn sync(&self) -> rustix::io::Result<()> {
        fsync(self.readable()?)
    }
}

#[cfg(test)]
#[path = "directory_tests.rs"]
mod tests;
