//! Commands inside a host, as its administrator types them.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::Host;

/// No command of a test takes longer than a drain with its longest timeout.
const LIMIT: &str = "300";

/// What a command printed, how it ended, and how long it took.
#[derive(Debug)]
pub struct Output {
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
    /// Its exit code; 124 after five minutes, none when it was killed.
    pub code: Option<i32>,
    /// From start to end.
    pub took: Duration,
}

impl Output {
    /// Fails the test unless the command succeeded.
    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.code, Some(0), "a command of the host failed: {self:#?}");
        self
    }
}

/// A command that runs while the test goes on.
#[must_use = "a command that prints dies of it when nobody holds the other end"]
pub struct Background {
    child: Child,
    start: Instant,
}

impl Background {
    /// Waits for its end.
    pub fn wait(self) -> Output {
        let output = self.child.wait_with_output().expect("failed to wait for a command");
        Output {
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            code: output.status.code(),
            took: self.start.elapsed(),
        }
    }

    /// Whether it has not ended yet.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|status| status.is_none())
    }
}

impl Host {
    /// Runs a shell command as root.
    pub fn run(&self, command: &str) -> Output {
        self.spawn(command).wait()
    }

    /// Starts a shell command as root.
    pub fn spawn(&self, command: &str) -> Background {
        let start = Instant::now();
        let child = self.command(command).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        Background { child: child.expect("failed to run nsenter"), start }
    }

    fn command(&self, command: &str) -> Command {
        let mut nsenter = Command::new("nsenter");
        nsenter.args(["--all", "--wdns=/root", "--target", &self.machine().leader().to_string()]);
        shell(nsenter, command)
    }
}

/// Runs a shell command as root below a directory, to its end.
pub(super) fn chroot(root: &Path, command: &str) -> Output {
    let start = Instant::now();
    let mut chroot = Command::new("chroot");
    chroot.arg(root);
    let child = shell(chroot, command).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    Background { child: child.expect("failed to run chroot"), start }.wait()
}

/// Lets a command that enters a host run a shell there, with nothing of this machine about it.
fn shell(mut enter: Command, command: &str) -> Command {
    enter
        .args(["timeout", "--kill-after=5", LIMIT, "sh", "-c", command])
        .env_clear()
        .envs([("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"), ("HOME", "/root"), ("LANG", "C.UTF-8")])
        .stdin(Stdio::null());
    enter
}
