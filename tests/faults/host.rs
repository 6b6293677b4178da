//! The host inside: its health files, HHVM, systemd's sockets, and who calls the program with which environment.

use crate::cases::{Before, Call, Caller, Case, Where};
use crate::files::{Original, original, put};
use crate::house::{self, BOOT_ID, Cgroup, HHVM, Mode, PROGRAM};
use crate::outcome::{End, Observer, Traced};
use crate::point::{Fault, Point};
use crate::trace;
use crate::watchdog;
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

pub const STATE: &str = "/var/lib/hhvm-drain";
pub const RUNTIME: &str = "/run/hhvm-drain";
const NOTIFY: &str = "/run/systemd/notify";
const JOURNAL: &str = "/run/systemd/journal/socket";
const CONTROL: &str = "/tmp/control";
const STDERR: &str = "/log/stderr";
const STDOUT: &str = "/log/stdout";
/// A call may take so long: the sum of the program's own bounds (lock 2 s, systemctl 2 s, a probe 2 s, the last words half
/// a second), and the tracer's share.
pub const PATIENCE: Duration = Duration::from_secs(8);
/// The setting `timeout`.
pub const TIMEOUT: Duration = Duration::from_millis(250);

/// The host of a case.
pub struct Host {
    pub case: Case,
    pub originals: Vec<Original>,
    hhvm: Child,
    // Left when HHVM has ended.
    cgroup: Cgroup,
    kept: Option<Kept>,
}

/// What is to be there before each run.
struct Kept {
    /// Of each health file.
    place: Where,
    state: Vec<(PathBuf, Vec<u8>)>,
}

/// What became of a call that nobody hurt.
#[derive(Debug)]
pub struct Run {
    pub end: End,
    pub stdout: String,
    pub stderr: String,
}

impl Host {
    pub fn new(case: Case, cgroup: Cgroup) -> Self {
        fs::write("/etc/hhvm-drain.toml", format!("health-file = {:?}\n{}", case.files, case.settings))
            .unwrap();
        fs::create_dir("/etc/hhvm").unwrap();
        let ini = "hhvm.server.port = 9000\nhhvm.server.type = fastcgi\nhhvm.admin_server.port = 9001\n";
        fs::write("/etc/hhvm/server.ini", ini).unwrap();
        fs::write(CONTROL, format!("load = {}\n", case.load)).unwrap();
        for path in [NOTIFY, JOURNAL] {
            let socket = UnixDatagram::bind(path).unwrap();
            // Descriptors that come along are closed by the kernel, which is what systemd's barrier waits for.
            thread::spawn(move || while socket.recv(&mut [0; 1 << 13]).is_ok() {});
        }
        let mut hhvm = Command::new(HHVM);
        hhvm.args(["--mode", "server", "--config", "/etc/hhvm/server.ini", "--standin-control", CONTROL]);
        let mut hhvm =
            hhvm.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(hhvm.stdout.take().unwrap()).lines();
        assert_eq!(lines.take(2).filter_map(Result::ok).count(), 2, "HHVM listens on two ports");
        Self { case, originals: Vec::new(), hhvm, cgroup, kept: None }
    }

    /// Makes the host as it is before the command.
    pub fn prepare(&mut self) {
        if let Some(kept) = &self.kept
            && self.case.before != Before::Deleted
            && self.originals.iter().all(|original| put(original, kept.place))
        {
            for directory in [STATE, RUNTIME] {
                let _ = fs::remove_dir_all(directory);
            }
            for (path, text) in &kept.state {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            return;
        }
        self.make();
    }

    /// The directories that matter to a disk.
    pub fn directories(&self) -> Vec<PathBuf> {
        let of_files = self.case.files.iter().map(|path| Path::new(path).parent().unwrap().to_owned());
        of_files.chain([PathBuf::from(STATE)]).collect()
    }

    /// Moves the health files out of the way, by number, and removes what else is in their directories.
    pub fn put_aside(&self) -> BTreeMap<u64, PathBuf> {
        let mut kept = BTreeMap::new();
        for original in &self.originals {
            for entry in fs::read_dir(original.health.parent().unwrap()).unwrap() {
                let path = entry.unwrap().path();
                let inode = fs::symlink_metadata(&path).unwrap().ino();
                let aside = PathBuf::from(format!("/tmp/aside.{inode}"));
                if self.originals.iter().any(|original| original.meta.inode == inode) {
                    fs::rename(path, &aside).unwrap();
                    kept.insert(inode, aside);
                } else {
                    fs::remove_file(path).unwrap();
                }
            }
        }
        kept
    }

    /// Boots the host: what is in memory is gone.
    pub fn boot(number: &str) {
        let _ = fs::remove_dir_all(RUNTIME);
        fs::write(BOOT_ID, number).unwrap();
    }

    /// The same from nothing, by the program itself.
    fn make(&mut self) {
        for directory in [STATE, RUNTIME] {
            let _ = fs::remove_dir_all(directory);
        }
        self.originals = self.case.files.iter().map(|path| original(Path::new(path))).collect();
        let by = |host: &Self, words: &'static [&'static str], caller| {
            let run = host.run(&Call { caller, words });
            assert_eq!(run.end, End::Exited(0), "{run:?}");
        };
        match self.case.before {
            Before::InPool => {}
            // Not with 5 in flight.
            Before::Drained | Before::Deleted => by(self, &["stop"], Caller::Stop),
            Before::Depooled => by(self, &["depool", "--reason=old disk"], Caller::Operator),
            Before::ByHand => {
                for path in self.case.files {
                    fs::rename(path, format!("{path}.disabled")).unwrap();
                }
            }
        }
        if self.case.before == Before::Deleted {
            for path in self.case.files {
                fs::remove_file(format!("{path}.disabled")).unwrap();
            }
        }
        let place = if self.case.before == Before::InPool { Where::In } else { Where::Out };
        self.kept = Some(Kept { place, state: state() });
    }

