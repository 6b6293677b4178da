//! A run of the program under ptrace(2): each of its system calls is seen, and one may be its last, or fail.
//!
//! A call is named by who makes it, its name, and how many of that name the same thread has made before: threads have
//! their order of creation for a name. So a point is the same in each run, however the threads interleave.

use crate::errnos::{self, Call};
use crate::outcome::{End, Missing, Observer, Step, Told, Traced};
use crate::point::{Fault, Point};
use nix::errno::Errno;
use nix::libc::{SYS_restart_syscall, user_regs_struct};
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

/// What the tracer knows of a thread.
struct Task {
    name: String,
    counts: BTreeMap<i64, u32>,
    threads: u32,
    children: u32,
    /// In a call; what becomes of it.
    inside: Option<Inside>,
}

#[derive(Clone, Copy)]
enum Outcome {
    AsItIs,
    Result(Errno),
}

/// A call that is being made.
#[derive(Clone, Copy)]
struct Inside {
    outcome: Outcome,
    /// Whether it may have changed files, and if it only syncs one, which descriptor that has.
    effect: Option<Effect>,
}

#[derive(Clone, Copy)]
enum Effect {
    Change,
    Sync(u64),
}

/// A run that is traced.
struct Run<'a> {
    main: Pid,
    tasks: BTreeMap<Pid, Task>,
    /// Threads that stopped before their creator was heard of.
    early: BTreeSet<Pid>,
    children: Vec<Pid>,
    fault: Option<(&'a Point, Fault)>,
    missing: &'a [Missing],
    observer: Option<Observer<'a>>,
    for_good: Option<(&'static str, Errno)>,
    steps: Vec<Step>,
    was_met: bool,
    is_killed: bool,
}

/// The options of ptrace(2): all that the program starts is traced, too.
fn options() -> Options {
    Options::PTRACE_O_TRACESYSGOOD
        | Options::PTRACE_O_TRACECLONE
        | Options::PTRACE_O_TRACEFORK
        | Options::PTRACE_O_TRACEVFORK
        | Options::PTRACE_O_TRACEEXEC
        | Options::PTRACE_O_EXITKILL
}

/// Runs `command`, which asks to be traced and becomes the program, with `fault` at its point.
pub fn run<'a>(
    command: &mut Command,
    fault: Option<(&'a Point, Fault)>,
    missing: &'a [Missing],
    observer: Option<Observer<'a>>,
    patience: Duration,
) -> Traced {
    let begun = Instant::now();
    let mut child = command.spawn().unwrap();
    let main = Pid::from_raw(child.id().cast_signed());
    // The stop of a traced execve(2).
    assert!(matches!(waitpid(main, None).unwrap(), WaitStatus::Stopped(_, Signal::SIGTRAP)));
    ptrace::setoptions(main, options()).unwrap();
    let watch = crate::watchdog::watch(main, patience);
    let mut run = Run {
        main,
        tasks: BTreeMap::from([(main, Task::new("main".to_owned()))]),
        early: BTreeSet::new(),
        children: Vec::new(),
        fault,
        missing,
        observer,
        for_good: None,
        steps: Vec::new(),
        was_met: false,
        is_killed: false,
    };
    resume(main, None);
    let mut end = run.follow();
    // Its end has been waited for.
    let _ = child.wait();
    if watch.has_bitten() {
        end = End::Hung;
    }
    Traced { end, took: begun.elapsed(), steps: run.steps, was_met: run.was_met }
}

/// Goes on to the next stop; a thread that was killed meanwhile is heard of by waitpid(2).
fn resume(pid: Pid, signal: Option<Signal>) {
    match ptrace::syscall(pid, signal) {
        Ok(()) | Err(Errno::ESRCH) => {}
        Err(error) => panic!("ptrace: {error}"),
    }
}

impl Task {
    fn new(name: String) -> Self {
        Self { name, counts: BTreeMap::new(), threads: 0, children: 0, inside: None }
    }
}

impl Run<'_> {
    /// To the end of the program.
    fn follow(&mut self) -> End {
        loop {
            match waitpid(Pid::from_raw(-1), Some(WaitPidFlag::__WALL)).unwrap() {
                WaitStatus::Exited(pid, code) if pid == self.main => return self.over(End::Exited(code)),
                WaitStatus::Signaled(pid, signal, _) if pid == self.main => {
                    return self.over(End::Signaled(signal));
                }
                WaitStatus::Exited(pid, _) | WaitStatus::Signaled(pid, ..) => {
                    self.tasks.remove(&pid);
                }
                WaitStatus::PtraceSyscall(pid) => {
                    if self.tasks.contains_key(&pid) {
                        self.at_call(pid);
                    }
                    resume(pid, None);
                }
                WaitStatus::PtraceEvent(pid, _, event) => self.at_event(pid, event),
                WaitStatus::Stopped(pid, signal) if self.tasks.contains_key(&pid) => {
                    // The first stop of a new thread is no signal of anybody's.
                    let is_first = signal == Signal::SIGSTOP;
                    resume(pid, Some(signal).filter(|_| !is_first));
                }
                WaitStatus::Stopped(pid, _) => {
                    self.early.insert(pid);
                }
                other => panic!("{other:?}"),
            }
        }
    }

    /// Ends the children as systemd does at the end of a hook, and lets them be heard of here.
    fn over(&mut self, end: End) -> End {
        for child in &self.children {
            // It may have ended, and was then waited for by the program.
            let _ = kill(*child, Signal::SIGKILL);
            let _ = waitpid(*child, Some(WaitPidFlag::__WALL));
        }
        end
    }

    fn at_event(&mut self, pid: Pid, event: i32) {
        use nix::libc::{PTRACE_EVENT_CLONE, PTRACE_EVENT_EXEC, PTRACE_EVENT_FORK, PTRACE_EVENT_VFORK};
        match event {
            PTRACE_EVENT_EXEC => {
                // Not this program any longer.
                self.tasks.remove(&pid);
                let _ = ptrace::detach(pid, None);
                return;
            }
            PTRACE_EVENT_CLONE | PTRACE_EVENT_FORK | PTRACE_EVENT_VFORK => {
                let new = ptrace::getevent(pid).unwrap_or(0);
                let new = Pid::from_raw(i32::try_from(new).unwrap());
                let is_process = event != PTRACE_EVENT_CLONE;
                let parent = self.tasks.get_mut(&pid).unwrap();
                let name = if is_process {
                    parent.children += 1;
                    format!("{}.c{}", parent.name, parent.children)
                } else {
                    parent.threads += 1;
                    format!("{}.{}", parent.name, parent.threads)
                };
                self.tasks.insert(new, Task::new(name));
                if is_process {
                    self.children.push(new);
                }
                if self.early.remove(&new) {
                    resume(new, None);
                }
            }
            _ => {}
        }
        resume(pid, None);
    }

    /// Before or after a system call.
    fn at_call(&mut self, pid: Pid) {
        let Ok(mut registers) = ptrace::getregs(pid) else { return };
        let task = self.tasks.get_mut(&pid).unwrap();
        if let Some(inside) = task.inside.take() {
            if let Outcome::Result(errno) = inside.outcome {
                registers.rax = i64::from(-(errno as i32)).cast_unsigned();
                let _ = ptrace::setregs(pid, registers);
            } else if registers.rax.cast_signed() >= 0 {
                self.observe(pid, inside.effect);
            }
            return;
        }
        // The end of the call that made a thread is no call of its own.
        if registers.rax.cast_signed() != -i64::from(Errno::ENOSYS as i32) {
            return;
        }
        let number = registers.orig_rax.cast_signed();
        // A wait goes on that a stop has interrupted.
        if number == SYS_restart_syscall {
            task.inside = Some(Inside { outcome: Outcome::AsItIs, effect: None });
            return;
        }
        let nth = task.counts.entry(number).or_default();
        *nth += 1;
        let call = errnos::call(number).unwrap_or_else(|| panic!("system call {number} is not in errnos.rs"));
        let point = Point { thread: task.name.clone(), call: call.name, nth: *nth };
        let changes = errnos::changes(call, &registers);
        let fault = self.fault.filter(|(at, _)| **at == point).map(|(_, fault)| fault);
        self.was_met |= fault.is_some();
        let outcome = match fault {
            Some(Fault::Kill) => {
                self.kill();
                Outcome::AsItIs
            }
            Some(Fault::FailsDone(errno)) => Outcome::Result(errno),
            Some(Fault::FailsForGood(errno)) => {
                self.for_good = Some((call.name, errno));
                Self::skip(pid, registers, errno)
            }
            Some(Fault::Fails(errno)) => Self::skip(pid, registers, errno),
            None => match self.errno_of(call) {
                Some(errno) => Self::skip(pid, registers, errno),
                None => Outcome::AsItIs,
            },
        };
        let effect = match call.name {
            "fsync" | "fdatasync" => Some(Effect::Sync(registers.rdi)),
            _ => changes.then_some(Effect::Change),
        };
        self.tasks.get_mut(&pid).unwrap().inside = Some(Inside { outcome, effect });
        self.steps.push(Step { point, changes });
    }

    fn observe(&mut self, pid: Pid, effect: Option<Effect>) {
        let Some(observer) = &mut self.observer else { return };
        match effect {
            None => {}
            Some(Effect::Change) => observer(Told::Changed),
            Some(Effect::Sync(descriptor)) => {
                let path = fs::read_link(format!("/proc/{pid}/fd/{descriptor}"));
                observer(Told::Synced(path.expect("what is synced has a path")));
            }
        }
    }

    /// What the call fails with each time.
    fn errno_of(&self, call: &Call) -> Option<Errno> {
        let missing = self.missing.iter().find(|missing| missing.call == call.name);
        let for_good = self.for_good.filter(|(name, _)| *name == call.name);
        missing.map(|missing| missing.errno).or(for_good.map(|(_, errno)| errno))
    }

    /// Has the kernel do nothing in place of the call.
    fn skip(pid: Pid, mut registers: user_regs_struct, errno: Errno) -> Outcome {
        registers.orig_rax = u64::MAX;
        let _ = ptrace::setregs(pid, registers);
        Outcome::Result(errno)
    }

    fn kill(&mut self) {
        if !self.is_killed {
            self.is_killed = true;
            for pid in self.children.iter().chain([&self.main]) {
                let _ = kill(*pid, Signal::SIGKILL);
            }
        }
    }
}
