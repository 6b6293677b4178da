//! Reads files that somebody else wrote, and lists directories: only regular files, only up to a bound, and without
//! blocking.

use crate::context::Root;
use crate::way;
use rustix::fs::{CWD, Dir, FileType, Mode, OFlags, fstat, openat};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

const MIB: u64 = 1 << 20;

/// The bytes of the file at `path` below `root`, of which there may be `max`.
///
/// # Errors
/// As open(2) and read(2); for what is no regular file, or is larger; and when a symlink on the way is not to be followed.
pub fn read(root: &Root, path: &Path, max: u64) -> io::Result<Vec<u8>> {
    content(open(&way::find(root, path)?.fd)?, max)
}

/// The bytes of the file `name` in `directory`.
///
/// # Errors
/// As [`read`]; also for a symlink.
pub fn read_in(directory: &OwnedFd, name: &OsStr, max: u64) -> io::Result<Vec<u8>> {
    content(open_in(directory, name)?, max)
}

/// Opens the regular file `name` in `directory` for reading.
///
/// # Errors
/// As open(2), and for what is no regular file.
pub fn open_in(directory: &OwnedFd, name: &OsStr) -> io::Result<File> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    open(&openat(directory, name, flags, Mode::empty())?)
}

/// What somebody besides root, and the owner of this program, can change on the way to `path`, or the file itself; none if
/// nothing. Symlinks are followed, and what is not there yet is as safe as where it will be.
#[must_use]
pub fn who_else_changes(path: &Path) -> Option<PathBuf> {
    let program = std::fs::metadata("/proc/self/exe").ok();
    let ours = program.map_or((0, 0), |program| (program.uid(), program.gid()));
    let is_safe = |place: &Path| {
        std::fs::symlink_metadata(place).is_ok_and(|found| {
            let mode = Mode::from_raw_mode(found.mode());
            let is_sticky = found.is_dir() && mode.contains(Mode::SVTX);
            let by_group = mode.contains(Mode::WGRP) && ![0, ours.1].contains(&found.gid());
            [0, ours.0].contains(&found.uid()) && (is_sticky || !(by_group || mode.contains(Mode::WOTH)))
        })
    };
    let real = path.ancestors().find_map(|place| place.canonicalize().ok())?;
    real.ancestors().find(|place| !is_safe(place)).map(Path::to_owned)
}

/// The bytes of `file`, of which there may be `max`.
///
/// # Errors
/// As read(2), and if there are more.
pub fn content(file: File, max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(max + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max {
        let bound =
            if max.is_multiple_of(MIB) { format!("{} MiB", max / MIB) } else { format!("{max} bytes") };
        return Err(io::Error::other(format!("larger than {bound}")));
    }
    Ok(bytes)
}

/// Opens the very file that the descriptor `found` names (`O_PATH`). A device is not even opened: a tape winds, a watchdog bites.
///
/// # Errors
/// As open(2), and for what is no regular file.
pub fn open(found: &OwnedFd) -> io::Result<File> {
    if FileType::from_raw_mode(fstat(found)?.st_mode) != FileType::RegularFile {
        return Err(io::Error::other("not a regular file"));
    }
    // What else opens nothing but this file (proc(5)); a lease on it (fcntl(2)) is not waited for.
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    Ok(openat(CWD, opened(found), flags, Mode::empty())?.into())
}

/// The name of a descriptor, by which it is opened once more (proc(5)).
#[must_use]
pub fn opened(file: &OwnedFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
}

/// `bytes` as text.
///
/// # Errors
/// When they are not UTF-8.
pub fn text(bytes: Vec<u8>) -> io::Result<String> {
    String::from_utf8(bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "not valid UTF-8"))
}

/// An entry of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: OsString,
    /// Whether it is a directory, by what the file system tells with the name.
    pub is_directory: bool,
}

/// The entries of the directory at `path`, but for `.` and `..`.
///
/// `std::fs::read_dir` panics when the directory cannot be closed without an error.
///
/// # Errors
/// As open(2) and getdents(2); and when there are more than `max`.
pub fn entries(path: &Path, max: usize) -> io::Result<Vec<Entry>> {
    let flags = OFlags::DIRECTORY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    entries_of(openat(CWD, path, flags, Mode::empty())?, max)
}

/// The entries of an opened directory.
///
/// # Errors
/// As [`entries`].
pub fn entries_of(directory: OwnedFd, max: usize) -> io::Result<Vec<Entry>> {
    let mut found = Vec::new();
    for entry in Dir::new(directory)? {
        let entry = entry?;
        let name = OsStr::from_bytes(entry.file_name().to_bytes()).to_owned();
        if name == "." || name == ".." {
            continue;
        }
        if found.len() == max {
            return Err(io::Error::other(format!("more than {max} names")));
        }
        found.push(Entry { name, is_directory: entry.file_type() == FileType::Directory });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host() -> Root {
        Root::new("/".into())
    }

    #[test]
    fn a_fifo_is_not_waited_for_and_a_directory_is_no_file() {
        let directory = tempfile::tempdir().unwrap();
        let fifo = directory.path().join("fifo");
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert_eq!(read(&host(), &fifo, 10).unwrap_err().to_string(), "not a regular file");
        assert!(read(&host(), directory.path(), 10).is_err());
    }

    #[test]
    fn a_file_is_read_up_to_its_bound() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "0123456789").unwrap();
        assert_eq!(read(&host(), file.path(), 10).unwrap(), b"0123456789");
        assert_eq!(read(&host(), file.path(), 9).unwrap_err().to_string(), "larger than 9 bytes");
    }

    #[test]
    fn a_directory_is_listed_up_to_its_bound() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("below")).unwrap();
        std::fs::write(directory.path().join("file"), "").unwrap();
        let mut found = entries(directory.path(), 2).unwrap();
        found.sort_by(|one, other| one.name.cmp(&other.name));
        let entry = |name: &str, is_directory| Entry { name: name.into(), is_directory };
        assert_eq!(found, [entry("below", true), entry("file", false)]);
        assert_eq!(entries(directory.path(), 1).unwrap_err().to_string(), "more than 1 names");
        assert!(entries(&directory.path().join("file"), 1).is_err());
    }
}
