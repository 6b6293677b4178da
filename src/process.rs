//! HHVM's main process: found, watched and, only where systemd does not know it, signalled.

use crate::context::{Context, Env};
use crate::kernel::{Host, Scope, listeners, own_cgroup, shows_processes};
use crate::unit::Unit;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal};
use std::fs;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The name of HHVM's processes, its light processes among them.
pub const NAME: &str = "hhvm";

/// For so long is looked for a process of another name.
const PATIENCE: Duration = Duration::from_secs(1);

/// A process that is still the one it was when it was found.
#[derive(Debug)]
pub struct Process {
    pid: Pid,
    /// None on kernels before 5.3: then the start time tells a reused pid.
    pidfd: Option<OwnedFd>,
    stat: PathBuf,
    started: u64,
}

impl Process {
    /// The process `pid`, unless there is none. `proc` is the mounted procfs.
    #[must_use]
    pub fn open(pid: i32, proc: &Path) -> Option<Self> {
        let pid = Pid::from_raw(Some(pid).filter(|pid| *pid > 1)?)?;
        let pidfd = match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(fd) => Some(fd),
            Err(rustix::io::Errno::SRCH) => return None,
            Err(_) => None,
        };
        let stat = proc.join(pid.as_raw_nonzero().to_string()).join("stat");
        let started = start_time(&stat)?;
        Some(Self { pid, pidfd, stat, started })
    }

    /// When it was started, in clock ticks since boot.
    #[must_use]
    pub fn started(&self) -> u64 {
        self.started
    }

    /// Its number.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// Readable once the process has ended; none where the kernel has no pidfd, then [`Process::has_ended`] must be
    /// asked from time to time.
    #[must_use]
    pub fn pidfd(&self) -> Option<BorrowedFd<'_>> {
        self.pidfd.as_ref().map(AsFd::as_fd)
    }

    /// Whether the process has ended.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        match &self.pidfd {
            Some(fd) => {
                let mut fds = [PollFd::new(fd.as_fd(), PollFlags::POLLIN)];
                poll(&mut fds, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
            }
            None => start_time(&self.stat) != Some(self.started),
        }
    }

    /// Sends `signal`, to this very process.
    pub fn signal(&self, signal: Signal) {
        // It may have ended by itself, which is what the signal is for.
        let _ = match &self.pidfd {
            Some(fd) => pidfd_send_signal(fd, signal),
            None if self.has_ended() => Ok(()),
            None => kill_process(self.pid, signal),
        };
    }
}

/// How the main process is known.
#[derive(Debug)]
pub enum Main {
    /// systemd stops it after the drain: it knows the main process, or its `KillMode=` finds what is left of it.
    LeftToSystemd(Process),
    /// Found in the unit's cgroup. systemd does not know it, so this program has to stop it: the unit that systemd
    /// generates for HHVM's SysV script (`GuessMainPID=no`, `KillMode=process`).
    LeftToUs(Vec<Process>),
    /// It may be running, but there is no procfs to see it in: the unit has a root of its own.
    Hidden,
    /// HHVM is not running.
    Gone,
}

impl Main {
    /// Finds the main process of the unit in whose `ExecStop=` this program runs.
    ///
    /// systemd.exec(5): `$MAINPID` is unset when the main process has ended or was never known.
    #[must_use]
    pub fn of_stop_hook(context: &Context) -> Self {
        let proc = context.root.join("/proc");
        if !shows_processes(&proc) && context.env.get("EXIT_CODE").is_none() {
            return Self::Hidden;
        }
        if let Some(pid) = context.env.get("MAINPID") {
            let found = pid.parse().ok().and_then(|pid| Process::open(pid, &proc));
            return found.map_or(Self::Gone, Self::LeftToSystemd);
        }
        let own = fs::read_to_string(proc.join("self/cgroup")).unwrap_or_default();
        let cgroup = own_cgroup(&proc);
        let belongs = |text: &str| cgroup.as_ref().map_or(text == own, |cgroup| is_within(text, cgroup));
        Self::in_cgroup(&proc, belongs, &context.env).or_one_that_listens(context, cgroup.clone())
    }

