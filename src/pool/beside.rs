//! Files of the state directories, and the names by way of which they are written: what the disk is asked for.

use crate::files;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A larger file is none of ours.
const SIZE_MAX: u64 = 1 << 20;
/// And no state directory has more names.
const NAMES_MAX: usize = 1 << 20;
/// How the names of files end that are not whole yet, after the number of their writer.
const SUFFIX: &str = ".new";

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// Whoever wants to know.
    Everybody,
    /// Root alone.
    Root,
}

/// A new file beside another, which no other process and no other file of ours is written by way of: two writers who
/// shared one would rename each other's halves into place.
#[derive(Debug)]
pub struct Beside {
    file: File,
    path: PathBuf,
}

impl Beside {
    /// Makes it beside `path`.
    ///
    /// # Errors
    /// As mkdir(2) and open(2).
    pub fn create(path: &Path, readers: Readers) -> io::Result<Self> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let mut beside = name.to_owned();
        beside.push(format!(".{}{SUFFIX}", std::process::id()));
        let beside = parent.join(beside);
        fs::create_dir_all(parent)?;
        let mode = match readers {
            Readers::Everybody => 0o644,
            Readers::Root => 0o600,
        };
        let create = || File::options().write(true).create_new(true).mode(mode).open(&beside);
        let file = match create() {
            // Left by a process that was killed and had the same number.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                fs::remove_file(&beside)?;
                create()
            }
            other => other,
        }?;
        Ok(Self { file, path: beside })
    }

    /// Writes to it.
    ///
    /// # Errors
    /// As write(2).
    pub fn fill(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    /// Waits until its contents are on the disk.
    ///
    /// # Errors
    /// As fsync(2).
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    /// Gives it the name `path`, which another file may have.
    ///
    /// # Errors
    /// As rename(2).
    pub fn take_the_place_of(&self, path: &Path) -> io::Result<()> {
        fs::rename(&self.path, path)
    }

    /// Removes it.
    ///
    /// # Errors
    /// As unlink(2).
    pub fn remove(&self) -> io::Result<()> {
        fs::remove_file(&self.path)
    }
}

/// What is in the file at `path`.
///
/// # Errors
/// As open(2) and read(2), and when it is too large.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    files::read(path, SIZE_MAX)
}

/// Whether there may be a file at `path`.
#[must_use]
pub fn is_there(path: &Path) -> bool {
    path.symlink_metadata().map_or_else(|error| error.kind() != io::ErrorKind::NotFound, |_| true)
}

/// Waits until the names in the directory of `path` are on the disk.
///
/// # Errors
/// As open(2) and fsync(2).
pub fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path.parent().unwrap_or(path))?.sync_all()
}

/// Removes the file at `path`.
///
/// # Errors
/// As unlink(2); `NotFound` where there is none, of a read-only disk, too, which refuses before it looks.
pub fn remove(path: &Path) -> io::Result<()> {
    fs::remove_file(path).map_err(|error| if is_there(path) { error } else { io::ErrorKind::NotFound.into() })
}

/// The names in the directory at `path` that are UTF-8, as all of ours are.
///
/// # Errors
/// As open(2).
pub fn names(path: &Path) -> io::Result<impl Iterator<Item = String> + use<>> {
    let entries = files::entries(path, NAMES_MAX)?;
    Ok(entries.into_iter().filter_map(|entry| entry.name.into_string().ok()))
}

/// The process that writes by way of a file whose name ends so.
#[must_use]
pub fn writer_of(name: &str) -> Option<u32> {
    let (_, writer) = name.strip_suffix(SUFFIX)?.rsplit_once('.')?;
    writer.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::whole::{Durability, read, rehearse, write};

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_rehearsal_leaves_nothing_and_touches_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state/hhvm.service.json");
        write(&path, &7, Readers::Everybody, Durability::Synced).unwrap();
        rehearse(&path).unwrap();
        assert_eq!(read(&path).unwrap(), Some(7));
        assert_eq!(names(path.parent().unwrap()), ["hhvm.service.json"]);
    }

    #[test]
    fn no_two_files_are_written_by_way_of_the_same_name() {
        let dir = tempfile::tempdir().unwrap();
        let beside = ["hhvm.service.json", "hhvm.service.last.json", "hhvm.service.copy", "hhvm.json"]
            .map(|name| Beside::create(&dir.path().join(name), Readers::Root).unwrap().path);
        for (at, one) in beside.iter().enumerate() {
            assert!(!beside[at + 1..].contains(one), "{beside:?}");
            assert!(one.to_str().unwrap().contains(&std::process::id().to_string()), "{beside:?}");
        }
    }

    #[test]
    fn what_a_killed_process_of_the_same_number_left_is_no_hindrance_and_no_way_out() {
        let dir = tempfile::tempdir().unwrap();
        let (path, victim) = (dir.path().join("record"), dir.path().join("victim"));
        fs::write(&victim, "precious").unwrap();
        let beside = Beside::create(&path, Readers::Root).unwrap().path;
        fs::remove_file(&beside).unwrap();
        std::os::unix::fs::symlink(&victim, &beside).unwrap();
        write(&path, &7, Readers::Everybody, Durability::WhenConvenient).unwrap();
        assert_eq!((read(&path).unwrap(), fs::read_to_string(victim).unwrap()), (Some(7), "precious".into()));
        assert_eq!(names(dir.path()), ["record", "victim"]);
    }
}
