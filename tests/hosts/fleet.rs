//! A stop in a fleet: it waits for its turn, serving, and its turn is given back.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hhvm_drain::fleet::{Claim, Holder, Why};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::host::drain::HEALTH_FILE;
use crate::host::{Background, Host, wait_for};

/// Long enough for a stop and a start on a machine with much else to do.
const PATIENCE: Duration = Duration::from_secs(60);
const PORT: u16 = 2379;

/// An etcd on a bridge of its own, which hosts can be put on.
struct Etcd {
    bridge: String,
    address: Ipv4Addr,
    server: Child,
    _data: TempDir,
}

impl Etcd {
    /// `number` tells the bridges of tests apart that run at once.
    fn start(number: u8) -> Self {
        let (bridge, address) = (format!("hdfleet{number}"), Ipv4Addr::new(10, 94, number, 1));
        let _ = Command::new("ip").args(["link", "delete", &bridge]).stderr(Stdio::null()).status();
        for line in [
            format!("link add {bridge} type bridge"),
            format!("address add {address}/24 dev {bridge}"),
            format!("link set {bridge} up"),
        ] {
            assert!(Command::new("ip").args(line.split(' ')).status().unwrap().success(), "ip {line}");
        }
        let data = tempfile::tempdir().unwrap();
        let url = format!("http://{address}:{PORT}");
        let peer = format!("http://{address}:{}", PORT + 1);
        let server = Command::new(program())
            .arg("--data-dir")
            .arg(data.path())
            .args(["--listen-client-urls", &url, "--advertise-client-urls", &url])
            .args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer])
            .args(["--initial-cluster", &format!("default={peer}")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("etcd");
        let etcd = Self { bridge, address, server, _data: data };
        wait_for("etcd", PATIENCE, || etcd.try_ask("range", &json!({"key": "YQ=="})).is_some());
        etcd
    }

    fn try_ask(&self, what: &str, body: &Value) -> Option<Value> {
        let url = format!("http://{}:{PORT}/v3/kv/{what}", self.address);
        let output =
            Command::new("curl").args(["-s", "-m", "5", &url, "-d", &body.to_string()]).output().unwrap();
        serde_json::from_slice(&output.stdout).ok()
    }

    fn ask(&self, what: &str, body: &Value) -> Value {
        self.try_ask(what, body).unwrap_or_else(|| panic!("no answer to {what}"))
    }

    /// The nodes that have a key, and whether they are out.
    fn out(&self) -> Vec<(String, bool)> {
        let answer =
            self.ask("range", &json!({"key": key("out/"), "range_end": key("out0"), "keys_only": true}));
        let node = |kv: &Value| {
            let name = BASE64_STANDARD.decode(kv["key"].as_str().unwrap()).unwrap();
            let name = String::from_utf8(name).unwrap();
            (name.rsplit('/').next().unwrap().to_owned(), kv["lease"].is_null())
        };
        answer["kvs"].as_array().map(|kvs| kvs.iter().map(node).collect()).unwrap_or_default()
    }

    /// Lets another node hold a slot.
    fn take_out(&self, node: &str) {
        let mut holder = Holder::new("another", "boot");
        holder
            .units
            .insert("hhvm.service".to_owned(), Claim::new(Why::Stop, "2026-01-02T03:04:05Z".to_owned()));
        let value = BASE64_STANDARD.encode(holder.bytes());
        self.ask("put", &json!({"key": key(&format!("out/{node}")), "value": value}));
        self.ask("put", &json!({"key": key(&format!("alive/{node}")), "value": "YQ=="}));
    }

    fn bring_back(&self, node: &str) {
        self.ask("deleterange", &json!({"key": key(&format!("out/{node}"))}));
    }

    fn host(&self, number: u8) -> Host {
        let [a, b, c, _] = self.address.octets();
        let host = Host::with_package()
            .file("/etc/hostname", &format!("web{number}\n"))
            .settings(&format!(
                "min-drain = '1s'\n[fleet]\nmembers = ['http://{}:{PORT}']\npool = 'web'\n",
                self.address
            ))
            .file("/etc/systemd/system/hhvm.service.d/patience.conf", "[Service]\nTimeoutStopSec=10min\n")
            .on_bridge(&self.bridge, Ipv4Addr::new(a, b, c, 10 + number), 24)
            .boot();
        // HHVM may be up before the network is.
        wait_for("the host to reach etcd", PATIENCE, || host.run("hhvm-drain fleet").code == Some(0));
        host
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
        let _ = Command::new("ip").args(["link", "delete", &self.bridge]).status();
    }
}

/// Debian 12's etcd, or another one.
fn program() -> PathBuf {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/etcd/servers.sh");
    let output = Command::new(script).output().expect("servers.sh");
    let text = String::from_utf8(output.stdout).unwrap();
    let found = text.lines().find(|line| line.starts_with("3.4.")).or_else(|| text.lines().last());
    found.and_then(|line| line.split_once(' ')).expect("an etcd").1.into()
}

fn key(name: &str) -> String {
    BASE64_STANDARD.encode(format!("hhvm-drain/web/{name}"))
}

/// A stop that waits for the other node.
fn begin_to_wait(host: &Host) -> Background {
    let stop = host.spawn("systemctl stop hhvm");
    wait_for("the stop to wait", PATIENCE, || {
        host.show("hhvm", "StatusText").starts_with("Waiting for its turn: 1 ahead, ")
    });
    assert!(host.is_pooled() && host.show("hhvm", "ActiveState") == "deactivating");
    stop
}

