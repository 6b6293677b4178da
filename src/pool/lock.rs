//! Two locks of a unit, which the kernel releases when their holder ends, however it ends.

use super::store::Store;
use crate::error::{Error, Result};
use rustix::fs::{FlockOperation, flock};
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

/// Longest wait for another call to finish its few renames.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often the lock is tried meanwhile.
const RETRY: Duration = Duration::from_millis(5);

/// Held while the record and the files are read and changed.
#[derive(Debug)]
pub struct WriteLock(#[expect(dead_code, reason = "held for its drop")] Held);

/// Held by `stop` for as long as it drains.
#[derive(Debug)]
pub struct DrainLock(#[expect(dead_code, reason = "held for its drop")] Held);

/// A locked file. Closing it releases the lock, and unlike unlocking that cannot fail: no copy of the descriptor is
/// ever made, and close(2) lets go of the file whatever it returns.
#[derive(Debug)]
struct Held(#[expect(dead_code, reason = "held for its drop")] File);

impl WriteLock {
    /// Takes the lock, waiting a short time for its holder.
    ///
    /// # Errors
    /// [`Error::Busy`] when it is not to be had.
    pub fn take(store: &Store) -> Result<Self> {
        let path = store.lock_path("lock");
        let give_up = Instant::now() + PATIENCE;
        loop {
            match try_lock(&path) {
                Ok(lock) => return Ok(Self(lock)),
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => {
                    return Err(Error::Lock { path, source: error });
                }
                Err(_) if Instant::now() >= give_up => return Err(Error::Busy(path)),
                Err(_) => std::thread::sleep(RETRY),
            }
        }
    }
}

impl DrainLock {
    /// Takes the lock; none when another drain of the unit holds it, or it cannot be made.
    #[must_use]
    pub fn take(store: &Store) -> Option<Self> {
        try_lock(&store.lock_path("drain")).ok().map(Self)
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
