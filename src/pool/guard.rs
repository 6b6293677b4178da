//! What of the state directories may be trusted: what root has written, and nobody else can change, hold or have linked
//! there.

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat, fstat, openat, statat, unlinkat};
use rustix::io::Errno;
use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

/// Lets nobody else open a lock: whoever can read a file can lock it (flock(2), fcntl(2)).
const LOCK_MODE: Mode = Mode::RUSR.union(Mode::WUSR);
/// How often a lock is opened that others change meanwhile, with the same rights as ours.
const TRIES: usize = 8;

/// The file of a lock, made if there is none. It is not locked yet.
///
/// One that others can open, as versions up to 0.1.0 made it, is replaced: it may be open already.
///
/// # Errors
/// As mkdir(2) and open(2); and when the directory or the file is another user's.
pub(super) fn lock_file(path: &Path) -> io::Result<File> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    fs::create_dir_all(parent)?;
    let directory = directory(parent)?;
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    for _ in 0..TRIES {
        match openat(&directory, name, flags, LOCK_MODE) {
            Ok(file) if is_private(&fstat(&file)?) => return Ok(file.into()),
            // A FIFO, a symlink, a directory.
            Ok(_) | Err(Errno::LOOP | Errno::NXIO | Errno::ISDIR) => {}
            Err(error) => return Err(error.into()),
        }
        match unlinkat(&directory, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(io::Error::other("it is not a file that only root can open"))
}

/// Whether `file` still has the path, and not another that has replaced it.
pub(super) fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let own = fstat(file)?;
    match statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(found) => Ok((found.st_dev, found.st_ino) == (own.st_dev, own.st_ino)),
        Err(Errno::NOENT) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Fails if the file at `path` is there and was written, or can be changed, by anybody but root and this user, or lies in
/// a directory of which that is true.
///
/// # Errors
/// As open(2) and stat(2); and if it is so.
pub(super) fn vouch(path: &Path) -> io::Result<()> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let stat = statat(directory(parent)?, name, AtFlags::SYMLINK_NOFOLLOW)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile || stat.st_nlink != 1 {
        return Err(io::Error::other("it is not a regular file with one name"));
    }
    if !is_ours(&stat) {
        return Err(io::Error::other("others than root own it or can write to it"));
    }
    Ok(())
}

fn directory(path: &Path) -> io::Result<OwnedFd> {
    // By way of a symlink, too: an administrator may keep the state on another disk.
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = openat(CWD, path, flags, Mode::empty())?;
    if is_ours(&fstat(&directory)?) {
        return Ok(directory);
    }
    let why = format!("others than root own {} or can write to it", path.display());
    Err(io::Error::new(io::ErrorKind::PermissionDenied, why))
}

/// Whether nobody but root, or whoever runs this program, has had a hand in it.
fn is_ours(stat: &Stat) -> bool {
    let is_owner = stat.st_uid == 0 || stat.st_uid == rustix::process::geteuid().as_raw();
    is_owner && stat.st_mode & 0o022 == 0
}

/// Whether nobody else can open it.
fn is_private(stat: &Stat) -> bool {
    let is_file = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
    is_file && is_ours(stat) && stat.st_mode & 0o777 & !LOCK_MODE.bits() == 0 && stat.st_nlink == 1
}
