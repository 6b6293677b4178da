//! One run of a machine, from power on to power off: systemd-nspawn, with systemd as PID 1.

use std::fs;
use std::io::ErrorKind;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// Longer than any boot on a busy machine.
const BOOT: Duration = Duration::from_secs(60);

/// A running container.
pub struct Machine {
    nspawn: Child,
    cgroup: PathBuf,
    console: PathBuf,
    leader: Pid,
}

impl Machine {
    /// Boots the root and returns when systemd has started all it wanted to.
    ///
    /// On a bridge of this network namespace, if one is named, else without a network.
    pub fn boot(root: &Path, console: PathBuf, bridge: Option<&str>) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let name = format!("hhvm-drain-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        // An abstract socket, because the path of a checkout may be too long for one in the file system.
        let address = SocketAddr::from_abstract_name(&name).expect("a socket name");
        let notify = UnixDatagram::bind_addr(&address).expect("a notify socket");
        // A control group of its own: two machines in one would take each other's services for theirs.
        let cgroup = super::overlay::directory().join("cgroup").join(&name);
        fs::create_dir(&cgroup).expect("a control group");

        let log = fs::File::create(&console).expect("the console log");
        let nspawn = command(&name, root, &cgroup, bridge)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("the console log"))
            .stderr(log)
            .spawn()
            .expect("failed to start systemd-nspawn");
        let mut machine = Self { nspawn, cgroup, console, leader: Pid::INIT };
        machine.wait_until_booted(&notify);
        machine
    }

    /// The process that is PID 1 inside.
    pub fn leader(&self) -> u32 {
        self.leader.as_raw_nonzero().get().unsigned_abs()
    }

    /// Sends PID 1 a signal, as only who is outside can.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.leader, signal).expect("PID 1 of the machine");
    }

    /// Waits for systemd's own word that the boot is complete; nspawn says which process is PID 1. The socket is
    /// closed afterwards: nspawn blocks when nobody reads from it.
    fn wait_until_booted(&mut self, notify: &UnixDatagram) {
        let deadline = Instant::now() + BOOT;
        loop {
            let message = self.receive(notify, deadline);
            for line in message.lines() {
                if let Some(pid) = line.strip_prefix("X_NSPAWN_LEADER_PID=") {
                    self.leader = pid.parse().ok().and_then(Pid::from_raw).expect("a leader's pid");
                }
            }
            if message.lines().any(|line| line == "READY=1") {
                return;
            }
        }
    }

    fn receive(&mut self, notify: &UnixDatagram, deadline: Instant) -> String {
        let mut buffer = [0; 4096];
        notify.set_read_timeout(Some(Duration::from_millis(200))).expect("a read timeout");
        loop {
            match notify.recv(&mut buffer) {
                Ok(length) => return String::from_utf8_lossy(&buffer[..length]).into_owned(),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
                Err(error) => panic!("failed to read the notify socket: {error}"),
            }
            let gone = self.nspawn.try_wait().expect("the state of systemd-nspawn");
            if gone.is_some() || Instant::now() > deadline {
                let console = fs::read_to_string(&self.console).unwrap_or_default();
                panic!("the machine did not boot ({gone:?}); its console:\n{console}");
            }
        }
    }

    /// Waits until the machine has shut itself down.
    pub fn wait_until_off(mut self) {
        self.nspawn.wait().expect("failed to wait for systemd-nspawn");
    }
}

impl Drop for Machine {
    /// The power cut: PID 1 dies at once, and the kernel kills all the rest.
    fn drop(&mut self) {
        if self.leader == Pid::INIT {
            self.nspawn.kill().ok();
        } else {
            kill_process(self.leader, Signal::KILL).ok();
        }
        self.nspawn.wait().ok();
        // The last process may still be on its way out of the control group.
        let deadline = Instant::now() + Duration::from_secs(2);
        while remove_cgroup(&self.cgroup).is_err() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(5));
        }
    }
}

fn command(name: &str, root: &Path, cgroup: &Path, bridge: Option<&str>) -> Command {
    let network = bridge.map_or("--private-network".to_owned(), |name| format!("--network-bridge={name}"));
    let mut command = Command::new("sh");
    command
        .args(["-c", r#"echo $$ >"$1/cgroup.procs"; shift; exec "$@""#, "sh"])
        .arg(cgroup)
        .args(["systemd-nspawn", "--quiet"])
        // Without systemd on this machine there is nothing to register with.
        .args(["--register=no", "--keep-unit", "--console=pipe", "--notify-ready=yes", &network])
        .args([
            "--link-journal=no",
            "--resolv-conf=off",
            "--timezone=off",
            "--machine",
            name,
            "--boot",
            "--directory",
        ])
        .arg(root)
        .env("NOTIFY_SOCKET", format!("@{name}"))
        // Also where this machine has the older hierarchy.
        .env("SYSTEMD_NSPAWN_UNIFIED_HIERARCHY", "1");
    command
}

fn remove_cgroup(path: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_cgroup(&entry.path())?;
        }
    }
    fs::remove_dir(path)
}
