//! etcd as processes of the test: one member or three, each with its data in a directory of its own.

use crate::client::Client;
use hhvm_drain::fleet::{Engine, Look};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// So long a member may take to start, on a machine with much else to do.
const START: Duration = Duration::from_secs(60);

/// A program.
#[derive(Clone, Debug)]
pub struct Server {
    pub version: String,
    pub program: PathBuf,
}

/// Members that know each other.
pub struct Cluster {
    server: Server,
    directory: TempDir,
    ports: Vec<(u16, u16)>,
    members: Vec<Option<Child>>,
    scheme: &'static str,
    options: Vec<String>,
}

impl Cluster {
    /// So many members, which have a leader.
    pub fn start(server: &Server, count: usize) -> Self {
        let cluster = Self::start_with(server, count, "http", &[]);
        cluster.wait_for_leader();
        cluster
    }

    /// Members that speak so, with these options besides.
    pub fn start_with(server: &Server, count: usize, scheme: &'static str, options: &[String]) -> Self {
        // All are held until the last one is known, so that they differ.
        let listeners: Vec<TcpListener> =
            (0..count * 2).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let ports: Vec<u16> =
            listeners.iter().map(|listener| listener.local_addr().unwrap().port()).collect();
        let mut cluster = Self {
            server: server.clone(),
            directory: tempfile::tempdir().unwrap(),
            ports: ports.chunks(2).map(|pair| (pair[0], pair[1])).collect(),
            members: (0..count).map(|_| None).collect(),
            scheme,
            options: options.to_vec(),
        };
        drop(listeners);
        for at in 0..count {
            cluster.start_member(at);
        }
        cluster
    }

    /// Starts a member anew, with the data that it had.
    pub fn start_member(&mut self, at: usize) {
        let (client, peer) = self.ports[at];
        let log = File::create(self.directory.path().join(format!("m{at}.log"))).unwrap();
        let urls: Vec<String> = self
            .ports
            .iter()
            .enumerate()
            .map(|(at, (_, peer))| format!("m{at}=http://127.0.0.1:{peer}"))
            .collect();
        let client = format!("{}://127.0.0.1:{client}", self.scheme);
        let peer = format!("http://127.0.0.1:{peer}");
        let mut command = Command::new(&self.server.program);
        command.current_dir(self.directory.path());
        for (option, value) in [
            ("--name", format!("m{at}").as_str()),
            ("--data-dir", &format!("m{at}")),
            ("--listen-client-urls", &client),
            ("--advertise-client-urls", &client),
            ("--listen-peer-urls", &peer),
            ("--initial-advertise-peer-urls", &peer),
            ("--initial-cluster", &urls.join(",")),
            ("--initial-cluster-state", "new"),
        ] {
            command.arg(option).arg(value);
        }
        command.args(&self.options).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.members[at] = Some(command.spawn().expect("etcd"));
    }

    /// Starts all members anew, with the data that they had, so that they speak otherwise.
    pub fn start_anew(&mut self, scheme: &'static str, options: &[String]) {
        (self.scheme, self.options) = (scheme, options.to_vec());
        for at in 0..self.members.len() {
            self.end(at, Signal::SIGTERM);
            self.start_member(at);
        }
    }

    /// The URL of a member.
    pub fn url(&self, at: usize) -> String {
        format!("{}://127.0.0.1:{}", self.scheme, self.ports[at].0)
    }

    pub fn urls(&self) -> Vec<String> {
        (0..self.ports.len()).map(|at| self.url(at)).collect()
    }

    /// A client of all members.
    pub fn client(&self) -> Client {
        Client::of(&self.urls(), "")
    }

    /// Waits until every member, asked alone, answers for all of them.
    pub fn wait_for_leader(&self) {
        for url in self.urls() {
            let mut client = Client::of(&[url], "");
            self.wait_until("a leader", || client.etcd.look(Look::Whole).is_ok());
        }
    }

    /// Waits until something is so; shows what the members have logged if it never is.
    pub fn wait_until(&self, what: &str, mut is_so: impl FnMut() -> bool) {
        let end = Instant::now() + START;
        while !is_so() {
            assert!(Instant::now() < end, "no {what}: {}", self.logs());
            sleep(Duration::from_millis(50));
        }
    }

    fn logs(&self) -> String {
        let log = |at| {
            std::fs::read_to_string(self.directory.path().join(format!("m{at}.log"))).unwrap_or_default()
        };
        (0..self.ports.len()).map(log).collect()
    }

    /// The member that leads.
    pub fn leader(&self) -> usize {
        let leads = |at: &usize| {
            let status = post(&self.url(*at), "maintenance/status", "{}");
            status.is_ok_and(|status| status["leader"] == status["header"]["member_id"])
        };
        (0..self.ports.len()).find(leads).expect("a leader")
    }

    pub fn signal(&self, at: usize, signal: Signal) {
        let member = self.members[at].as_ref().expect("a member that runs");
        kill(Pid::from_raw(member.id().cast_signed()), signal).unwrap();
        if signal == Signal::SIGSTOP {
            self.wait_until("standstill", || is_stopped(member.id()));
        }
    }

    /// Ends a member by this signal, and waits for its end.
    pub fn end(&mut self, at: usize, signal: Signal) {
        self.signal(at, signal);
        self.members[at].take().unwrap().wait().unwrap();
    }
}

/// Whether all threads of a process stand still (`proc_pid_stat(5)`).
fn is_stopped(pid: u32) -> bool {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    threads.flatten().all(|thread| {
        let stat = std::fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'))
    })
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for member in self.members.iter_mut().flatten() {
            let _ = member.kill();
            let _ = member.wait();
        }
    }
}

/// A request that the client does not know, as curl would send it.
pub fn post(url: &str, path: &str, body: &str) -> Result<Value, String> {
    let agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(10)))
        .build()
        .new_agent();
    for version in ["v3", "v3beta"] {
        let mut answer =
            agent.post(format!("{url}/{version}/{path}")).send(body).map_err(|error| error.to_string())?;
        let text = answer.body_mut().read_to_string().unwrap();
        match serde_json::from_str(&text) {
            Ok(value) if answer.status() == 200 => return Ok(value),
            Err(_) if answer.status() == 404 => {}
            _ => return Err(text),
        }
    }
    Err("no such path".to_owned())
}

/// Writes files into a directory, and returns it.
pub fn directory(files: &[(&str, &[u8])]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, content) in files {
        write(directory.path(), name, content);
    }
    directory
}

pub fn write(directory: &Path, name: &str, content: &[u8]) {
    let file = directory.join(name.trim_start_matches('/'));
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, content).unwrap();
}
