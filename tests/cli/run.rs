//! Runs of the program: which one is run, and what became of it.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Names the program that is tested in place of this build's; `make test-release` names the one that is packaged.
const ANOTHER: &str = "TEST_PROGRAM";

/// More than anything here takes on a busy machine, and less than the timeouts of drains that must not run into them.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// What became of one run of the program.
#[derive(Debug)]
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    /// For how long the program says that it has drained.
    pub fn drained_after(&self) -> Duration {
        let (_, time) = self.stderr.split_once("load was 0 after ").expect("a drain that ended with load 0");
        let (number, unit) = time.split_once(' ').unwrap();
        let number = number.parse().unwrap();
        if unit.starts_with("ms") { Duration::from_millis(number) } else { Duration::from_secs(number) }
    }
}

/// The program that is tested.
pub fn program() -> PathBuf {
    env::var_os(ANOTHER).map_or_else(|| env!("CARGO_BIN_EXE_hhvm-drain").into(), PathBuf::from)
}

/// Whether that is a release, in which a panic aborts.
pub fn is_release() -> bool {
    env::var_os(ANOTHER).is_some() || !cfg!(debug_assertions)
}

/// The stand-in lies beside the tests; see `tests/README.md`.
pub fn stand_in() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_hhvm-drain")).with_file_name("examples").join("hhvm")
}

/// Runs `command` to its end.
pub fn run(command: &mut Command) -> Run {
    finish(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
}

/// Waits for the end of `child`, which comes by itself.
pub fn finish(mut child: Child) -> Run {
    let give_up = Instant::now() + PATIENCE;
    while child.try_wait().unwrap().is_none() {
        if Instant::now() >= give_up {
            child.kill().unwrap();
            panic!("has not ended: {:?}", child.wait_with_output());
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (stdout, stderr) = (text(stdout), text(stderr));
    Run { code: status.code().unwrap_or_else(|| panic!("{status}: {stderr}")), stdout, stderr }
}

/// Waits until `condition` holds.
pub fn wait_for(mut condition: impl FnMut() -> bool) {
    let give_up = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < give_up, "waited for {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Ends `child` by SIGTERM.
pub fn terminate(child: Child) -> Run {
    let pid = rustix::process::Pid::from_raw(child.id().cast_signed()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    finish(child)
}
