//! Reads files that somebody else wrote, and lists directories: only regular files, only up to a bound, and without
//! blocking.

use rustix::fs::{Dir, FileType, OFlags};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// The bytes of the file at `path`, of which there may be `max`.
///
/// # Errors
/// As open(2) and read(2); and for what is no regular file, or is larger.
pub fn read(path: &Path, max: u64) -> io::Result<Vec<u8>> {
    // A device must not even be opened: a tape winds, a watchdog bites.
    if !path.metadata()?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    let flags = i32::from_ne_bytes(flags.bits().to_ne_bytes());
    let file = File::options().read(true).custom_flags(flags).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut bytes = Vec::new();
    file.take(max + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max {
        return Err(io::Error::other(format!("larger than {max} bytes")));
    }
    Ok(bytes)
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
    let flags = i32::from_ne_bytes((OFlags::DIRECTORY | OFlags::NONBLOCK).bits().to_ne_bytes());
    let directory = File::options().read(true).custom_flags(flags).open(path)?;
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

    #[test]
    fn a_fifo_is_not_waited_for_and_a_directory_is_no_file() {
        let directory = tempfile::tempdir().unwrap();
        let fifo = directory.path().join("fifo");
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert_eq!(read(&fifo, 10).unwrap_err().to_string(), "not a regular file");
        assert!(read(directory.path(), 10).is_err());
    }

    #[test]
    fn a_file_is_read_up_to_its_bound() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "0123456789").unwrap();
        assert_eq!(read(file.path(), 10).unwrap(), b"0123456789");
        assert_eq!(read(file.path(), 9).unwrap_err().to_string(), "larger than 9 bytes");
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
