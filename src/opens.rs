//! Sees each time that somebody opens a file (inotify(7)).

use rustix::fs::inotify::{CreateFlags, ReadFlags, Reader, WatchFlags, add_watch, init};
use rustix::io::Errno;
use std::fs;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// More opens of a file than this are only counted.
const MOMENTS_MAX: usize = 10_000;
/// Some hundred events.
const BUFFER: usize = 16 << 10;

/// A file that is watched for who opens it.
#[derive(Debug)]
pub struct Opens {
    inotify: OwnedFd,
    path: PathBuf,
    file: (u64, u64),
    moments: Vec<Instant>,
    count: usize,
    was_moved: bool,
}

impl Opens {
    /// Watches the file that `path` leads to now.
    ///
    /// # Errors
    /// As stat(2), `inotify_init1(2)` and `inotify_add_watch(2)`; the latter wants that the caller may read the file.
    pub fn of(path: &Path) -> io::Result<Self> {
        let file = identity(path)?;
        let inotify = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        add_watch(&inotify, path, WatchFlags::OPEN | WatchFlags::MOVE_SELF | WatchFlags::DELETE_SELF)?;
        Ok(Self { inotify, path: path.to_owned(), file, moments: Vec::new(), count: 0, was_moved: false })
    }

    /// Takes in what has happened until `now`.
    ///
    /// # Errors
    /// As read(2).
    pub fn take(&mut self, now: Instant) -> io::Result<()> {
        let mut buffer = [MaybeUninit::uninit(); BUFFER];
        let mut events = Reader::new(self.inotify.as_fd(), &mut buffer);
        loop {
            let event = match events.next() {
                Ok(event) => event,
                Err(Errno::AGAIN) => return Ok(()),
                Err(Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            };
            if event.events().contains(ReadFlags::OPEN) {
                self.count += 1;
                if self.moments.len() < MOMENTS_MAX {
                    self.moments.push(now);
                }
            } else {
                self.was_moved = true;
            }
        }
    }

    /// When it was opened, as far as memory goes.
    #[must_use]
    pub fn moments(&self) -> &[Instant] {
        &self.moments
    }

    /// How often it was opened.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// Whether the path leads to another file now, or did meanwhile.
    #[must_use]
    pub fn was_moved(&self) -> bool {
        self.was_moved || identity(&self.path).ok() != Some(self.file)
    }
}

impl AsFd for Opens {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inotify.as_fd()
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    fs::metadata(path).map(|file| (file.dev(), file.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    #[test]
    fn each_open_is_seen_and_so_is_a_move() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("status.php");
        fs::write(&path, "alive").unwrap();
        let mut opens = Opens::of(&path).unwrap();
        for number in 1..=3 {
            File::open(&path).unwrap();
            opens.take(Instant::now()).unwrap();
            assert_eq!((opens.count(), opens.moments().len()), (number, number));
        }
        fs::metadata(&path).unwrap();
        opens.take(Instant::now()).unwrap();
        assert_eq!((opens.count(), opens.was_moved()), (3, false), "stat(2) opens nothing");
        fs::rename(&path, directory.path().join("away")).unwrap();
        fs::rename(directory.path().join("away"), &path).unwrap();
        opens.take(Instant::now()).unwrap();
        assert!(opens.was_moved());
    }

    #[test]
    fn a_path_that_leads_elsewhere_is_noticed() {
        let directory = tempfile::tempdir().unwrap();
        for release in ["1", "2"] {
            fs::write(directory.path().join(release), release).unwrap();
        }
        let current = directory.path().join("current");
        std::os::unix::fs::symlink("1", &current).unwrap();
        let opens = Opens::of(&current).unwrap();
        assert!(!opens.was_moved());
        fs::remove_file(&current).unwrap();
        std::os::unix::fs::symlink("2", &current).unwrap();
        assert!(opens.was_moved());
        assert!(Opens::of(&directory.path().join("none")).is_err());
    }
}
