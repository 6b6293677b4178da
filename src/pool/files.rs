//! Looks at health files and renames them: within one directory, never over an existing file, synced.

use rustix::fs::{
    Access, AtFlags, CWD, FileType, Mode, OFlags, RenameFlags, fsync, openat, renameat_with, statat,
};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

/// What is appended to the name of a parked file.
const SUFFIX: &str = ".disabled";
/// How many other names are tried when `NAME.disabled` is taken.
const OTHER_NAMES: u32 = 9;

/// Which file it is, whatever its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileId {
    /// Device number (`st_dev`, stat(3type)).
    pub device: u64,
    /// Inode number (`st_ino`).
    pub inode: u64,
}

/// An opened directory with its real path, so that a symlink that is flipped afterwards changes nothing.
#[derive(Debug)]
pub struct Directory {
    fd: OwnedFd,
    path: PathBuf,
}

/// What there is of one health file, in one directory.
#[derive(Debug)]
pub struct Sight {
    /// The directory.
    pub directory: Directory,
    /// The name of the health file in it.
    pub name: OsString,
    /// The health file, if it is there.
    pub health: Option<FileId>,
    /// What has its disabled name, if anything.
    pub disabled: Option<FileId>,
}

impl Directory {
    /// Opens the directory at `path`, following symlinks.
    ///
    /// # Errors
    /// As open(2).
    pub fn open(path: &Path) -> std::io::Result<Self> {
        let fd = openat(CWD, path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        let real = std::fs::read_link(format!("/proc/self/fd/{}", fd.as_raw_fd()))
            .or_else(|_| path.canonicalize())?;
        Ok(Self { fd, path: real })
    }

    /// The path of `name` in it.
    #[must_use]
    pub fn join(&self, name: &OsStr) -> PathBuf {
        self.path.join(name)
    }

    /// Which file `name` is, if it is a file or a symlink.
    ///
    /// # Errors
    /// As stat(2), and for anything that a health file cannot be.
    pub fn look(&self, name: &OsStr) -> std::io::Result<Option<FileId>> {
        match statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => match FileType::from_raw_mode(stat.st_mode) {
                FileType::RegularFile | FileType::Symlink => {
                    Ok(Some(FileId { device: stat.st_dev, inode: stat.st_ino }))
                }
                _ => Err(std::io::Error::other("is neither a file nor a symlink")),
            },
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Renames `from` to `to`, unless `to` exists, and syncs the directory.
    ///
    /// # Errors
    /// As renameat2(2); `AlreadyExists` if `to` exists.
    pub fn rename(&self, from: &OsStr, to: &OsStr) -> std::io::Result<()> {
        match renameat_with(&self.fd, from, &self.fd, to, RenameFlags::NOREPLACE) {
            // File systems without RENAME_NOREPLACE, NFS among them: a hard link never replaces a file either.
            Err(Errno::INVAL | Errno::NOSYS) => self.link_and_unlink(from, to)?,
            other => other?,
        }
        // The rename is done, and the record tells of it: a directory that cannot be synced does not undo that.
        let _ = self.sync();
        Ok(())
    }

    fn sync(&self) -> rustix::io::Result<()> {
        let readable =
            openat(&self.fd, ".", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        fsync(readable)
    }

    fn link_and_unlink(&self, from: &OsStr, to: &OsStr) -> rustix::io::Result<()> {
        rustix::fs::linkat(&self.fd, from, &self.fd, to, AtFlags::empty())?;
        rustix::fs::unlinkat(&self.fd, from, AtFlags::empty())
    }

    /// Whether entries can be renamed in it.
    ///
    /// # Errors
    /// As access(2), `EROFS` among them.
    pub fn writable(&self) -> std::io::Result<()> {
        Ok(rustix::fs::accessat(&self.fd, ".", Access::WRITE_OK | Access::EXEC_OK, AtFlags::empty())?)
    }

    /// The first name for a parked `name` that is free: `NAME.disabled`, then `NAME.disabled.1` and so on.
    ///
    /// Another is needed when a file of that name was left by hand or by a deploy; the node must be taken out all the
    /// same, and nothing may be overwritten.
    ///
    /// # Errors
    /// As stat(2), and `AlreadyExists` when all names are taken.
    pub fn free_name(&self, name: &OsStr) -> std::io::Result<OsString> {
        for number in 0..=OTHER_NAMES {
            let mut candidate = disabled_name(name);
            if number > 0 {
                candidate.push(format!(".{number}"));
            }
            if matches!(statat(&self.fd, &candidate, AtFlags::SYMLINK_NOFOLLOW), Err(Errno::NOENT)) {
                return Ok(candidate);
            }
        }
        let message = format!(
            "{} and the same name with .1 to .9 already exist; remove the files that nobody needs",
            self.join(&disabled_name(name)).display()
        );
        Err(std::io::Error::other(message))
    }
}

impl Sight {
    /// Looks at the health file at `path`.
    ///
    /// # Errors
    /// When the directory cannot be opened, or what is there is no file.
    pub fn of(path: &Path) -> std::io::Result<Self> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(std::io::Error::other("is not the path of a file"));
        };
        let directory = Directory::open(parent)?;
        let health = directory.look(name)?;
        let disabled = directory.look(&disabled_name(name))?;
        Ok(Self { directory, name: name.to_owned(), health, disabled })
    }

    /// The real path of the health file.
    #[must_use]
    pub fn health_path(&self) -> PathBuf {
        self.directory.join(&self.name)
    }

    /// The real path of the disabled file.
    #[must_use]
    pub fn disabled_path(&self) -> PathBuf {
        self.directory.join(&disabled_name(&self.name))
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
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_rename_never_replaces() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a"), "a").unwrap();
        fs::write(dir.path().join("b"), "b").unwrap();
        let directory = Directory::open(dir.path()).unwrap();
        for error in [
            directory.rename("a".as_ref(), "b".as_ref()).unwrap_err(),
            directory.link_and_unlink("a".as_ref(), "b".as_ref()).unwrap_err().into(),
        ] {
            assert_eq!(error.kind(), std::io::ErrorKind::AlreadyExists);
        }
        assert_eq!(fs::read_to_string(dir.path().join("b")).unwrap(), "b");
        directory.link_and_unlink("a".as_ref(), "c".as_ref()).unwrap();
        assert_eq!(fs::read_to_string(dir.path().join("c")).unwrap(), "a");
    }

    #[test]
    fn a_taken_name_gets_a_number() {
        let dir = tempfile::tempdir().unwrap();
        let directory = Directory::open(dir.path()).unwrap();
        for expected in ["s.disabled", "s.disabled.1", "s.disabled.2"] {
            let name = directory.free_name("s".as_ref()).unwrap();
            assert_eq!(name, expected);
            fs::write(dir.path().join(name), "").unwrap();
        }
        for number in 3..=9 {
            fs::write(dir.path().join(format!("s.disabled.{number}")), "").unwrap();
        }
        assert!(directory.free_name("s".as_ref()).is_err());
    }

    #[test]
    fn a_flipped_symlink_leaves_an_opened_directory_alone() {
        let dir = tempfile::tempdir().unwrap();
        for release in ["1", "2"] {
            fs::create_dir(dir.path().join(release)).unwrap();
            fs::write(dir.path().join(release).join("s"), release).unwrap();
        }
        let current = dir.path().join("current");
        std::os::unix::fs::symlink("1", &current).unwrap();
        let sight = Sight::of(&current.join("s")).unwrap();
        fs::remove_file(&current).unwrap();
        std::os::unix::fs::symlink("2", &current).unwrap();
        sight.directory.rename("s".as_ref(), "s.disabled".as_ref()).unwrap();
        assert!(dir.path().join("1/s.disabled").exists() && dir.path().join("2/s").exists());
        assert!(sight.health_path().ends_with("1/s"));
    }

    #[test]
    fn a_directory_is_no_health_file() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("s")).unwrap();
        assert!(Sight::of(&dir.path().join("s")).is_err());
    }
}
