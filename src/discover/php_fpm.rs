//! Looks at running masters of PHP-FPM: which files each names, and what they say of its pools.

use super::chase::{Lost, Way, find};
use super::reader::content;
use super::rights::Rights;
use super::{STATUS_MAX, WORDS_MAX, beginning, working};
use crate::files::{entries, opened};
use crate::php_fpm::{Configuration, Files, Master, read};
use nix::unistd::Uid;
use rustix::fs::{CWD, FileType, Mode, OFlags, fstat, openat};
use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Instant;

/// More names are no directory of pools.
const NAMES_MAX: usize = 10_000;

/// The configuration of the masters among `pids`, read by `deadline`; none if no master is among them, or it cannot be
/// told. `proc` is the mounted procfs.
///
/// What a master names is opened with its own rights, in its own root.
#[must_use]
pub fn php_fpm(pids: impl IntoIterator<Item = i32>, proc: &Path, deadline: Instant) -> Option<Configuration> {
    let masters: Vec<PathBuf> = pids.into_iter().map(|pid| proc.join(pid.to_string())).collect();
    let (sender, answer) = mpsc::channel();
    // A thread of its own, because it takes on other rights, and so that a file that hangs holds up nobody else.
    let looking = std::thread::Builder::new().name("discover".to_owned()).spawn(move || {
        let found = masters.iter().filter_map(|process| of_process(process, deadline)).reduce(both);
        // Nobody waits for it any longer if this fails.
        let _ = sender.send(found);
    });
    looking.ok()?;
    answer.recv_timeout(deadline.saturating_duration_since(Instant::now())).ok()?
}

/// Of two masters in one unit.
fn both(mut one: Configuration, other: Configuration) -> Configuration {
    one.pools.extend(other.pools);
    one.faults.extend(other.faults);
    one
}

/// Paths are those of the process: below its own root, relative to its own directory.
fn of_process(process: &Path, deadline: Instant) -> Option<Configuration> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let process = openat(CWD, process, flags, Mode::empty()).ok()?;
    let (command_line, _) = beginning(&process, "cmdline", WORDS_MAX)?;
    let mut master = Master::of(&command_line)?;
    let directory = working(&process);
    master.file = directory.join(&master.file);
    master.prefix = directory.join(&master.prefix);
    let status = beginning(&process, "status", STATUS_MAX);
    let mut files = BelowRoot {
        root: openat(&process, "root", flags, Mode::empty()).ok(),
        rights: Rights::of(status.as_ref().map(|(text, _)| &text[..]), Uid::effective()),
        deadline,
    };
    Some(read(&master, &mut files))
}

/// The files as a process sees them.
struct BelowRoot {
    root: Option<OwnedFd>,
    rights: Rights,
    deadline: Instant,
}

impl BelowRoot {
    /// Does `work` with what is found at `path`; none if nothing is.
    fn with<T>(&self, path: &Path, work: impl Fn(&OwnedFd) -> io::Result<T>) -> Result<Option<T>, String> {
        if Instant::now() >= self.deadline {
            return Err("not in time".to_owned());
        }
        let Some(root) = &self.root else { return Err("only root can read it".to_owned()) };
        let find = || match find(root, path, Way::Any) {
            Ok(found) => work(&found).map(Some),
            Err(Lost::Absent(_)) => Ok(None),
            Err(Lost::Failed(error)) => Err(error),
        };
        let done = match &self.rights {
            Rights::Own => find(),
            Rights::Theirs(theirs) => theirs.work(find).and_then(|done| done),
            Rights::NotKnown => Err(io::Error::other("the user of PHP-FPM is not known")),
        };
        done.map_err(|error| error.to_string())
    }
}

impl Files for BelowRoot {
    fn content(&mut self, path: &Path) -> Result<Vec<u8>, String> {
        let text = self.with(path, |file| Ok(content(file)?.to_vec()))?;
        text.ok_or_else(|| "no such file".to_owned())
    }

    fn names(&mut self, directory: &Path) -> Result<Vec<OsString>, String> {
        let names = self.with(directory, |found| {
            if FileType::from_raw_mode(fstat(found)?.st_mode) != FileType::Directory {
                return Ok(Vec::new());
            }
            let entries = entries(opened(found).as_ref(), NAMES_MAX)?;
            Ok(entries.into_iter().map(|entry| entry.name).collect())
        })?;
        Ok(names.unwrap_or_default())
    }

    fn is_file(&mut self, path: &Path) -> bool {
        let kind = self.with(path, |found| Ok(FileType::from_raw_mode(fstat(found)?.st_mode)));
        matches!(kind, Ok(Some(kind)) if kind != FileType::Directory)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::time::Duration;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(5)
    }

    /// A procfs with a master, whose root has these files.
    fn master(title: &str, files: &[(&str, &str)]) -> tempfile::TempDir {
        let proc = tempfile::tempdir().unwrap();
        let process = proc.path().join("7");
        fs::create_dir(&process).unwrap();
        fs::write(process.join("cmdline"), title).unwrap();
        fs::write(process.join("status"), "Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nGroups:\t0\n").unwrap();
        std::os::unix::fs::symlink("/srv", process.join("cwd")).unwrap();
        for (path, text) in files {
            let path = process.join("root").join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        proc
    }

    #[test]
    fn the_files_lie_below_the_root_of_the_process() {
        let files = [
            ("srv/etc/php-fpm.conf", "include = /etc/pool.d/*.conf\n"),
            ("etc/pool.d/b.conf", "[b]\nlisten = 9001\n"),
            ("etc/pool.d/a.conf", "[a]\nlisten = 9000\n"),
            ("etc/pool.d/d.conf/x", ""),
        ];
        let proc = master("php-fpm: master process (etc/php-fpm.conf)\0\0", &files);
        let found = php_fpm([6, 7], proc.path(), soon()).unwrap();
        let names: Vec<&str> = found.pools.iter().map(|pool| pool.name.as_str()).collect();
        assert_eq!((names, found.faults), (vec!["a", "b"], Vec::new()));
    }

    #[test]
    fn what_cannot_be_read_is_named_and_other_processes_are_no_masters() {
        let proc = master("php-fpm: master process (/etc/php-fpm.conf)", &[("etc/php-fpm.conf/x", "")]);
        let found = php_fpm([7], proc.path(), soon()).unwrap();
        assert_eq!(found.faults[0].what, "cannot be read (not a regular file)");
        let late = php_fpm([7], proc.path(), Instant::now());
        assert!(late.is_none_or(|found| found.faults[0].what == "cannot be read (not in time)"));
        let proc = master("php-fpm: pool www", &[]);
        assert_eq!(php_fpm([7], proc.path(), soon()), None);
    }
}
