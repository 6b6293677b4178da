//! What of the state directories may be trusted: what root has written, and nobody else can change, hold or have linked
//! there.

use super::shelf::{Shelf, Spot};
use crate::context::Root;
use crate::way::{self, Found};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, fchmod, fstat, openat, statat, unlinkat};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

/// Lets nobody else open a lock: whoever can read a file can lock it (flock(2), fcntl(2)).
const LOCK_MODE: Mode = Mode::RUSR.union(Mode::WUSR);
/// How often a lock is opened that others change meanwhile, with the same rights as ours.
const TRIES: usize = 8;
/// Permissions.
const PERMISSIONS: u32 = 0o777;

/// The state directory `shelf` below `root`, as a descriptor that only names it.
///
/// # Errors
/// As open(2); and when others can change what is in it.
pub(super) fn directory(root: &Root, shelf: Shelf) -> io::Result<OwnedFd> {
    ours(way::directory(root, Path::new(shelf.path))?, root, shelf)
}

/// The same, made if it is not there.
///
/// # Errors
/// As [`directory`] and mkdir(2).
pub(super) fn make_directory(root: &Root, shelf: Shelf) -> io::Result<OwnedFd> {
    let mode = Mode::from_raw_mode(shelf.mode);
    ours(way::make_directory(root, Path::new(shelf.path), mode)?, root, shelf)
}

/// The directory at `path` below `root`, in which nobody but root can put or replace files.
///
/// # Errors
/// As open(2); and when others can change what is in it.
pub(super) fn roots_directory(root: &Root, path: &Path) -> io::Result<OwnedFd> {
    let found = way::directory(root, path)?;
    refuse_others(&found, &fstat(&found.fd)?)?;
    Ok(found.fd)
}

/// A directory once more, opened for more than its path.
pub(super) fn readable(directory: &OwnedFd) -> rustix::io::Result<OwnedFd> {
    openat(directory, ".", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}

/// The directory, if nobody else has a hand in it. One of an older version is closed to those who have no business there;
/// one that an administrator has put elsewhere, by a symlink, stays as it is.
fn ours(found: Found, root: &Root, shelf: Shelf) -> io::Result<OwnedFd> {
    let stat = fstat(&found.fd)?;
    refuse_others(&found, &stat)?;
    let is_in_its_place = found.path == root.join(shelf.path);
    if is_in_its_place && stat.st_mode & PERMISSIONS & !shelf.mode != 0 {
        // What is not taken, by a read-only file system, is as it was.
        let _ = readable(&found.fd).and_then(|opened| fchmod(opened, Mode::from_raw_mode(shelf.mode)));
    }
    Ok(found.fd)
}

fn refuse_others(found: &Found, stat: &Stat) -> io::Result<()> {
    if is_ours(stat) {
        return Ok(());
    }
    let why = format!("others than root own {} or can write to it", found.path.display());
    Err(io::Error::new(io::ErrorKind::PermissionDenied, why))
}

/// The file of a lock, made if there is none. It is not locked yet.
///
/// One that others can open, as versions up to 0.1.0 made it, is replaced: it may be open already.
///
/// # Errors
/// As mkdir(2) and open(2); and when the directory or the file is another user's.
pub(super) fn lock_file(spot: &Spot) -> io::Result<File> {
    let directory = make_directory(&spot.root, spot.shelf)?;
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    for _ in 0..TRIES {
        // A device is not even opened.
        match statat(&directory, spot.name(), AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => {}
            Ok(stat) if is_private(&stat) => {}
            Ok(_) => {
                remove(&directory, spot)?;
                continue;
            }
            Err(error) => return Err(error.into()),
        }
        match openat(&directory, spot.name(), flags, LOCK_MODE) {
            Ok(file) if is_private(&fstat(&file)?) => return Ok(file.into()),
            // A FIFO, a symlink, a directory.
            Ok(_) | Err(Errno::LOOP | Errno::NXIO | Errno::ISDIR) => remove(&directory, spot)?,
            Err(error) => return Err(error.into()),
        }
    }
    Err(io::Error::other("it is not a file that only root can open"))
}

fn remove(directory: &OwnedFd, spot: &Spot) -> io::Result<()> {
    match unlinkat(directory, spot.name(), AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Whether `file` still has the place, and not another that has replaced it.
pub(super) fn is_at(file: &File, spot: &Spot) -> io::Result<bool> {
    let own = fstat(file)?;
    match statat(directory(&spot.root, spot.shelf)?, spot.name(), AtFlags::SYMLINK_NOFOLLOW) {
        Ok(found) => Ok((found.st_dev, found.st_ino) == (own.st_dev, own.st_ino)),
        Err(Errno::NOENT) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Whether there is a file that can be a lock.
pub(super) fn may_be_locked(spot: &Spot) -> bool {
    let found = directory(&spot.root, spot.shelf)
        .and_then(|directory| Ok(statat(directory, spot.name(), AtFlags::SYMLINK_NOFOLLOW)?));
    found.is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile)
}

/// Fails if the file `name` in a state directory was written, or can be changed, by anybody but root and this user.
///
/// # Errors
/// As stat(2); and if it is so.
pub(super) fn vouch(directory: &OwnedFd, name: &OsStr) -> io::Result<()> {
    let stat = statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile || stat.st_nlink != 1 {
        return Err(io::Error::other("it is not a regular file with one name"));
    }
    if !is_ours(&stat) {
        return Err(io::Error::other("others than root own it or can write to it"));
    }
    Ok(())
}

/// Whether nobody but root, or whoever runs this program, has had a hand in it.
fn is_ours(stat: &Stat) -> bool {
    let is_owner = stat.st_uid == 0 || stat.st_uid == rustix::process::geteuid().as_raw();
    is_owner && stat.st_mode & 0o022 == 0
}

/// Whether nobody else can open it.
fn is_private(stat: &Stat) -> bool {
    let is_file = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
    is_file && is_ours(stat) && stat.st_mode & PERMISSIONS & !LOCK_MODE.bits() == 0 && stat.st_nlink == 1
}
