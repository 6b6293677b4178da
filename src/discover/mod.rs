//! Looks at a running HHVM: reads its command line, its environment, and the files that it has read.
//!
//! HHVM's side is not trusted. What its command line names is opened with its rights, in its root, and only if it is a
//! file; all of it is bounded, in bytes and in time.

mod chase;
mod php_fpm;
mod reader;
mod rights;

pub use php_fpm::php_fpm;

use crate::hhvm::arguments::absolute_names;
use crate::hhvm::{Hhvm, Start, read};
use crate::unit::Unit;
use chase::{Way, find};
use nix::time::{ClockId, clock_gettime};
use nix::unistd::Uid;
use reader::{Reader, content, is_of_root};
use rights::Rights;
use rustix::fs::{CWD, Mode, OFlags, fstat, openat, readlinkat};
use std::collections::{HashMap, HashSet};
use std::ffi::{CString, OsStr};
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::mpsc;
use std::time::{Duration, Instant, SystemTime};

/// Most that is read of a command line or an environment.
const WORDS_MAX: u64 = 128 << 10;
/// Most that is read of `status`: a process has 65,536 groups at most.
const STATUS_MAX: u64 = 1 << 20;

/// What was found out.
#[derive(Debug, PartialEq, Eq)]
pub struct Looked {
    /// What is known of HHVM.
    pub hhvm: Hhvm,
    /// Whether a file was refused to HHVM's user, so that root's word for it would count.
    pub was_refused: bool,
}

/// Looks at the process `pid`, if its name is that of HHVM, until `deadline`. `proc` is the mounted procfs; `trusted`
/// are files that root named ([`named_by_root`]), with the names that they have for HHVM.
///
/// Paths are those of the process: below its own root, relative to its own directory.
#[must_use]
pub fn hhvm(pid: i32, proc: &Path, trusted: &[PathBuf], deadline: Instant) -> Option<Looked> {
    let (process, trusted) = (proc.join(pid.to_string()), trusted.to_vec());
    let (sender, answer) = mpsc::channel();
    // A thread of its own, because it takes on other rights, and so that a file that hangs holds up nobody else.
    let looking = std::thread::Builder::new().name("discover".to_owned()).spawn(move || {
        // Nobody waits for it any longer if this fails.
        let _ = sender.send(look(&process, &trusted, deadline));
    });
    let unknown = |why| Some(Looked { hhvm: Hhvm::unknown(why), was_refused: false });
    if looking.is_err() {
        return unknown("cannot be read: cannot start a thread");
    }
    match answer.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        Ok(looked) => looked,
        Err(_) => unknown("cannot read the configuration in time"),
    }
}

/// The files that root named for HHVM to read: all in its unit's start command and environment, in the environment
/// files, and in a script that the unit starts. `root` is where paths begin.
#[must_use]
pub fn named_by_root(unit: &Unit, root: &Path) -> Vec<PathBuf> {
    let mut names = absolute_names(unit.start.as_bytes());
    if let Ok(root) = openat(CWD, root, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()) {
        let texts: Vec<_> = names.iter().filter_map(|name| text_of_root(&root, name)).collect();
        names.extend(texts.iter().flat_map(|text| absolute_names(text)));
    }
    names
}

/// A file that nobody but root can have written.
fn text_of_root(root: &OwnedFd, name: &Path) -> Option<Rc<[u8]>> {
    let file = find(root, name, Way::OfRoot).ok()?;
    fstat(&file).ok().filter(is_of_root)?;
    content(&file).ok()
}

fn look(process: &Path, trusted: &[PathBuf], deadline: Instant) -> Option<Looked> {
    let directory =
        openat(CWD, process, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).ok()?;
    let (name, _) = beginning(&directory, "comm", 64)?;
    if name.trim_ascii_end() != b"hhvm" {
        return None;
    }
    let (command_line, is_whole) = beginning(&directory, "cmdline", WORDS_MAX)?;
    if command_line.is_empty() {
        return None;
    }
    let environment = beginning(&directory, "environ", WORDS_MAX).filter(|(_, is_whole)| *is_whole);
    let start = Start {
        command_line,
        is_whole,
        environment: environment.map(|(text, _)| text),
        directory: working(&directory),
    };
    let status = beginning(&directory, "status", STATUS_MAX);
    let root = openat(&directory, "root", OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
    let Ok(root) = root else {
        let hhvm = Hhvm::unknown("can only be read as root");
        return Some(Looked { hhvm, was_refused: false });
    };
    let mut reader = Reader {
        root,
        rights: Rights::of(status.as_ref().map(|(text, _)| &text[..]), Uid::effective()),
        trusted: trusted.iter().map(PathBuf::as_path).collect(),
        started: started(&directory),
        deadline,
        of_root: HashSet::new(),
        seen: HashMap::new(),
        asked: 0,
        size: 0,
        edited_since: Vec::new(),
        was_refused: false.into(),
    };
    let mut hhvm = read(&start, &mut reader);
    hhvm.edited_since = reader.edited_since;
    Some(Looked { hhvm, was_refused: reader.was_refused.get() })
}

/// The beginning of a file of the process, and whether it is all.
fn beginning(process: &OwnedFd, name: &str, max: u64) -> Option<(Vec<u8>, bool)> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(openat(process, name, flags, Mode::empty()).ok()?);
    let mut bytes = Vec::new();
    file.take(max + 1).read_to_end(&mut bytes).ok()?;
    let is_whole = bytes.len() as u64 <= max;
    bytes.truncate(usize::try_from(max).unwrap_or(usize::MAX));
    Some((bytes, is_whole))
}

/// Its working directory, as it has it. The kernel tells it below our root.
fn working(process: &OwnedFd) -> PathBuf {
    let link = |name: &str| {
        let target = readlinkat(process, name, Vec::new()).map(CString::into_bytes);
        PathBuf::from(OsStr::from_bytes(&target.unwrap_or_default()))
    };
    let (root, working) = (link("root"), link("cwd"));
    working.strip_prefix(&root).map(|below| Path::new("/").join(below)).unwrap_or(working)
}

/// When it started, by the wall clock: field 22 of `stat`, in hundredths of a second since the boot (proc(5)).
fn started(process: &OwnedFd) -> Option<SystemTime> {
    let (stat, _) = beginning(process, "stat", 4096)?;
    let stat = String::from_utf8_lossy(&stat);
    let ticks: u64 = stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()?;
    let since_boot = Duration::from(clock_gettime(ClockId::CLOCK_BOOTTIME).ok()?);
    SystemTime::now().checked_sub(since_boot.checked_sub(Duration::from_millis(ticks.checked_mul(10)?))?)
}

#[cfg(test)]
mod tests;