pub fn a_stop_waits_until_the_slot_of_another_node_is_free() {
    let etcd = Etcd::start(1);
    let host = etcd.host(1);
    etcd.take_out("web9");
    let mut stop = begin_to_wait(&host);
    assert_eq!(etcd.out(), [("web1".to_owned(), false), ("web9".to_owned(), true)]);
    assert!(stop.is_running());
    etcd.bring_back("web9");
    stop.wait().ok();
    host.assert_stopped("drained");
    host.assert_logged("waiting for its turn: 1 ahead, 1 may be out at once");
    host.assert_logged("it is this node's turn, after");
    let past = host.run("hhvm-drain history --json").ok().stdout;
    let row: Value = serde_json::from_str(past.lines().last().expect("a row")).expect("a row");
    assert!(row["ms"]["turn"].as_u64().is_some_and(|turn| turn > 0), "{row}");
    assert_eq!(etcd.out(), [("web1".to_owned(), true)], "it holds the slot until it is back");
    host.assert_comes_back();
    wait_for("the slot to be given back", PATIENCE, || etcd.out().is_empty());
    let told = "this node's turn is over; the next one may go";
    wait_for(told, PATIENCE, || host.journal().iter().any(|entry| entry.message() == told));
}

pub fn what_ends_the_waiting_ends_it_at_once() {
    let etcd = Etcd::start(2);
    let host = etcd.host(2);
    etcd.take_out("web9");

    let stop = begin_to_wait(&host);
    assert_eq!(host.run("hhvm-drain fleet go").ok().stdout, "the stop of hhvm.service goes on\n");
    stop.wait().ok();
    host.assert_logged("an operator ended the waiting (fleet go)");
    assert!(etcd.out().contains(&("web2".to_owned(), true)), "it is not hidden: {:?}", etcd.out());
    assert!(host.run("hhvm-drain fleet").ok().stdout.contains("fleet go"));
    host.assert_comes_back();
    wait_for("the slot to be given back", PATIENCE, || etcd.out() == [("web9".to_owned(), true)]);

    let stop = begin_to_wait(&host);
    host.run("systemctl kill --kill-who=control hhvm").ok();
    assert!(stop.wait().ok().took < PATIENCE);
    host.assert_logged("interrupted while waiting for its turn");
    assert!(host.is_pooled(), "nothing was moved");
    host.assert_comes_back();
    wait_for("the slot to be given back", PATIENCE, || etcd.out() == [("web9".to_owned(), true)]);

    let stop = begin_to_wait(&host);
    host.run("systemctl kill --kill-who=main -s KILL hhvm").ok();
    stop.wait().ok();
    assert!(host.is_pooled(), "nothing was moved");
}

pub fn an_engine_that_is_gone_delays_a_stop_by_ten_seconds_and_refuses_a_depool() {
    let mut etcd = Etcd::start(3);
    let host = etcd.host(3);
    etcd.server.kill().unwrap();
    etcd.server.wait().unwrap();
    let refused = host.run("hhvm-drain depool");
    assert!(refused.code == Some(1) && host.is_pooled(), "{refused:?}");
    let begun = Instant::now();
    host.stop();
    let took = begun.elapsed();
    assert!((Duration::from_secs(10)..Duration::from_secs(25)).contains(&took), "{took:?}");
    host.assert_stopped("drained");
    host.assert_logged("no turn to be had");
    host.assert_comes_back();
    host.run("hhvm-drain depool --force").ok();
    assert!(!host.exists(HEALTH_FILE));
}

pub fn three_hosts_restarted_at_once_are_out_one_after_another() {
    let etcd = Etcd::start(4);
    let hosts: Vec<Host> = (1..=3).map(|number| etcd.host(number)).collect();
    let mut restarts: Vec<Background> =
        hosts.iter().map(|host| host.spawn("systemctl restart hhvm")).collect();
    let begun = Instant::now();
    let mut most_out = 0;
    while restarts.iter_mut().any(Background::is_running) || !etcd.out().is_empty() {
        assert!(begun.elapsed() < PATIENCE * 3, "they do not end: {:?}", etcd.out());
        most_out = most_out.max(hosts.iter().filter(|host| !host.exists(HEALTH_FILE)).count());
        assert!(most_out <= 1, "more than one is out");
        assert!(etcd.out().iter().filter(|(_, is_out)| *is_out).count() <= 1);
    }
    for restart in restarts {
        restart.wait().ok();
    }
    assert_eq!(most_out, 1);
    for host in &hosts {
        assert!(host.is_pooled() && host.show("hhvm", "ActiveState") == "active");
        host.assert_logged("it is this node's turn, after");
    }
}

pub fn restart_has_a_turn_or_touches_nothing() {
    let etcd = Etcd::start(5);
    let host = etcd.host(5);
    let pid = host.show("hhvm", "MainPID");
    etcd.take_out("web9");
    let refused = host.run("hhvm-drain restart --wait 2s");
    assert!(
        refused.code == Some(1) && refused.stderr.contains("not this node's turn within 2 s"),
        "{refused:?}"
    );
    assert_eq!(etcd.out(), [("web9".to_owned(), true)], "it has left the queue");
    assert!(host.is_pooled() && host.show("hhvm", "MainPID") == pid, "HHVM is untouched");

    let restart = host.spawn("hhvm-drain restart");
    wait_for("it to queue", PATIENCE, || etcd.out().contains(&("web5".to_owned(), false)));
    etcd.bring_back("web9");
    let told = restart.wait().ok().stdout;
    assert!(
        told.contains("waiting for its turn: 1 ahead") && told.contains("this node's turn is over"),
        "{told}"
    );
    assert!(etcd.out().is_empty() && host.is_pooled() && host.show("hhvm", "MainPID") != pid);

    etcd.take_out("web9");
    host.run("hhvm-drain restart --force").ok();
    assert_eq!(etcd.out(), [("web9".to_owned(), true)]);
}
