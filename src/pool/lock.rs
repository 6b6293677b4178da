//! The locks of a unit and of its health files, which the kernel releases when their holder ends, however it ends.

use super::guard::{is_at, lock_file, may_be_locked};
use super::shelf::Spot;
use super::store::Store;
use crate::error::{Error, Result};
use crate::order;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use rustix::fs::{FlockOperation, flock};
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Longest wait for another call to finish its few renames.
const PATIENCE: Duration = Duration::from_secs(2);
/// The same, where it may as well be left.
const SHORT_PATIENCE: Duration = Duration::from_millis(200);
/// How often a lock is tried meanwhile.
const RETRY: Duration = Duration::from_millis(5);
/// As the kernel has them in its 16 bits.
#[expect(clippy::cast_possible_truncation, reason = "both are small")]
const F_WRLCK: libc::c_short = libc::F_WRLCK as libc::c_short;
#[expect(clippy::cast_possible_truncation, reason = "both are small")]
const SEEK_SET: libc::c_short = libc::SEEK_SET as libc::c_short;

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
        let mut spots: Vec<_> = health_files.iter().map(|path| store.file_lock(path)).collect();
        order::sort_by(&mut spots, |one, other| one.name().cmp(other.name()));
        spots.dedup_by(|one, other| one.name() == other.name());
        spots.push(store.lock("lock"));
        let give_up = Instant::now() + PATIENCE;
        spots.iter().map(|spot| take_until(spot, give_up)).collect::<Result<_>>().map(Self)
    }

    /// Takes the lock of the unit alone, for what nothing depends on.
    ///
    /// # Errors
    /// [`Error::Busy`] when it is not to be had soon.
    pub(super) fn of_unit(store: &Store) -> Result<Self> {
        take_until(&store.lock("lock"), Instant::now() + SHORT_PATIENCE).map(|held| Self(vec![held]))
    }

    /// Takes the lock of the file of metrics.
    ///
    /// # Errors
    /// [`Error::Busy`] when it is not to be had soon.
    pub(super) fn of_metrics(store: &Store) -> Result<Self> {
        let spot = store.shared("metrics.lock".to_owned());
        take_until(&spot, Instant::now() + SHORT_PATIENCE).map(|held| Self(vec![held]))
    }
}

fn take_until(spot: &Spot, give_up: Instant) -> Result<Held> {
    loop {
        match try_lock(spot) {
            Ok(lock) => return Ok(lock),
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => {
                return Err(Error::Lock { path: spot.path(), source: error });
            }
            Err(_) if Instant::now() >= give_up => return Err(Error::Busy(spot.path())),
            Err(_) => std::thread::sleep(RETRY),
        }
    }
}

impl DrainLock {
    /// Takes the lock; none when another drain of the unit holds it, or it cannot be made.
    #[must_use]
    pub fn take(store: &Store) -> Option<Self> {
        let file = hold(&store.lock("drain"), |file| {
            // Of an open file, not of the process: others can ask who holds it without taking it (fcntl_locking(2)).
            Ok(fcntl(file, FcntlArg::F_OFD_SETLK(&whole_file())).map(drop)?)
        });
        file.ok().map(Self)
    }
}

/// Whether a `stop` drains the unit just now. Asking takes no lock, so it is in nobody's way.
#[must_use]
pub fn drain_in_progress(store: &Store) -> bool {
    let spot = store.lock("drain");
    // Without the file nobody holds it, and it is not made for a question.
    if !may_be_locked(&spot) {
        return false;
    }
    let Ok(file) = lock_file(&spot) else { return false };
    let mut lock = whole_file();
    let asked = fcntl(&file, FcntlArg::F_OFD_GETLK(&mut lock));
    asked.is_ok() && i32::from(lock.l_type) != libc::F_UNLCK
}

/// A lock for one writer, from the first byte to whatever is the last.
fn whole_file() -> libc::flock {
    libc::flock { l_type: F_WRLCK, l_whence: SEEK_SET, l_start: 0, l_len: 0, l_pid: 0 }
}

fn try_lock(spot: &Spot) -> io::Result<Held> {
    hold(spot, |file| Ok(flock(file, FlockOperation::NonBlockingLockExclusive)?))
}

/// The file at `spot`, locked by `lock`; the one that has the place afterwards.
fn hold(spot: &Spot, lock: impl Fn(&File) -> io::Result<()>) -> io::Result<Held> {
    let file = lock_file(spot)?;
    lock(&file)?;
    if is_at(&file, spot)? { Ok(Held(file)) } else { Err(io::ErrorKind::WouldBlock.into()) }
}
