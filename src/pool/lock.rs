//! The locks of a unit and of its health files, which the kernel releases when their holder ends, however it ends.

use super::store::Store;
use crate::error::{Error, Result};
use rustix::fs::{FlockOperation, flock};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Longest wait for another call to finish its few renames.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often a lock is tried meanwhile.
const RETRY: Duration = Duration::from_millis(5);
/// Longest wait for those who ask whether a drain goes on.
const DRAIN_PATIENCE: Duration = Duration::from_millis(20);
const DRAIN_RETRY: Duration = Duration::from_millis(1);

/// Held while the record and the files are read and changed, by all units that name one of them.
#[derive(Debug)]
pub struct WriteLock(#[expect(dead_code, reason = "held for its drop")] Vec<Held>);

/// Held by `stop` for as long as it drains.
#[derive(Debug)]
pub struct DrainLock(#[expect(dead_code, reason = "held for its drop")] Held);

/// A locked file. Closing it releases the lock, and unlike unlocking that cannot fail: no copy of the descriptor is
/// ever made, and close(2) lets go of the file whatever it returns.
#[derive(Debug)]
struct Held(#[expect(dead_code, reason = "held for its drop")] File);

impl WriteLock {
    /// Takes the locks of the health files, then that of the unit, waiting a short time for their holders. All calls take
    /// them in the same order, so none waits for another in a circle.
    ///
    /// # Errors
    /// [`Error::Busy`] when one is not to be had.
    pub(super) fn take(store: &Store, health_files: &[PathBuf]) -> Result<Self> {
        let mut paths: Vec<_> = health_files.iter().map(|path| store.file_lock_path(path)).collect();
        paths.sort();
        paths.dedup();
        paths.push(store.lock_path("lock"));
        let give_up = Instant::now() + PATIENCE;
        paths.into_iter().map(|path| take_until(path, give_up)).collect::<Result<_>>().map(Self)
    }
}

fn take_until(path: PathBuf, give_up: Instant) -> Result<Held> {
    loop {
        match try_lock(&path) {
            Ok(lock) => return Ok(lock),
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => {
                return Err(Error::Lock { path, source: error });
            }
            Err(_) if Instant::now() >= give_up => return Err(Error::Busy(path)),
            Err(_) => std::thread::sleep(RETRY),
        }
    }
}

impl DrainLock {
    /// Takes the lock; none when another drain of the unit holds it, or it cannot be made. Whoever only asks whether a
    /// drain goes on holds it for some microseconds, too.
    #[must_use]
    pub fn take(store: &Store) -> Option<Self> {
        let path = store.lock_path("drain");
        let give_up = Instant::now() + DRAIN_PATIENCE;
        loop {
            match try_lock(&path) {
                Ok(lock) => return Some(Self(lock)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && Instant::now() < give_up => {
                    std::thread::sleep(DRAIN_RETRY);
                }
                Err(_) => return None,
            }
        }
    }
}

/// Whether a `stop` drains the unit just now.
#[must_use]
pub fn drain_in_progress(store: &Store) -> bool {
    let Ok(file) = File::open(store.lock_path("drain")) else { return false };
    flock(&file, FlockOperation::NonBlockingLockShared) == Err(rustix::io::Errno::WOULDBLOCK)
}

fn try_lock(path: &Path) -> io::Result<Held> {
    fs::create_dir_all(path.parent().unwrap_or(path))?;
    let file = File::options().create(true).truncate(false).write(true).open(path)?;
    flock(&file, FlockOperation::NonBlockingLockExclusive)?;
    Ok(Held(file))
}
