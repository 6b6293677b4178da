//! A run of the program, system call by system call.

use crate::rig::Rig;
use nix::sys::ptrace::{self, Options};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::process::{Child, Command, Stdio};

/// A part of a run, in which its main thread changes files.
#[derive(Clone, Copy)]
pub enum Part {
    /// From the first directory that it makes until it starts a thread.
    Alone,
    /// From then on.
    WithThreads,
}

/// A run whose main thread stops before each system call; its other threads run free.
pub struct Traced {
    child: Child,
    pid: Pid,
}

/// How the main thread is traced.
const ALWAYS: Options = Options::PTRACE_O_TRACESYSGOOD.union(Options::PTRACE_O_EXITKILL);

impl Traced {
    /// Starts `command`; what it says is lost.
    pub fn start(command: &Command) -> Self {
        // Attached to while it waits for a line.
        let mut traced = Command::new("sh");
        traced
            .args(["-c", "read -r go; exec \"$0\" \"$@\""])
            .arg(command.get_program())
            .args(command.get_args());
        traced.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        traced.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = traced.spawn().unwrap();
        let pid = Pid::from_raw(child.id().cast_signed());
        ptrace::seize(pid, ALWAYS).unwrap();
        ptrace::interrupt(pid).unwrap();
        assert!(matches!(waitpid(pid, None).unwrap(), WaitStatus::PtraceEvent(..)));
        child.stdin.take().unwrap().write_all(b"\n").unwrap();
        Self { child, pid }
    }

    /// Goes on for so many system calls of `part`, and stops before the next one, or at the end of the part; whether it
    /// came to that end.
    pub fn advance(&self, rig: &Rig, part: Part, calls: usize) -> bool {
        if matches!(part, Part::WithThreads) && !self.goes_on_to_its_first_thread() {
            return true;
        }
        let (mut stops, mut signal, mut changes_files) = (0, None, false);
        let tasks = format!("/proc/{}/task", self.pid);
        loop {
            ptrace::syscall(self.pid, signal.take()).unwrap();
            match waitpid(self.pid, None).unwrap() {
                WaitStatus::PtraceSyscall(_) => {}
                WaitStatus::Stopped(_, arrived) => signal = Some(arrived),
                WaitStatus::Exited(..) => return true,
                other => panic!("{other:?}"),
            }
            // One of the directory's links is the thread's (proc(5)), which takes one call, not one for each entry.
            let alone = fs::metadata(&tasks).unwrap().nlink() == 3;
            changes_files = changes_files || rig.path("run").exists() || rig.path("var/lib").exists();
            match part {
                Part::Alone if !alone => return true,
                Part::Alone if !changes_files => {}
                Part::WithThreads if alone => {}
                // Each call stops twice, before and after it.
                _ if stops > 2 * calls => return false,
                _ => stops += 1,
            }
        }
    }

    /// Goes on, without a stop at each call, until a thread is started; whether one is. That thread runs free.
    pub fn goes_on_to_its_first_thread(&self) -> bool {
        ptrace::setoptions(self.pid, ALWAYS | Options::PTRACE_O_TRACECLONE).unwrap();
        let mut signal = None;
        loop {
            ptrace::cont(self.pid, signal.take()).unwrap();
            match waitpid(self.pid, None).unwrap() {
                WaitStatus::PtraceEvent(..) => break,
                WaitStatus::Stopped(_, arrived) => signal = Some(arrived),
                WaitStatus::Exited(..) => return false,
                other => panic!("{other:?}"),
            }
        }
        ptrace::setoptions(self.pid, ALWAYS).unwrap();
        let thread = Pid::from_raw(ptrace::getevent(self.pid).unwrap().try_into().unwrap());
        waitpid(thread, Some(WaitPidFlag::__WALL)).unwrap();
        ptrace::detach(thread, None).unwrap();
        true
    }

    /// Kills it where it is, if it has not ended.
    pub fn kill(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
