//! Files of the state directories, and the names by way of which they are written: what the disk is asked for.

use super::guard::{directory, make_directory, readable, vouch};
use super::shelf::{Shelf, Spot};
use crate::context::Root;
use crate::files;
use rustix::fs::{AtFlags, Mode, OFlags, fsync, openat, renameat, statat, unlinkat};
use rustix::io::Errno;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;

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
    directory: OwnedFd,
    file: File,
    name: OsString,
}

impl Beside {
    /// Makes it beside the file at `spot`.
    ///
    /// # Errors
    /// As mkdir(2) and open(2); and when others can change what is in the directory.
    pub fn create(spot: &Spot, readers: Readers) -> io::Result<Self> {
        let directory = make_directory(&spot.root, spot.shelf)?;
        let mut name = spot.name().to_owned();
        name.push(format!(".{}{SUFFIX}", std::process::id()));
        let mode = Mode::from_raw_mode(match readers {
            Readers::Everybody => 0o644,
            Readers::Root => 0o600,
        });
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = match openat(&directory, &name, flags, mode) {
            // Left by a process that was killed and had the same number.
            Err(Errno::EXIST) => {
                unlinkat(&directory, &name, AtFlags::empty())?;
                openat(&directory, &name, flags, mode)
            }
            other => other,
        }?;
        Ok(Self { directory, file: file.into(), name })
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

    /// Whether there may be a file at `spot`, in the same directory.
    #[must_use]
    pub fn replaces(&self, spot: &Spot) -> bool {
        may_be_in(&self.directory, spot)
    }

    /// Gives it the place `spot` in the same directory, which another file may have.
    ///
    /// # Errors
    /// As rename(2).
    pub fn take_the_place_of(&self, spot: &Spot) -> io::Result<()> {
        Ok(renameat(&self.directory, &self.name, &self.directory, spot.name())?)
    }

    /// Waits until the names in its directory are on the disk.
    ///
    /// # Errors
    /// As open(2) and fsync(2).
    pub fn sync_directory(&self) -> io::Result<()> {
        Ok(fsync(readable(&self.directory)?)?)
    }

    /// Removes it.
    ///
    /// # Errors
    /// As unlink(2).
    pub fn remove(&self) -> io::Result<()> {
        Ok(unlinkat(&self.directory, &self.name, AtFlags::empty())?)
    }
}

/// Adds a line to the file at `spot`, made if there is none: all of it or nothing. One that a crash has cut before it costs
/// only itself.
///
/// # Errors
/// As mkdir(2), open(2) and write(2); if others than root have, or could have, written it; and if it would have more than `max`
/// bytes.
pub fn append(spot: &Spot, line: &[u8], max: usize) -> io::Result<()> {
    let directory = make_directory(&spot.root, spot.shelf)?;
    match vouch(&directory, spot.name()) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let flags = OFlags::RDWR
        | OFlags::APPEND
        | OFlags::CREATE
        | OFlags::NOFOLLOW
        | OFlags::NONBLOCK
        | OFlags::CLOEXEC;
    let mut file: File = openat(&directory, spot.name(), flags, Mode::RUSR | Mode::WUSR)?.into();
    let before = file.metadata()?.len();
    let mut last = [b'\n'];
    if before > 0 {
        file.read_exact_at(&mut last, before - 1)?;
    }
    let bytes = if last == *b"\n" { line.to_vec() } else { [b"\n", line].concat() };
    if before.saturating_add(bytes.len() as u64) > max as u64 {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    if file.write(&bytes)? == bytes.len() {
        return Ok(());
    }
    // The disk is full.
    file.set_len(before)?;
    Err(io::ErrorKind::WriteZero.into())
}

/// What is in the file at `spot`, whoever has written it.
///
/// # Errors
/// As open(2) and read(2), and when it is too large.
pub fn read(spot: &Spot) -> io::Result<Vec<u8>> {
    files::read_in(&directory(&spot.root, spot.shelf)?, spot.name(), SIZE_MAX)
}

/// The same, if root has written it.
///
/// # Errors
/// As [`read`]; and if others have, or could have, written it.
pub fn read_trusted(spot: &Spot) -> io::Result<Vec<u8>> {
    let directory = directory(&spot.root, spot.shelf)?;
    vouch(&directory, spot.name())?;
    files::read_in(&directory, spot.name(), SIZE_MAX)
}

/// Whether there may be a file at `spot`.
#[must_use]
pub fn is_there(spot: &Spot) -> bool {
    match directory(&spot.root, spot.shelf) {
        Ok(directory) => may_be_in(&directory, spot),
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    }
}

fn may_be_in(directory: &OwnedFd, spot: &Spot) -> bool {
    !matches!(statat(directory, spot.name(), AtFlags::SYMLINK_NOFOLLOW), Err(Errno::NOENT))
}

/// Removes the file at `spot`.
///
/// # Errors
/// As unlink(2); `NotFound` where there is none, of a read-only disk, too, which refuses before it looks.
pub fn remove(spot: &Spot) -> io::Result<()> {
    let directory = directory(&spot.root, spot.shelf)?;
    unlinkat(&directory, spot.name(), AtFlags::empty()).map_err(|error| {
        if may_be_in(&directory, spot) { error.into() } else { io::ErrorKind::NotFound.into() }
    })
}

/// The names in a state directory that are UTF-8, as all of ours are.
///
/// # Errors
/// As open(2).
pub fn names(root: &Root, shelf: Shelf) -> io::Result<impl Iterator<Item = String> + use<>> {
    let entries = files::entries_of(readable(&directory(root, shelf)?)?, NAMES_MAX)?;
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
    use crate::pool::shelf::{RUNTIME, STATE};
    use crate::pool::whole::{Durability, read, rehearse, write};
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::Path;

    fn spot(dir: &tempfile::TempDir, name: &str) -> Spot {
        Spot::new(&Root::new(dir.path().to_owned()), STATE, name.to_owned())
    }

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
        let spot = spot(&dir, "hhvm.service.json");
        write(&spot, &7, Readers::Everybody, Durability::Synced).unwrap();
        rehearse(&spot).unwrap();
        assert_eq!(read(&spot).unwrap(), Some(7));
        assert_eq!(names(spot.path().parent().unwrap()), ["hhvm.service.json"]);
    }

    #[test]
    fn no_two_files_are_written_by_way_of_the_same_name() {
        let dir = tempfile::tempdir().unwrap();
        let beside = ["hhvm.service.json", "hhvm.service.last.json", "hhvm.service.copy", "hhvm.json"]
            .map(|name| Beside::create(&spot(&dir, name), Readers::Root).unwrap().name);
        for (at, one) in beside.iter().enumerate() {
            assert!(!beside[at + 1..].contains(one), "{beside:?}");
            assert!(one.to_str().unwrap().contains(&std::process::id().to_string()), "{beside:?}");
        }
    }

    #[test]
    fn what_a_killed_process_of_the_same_number_left_is_no_hindrance_and_no_way_out() {
        let dir = tempfile::tempdir().unwrap();
        let (spot, victim) = (spot(&dir, "record"), dir.path().join("victim"));
        fs::write(&victim, "precious").unwrap();
        let beside = Beside::create(&spot, Readers::Root).unwrap().name;
        let beside = spot.path().with_file_name(beside);
        fs::remove_file(&beside).unwrap();
        symlink(&victim, &beside).unwrap();
        write(&spot, &7, Readers::Everybody, Durability::WhenConvenient).unwrap();
        assert_eq!((read(&spot).unwrap(), fs::read_to_string(victim).unwrap()), (Some(7), "precious".into()));
        assert_eq!(names(spot.path().parent().unwrap()), ["record"]);
    }

    #[test]
    fn a_state_directory_of_an_older_version_is_closed_and_another_one_is_left_alone() {
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        for shelf in [STATE, RUNTIME] {
            for is_elsewhere in [false, true] {
                let dir = tempfile::tempdir().unwrap();
                let root = Root::new(dir.path().to_owned());
                let (place, elsewhere) = (root.join(shelf.path), root.join("/elsewhere"));
                fs::create_dir_all(place.parent().unwrap()).unwrap();
                let real = if is_elsewhere { &elsewhere } else { &place };
                fs::create_dir(real).unwrap();
                fs::set_permissions(real, fs::Permissions::from_mode(0o755)).unwrap();
                if is_elsewhere {
                    symlink("/elsewhere", &place).unwrap();
                }
                let spot = Spot::new(&root, shelf, "record".to_owned());
                write(&spot, &7, Readers::Root, Durability::Synced).unwrap();
                let is_closed = mode(real) != 0o755;
                assert_eq!(is_closed, shelf == STATE && !is_elsewhere, "{shelf:?} {is_elsewhere}");
                assert_eq!((mode(&real.join("record")), read(&spot).unwrap()), (0o600, Some(7)));
            }
        }
    }
}
