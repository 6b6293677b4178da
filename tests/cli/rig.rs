//! One node: a root directory, an HHVM, a notify socket.

use crate::run::{Run, finish, program, run, stand_in, wait_for};
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Settings that make a drain short enough for a test. A drain that runs into the timeout takes longer than
/// [`crate::run::PATIENCE`].
pub const FAST: [&str; 3] = ["--min-drain=300ms", "--timeout=30s", "--poll-interval=20ms"];

/// A path with a systemctl that says that HHVM runs, with the main process that `STANDIN_PID` names.
pub const SYSTEMD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/systemd:/usr/bin:/bin");

/// A node.
pub struct Rig {
    pub root: tempfile::TempDir,
    hhvm: Option<Child>,
    pub endpoint: String,
    /// The address of HHVM's page server.
    pub page: String,
    notify: UnixDatagram,
}

impl Rig {
    /// A node with its health file and an HHVM whose admin server speaks FastCGI.
    pub fn new() -> Self {
        Self::speaking("fastcgi")
    }

    /// A node whose HHVM is configured by an ini file, as a host's is; `{port}` in it becomes a free port.
    pub fn configured(ini: &str) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut rig = Self::without_hhvm();
        rig.use_real_procfs();
        fs::write(rig.path("etc/server.ini"), ini.replace("{port}", &free.to_string())).unwrap();
        let mut command = Command::new(stand_in());
        command.current_dir(rig.root.path()).args([
            "--mode",
            "server",
            "--config",
            "etc/server.ini",
            "--port=0",
        ]);
        command.arg("--standin-control").arg(rig.path("control"));
        rig.start(command);
        rig.endpoint = "auto".into();
        rig
    }

    /// A node whose HHVM speaks `protocol`: `fastcgi`, `http`, or `unix` for FastCGI on a Unix socket.
    pub fn speaking(protocol: &str) -> Self {
        let mut rig = Self::without_hhvm();
        rig.use_real_procfs();
        let socket = rig.path("admin.sock");
        let server_type = if protocol == "http" { "proxygen" } else { "fastcgi" };
        let mut command = Command::new(stand_in());
        command
            .args(["--mode", "server", "--port=0", "--admin-port=0", "-d"])
            .arg(format!("hhvm.server.type={server_type}"))
            .arg("-d")
            .arg(format!("hhvm.server.source_root={}", rig.path("var/www").display()))
            .arg("--standin-control")
            .arg(rig.path("control"));
        if protocol == "unix" {
            command.arg("--standin-admin-unix").arg(&socket);
        }
        let admin = rig.start(command);
        rig.endpoint = match protocol {
            "http" => format!("http://{admin}/check-load"),
            "unix" => format!("fastcgi+unix://{}/check-load", socket.display()),
            _ => format!("fastcgi://{admin}/check-load"),
        };
        if protocol == "unix" {
            wait_for(|| socket.exists());
        }
        rig
    }

    /// Kills HHVM and starts another, which opens its page server only after `delay`; where that will be.
    pub fn start_slow_hhvm(&mut self, delay: Duration) -> SocketAddr {
        self.kill_hhvm();
        let free = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let [page, admin] = free.map(|listener| listener.local_addr().unwrap());
        let mut command = Command::new(stand_in());
        command.args(["--mode", "server", "-dhhvm.server.type=fastcgi", "--standin-admin-first"]);
        command.arg(format!("--port={}", page.port()));
        command.arg(format!("--admin-port={}", admin.port()));
        command.arg(format!("--standin-page-delay={}", delay.as_millis()));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.hhvm = Some(command.spawn().unwrap());
        page
    }

    /// The same, with an HHVM whose configuration cannot be read any more.
    pub fn start_slow_unreadable_hhvm(&mut self, delay: Duration) -> SocketAddr {
        self.kill_hhvm();
        let free = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let [page, admin] = free.map(|listener| listener.local_addr().unwrap());
        let ini = self.path("etc/slow.ini");
        let ports = format!("hhvm.server.port={}\nhhvm.admin_server.port={}\n", page.port(), admin.port());
        fs::write(&ini, format!("hhvm.server.type=fastcgi\nhhvm.admin_server.password=x\n{ports}")).unwrap();
        let mut command = Command::new(stand_in());
        command.args(["--mode", "server", "--standin-admin-first", "--config"]).arg(&ini);
        command.arg(format!("--standin-page-delay={}", delay.as_millis()));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.hhvm = Some(command.spawn().unwrap());
        wait_for(|| TcpStream::connect(admin).is_ok());
        fs::remove_file(&ini).unwrap();
        fs::create_dir(&ini).unwrap();
        page
    }

    pub fn use_real_procfs(&self) {
        fs::remove_dir_all(self.path("proc")).unwrap();
        symlink("/proc", self.path("proc")).unwrap();
    }

    /// Starts HHVM, and returns the address of its admin server once it listens.
    fn start(&mut self, mut command: Command) -> String {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut hhvm = command.spawn().expect("the stand-in is built by: cargo build --examples");
        let mut lines = BufReader::new(hhvm.stdout.take().unwrap()).lines();
        self.hhvm = Some(hhvm);
        let mut address_of = |server: &str| {
            let address = lines.find_map(|line| {
                let line = line.ok()?;
                Some(line.strip_prefix(server)?.split(' ').next()?.to_owned())
            });
            address.expect("the stand-in listens")
        };
        self.page = address_of("page server on ");
        address_of("admin server on ")
    }

    /// A node on which HHVM does not run.
    pub fn without_hhvm() -> Self {
        let root = tempfile::tempdir().unwrap();
        // Not the real procfs: there the HHVMs of other tests are in the same cgroup.
        fs::create_dir_all(root.path().join("proc/self")).unwrap();
        fs::write(root.path().join("proc/self/cgroup"), "0::/hhvm.service\n").unwrap();
        fs::create_dir_all(root.path().join("var/www")).unwrap();
        fs::create_dir_all(root.path().join("etc")).unwrap();
        fs::write(root.path().join("var/www/status.php"), "1-AM-ALIVE").unwrap();
        let notify = UnixDatagram::bind(root.path().join("notify")).unwrap();
        notify.set_nonblocking(true).unwrap();
        Self {
            root,
            hhvm: None,
            endpoint: "fastcgi://127.0.0.1:1/check-load".to_owned(),
            page: String::new(),
            notify,
        }
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    /// Changes what HHVM answers; see `tests/README.md`.
    pub fn control(&self, lines: &str) {
        fs::write(self.path("control.new"), format!("{lines}\n")).unwrap();
        fs::rename(self.path("control.new"), self.path("control")).unwrap();
    }

    /// Makes it a host on which nothing was ever drained.
    pub fn forget(&self) {
        for directory in ["run", "var/lib"] {
            let _ = fs::remove_dir_all(self.path(directory));
        }
    }

    pub fn is_pooled(&self) -> bool {
        self.path("var/www/status.php").exists()
    }

    pub fn pid(&self) -> u32 {
        self.hhvm.as_ref().map_or(0, Child::id)
    }

    pub fn kill_hhvm(&mut self) {
        let mut hhvm = self.hhvm.take().unwrap();
        hhvm.kill().unwrap();
        hhvm.wait().unwrap();
    }

    /// A shared object, compiled from a file beside this one, to be loaded into the program (`LD_PRELOAD`).
    pub fn object(&self, source: &str) -> PathBuf {
        let object = self.path(&format!("{source}.so"));
        let source = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli")).join(source);
        let cc = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&object).arg(source).status();
        assert!(cc.unwrap().success());
        object
    }

    /// The program as a person calls it, on a host where systemd knows HHVM's main process.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.env_clear().env("PATH", "/usr/bin:/bin").arg("--root").arg(self.root.path());
        // What systemd would know of HHVM's start is for the host tests.
        command
            .args(arguments)
            .env("HHVM_DRAIN_ENDPOINT", &self.endpoint)
            .env("HHVM_DRAIN_REPOOL", "after-stop");
        if self.hhvm.is_some() {
            command.env("PATH", SYSTEMD).env("STANDIN_PID", self.pid().to_string());
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub fn check(&self) -> Run {
        run(&mut self.command(&["check"]))
    }

    /// The program as systemd calls it in a stop.
    pub fn hook(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(arguments);
        command.env("SERVICE_RESULT", "success").env("NOTIFY_SOCKET", self.path("notify"));
        // After the stop the main process has ended, whatever runs on here.
        if self.hhvm.is_some() && arguments.contains(&"stop") {
            command.env("MAINPID", self.pid().to_string());
        } else {
            command.env("EXIT_CODE", "exited").env("EXIT_STATUS", "0");
        }
        command
    }

    /// Begins `stop` in a stop, with [`FAST`] settings and `flags`.
    pub fn begin_stop(&self, flags: &[&str]) -> Child {
        self.hook(&[&["stop"], &FAST[..], flags].concat()).spawn().unwrap()
    }

    /// The whole of [`Rig::begin_stop`].
    pub fn stop(&self, flags: &[&str]) -> Run {
        finish(self.begin_stop(flags))
    }

    pub fn status(&self) -> serde_json::Value {
        let status = run(&mut self.command(&["status", "--json"]));
        serde_json::from_str(&status.stdout).unwrap_or_else(|error| panic!("{error}: {status:?}"))
    }

    /// Everything that was sent to the notify socket since the last call.
    pub fn notifications(&self) -> Vec<String> {
        let mut buffer = [0; 8192];
        std::iter::from_fn(|| {
            let length = self.notify.recv(&mut buffer).ok()?;
            Some(String::from_utf8(buffer[..length].to_vec()).unwrap())
        })
        .collect()
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        if let Some(mut hhvm) = self.hhvm.take() {
            let _ = hhvm.kill();
            let _ = hhvm.wait();
        }
    }
}
