//! HHVM's main process: found, watched and, only where systemd does not know it, signalled.

use crate::context::{Context, Env};
use crate::files::entries;
use crate::kernel::{Host, Scope, listeners, own_cgroup, shows_processes};
use crate::order;
use crate::unit::Unit;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::io::Errno;
use rustix::process::{
    Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal, test_kill_process,
};
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The name of HHVM's processes, its light processes among them.
pub const NAME: &str = "hhvm";

/// More processes than a kernel can have (`PID_MAX_LIMIT`, proc(5)), and what else is in procfs.
const ENTRIES_MAX: usize = 5 << 20;

/// For so long is looked for a process of another name.
const PATIENCE: Duration = Duration::from_secs(1);

/// A process that is still the one it was when it was found.
#[derive(Debug)]
pub struct Process {
    pid: Pid,
    /// None on kernels before 5.3, and where no descriptor is to be had: then the start time tells a reused pid.
    pidfd: Option<OwnedFd>,
    stat: PathBuf,
    started: Option<u64>,
}

impl Process {
    /// The process `pid`, unless there is none. `proc` is the mounted procfs. One that cannot be looked at, for want of
    /// memory or of descriptors, or because procfs hides it (`hidepid=`, proc(5)), is taken for the one that is meant for
    /// as long as there is one of its number.
    #[must_use]
    pub fn open(pid: i32, proc: &Path) -> Option<Self> {
        let pid = Pid::from_raw(Some(pid).filter(|pid| *pid > 1)?)?;
        let pidfd = match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(fd) => Some(fd),
            Err(Errno::SRCH) if !exists(pid) => return None,
            Err(_) => None,
        };
        let stat = proc.join(pid.as_raw_nonzero().to_string()).join("stat");
        let started = match life(&stat) {
            Life::Since(started) => Some(started),
            Life::Unseen if exists(pid) => None,
            Life::Unseen | Life::Ended => return None,
        };
        Some(Self { pid, pidfd, stat, started })
    }

    /// When it was started, in clock ticks since boot, if that could be seen.
    #[must_use]
    pub fn started(&self) -> Option<u64> {
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
            None => match life(&self.stat) {
                Life::Since(started) => self.started.is_some_and(|before| before != started),
                Life::Ended => true,
                Life::Unseen => !exists(self.pid),
            },
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

/// A process that follows the main one. There may be thousands, so none is held open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Follower {
    pid: i32,
    started: u64,
    proc: PathBuf,
}

impl Follower {
    /// The process, if it has not ended.
    #[must_use]
    pub fn open(&self) -> Option<Process> {
        Process::open(self.pid, &self.proc).filter(|process| process.started == Some(self.started))
    }
}

/// How the main process is known.
#[derive(Debug)]
pub enum Main {
    /// systemd stops it after the drain: it knows the main process, or its `KillMode=` finds what is left of it.
    LeftToSystemd(Process),
    /// Found in the unit's cgroup. systemd does not know it, so this program has to stop it: the unit that systemd
    /// generates for HHVM's SysV script (`GuessMainPID=no`, `KillMode=process`).
    LeftToUs(Process, Vec<Follower>),
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

    /// The oldest process called hhvm, and those after it. Numbers of processes wrap, so they tell no age; a parent is
    /// older than its children, even within one clock tick.
    fn in_cgroup(proc: &Path, belongs: impl Fn(&str) -> bool, env: &Env) -> Self {
        let found: BTreeSet<i32> = entries(proc, ENTRIES_MAX)
            .unwrap_or_default()
            .into_iter()
            .filter_map(|entry| entry.name.to_str()?.parse::<i32>().ok())
            .filter(|pid| is_hhvm(proc, *pid, &belongs))
            .collect();
        let age = |pid: &i32| {
            let stat = proc.join(pid.to_string()).join("stat");
            let Life::Since(started) = life(&stat) else { return None };
            Some((started, parent(&stat).is_some_and(|parent| found.contains(&parent)), *pid))
        };
        let mut ages: Vec<_> = found.iter().filter_map(age).collect();
        order::sort(&mut ages);
        let mut by_age =
            ages.into_iter().map(|(started, _, pid)| Follower { pid, started, proc: proc.to_owned() });
        let Some(main) = by_age.find_map(|oldest| oldest.open()) else { return Self::Gone };
        match env.get("EXIT_CODE") {
            None => Self::LeftToUs(main, by_age.collect()),
            // The first process ended and left another behind: KillMode= takes care of it.
            Some(_) => Self::LeftToSystemd(main),
        }
    }

