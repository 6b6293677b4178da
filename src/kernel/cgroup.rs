//! The processes of a cgroup and of all below it (cgroups(7)).

use super::{Host, Unseen};
use crate::files::entries;
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

/// Most cgroups below one that are looked into.
const CGROUPS_MAX: usize = 2_000;
/// Longest list of processes, and longest `/proc/PID/cgroup`, that is read.
const TEXT_MAX: u64 = 1 << 20;
/// More processes than a kernel can have (`PID_MAX_LIMIT`, proc(5)), and what else is in procfs.
const ENTRIES_MAX: usize = 5 << 20;
/// Where systemd puts the hooks of a unit with `Delegate=`, below the unit's own cgroup.
const CONTROL: &str = "/.control";

/// The cgroup of the unit that this process is a hook of; none outside all units.
#[must_use]
pub fn of_self(proc: &Path) -> Option<String> {
    let text = read(&proc.join("self/cgroup")).ok()?;
    let by_controllers = |wanted: &str| {
        let fields = |line: &'_ str| -> Option<(String, String)> {
            let (_, rest) = line.split_once(':')?;
            let (controllers, path) = rest.split_once(':')?;
            Some((controllers.to_owned(), path.to_owned()))
        };
        text.lines().filter_map(fields).find(|(found, _)| found == wanted).map(|(_, path)| path)
    };
    // Where both are there, systemd keeps its own hierarchy of the first version in step with the second.
    let paths = ["name=systemd", ""].into_iter().filter_map(by_controllers);
    let path = paths.into_iter().find(|path| path.len() > 1)?;
    Some(path.strip_suffix(CONTROL).unwrap_or(&path).to_owned())
}

/// Adds the processes of `cgroup` and of all below it.
pub(super) fn members(cgroup: &str, host: &Host, pids: &mut BTreeSet<i32>) -> Result<(), Unseen> {
    match directory(cgroup, host) {
        Some(directory) => below(directory, pids),
        None => by_process(cgroup, host, pids),
    }
}

/// Where the cgroup is mounted: the second version alone, systemd's own hierarchy, or the second version beside it.
fn directory(cgroup: &str, host: &Host) -> Option<PathBuf> {
    let path = Path::new(cgroup.strip_prefix('/')?);
    if path.components().any(|part| !matches!(part, std::path::Component::Normal(_))) {
        return None;
    }
    ["systemd", "", "unified"]
        .into_iter()
        .map(|hierarchy| host.cgroups.join(hierarchy).join(path))
        .find(|directory| directory.join("cgroup.procs").exists())
}

fn below(top: PathBuf, pids: &mut BTreeSet<i32>) -> Result<(), Unseen> {
    let mut directories = vec![top];
    let mut seen = 0;
    while let Some(directory) = directories.pop() {
        seen += 1;
        if seen > CGROUPS_MAX {
            return Err(Unseen::TooMany("cgroups"));
        }
        let text = match read(&directory.join("cgroup.procs")) {
            Ok(text) => text,
            // The processes of a threaded cgroup stand in the one above that is not.
            Err(error) if error.kind() == ErrorKind::Unsupported && seen > 1 => String::new(),
            Err(error) => return Err(failed(&error)),
        };
        for line in text.lines() {
            match line.parse() {
                // Of another pid name space: it cannot be looked at.
                Ok(0) | Err(_) => return Err(Unseen::Processes(ErrorKind::PermissionDenied)),
                Ok(pid) => pids.insert(pid),
            };
        }
        let entries = entries(&directory, ENTRIES_MAX).map_err(|error| failed(&error))?;
        let below = entries.into_iter().filter(|entry| entry.is_directory);
        directories.extend(below.map(|entry| directory.join(entry.name)));
    }
    Ok(())
}

/// Asks each process of the host for its cgroup.
fn by_process(cgroup: &str, host: &Host, pids: &mut BTreeSet<i32>) -> Result<(), Unseen> {
    let belongs =
        |path: &str| path.strip_prefix(cgroup).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    for pid in numbers(&host.proc)? {
        let text = match read(&host.proc.join(pid.to_string()).join("cgroup")) {
            Ok(text) => text,
            // It has ended; if it was the unit's, another look at the unit's processes would not find it either.
            Err(error) if is_gone(&error) => continue,
            Err(error) => return Err(Unseen::Processes(error.kind())),
        };
        if text.lines().filter_map(|line| line.splitn(3, ':').nth(2)).any(belongs) {
            pids.insert(pid);
        }
    }
    Ok(())
}

/// The numbers of all processes of the host.
pub(super) fn numbers(proc: &Path) -> Result<Vec<i32>, Unseen> {
    let entries = entries(proc, ENTRIES_MAX).map_err(|error| Unseen::Processes(error.kind()))?;
    Ok(entries.iter().filter_map(|entry| entry.name.to_str()?.parse().ok()).collect())
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = Vec::new();
    fs::File::open(path)?.take(TEXT_MAX + 1).read_to_end(&mut text)?;
    if text.len() as u64 > TEXT_MAX {
        return Err(ErrorKind::FileTooLarge.into());
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

fn failed(error: &io::Error) -> Unseen {
    if is_gone(error) { Unseen::Changing } else { Unseen::Processes(error.kind()) }
}

/// A cgroup that was removed meanwhile says that there is no such device, a process that has ended that there is no such
/// process.
fn is_gone(error: &io::Error) -> bool {
    let number = error.raw_os_error().map(rustix::io::Errno::from_raw_os_error);
    error.kind() == ErrorKind::NotFound
        || matches!(number, Some(rustix::io::Errno::NODEV | rustix::io::Errno::SRCH))
}
