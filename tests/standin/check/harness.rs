//! Starts a stand-in in a directory of its own and talks to it in bytes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

/// More than anything here takes.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// How a process ended.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    Code(i32),
    Signal(i32),
}

/// A running stand-in, killed when dropped.
pub struct Standin {
    pub child: Child,
    pub dir: TempDir,
    /// The addresses that it printed: page server, admin server, and others in their order.
    pub doors: Vec<String>,
}

impl Standin {
    /// One that speaks `FastCGI` on free ports, with a control file and a pid file.
    pub fn start(args: &[&str]) -> Self {
        Self::start_with(&["-dhhvm.server.type=fastcgi"], args)
    }

    /// One that speaks HTTP.
    pub fn start_http(args: &[&str]) -> Self {
        Self::start_with(&["-vServer.Type=proxygen"], args)
    }

    fn start_with(first: &[&str], args: &[&str]) -> Self {
        let dir = TempDir::new().unwrap();
        // A shell's background job, which these tests may be part of, ignores signals that must kill here.
        let mut command = Command::new("env");
        command
            .arg("--default-signal=HUP,INT,QUIT,TERM,USR1")
            .arg(program())
            .args(["--mode", "server", "--port", "0", "--admin-port", "0"])
            .arg(format!("-vPidFile={}", dir.path().join("pid").display()))
            .arg(format!("--standin-control={}", dir.path().join("control").display()))
            .args(first)
            .args(args.iter().map(|arg| arg.replace("DIR", dir.path().to_str().unwrap())))
            .stdout(Stdio::piped());
        Self::wait_ready(command.spawn().unwrap(), dir)
    }

    fn wait_ready(mut child: Child, dir: TempDir) -> Self {
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut standin = Self { child, dir, doors: Vec::new() };
        for line in lines.map_while(Result::ok) {
            standin.doors.push(line.split(' ').nth(3).unwrap().to_owned());
            if line.starts_with("admin") {
                break;
            }
        }
        until("the pid file", || fs::read_to_string(standin.path("pid")).is_ok_and(|pid| !pid.is_empty()));
        standin
    }

    /// A file of this stand-in.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Replaces the control file as a whole.
    pub fn control(&self, text: &str) {
        fs::write(self.path("new"), text).unwrap();
        fs::rename(self.path("new"), self.path("control")).unwrap();
    }

    pub fn page(&self) -> TcpStream {
        connect(&self.doors[0])
    }

    pub fn admin(&self) -> TcpStream {
        connect(&self.doors[1])
    }

    /// The answer to an admin command, as the whole stream that the records carry.
    pub fn ask(&self, command: &str) -> String {
        let (path, query) = command.split_once('?').unwrap_or((command, ""));
        let params = [("SCRIPT_NAME", path), ("QUERY_STRING", query)];
        let mut stream = self.admin();
        stream.write_all(&request(1, 0, &params)).unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        stdout(&bytes)
    }

    /// The body of an answer.
    pub fn body(&self, command: &str) -> String {
        self.ask(command).split_once("\r\n\r\n").unwrap().1.to_owned()
    }

    /// Begins a page request of so many milliseconds, and returns once it runs or is queued.
    pub fn begin_page(&self, ms: u32) -> TcpStream {
        let number = |command| self.body(command).parse::<u32>().unwrap();
        // A request that leaves the queue between the two questions would stand in neither answer.
        let sum = || {
            let deadline = Instant::now() + PATIENCE;
            loop {
                let (load, queued) = (number("check-load"), number("check-queued"));
                if number("check-load") == load {
                    return load + queued;
                }
                assert!(Instant::now() < deadline, "the load does not stay the same");
            }
        };
        let before = sum();
        let mut stream = self.page();
        let query = format!("ms={ms}");
        stream.write_all(&request(1, 0, &[("SCRIPT_NAME", "/x.php"), ("QUERY_STRING", &query)])).unwrap();
        until("the request", || sum() == before + 1);
        stream
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
    }

    pub fn running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits for the end.
    pub fn end(&mut self) -> End {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code().map_or_else(|| End::Signal(status.signal().unwrap()), End::Code);
            }
            assert!(Instant::now() < deadline, "the stand-in did not end");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Standin {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until something is so.
pub fn until(what: &str, so: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !so() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// The stand-in's program, which cargo builds beside the tests.
pub fn program() -> PathBuf {
    let test = env::current_exe().unwrap();
    let program = test.ancestors().nth(2).unwrap().join("examples/hhvm");
    assert!(program.exists(), "{} is missing: cargo build --example hhvm", program.display());
    program
}

pub fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// A record without padding.
pub fn record(kind: u8, id: u8, content: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(content.len()).unwrap().to_be_bytes();
    [&[1, kind, 0, id, high, low, 0, 0], content].concat()
}

/// A whole request for a responder.
pub fn request(id: u8, flags: u8, params: &[(&str, &str)]) -> Vec<u8> {
    let mut pairs = Vec::new();
    for (name, value) in params {
        pairs.extend([u8::try_from(name.len()).unwrap(), u8::try_from(value.len()).unwrap()]);
        pairs.extend_from_slice(name.as_bytes());
        pairs.extend_from_slice(value.as_bytes());
    }
    let begin = record(1, id, &[0, 1, flags, 0, 0, 0, 0, 0]);
    [begin, record(4, id, &pairs), record(4, id, &[]), record(5, id, &[])].concat()
}

/// What the standard output records of an answer carry; fails unless they end with a good end record.
pub fn stdout(mut bytes: &[u8]) -> String {
    let mut stream = Vec::new();
    while bytes[1] == 6 {
        let length = usize::from(u16::from_be_bytes([bytes[4], bytes[5]]));
        let padding = usize::from(bytes[6]);
        assert_eq!((length + padding) % 8, 0, "a record that is not padded to eight bytes");
        assert_ne!(length, 0, "HHVM sends no empty record");
        stream.extend_from_slice(&bytes[8..8 + length]);
        bytes = &bytes[8 + length + padding..];
    }
    assert_eq!(bytes, [1, 3, 0, 1, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    String::from_utf8(stream).unwrap()
}
