//! One node to drain: a directory in place of `/`, the stand-in for HHVM, and a systemd that reads what it is told.

use crate::Result;
use rustix::net::{RecvAncillaryBuffer, RecvFlags, recvmsg};
use std::fs;
use std::io::{BufRead, BufReader, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use tempfile::TempDir;

/// The program, as `cargo bench` builds it: the same as `cargo build --release`.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_hhvm-drain");
/// What it is compared with.
pub const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/script.sh");
/// On a disk, as `/var/lib` is: on a file system in memory, syncing the record would cost nothing.
const SCRATCH: &str = env!("CARGO_TARGET_TMPDIR");

/// The language of the admin port.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    Http,
    FastCgi,
}

/// A node whose health file is in place.
pub struct Node {
    root: TempDir,
    /// A directory of its own for systemd's socket, because the path of a checkout may be too long for one.
    systemd: TempDir,
    hhvm: Child,
    protocol: Protocol,
    admin: String,
}

impl Node {
    pub fn new(protocol: Protocol) -> Result<Self> {
        let root = tempfile::tempdir_in(SCRATCH)?;
        fs::create_dir_all(root.path().join("var/www"))?;
        fs::create_dir_all(root.path().join("etc"))?;
        symlink("/proc", root.path().join("proc"))?;
        fs::write(root.path().join("var/www/status.php"), "1-AM-ALIVE")?;
        fs::write(root.path().join("control"), "load = 1\n")?;
        let systemd = tempfile::tempdir()?;
        read_notifications(&systemd.path().join("notify"))?;
        let (hhvm, admin) = start_hhvm(root.path(), protocol)?;
        Ok(Self { root, systemd, hhvm, protocol, admin })
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    /// The real or wanted number of requests in flight.
    pub fn set_load(&self, load: u32) -> Result<()> {
        fs::write(self.path("control.new"), format!("load = {load}\n"))?;
        Ok(fs::rename(self.path("control.new"), self.path("control"))?)
    }

    /// The program, as systemd calls it in a stop.
    pub fn program(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.arg("--root").arg(self.root.path()).args(arguments);
        let scheme = if self.protocol == Protocol::Http { "http" } else { "fastcgi" };
        command.env_clear().env("HHVM_DRAIN_ENDPOINT", format!("{scheme}://{}/check-load", self.admin));
        self.in_stop_hook(command)
    }

    /// The script, likewise; it speaks HTTP alone.
    pub fn script(&self) -> Command {
        let mut command = Command::new("/bin/bash");
        command.arg(SCRIPT).arg(self.path("var/www/status.php"));
        command.arg(format!("http://{}/check-load", self.admin)).env_clear();
        self.in_stop_hook(command)
    }

    /// Puts the health file back, as `ExecStopPost=` would.
    pub fn restore(&self) -> Result<()> {
        let status = self.program(&["restore"]).stderr(Stdio::null()).status()?;
        let disabled = self.path("var/www/status.php.disabled");
        if disabled.exists() {
            fs::rename(disabled, self.path("var/www/status.php"))?;
        }
        if status.success() { Ok(()) } else { Err("restore fails".into()) }
    }

    fn in_stop_hook(&self, mut command: Command) -> Command {
        command
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin")
            .env("LANG", "C.UTF-8")
            .env("INVOCATION_ID", "0123456789abcdef0123456789abcdef")
            .env("SERVICE_RESULT", "success")
            .env("MAINPID", self.hhvm.id().to_string())
            .env("NOTIFY_SOCKET", self.systemd.path().join("notify"))
            .stdin(Stdio::null());
        command
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.hhvm.kill();
        let _ = self.hhvm.wait();
    }
}

fn start_hhvm(root: &Path, protocol: Protocol) -> Result<(Child, String)> {
    let stand_in = Path::new(PROGRAM).with_file_name("examples").join("hhvm");
    let server_type = if protocol == Protocol::Http { "proxygen" } else { "fastcgi" };
    let mut hhvm = Command::new(stand_in)
        .args(["--mode", "server", "--port=0", "--admin-port=0", "-d"])
        .arg(format!("hhvm.server.type={server_type}"))
        .arg("--standin-control")
        .arg(root.join("control"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("the stand-in, built by cargo build --release --examples: {error}"))?;
    let lines = BufReader::new(hhvm.stdout.take().ok_or("no output")?).lines();
    let address = |line: String| Some(line.strip_prefix("admin server on ")?.split(' ').next()?.to_owned());
    let admin = lines.map_while(std::result::Result::ok).find_map(address);
    Ok((hhvm, admin.ok_or("the stand-in does not listen")?))
}

/// Reads like PID 1 and lets go of the descriptors that come along, which is what a barrier waits for.
fn read_notifications(path: &Path) -> Result<()> {
    let socket = UnixDatagram::bind(path)?;
    thread::spawn(move || {
        let mut buffer = [0; 8192];
        loop {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
            let mut control = RecvAncillaryBuffer::new(&mut space);
            let mut parts = [IoSliceMut::new(&mut buffer)];
            if recvmsg(&socket, &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC).is_err() {
                return;
            }
            control.drain().for_each(drop);
        }
    });
    Ok(())
}
