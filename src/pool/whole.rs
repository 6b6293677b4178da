//! Files of the state directories: read with a bound, written whole or not at all.

use crate::files;
use serde::{Serialize, de::DeserializeOwned};
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A larger file is none of ours.
const SIZE_MAX: u64 = 1 << 20;

/// Whether a file must be on the disk when the call returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// It must, or the call fails.
    Synced,
    /// Nothing depends on it.
    WhenConvenient,
}

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// Whoever wants to know.
    Everybody,
    /// Root alone.
    Root,
}

/// What the file at `path` says; none if there is no such file, or an empty one.
///
/// # Errors
/// As open(2) and read(2), and when the text is not what it should be.
pub fn read<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    match files::read(path, SIZE_MAX) {
        Ok(bytes) if bytes.iter().all(|byte| *byte == 0) => Ok(None),
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// No such file, or no such directory either.
pub fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Writes beside and renames, so that a reader sees the old or the new file, never half of one.
///
/// Synced after the rename, file and directory are one commit of the journal on the usual file systems, which halves
/// the time until the node is out. A power cut in between can leave an empty file, and [`read`] takes that for none:
/// nothing was renamed on the strength of it yet.
///
/// # Errors
/// As open(2), write(2), rename(2) and fsync(2); the file is then the old one.
pub fn write<T: Serialize>(
    path: &Path,
    value: &T,
    readers: Readers,
    durability: Durability,
) -> io::Result<()> {
    let mut bytes = serde_json::to_vec_pretty(value)?;
    bytes.push(b'\n');
    let (mut file, beside) = create_beside(path, readers)?;
    file.write_all(&bytes).and_then(|()| fs::rename(&beside, path)).inspect_err(|_| {
        let _ = fs::remove_file(&beside);
    })?;
    match durability {
        Durability::Synced => {
            file.sync_all().and_then(|()| File::open(path.parent().unwrap_or(path))?.sync_all())
        }
        Durability::WhenConvenient => Ok(()),
    }
}

/// Removes the file at `path`.
///
/// # Errors
/// As unlink(2).
pub fn remove(path: &Path) -> io::Result<()> {
    fs::remove_file(path)
}

/// The names in the directory at `path` that are UTF-8, as all of ours are.
///
/// # Errors
/// As open(2).
pub fn names(path: &Path) -> io::Result<impl Iterator<Item = String> + use<>> {
    let entries = fs::read_dir(path)?;
    Ok(entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()))
}

/// Writes beside `path` and removes that again; `path` itself is not touched.
///
/// # Errors
/// As [`write`].
pub fn rehearse(path: &Path) -> io::Result<()> {
    let (mut file, beside) = create_beside(path, Readers::Root)?;
    let written = file.write_all(b"\n");
    fs::remove_file(beside)?;
    written
}

/// A new file beside `path`, which no other process and no other file of ours is written by way of: two writers who
/// shared one would rename each other's halves into place.
fn create_beside(path: &Path, readers: Readers) -> io::Result<(File, PathBuf)> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let mut beside = name.to_owned();
    beside.push(format!(".{}.new", std::process::id()));
    let beside = parent.join(beside);
    fs::create_dir_all(parent)?;
    let mode = match readers {
        Readers::Everybody => 0o644,
        Readers::Root => 0o600,
    };
    let create = || File::options().write(true).create_new(true).mode(mode).open(&beside);
    match create() {
        // Left by a process that was killed and had the same number.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            fs::remove_file(&beside)?;
            create()
        }
        other => other,
    }
    .map(|file| (file, beside.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

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
            .map(|name| create_beside(&dir.path().join(name), Readers::Root).unwrap().1);
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
        let beside = create_beside(&path, Readers::Root).unwrap().1;
        fs::remove_file(&beside).unwrap();
        std::os::unix::fs::symlink(&victim, &beside).unwrap();
        write(&path, &7, Readers::Everybody, Durability::WhenConvenient).unwrap();
        assert_eq!((read(&path).unwrap(), fs::read_to_string(victim).unwrap()), (Some(7), "precious".into()));
        assert_eq!(names(dir.path()), ["record", "victim"]);
    }
}