    /// Finds what the first process of the unit has left running, in whose `ExecStop=` this program runs: systemd knows
    /// none of it.
    #[must_use]
    pub fn left_by_the_first(context: &Context) -> Self {
        let proc = context.root.join("/proc");
        match own_cgroup(&proc) {
            Some(cgroup) => Self::in_cgroup(&proc, |text| is_within(text, &cgroup), &Env::default()),
            None => Self::Gone,
        }
    }

    /// Finds it for a person, from what systemd says of the unit.
    #[must_use]
    pub fn of_unit(context: &Context, unit: &Unit) -> Self {
        let proc = context.root.join("/proc");
        if let Some(process) = unit.main_pid.and_then(|pid| Process::open(pid, &proc)) {
            return Self::LeftToSystemd(process);
        }
        let Some(control_group) = &unit.control_group else { return Self::Gone };
        Self::in_cgroup(&proc, |text| is_within(text, control_group), &context.env)
            .or_one_that_listens(context, Some(control_group.clone()))
    }

    /// Where none is called hhvm, the oldest process of the unit that listens for requests: programs can be renamed.
    fn or_one_that_listens(self, context: &Context, cgroup: Option<String>) -> Self {
        if !matches!(self, Self::Gone) || cgroup.is_none() || context.env.get("EXIT_CODE").is_some() {
            return self;
        }
        let (scope, host) = (Scope { cgroup, main: None }, Host::below(&context.root));
        let found = listeners(&scope, &host, Instant::now() + PATIENCE).unwrap_or_default();
        let holders = found.into_iter().flat_map(|listener| listener.holders);
        let oldest = holders.map(|holder| holder.process).min_by_key(|process| process.started);
        oldest.and_then(|found| Process::open(found.pid, &host.proc)).map_or(Self::Gone, Self::LeftToSystemd)
    }

    fn in_cgroup(proc: &Path, belongs: impl Fn(&str) -> bool, env: &Env) -> Self {
        let found: Vec<(i32, Process)> = fs::read_dir(proc)
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok())
            .filter(|pid| is_hhvm(proc, *pid, &belongs))
            .filter_map(|pid| Some((pid, Process::open(pid, proc)?)))
            .collect();
        let pids: Vec<i32> = found.iter().map(|(pid, _)| *pid).collect();
        let (mut mains, children): (Vec<_>, Vec<_>) = found
            .into_iter()
            .partition(|(pid, _)| parent(proc, *pid).is_none_or(|parent| !pids.contains(&parent)));
        mains.extend(children);
        let all: Vec<Process> = mains.into_iter().map(|(_, process)| process).collect();
        match (all.is_empty(), env.get("EXIT_CODE")) {
            (true, _) => Self::Gone,
            (false, None) => Self::LeftToUs(all),
            // The first process ended and left another behind: KillMode= takes care of it.
            (false, Some(_)) => all.into_iter().next().map_or(Self::Gone, Self::LeftToSystemd),
        }
    }

    /// The process whose end is the end of HHVM.
    #[must_use]
    pub fn process(&self) -> Option<&Process> {
        match self {
            Self::LeftToSystemd(process) => Some(process),
            Self::LeftToUs(processes) => processes.first(),
            Self::Hidden | Self::Gone => None,
        }
    }
}

