//! The processes of a unit, in the order in which they were started.

use super::unseen::check;
use super::{Host, Program, Scope, Unseen, cgroup};
use crate::order;
use crate::sockets::Process;
use rustix::process::getuid;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Instant;

/// Most processes that are looked at.
const PROCESSES_MAX: usize = 10_000;
/// Longer than any `/proc/PID/stat`.
const STAT_MAX: usize = 4_096;

/// The processes of `scope`, oldest first, without this one, its descendants, and hooks of this same program.
///
/// # Errors
/// When they cannot be listed or told apart.
pub fn processes(scope: &Scope, host: &Host, deadline: Instant) -> Result<Vec<Process>, Unseen> {
    of_unit(&members(scope, host)?, host, deadline)
}

/// The numbers of all processes of `scope`, in order, this one and its own among them.
pub(super) fn members(scope: &Scope, host: &Host) -> Result<Vec<i32>, Unseen> {
    if scope.cgroup.is_none() && scope.main.is_none() {
        return Err(Unseen::NoUnit);
    }
    let mut pids = BTreeSet::new();
    if let Some(cgroup) = &scope.cgroup {
        cgroup::members(cgroup, host, &mut pids)?;
    }
    if let Some(main) = scope.main
        && !pids.contains(&main)
    {
        pids.extend(with_descendants(main, host)?);
    }
    if pids.len() > PROCESSES_MAX {
        Err(Unseen::TooMany("processes"))
    } else {
        Ok(pids.into_iter().collect())
    }
}

/// Those of `pids` that are the unit's own.
pub(super) fn of_unit(pids: &[i32], host: &Host, deadline: Instant) -> Result<Vec<Process>, Unseen> {
    let mut processes = BTreeMap::new();
    for pid in pids {
        check(deadline)?;
        let stat = stat(&host.proc, *pid).map_err(|error| match error.kind() {
            io::ErrorKind::PermissionDenied => Unseen::Descriptors(*pid),
            _ => Unseen::Changing,
        })?;
        match stat.life {
            Life::Runs => {
                processes.insert(*pid, stat.process);
            }
            Life::Ended => {}
            // The descriptors of its other threads are not those that its number leads to.
            Life::FirstThreadEnded => return Err(Unseen::Descriptors(*pid)),
        }
    }
    let parent = |pid: &i32| processes.get(pid).map(|process| process.parent);
    let is_looker = |process: &Process| {
        let line = std::iter::successors(Some(process.pid), parent).take(processes.len() + 1);
        is_hook(process, host) || line.into_iter().any(|pid| pid == host.looker.pid)
    };
    let mut of_unit: Vec<Process> =
        processes.values().filter(|process| !is_looker(process)).cloned().collect();
    order::sort_by_key(&mut of_unit, |process| (process.started, process.pid));
    Ok(of_unit)
}

/// Whether a process runs the same program as this one and as the same user, as another hook of the unit does.
fn is_hook(process: &Process, host: &Host) -> bool {
    let Some(looker) = host.looker.program.filter(|_| process.name == env!("CARGO_PKG_NAME")) else {
        return false;
    };
    let place = host.proc.join(process.pid.to_string());
    let user = fs::metadata(&place).map(|meta| meta.uid());
    Program::of(&place.join("exe")) == Some(looker) && user.ok() == Some(getuid().as_raw())
}

/// `main` and all that come from it, whatever cgroup they are in.
fn with_descendants(main: i32, host: &Host) -> Result<Vec<i32>, Unseen> {
    let all = cgroup::numbers(&host.proc)?;
    let parents = all.into_iter().filter_map(|pid| Some((pid, stat(&host.proc, pid).ok()?.process.parent)));
    let parents = order::map(parents);
    let descends = |pid: i32| {
        let line = std::iter::successors(Some(pid), |pid| parents.get(pid).copied()).take(parents.len() + 1);
        line.into_iter().any(|pid| pid == main)
    };
    Ok(parents.keys().copied().filter(|pid| descends(*pid)).collect())
}

struct Stat {
    process: Process,
    life: Life,
}

#[derive(Debug, PartialEq, Eq)]
enum Life {
    Runs,
    Ended,
    FirstThreadEnded,
}

fn stat(proc: &Path, pid: i32) -> io::Result<Stat> {
    let mut text = [0; STAT_MAX];
    let length = fs::File::open(proc.join(pid.to_string()).join("stat"))?.read(&mut text)?;
    parse(&text[..length]).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// Reads `/proc/PID/stat` (proc(5)); the name may hold spaces and parentheses.
fn parse(text: &[u8]) -> Option<Stat> {
    let open = text.iter().position(|byte| *byte == b'(')?;
    let close = text.iter().rposition(|byte| *byte == b')')?;
    let pid = std::str::from_utf8(&text[..open]).ok()?.trim().parse().ok()?;
    let name = String::from_utf8_lossy(text.get(open + 1..close)?).into_owned();
    let rest = std::str::from_utf8(&text[close + 1..]).ok()?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let parent = fields.get(1)?.parse().ok()?;
    let started = fields.get(19)?.parse().ok()?;
    let life = match (*fields.first()?, *fields.get(17)?) {
        ("Z", "1" | "0") | ("X" | "x", _) => Life::Ended,
        ("Z", _) => Life::FirstThreadEnded,
        _ => Life::Runs,
    };
    Some(Stat { process: Process { pid, started, parent, name }, life })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_look_like_the_rest_of_the_line() {
        let line = |name: &str, state: &str, threads: &str| {
            let zeros = "0 ".repeat(13);
            format!("42 ({name}) {state} 7 {zeros}20 0 {threads} 0 1234 0 0\n")
        };
        let read = |name, state, threads| parse(line(name, state, threads).as_bytes()).unwrap();
        let stat = read("a) Z 1 (b", "S", "8");
        let process = Process { pid: 42, started: 1234, parent: 7, name: "a) Z 1 (b".to_owned() };
        assert_eq!((stat.process, stat.life), (process, Life::Runs));
        assert_eq!(read("hhvm", "Z", "1").life, Life::Ended);
        assert_eq!(read("hhvm", "Z", "3").life, Life::FirstThreadEnded);
        for broken in ["", "42", "42 (hhvm", "42 (hhvm) S 7", "x (hhvm) S 7 0", ")("] {
            assert!(parse(broken.as_bytes()).is_none(), "{broken}");
        }
    }
}