    /// The process whose end is the end of HHVM.
    #[must_use]
    pub fn process(&self) -> Option<&Process> {
        match self {
            Self::LeftToSystemd(process) | Self::LeftToUs(process, _) => Some(process),
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

/// What procfs tells of a process.
#[derive(Debug, PartialEq, Eq)]
enum Life {
    /// It runs since then, in clock ticks since boot.
    Since(u64),
    /// Only its zombie is left.
    Ended,
    /// It could not be looked at, or there is none of that number.
    Unseen,
}

/// The fields of `/proc/PID/stat` after the command, which may hold spaces and parentheses (proc(5)).
fn stat_fields(stat: &Path) -> io::Result<Vec<String>> {
    let text = fs::read_to_string(stat)?;
    let (_, rest) = text.rsplit_once(')').ok_or(io::ErrorKind::InvalidData)?;
    Ok(rest.split_whitespace().map(str::to_owned).collect())
}

/// Fields 3 and 22.
fn life(stat: &Path) -> Life {
    let Ok(fields) = stat_fields(stat) else { return Life::Unseen };
    match (fields.first().map(String::as_str), fields.get(19).and_then(|field| field.parse().ok())) {
        (Some("Z"), _) => Life::Ended,
        (_, Some(started)) => Life::Since(started),
        (_, None) => Life::Unseen,
    }
}

/// Whether there is a process of that number, whatever else is known of it.
fn exists(pid: Pid) -> bool {
    test_kill_process(pid) != Err(Errno::SRCH)
}

fn parent(stat: &Path) -> Option<i32> {
    stat_fields(stat).ok()?.get(1)?.parse().ok()
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

    #[test]
    fn one_that_cannot_be_looked_at_is_not_taken_for_one_that_has_ended() {
        // As unreadable as with no descriptor left; and as procfs hides it.
        for is_shown in [true, false] {
            let mut child = Command::new("sleep").arg("60").spawn().unwrap();
            let pid = i32::try_from(child.id()).unwrap();
            let proc = tempfile::tempdir().unwrap();
            if is_shown {
                fs::create_dir_all(proc.path().join(format!("{pid}/stat"))).unwrap();
            }
            let mut process = Process::open(pid, proc.path()).unwrap();
            process.pidfd = None;
            assert!(process.started().is_none() && !process.has_ended());
            child.kill().unwrap();
            child.wait().unwrap();
            assert!(process.has_ended());
            assert!(Process::open(pid, proc.path()).is_none());
        }
    }

    /// A procfs with these processes: pid, name, parent, cgroup, start.
    fn procfs(processes: &[(i32, &str, i32, &str, u64)]) -> tempfile::TempDir {
        let proc = tempfile::tempdir().unwrap();
        for (pid, name, parent, cgroup, started) in processes {
            let dir = proc.path().join(pid.to_string());
            fs::create_dir(&dir).unwrap();
            fs::write(dir.join("comm"), format!("{name}\n")).unwrap();
            fs::write(dir.join("cgroup"), format!("0::{cgroup}\n")).unwrap();
            let zeros = "0 ".repeat(17);
            fs::write(dir.join("stat"), format!("{pid} ({name}) S {parent} {zeros}{started} 0\n")).unwrap();
        }
        proc
    }

    fn found(processes: &[(i32, &str, i32, &str, u64)]) -> Vec<i32> {
        let proc = procfs(processes);
        let main = Main::in_cgroup(proc.path(), |text| text.contains(UNIT), &Env::default());
        let Main::LeftToUs(main, followers) = main else { panic!("{main:?}") };
        std::iter::once(main.pid()).chain(followers.iter().map(|follower| follower.pid)).collect()
    }

    const UNIT: &str = "/system.slice/hhvm.service";

    #[test]
    fn only_names_in_the_own_cgroup_are_hhvm_and_the_parent_is_the_main_one() {
        let me = i32::try_from(std::process::id()).unwrap();
        let parent_of_me = std::os::unix::process::parent_id().cast_signed();
        let processes = [
            (me, "hhvm", parent_of_me, UNIT, 777),
            (parent_of_me, "hhvm", 1, UNIT, 777),
            (2, "hhvm", 1, "/user.slice", 700),
        ];
        assert_eq!(found(&processes), [parent_of_me, me]);
    }

    #[test]
    fn a_younger_one_with_a_lower_number_is_not_the_main_one() {
        let mut children = [(); 2].map(|()| Command::new("sleep").arg("60").spawn().unwrap());
        let mut pids = children.each_ref().map(|child| i32::try_from(child.id()).unwrap());
        pids.sort_unstable();
        let [lower, higher] = pids;
        assert_eq!(found(&[(lower, "hhvm", 1, UNIT, 900), (higher, "hhvm", 1, UNIT, 777)]), [higher, lower]);
        for child in &mut children {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    #[test]
    fn thousands_of_processes_take_one_descriptor() {
        let me = i32::try_from(std::process::id()).unwrap();
        let others: Vec<i32> = (100_000..104_999).filter(|pid| *pid != me).collect();
        let light = others.iter().map(|pid| (*pid, "hhvm", me, UNIT, 778));
        let processes: Vec<_> = std::iter::once((me, "hhvm", 1, UNIT, 777)).chain(light).collect();
        let proc = procfs(&processes);
        let descriptors = || fs::read_dir("/proc/self/fd").unwrap().count();
        let before = descriptors();
        let main = Main::in_cgroup(proc.path(), |text| text.contains(UNIT), &Env::default());
        // Other tests of this process open some meanwhile.
        assert!(descriptors() < before + 1_000, "{}", descriptors());
        let Main::LeftToUs(main, followers) = main else { panic!("{main:?}") };
        assert_eq!((main.pid(), followers.len()), (me, others.len()));
    }
}