/// Whether a process with this `/proc/PID/cgroup` is in `cgroup`, or below it: with `Delegate=` a unit has cgroups of its
/// own, and its hooks are in one of those.
fn is_within(text: &str, cgroup: &str) -> bool {
    let paths = text.lines().filter_map(|line| line.splitn(3, ':').nth(2));
    paths.filter_map(|path| path.strip_prefix(cgroup)).any(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn is_hhvm(proc: &Path, pid: i32, belongs: &impl Fn(&str) -> bool) -> bool {
    let file = |name: &str| fs::read_to_string(proc.join(pid.to_string()).join(name)).unwrap_or_default();
    file("comm").trim_end() == NAME && belongs(&file("cgroup"))
}

/// The fields of `/proc/PID/stat` after the command, which may hold spaces and parentheses (proc(5)).
fn stat_fields(stat: &Path) -> Option<Vec<String>> {
    let text = fs::read_to_string(stat).ok()?;
    let (_, rest) = text.rsplit_once(')')?;
    Some(rest.split_whitespace().map(str::to_owned).collect())
}

/// Field 22, in clock ticks since boot; none for a zombie.
fn start_time(stat: &Path) -> Option<u64> {
    let fields = stat_fields(stat)?;
    if fields.first()? == "Z" { None } else { fields.get(19)?.parse().ok() }
}

fn parent(proc: &Path, pid: i32) -> Option<i32> {
    stat_fields(&proc.join(pid.to_string()).join("stat"))?.get(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn the_end_of_a_process_is_seen_with_and_without_a_pidfd() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let with = Process::open(pid, Path::new("/proc")).unwrap();
        let mut without = Process::open(pid, Path::new("/proc")).unwrap();
        without.pidfd = None;
        assert!(!with.has_ended() && !without.has_ended());
        without.signal(Signal::KILL);
        child.wait().unwrap();
        assert!(with.has_ended() && without.has_ended());
        assert!(Process::open(pid, Path::new("/proc")).is_none());
    }

    #[test]
    fn pids_that_no_main_process_can_have_are_refused() {
        for pid in [-1, 0, 1] {
            assert!(Process::open(pid, Path::new("/proc")).is_none(), "{pid}");
        }
    }

    #[test]
    fn a_unit_has_what_is_below_its_cgroup_and_not_what_is_beside_it() {
        let unit = "/system.slice/hhvm.service";
        for (text, expected) in [
            ("0::/system.slice/hhvm.service\n", true),
            ("9:name=systemd:/system.slice/hhvm.service/app\n0::/\n", true),
            ("0::/system.slice/hhvm.service.d\n", false),
            ("0::/system.slice\n", false),
            ("", false),
        ] {
            assert_eq!(is_within(text, unit), expected, "{text}");
        }
    }

    /// A procfs with these processes: pid, name, parent, cgroup.
    fn procfs(processes: &[(i32, &str, i32, &str)]) -> tempfile::TempDir {
        let proc = tempfile::tempdir().unwrap();
        for (pid, name, parent, cgroup) in processes {
            let dir = proc.path().join(pid.to_string());
            fs::create_dir(&dir).unwrap();
            fs::write(dir.join("comm"), format!("{name}\n")).unwrap();
            fs::write(dir.join("cgroup"), format!("0::{cgroup}\n")).unwrap();
            let zeros = "0 ".repeat(17);
            fs::write(dir.join("stat"), format!("{pid} ({name}) S {parent} {zeros}777 0\n")).unwrap();
        }
        proc
    }

    #[test]
    fn only_names_in_the_own_cgroup_are_hhvm_and_the_parent_is_the_main_one() {
        let me = i32::try_from(std::process::id()).unwrap();
        let parent_of_me = std::os::unix::process::parent_id().cast_signed();
        let unit = "/system.slice/hhvm.service";
        let proc = procfs(&[
            (me, "hhvm", parent_of_me, unit),
            (parent_of_me, "hhvm", 1, unit),
            (2, "hhvm", 1, "/user.slice"),
        ]);
        let main = Main::in_cgroup(proc.path(), |text| text.contains(unit), &Env::default());
        let Main::LeftToUs(processes) = main else { panic!("{main:?}") };
        let pids: Vec<i32> = processes.iter().map(Process::pid).collect();
        assert_eq!(pids, [parent_of_me, me]);
    }
}