    /// A call, as its caller makes it.
    fn command(&self, call: &Call, mode: Mode) -> Command {
        let mut command = house::start(mode, PROGRAM);
        let stderr = File::create(STDERR).unwrap();
        let about = stderr.metadata().unwrap();
        let state = match call.caller {
            Caller::Stop => "deactivating",
            Caller::StopPost | Caller::StartPre => "inactive",
            Caller::StartPost => "activating",
            Caller::Repool | Caller::Operator => "active",
        };
        let pid = self.hhvm.id().to_string();
        let is_known = !matches!(call.caller, Caller::StopPost | Caller::StartPre);
        command
            .args(call.words)
            .env_clear()
            .env("PATH", "/opt/systemd:/usr/bin:/bin")
            // Not in the file: without it, the defaults would hold, and a test wait for ten seconds.
            .env("HHVM_DRAIN_MIN_DRAIN", "0s")
            .env("HHVM_DRAIN_TIMEOUT", format!("{}ms", TIMEOUT.as_millis()))
            .env("HHVM_DRAIN_POLL_INTERVAL", "10ms")
            .env("HHVM_DRAIN_ZERO_SAMPLES", if self.case.load == 0 { "1" } else { "3" })
            .env("HHVM_DRAIN_START_TIMEOUT", "1s")
            .env("STANDIN_STATE", state)
            .env("STANDIN_PID", if is_known { &pid } else { "0" })
            .env("STANDIN_CGROUP", self.cgroup.path())
            .stdin(Stdio::null())
            .stdout(File::create(STDOUT).unwrap())
            .stderr(stderr);
        if call.caller == Caller::Operator {
            command.env("SUDO_USER", "ada");
            return command;
        }
        command
            .env("LANG", "C.UTF-8")
            .env("INVOCATION_ID", "0123456789abcdef0123456789abcdef")
            .env("JOURNAL_STREAM", format!("{}:{}", about.dev(), about.ino()));
        if call.caller != Caller::Repool {
            command.env("NOTIFY_SOCKET", NOTIFY);
        }
        match call.caller {
            Caller::Stop => command.env("SERVICE_RESULT", "success").env("MAINPID", pid),
            Caller::StopPost => {
                command.env("SERVICE_RESULT", "success").env("EXIT_CODE", "exited").env("EXIT_STATUS", "0")
            }
            Caller::StartPost => command.env("MAINPID", pid),
            Caller::StartPre | Caller::Repool | Caller::Operator => &mut command,
        };
        command
    }

    /// The case's command, while somebody looks at what it tells the disk.
    pub fn observe(&self, observer: Observer<'_>) -> Traced {
        let command = &mut self.command(&self.case.call, Mode::Traced);
        trace::run(command, None, self.case.missing, Some(observer), PATIENCE)
    }

    /// The case's command, with a fault.
    pub fn hurt(&self, fault: Option<(&Point, Fault)>) -> (Traced, String) {
        let command = &mut self.command(&self.case.call, Mode::Traced);
        let traced = trace::run(command, fault, self.case.missing, None, PATIENCE);
        (traced, fs::read_to_string(STDERR).unwrap_or_default())
    }

    /// A call that nobody hurts.
    pub fn run(&self, call: &Call) -> Run {
        let mut child = self.command(call, Mode::Free).spawn().unwrap();
        let watch = watchdog::watch(Pid::from_raw(child.id().cast_signed()), PATIENCE);
        let status = child.wait().unwrap();
        let end = match (watch.has_bitten(), status.code(), status.signal()) {
            (true, ..) => End::Hung,
            (false, Some(code), _) => End::Exited(code),
            (false, None, signal) => End::Signaled(Signal::try_from(signal.unwrap()).unwrap()),
        };
        let text = |path| String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
        Run { end, stdout: text(STDOUT), stderr: text(STDERR) }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.hhvm.kill();
        let _ = self.hhvm.wait();
    }
}

/// All files of the state directories.
fn state() -> Vec<(PathBuf, Vec<u8>)> {
    let files = [STATE, RUNTIME].into_iter().filter_map(|directory| fs::read_dir(directory).ok()).flatten();
    files.map(|entry| entry.unwrap().path()).map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}
