//! HHVM's files, read once each, up to a bound, with the rights that fit whoever named them.

use super::chase::{Lost, Way, find};
use super::rights::Rights;
use crate::files::{self, entries, opened};
use crate::hhvm::{Files, Missing};
use rustix::fs::{Stat, fstat};
use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime};

/// A larger file is none of HHVM's.
const FILE_MAX: u64 = 1 << 20;
/// More files than any host has for HHVM, those that are included among them.
const FILES_MAX: usize = 16;
/// More than all of them together have.
const TEXT_MAX: usize = 4 << 20;
/// A larger directory is none of HHVM's.
const NAMES_MAX: usize = 10_000;
/// The start of a process is not known more exactly than this: clock ticks, and two clocks.
const TICK: Duration = Duration::from_millis(50);

/// Reads files below the root of a process.
pub(super) struct Reader<'a> {
    pub(super) root: OwnedFd,
    pub(super) rights: Rights,
    /// Files that root named.
    pub(super) trusted: HashSet<&'a Path>,
    /// When the process started, if that is known.
    pub(super) started: Option<SystemTime>,
    pub(super) deadline: Instant,
    /// Files that root named, and that nobody but root can change: what they include is named by root.
    pub(super) of_root: HashSet<PathBuf>,
    /// What was read, by device and inode.
    pub(super) seen: HashMap<(u64, u64), Rc<[u8]>>,
    /// How many files were asked for.
    pub(super) asked: usize,
    /// How much they held.
    pub(super) size: usize,
    pub(super) edited_since: Vec<PathBuf>,
    /// Whether something was refused that root's word for it would have opened.
    pub(super) was_refused: Cell<bool>,
}

impl Files for Reader<'_> {
    fn read(&mut self, name: &Path, within: Option<&Path>) -> Result<Rc<[u8]>, Missing> {
        self.asked += 1;
        if self.asked > FILES_MAX {
            return Err(unreadable("too many configuration files"));
        }
        let is_roots = self.trusted.contains(name)
            || within.is_some_and(|within| self.of_root.contains(within))
            || is_default(name);
        let (stat, text) = self.with_rights(is_roots, |way| {
            let file = find(&self.root, name, way)?;
            let stat = fstat(&file)?;
            let known = self.seen.get(&(stat.st_dev, stat.st_ino)).cloned();
            Ok((stat, known.map_or_else(|| content(&file), Ok).map_err(Lost::Failed)?))
        })?;
        self.seen.insert((stat.st_dev, stat.st_ino), Rc::clone(&text));
        self.size += text.len();
        if self.size > TEXT_MAX {
            return Err(unreadable("the configuration files are larger than 4 MiB in total"));
        }
        if is_roots && is_of_root(&stat) {
            self.of_root.insert(name.to_owned());
        }
        let is_newer = self.started.is_some_and(|started| changed(&stat) > started + TICK);
        if is_newer && !self.edited_since.iter().any(|edited| edited == name) {
            self.edited_since.push(name.to_owned());
        }
        Ok(text)
    }

    fn list(&mut self, directory: &Path) -> Result<Vec<OsString>, Missing> {
        self.with_rights(directory == Path::new(DEFAULTS), |way| {
            let found = find(&self.root, directory, way)?;
            let entries = entries(opened(&found).as_ref(), NAMES_MAX).map_err(Lost::Failed)?;
            Ok(entries.into_iter().map(|entry| entry.name).collect())
        })
    }
}

impl Reader<'_> {
    /// As HHVM; what is refused then, as root, if root named it and nobody else can lead the way to another file.
    fn with_rights<T>(&self, is_roots: bool, work: impl Fn(Way) -> Result<T, Lost>) -> Result<T, Missing> {
        if Instant::now() >= self.deadline {
            return Err(unreadable("no time left to read it"));
        }
        let done = match &self.rights {
            Rights::Own => work(Way::Any),
            Rights::Theirs(theirs) => theirs.work(|| work(Way::Any)).map_err(failed)?,
            Rights::NotKnown => Err(refused("unknown user of HHVM")),
        };
        let is_refused = |lost: &Lost| match lost {
            Lost::Failed(error) => error.kind() == io::ErrorKind::PermissionDenied,
            Lost::Absent(_) => false,
        };
        let done = match done {
            Err(lost) if is_refused(&lost) && is_roots && self.rights != Rights::Own => work(Way::OfRoot),
            done => done,
        };
        done.map_err(|lost| match lost {
            Lost::Absent(directory) => self.absent(&directory),
            Lost::Failed(error) => {
                if error.kind() == io::ErrorKind::PermissionDenied {
                    self.was_refused.set(true);
                }
                failed(error)
            }
        })
    }

    /// What a directory has not had since before the process started, was not there then.
    fn absent(&self, directory: &OwnedFd) -> Missing {
        let is_older = |started| fstat(directory).is_ok_and(|stat| changed(&stat) + TICK < started);
        if self.started.is_some_and(is_older) { Missing::Absent } else { unreadable("not found") }
    }
}

/// Where HHVM has its default files.
const DEFAULTS: &str = "/etc/hhvm";

/// HHVM reads these without being told to.
fn is_default(name: &Path) -> bool {
    let file = name.file_name().unwrap_or_default().as_bytes();
    let is = |start: &[u8], end: &[u8]| file.starts_with(start) && file.ends_with(end);
    name.parent() == Some(Path::new(DEFAULTS)) && (is(b"php", b".ini") || is(b"config", b".hdf"))
}

/// Whether nobody but root can write to it.
pub(super) fn is_of_root(stat: &Stat) -> bool {
    stat.st_uid == 0 && stat.st_mode & 0o022 == 0
}

/// What is in the file that was found.
pub(super) fn content(found: &OwnedFd) -> io::Result<Rc<[u8]>> {
    Ok(files::content(files::open(found)?, FILE_MAX)?.into())
}

/// When the file was written or put there.
fn changed(stat: &Stat) -> SystemTime {
    let at = |seconds: i64, nanoseconds: u64| {
        let seconds = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
        // Absurd times are far in the future.
        let since = seconds.saturating_add(Duration::from_nanos(nanoseconds));
        SystemTime::UNIX_EPOCH.checked_add(since).unwrap_or_else(SystemTime::now)
    };
    at(stat.st_mtime, stat.st_mtime_nsec).max(at(stat.st_ctime, stat.st_ctime_nsec))
}

fn refused(why: &str) -> Lost {
    Lost::Failed(io::Error::new(io::ErrorKind::PermissionDenied, why.to_owned()))
}

fn unreadable(why: &str) -> Missing {
    Missing::Unreadable(why.to_owned())
}

fn failed(error: impl std::fmt::Display) -> Missing {
    Missing::Unreadable(format!("cannot be read ({error})"))
}
