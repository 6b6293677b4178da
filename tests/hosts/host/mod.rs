//! A real Debian machine in a container: systemd as PID 1, and its own network, files and processes.
//!
//! ```text
//! let host = Host::with_package().boot();
//! host.run("systemctl stop hhvm").ok();
//! assert!(host.exists("/var/www/status.php"));
//! ```

// Shared by the host tests and the demo, neither of which uses all of it.
#![allow(dead_code, unused_imports)]

mod command;
pub mod debian;
pub mod drain;
mod hhvm;
mod install;
mod journal;
mod machine;
mod overlay;
mod parts;
mod setup;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

pub use command::{Background, Output};
pub use debian::Debian;
pub use journal::Entry;
use machine::Machine;
use overlay::Overlay;
pub use parts::standin;
pub use setup::Setup;

const PROGRAMS: [&str; 5] = ["systemd-nspawn", "unshare", "nsenter", "mmdebstrap", "systemctl"];

/// Gets this process ready to make hosts, or says why it cannot.
pub fn prepare() -> Result<(), String> {
    if !rustix::process::geteuid().is_root() {
        return Err("not root".to_owned());
    }
    let missing: Vec<_> = PROGRAMS.into_iter().filter(|program| !is_installed(program)).collect();
    if !missing.is_empty() {
        return Err(format!("not installed: {}", missing.join(", ")));
    }
    overlay::why_not().map_or(Ok(()), Err)?;
    overlay::enter();
    Ok(())
}

fn is_installed(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|directory| directory.join(program).exists())
}

fn target() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target")
}

/// Runs a command of this machine that must succeed, its messages visible; returns its output, trimmed.
fn succeed(command: &mut Command) -> String {
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.unwrap_or_else(|error| panic!("failed to run {command:?}: {error}"));
    assert!(output.status.success(), "{command:?} failed: {}", output.status);
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Waits until the condition holds, and returns how long that took.
pub fn wait_for(what: &str, within: Duration, mut condition: impl FnMut() -> bool) -> Duration {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < within, "waited {within:?} in vain for: {what}");
        thread::sleep(Duration::from_millis(10));
    }
    start.elapsed()
}

/// A machine; dropping it cuts its power and throws its disk away.
pub struct Host {
    machine: Option<Machine>,
    overlay: Option<Overlay>,
    bridge: Option<String>,
}

impl Host {
    fn machine(&self) -> &Machine {
        self.machine.as_ref().expect("a running machine")
    }

    fn overlay(&self) -> &Overlay {
        self.overlay.as_ref().expect("the disk of the machine")
    }

    /// Where a file of the host is on this machine: as its processes see it while it runs, else on its disk.
    pub fn path(&self, path: &str) -> PathBuf {
        let root = match &self.machine {
            Some(machine) => PathBuf::from(format!("/proc/{}/root", machine.leader())),
            None => self.overlay().root(),
        };
        root.join(path.trim_start_matches('/'))
    }

    /// Whether there is something of this name, be it a dangling link.
    pub fn exists(&self, path: &str) -> bool {
        self.path(path).symlink_metadata().is_ok()
    }

    /// The text of a file.
    pub fn read_file(&self, path: &str) -> String {
        fs::read_to_string(self.path(path))
            .unwrap_or_else(|error| panic!("failed to read {path} of the host: {error}"))
    }

    /// Writes a file, and the directories above it.
    pub fn write_file(&self, path: &str, text: &str) {
        let file = self.path(path);
        fs::create_dir_all(file.parent().expect("a file in a directory")).expect("a directory in the host");
        fs::write(&file, text).unwrap_or_else(|error| panic!("failed to write {path} of the host: {error}"));
    }

    /// A property of a unit, as `systemctl show` tells it.
    pub fn show(&self, unit: &str, property: &str) -> String {
        self.run(&format!("systemctl show --value -p {property} {unit}")).ok().stdout.trim().to_owned()
    }

    /// Runs a shell command as root on the disk of a host that is off, as an installer does: no systemd runs.
    pub fn chroot(&self, command: &str) -> Output {
        assert!(self.machine.is_none(), "the machine is on");
        command::chroot(&self.overlay().root(), command)
    }

    /// Stops systemd in its tracks, until [`Host::thaw_systemd`].
    pub fn freeze_systemd(&self) {
        self.machine().signal(rustix::process::Signal::STOP);
    }

    /// Lets systemd go on.
    pub fn thaw_systemd(&self) {
        self.machine().signal(rustix::process::Signal::CONT);
    }

    /// Cuts the power: nothing gets the chance to end well.
    pub fn power_cut(&mut self) {
        self.machine = None;
    }

    /// Boots again from the same disk, and returns when HHVM is up.
    pub fn boot_again(&mut self) {
        self.power_on();
        self.wait_until_hhvm_is_up();
    }

    /// Boots from the disk, and returns when systemd has started all it wanted to.
    pub fn power_on(&mut self) {
        assert!(self.machine.is_none(), "the machine is still on");
        let console = self.overlay().beside("console");
        self.machine = Some(Machine::boot(&self.overlay().root(), console, self.bridge.as_deref()));
    }

    /// Shuts down in good order, boots again, and returns when HHVM is up.
    pub fn reboot(&mut self) {
        self.shut_down();
        self.boot_again();
    }

    /// Shuts down in good order, as for a reboot, and returns when the power is off.
    pub fn shut_down(&mut self) {
        self.run("systemctl reboot");
        self.wait_until_off();
    }

    /// Returns when a shutdown that was asked for has ended, and the power is off.
    pub fn wait_until_off(&mut self) {
        self.machine.take().expect("a running machine").wait_until_off();
    }

    /// Cuts the power for good, and leaves the disk.
    fn into_disk(mut self) -> Overlay {
        self.power_cut();
        self.overlay.take().expect("the disk of the machine")
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if thread::panicking() && self.machine.is_some() {
            let journal = self.run("journalctl --no-hostname -o short-precise -u hhvm -n 60");
            eprintln!("the journal of the host's hhvm.service:\n{}", journal.stdout);
        }
        // The disk cannot go before the machine.
        self.machine = None;
    }
}
