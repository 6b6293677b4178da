//! The names in one directory: what has them, and how a file gets another one, never over somebody's file.
//!
//! What can be done at one go is a trait's, so that `tests/model/` takes the same steps in a file system of its own.

use super::identity::FileId;
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::PathBuf;

/// What is appended to the name of a parked file.
const SUFFIX: &str = ".disabled";
/// How many other names are tried when `NAME.disabled` is taken.
const OTHER_NAMES: u32 = 9;

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

/// `NAME.disabled`.
#[must_use]
pub fn disabled_name(name: &OsStr) -> OsString {
    let mut disabled = name.to_owned();
    disabled.push(SUFFIX);
    disabled
}

/// A directory, and what can be done to the names in it.
pub trait Names {
    /// The path of `name` in it.
    fn join(&self, name: &OsStr) -> PathBuf;

    /// What has the name `name`.
    ///
    /// # Errors
    /// As stat(2).
    fn look(&self, name: &OsStr) -> io::Result<Entry>;

    /// renameat2(2) with `RENAME_NOREPLACE`, which not every file system has.
    fn rename_unless_taken(&self, from: &OsStr, to: &OsStr) -> rustix::io::Result<()>;

    /// rename(2), which replaces.
    fn rename_over(&self, from: &OsStr, to: &OsStr) -> rustix::io::Result<()>;

    /// link(2).
    fn link(&self, from: &OsStr, to: &OsStr) -> rustix::io::Result<()>;

    /// unlink(2).
    fn remove(&self, name: &OsStr) -> rustix::io::Result<()>;

    /// Makes a placeholder, and never replaces another file.
    fn hold(&self, name: &OsStr) -> rustix::io::Result<()>;

    /// fsync(2) of the directory.
    fn sync(&self) -> rustix::io::Result<()>;

    /// Renames `from` to `to`, unless `to` exists, and syncs the directory.
    ///
    /// # Errors
    /// As renameat2(2); `AlreadyExists` if `to` exists.
    fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
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
        match self.rename_unless_taken(from, to) {
            // File systems without RENAME_NOREPLACE, NFS among them: a hard link never replaces a file either.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {}
            other => return other,
        }
        match self.link_and_unlink(from, to) {
            // Without hard links, too: shared folders of virtual machines, buckets. What else may be wrong, rename(2)
            // will say.
            Err(error) if !matches!(error, Errno::EXIST | Errno::NOENT) && !self.are_linked(from, to) => {
                self.reserve_and_rename(from, to)
            }
            other => other,
        }
    }

    /// Gives the file the name `to`, then takes the name `from` away.
    fn link_and_unlink(&self, from: &OsStr, to: &OsStr) -> rustix::io::Result<()> {
        match self.link(from, to) {
            // Unless a server has made it, and its answer got lost.
            Err(error) if !self.are_linked(from, to) => return Err(error),
            _ => {}
        }
        let Err(error) = self.remove(from) else { return Ok(()) };
        match self.look(from) {
            // A server has removed it, and its answer got lost.
            Ok(Entry::Absent) => Ok(()),
            Ok(_) => {
                let _ = self.remove(to);
                Err(error)
            }
            // Who knows: the other name stays, too.
            Err(_) => Err(error),
        }
    }

    /// Whether both are names of one file.
    fn are_linked(&self, one: &OsStr, other: &OsStr) -> bool {
        let file = |name| self.look(name).ok().and_then(Entry::file);
        file(one).zip(file(other)).is_some_and(|(one, other)| one.is_linked_to(other))
    }

    /// Takes the name `to` by a file of its own, which no other file can replace unknowingly, and renames over that.
    ///
    /// Whoever overwrites `to` between the last look and the rename (some microseconds) loses what was written. Such a
    /// file system offers nothing that would prevent it.
    fn reserve_and_rename(&self, from: &OsStr, to: &OsStr) -> rustix::io::Result<()> {
        self.hold(to)?;
        self.rename_over_placeholder(from, to)
    }

    /// Renames over a placeholder, and over nothing else.
    fn rename_over_placeholder(&self, from: &OsStr, to: &OsStr) -> rustix::io::Result<()> {
        if !matches!(self.look(to), Ok(Entry::Placeholder)) {
            return Err(Errno::EXIST);
        }
        self.rename_over(from, to).inspect_err(|_| self.remove_placeholder(to))
    }

    /// Removes what was left of a rename that was cut short; nothing else.
    fn remove_placeholder(&self, name: &OsStr) {
        if matches!(self.look(name), Ok(Entry::Placeholder)) {
            let _ = self.remove(name);
        }
    }

    /// The first name for a parked `name` that is free: `NAME.disabled`, then `NAME.disabled.1` and so on.
    ///
    /// Another is needed when anything of that name was left by hand or by a deploy; the node must be taken out all the
    /// same, and nothing may be overwritten.
    ///
    /// # Errors
    /// As stat(2), and when all names are taken.
    fn free_name(&self, name: &OsStr) -> io::Result<OsString> {
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
