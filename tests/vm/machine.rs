//! A whole machine: qemu, with a kernel, an init and a disk of its own.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::image::Image;

/// Longer than any boot, also without hardware support, on a busy machine.
const BOOT: Duration = Duration::from_secs(300);
/// No command of a test takes longer.
const COMMAND: &str = "300";

/// What a command printed, and how it ended.
#[derive(Debug)]
pub struct Output {
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    #[expect(dead_code, reason = "shown when the command has failed")]
    pub stderr: String,
    /// Its exit code; 255 when there is no connection.
    pub code: Option<i32>,
}

impl Output {
    /// Its standard output without the end of the last line; fails the test unless the command succeeded.
    #[track_caller]
    pub fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "a command of the machine failed: {self:#?}");
        self.stdout.trim_end().to_owned()
    }
}

/// A machine with a disk of its own; dropping it cuts its power and throws the disk away.
pub struct Machine<'a> {
    image: &'a Image,
    directory: PathBuf,
    /// The disk, as qemu wants it described.
    drive: String,
    /// Where this machine reaches its ssh.
    port: u16,
    qemu: Option<Child>,
}

impl<'a> Machine<'a> {
    /// Boots a copy of the image.
    pub fn boot(image: &'a Image) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let name = format!("run-{}-{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let directory = crate::directory().join(name);
        fs::create_dir_all(&directory).expect("a directory for the machine");
        let disk = directory.join("disk");
        let mut machine = Self { image, directory, drive: String::new(), port: 0, qemu: None };
        machine.drive = image.copy_to(&disk);
        machine.boot_again();
        machine
    }

    /// Boots from the disk as it is, and returns when everything has been started.
    pub fn boot_again(&mut self) {
        assert!(self.qemu.is_none(), "the machine is still on");
        self.port = free_port();
        self.qemu = Some(self.qemu().spawn().expect("failed to run qemu"));
        let deadline = Instant::now() + BOOT;
        while self.run("true").code != Some(0) {
            let gone = self.qemu.as_mut().and_then(|qemu| qemu.try_wait().ok().flatten());
            assert!(gone.is_none() && Instant::now() < deadline, "no ssh ({gone:?}); {}", self.console());
            thread::sleep(Duration::from_millis(200));
        }
        // Also when something has failed that is no business of ours.
        self.run("systemctl is-system-running --wait");
    }

    fn qemu(&self) -> Command {
        // It dies with this process, whatever kills that.
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL", "qemu-system-x86_64", "-machine", "q35", "-cpu", "max"])
            .args(["-m", "1024", "-smp", "2"])
            // A machine that reboots ends qemu, which can be waited for.
            .args(["-no-reboot", "-display", "none", "-monitor", "none", "-device", "virtio-rng-pci"])
            .args(["-drive", &self.drive, "-device", "virtio-net-pci,netdev=net"])
            // Nothing outside can be reached.
            .args(["-netdev", &format!("user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:{}-:22", self.port)])
            .args(["-serial", &format!("file:{}", self.console_path().display())])
            .args(&self.image.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        command
    }

    /// Waits until the machine has shut itself down.
    pub fn wait_until_off(&mut self) {
        let mut qemu = self.qemu.take().expect("a running machine");
        let deadline = Instant::now() + BOOT;
        while qemu.try_wait().expect("the state of qemu").is_none() {
            assert!(Instant::now() < deadline, "the machine does not go down; {}", self.console());
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Cuts the power: nothing gets the chance to end well.
    pub fn power_cut(&mut self) {
        if let Some(mut qemu) = self.qemu.take() {
            qemu.kill().ok();
            qemu.wait().ok();
        }
    }

    /// Runs a shell command as root.
    pub fn run(&self, command: &str) -> Output {
        // Without a shell of its own between us and the words of the command.
        let command = format!("timeout {COMMAND} sh -c '{}'", command.replace('\'', r"'\''"));
        let output = self.ssh().arg(command).stdin(Stdio::null()).output().expect("failed to run ssh");
        Output {
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            code: output.status.code(),
        }
    }

    /// Copies a file or a directory to the machine.
    pub fn bring(&self, from: &Path, to: &str) {
        let mut tar = Command::new("tar")
            .current_dir(from.parent().expect("a file in a directory"))
            .args(["-czf", "-", &format!("--transform=s,^[^/]*,{to},"), "--absolute-names"])
            .arg(from.file_name().expect("the name of a file"))
            .stdout(Stdio::piped())
            .spawn()
            .expect("failed to run tar");
        let unpack = "tar --absolute-names --no-same-owner -xzf -";
        let archive = tar.stdout.take().expect("the archive");
        let status = self.ssh().arg(unpack).stdin(archive).status().expect("failed to run ssh");
        assert!(status.success() && tar.wait().expect("tar").success(), "failed to copy {}", from.display());
    }

    fn ssh(&self) -> Command {
        let mut ssh = Command::new("ssh");
        // From its directory: in the path of a key, ssh expands variables.
        let key = &self.image.key;
        ssh.current_dir(key.parent().expect("a key in a directory"))
            .args(["-F", "/dev/null", "-q", "-p", &self.port.to_string(), "-i"])
            .arg(key.file_name().expect("the name of a file"))
            .args(["-o", "BatchMode=yes", "-o", "ConnectTimeout=5", "-o", "ServerAliveInterval=5"])
            .args(["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"])
            .arg("root@127.0.0.1");
        ssh
    }

    fn console_path(&self) -> PathBuf {
        self.directory.join("console")
    }

    fn console(&self) -> String {
        let text = fs::read(self.console_path()).unwrap_or_default();
        format!("its console:\n{}", String::from_utf8_lossy(&text))
    }
}

impl Drop for Machine<'_> {
    fn drop(&mut self) {
        if thread::panicking() && self.qemu.is_some() {
            eprintln!(
                "the journal of the machine's hhvm.service:\n{}",
                self.run("journalctl -u hhvm -n 60").stdout
            );
        }
        self.power_cut();
        fs::remove_dir_all(&self.directory).ok();
    }
}

/// A port that is free now; nothing better can be had, because qemu does not tell which one it took.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}
