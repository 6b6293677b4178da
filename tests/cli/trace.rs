//! A run of the program, system call by system call.

use crate::rig::Rig;
use nix::sys::ptrace::{self, Options};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;
use std::fs;
use std::io::Write;
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
        ptrace::seize(pid, Options::PTRACE_O_TRACESYSGOOD | Options::PTRACE_O_EXITKILL).unwrap();
        ptrace::interrupt(pid).unwrap();
        assert!(matches!(waitpid(pid, None).unwrap(), WaitStatus::PtraceEvent(..)));
        child.stdin.take().unwrap().write_all(b"\n").unwrap();
        Self { child, pid }
    }

    /// Goes on for so many system calls of `part`, and stops before the next one, or at the end of the part; whether it
    /// came to that end.
    pub fn advance(&self, rig: &Rig, part: Part, calls: usize) -> bool {
        let (mut stops, mut signal) = (0, None);
        loop {
            ptrace::syscall(self.pid, signal.take()).unwrap();
            match waitpid(self.pid, None).unwrap() {
                WaitStatus::PtraceSyscall(_) => {}
                WaitStatus::Stopped(_, arrived) => signal = Some(arrived),
                WaitStatus::Exited(..) => return true,
                other => panic!("{other:?}"),
            }
            let alone = fs::read_dir(format!("/proc/{}/task", self.pid)).unwrap().count() == 1;
            match part {
                Part::Alone if !alone => return true,
                Part::Alone if !rig.path("run").exists() && !rig.path("var/lib").exists() => {}
                Part::WithThreads if alone => {}
                // Each call stops twice, before and after it.
                _ if stops > 2 * calls => return false,
                _ => stops += 1,
            }
        }
    }

    /// Goes on to the end of `part`.
    pub fn finish(&self, rig: &Rig, part: Part) {
        assert!(self.advance(rig, part, usize::MAX / 2 - 1));
    }

    /// Kills it where it is, if it has not ended.
    pub fn kill(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
