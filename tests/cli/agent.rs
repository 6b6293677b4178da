//! The agent, as balancers meet it. Its socket is standard input, as systemd passes it.

use crate::rig::Rig;
use crate::run::{Run, finish, run, terminate, wait_for};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// What one check may cost of the processor, and how long it may take.
const CPU_MAX: Duration = Duration::from_micros(300);
const ANSWER_MAX: Duration = Duration::from_millis(1);

struct Agent {
    process: Option<Child>,
    address: SocketAddr,
}

impl Agent {
    fn of(rig: &Rig) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut command = rig.command(&["agent"]);
        let process = command.stdin(Stdio::from(OwnedFd::from(listener))).spawn().unwrap();
        Self { process: Some(process), address }
    }

    fn connect(&self) -> TcpStream {
        let client = TcpStream::connect(self.address).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        client
    }

    /// All that it says until it closes the connection.
    fn says(&self) -> String {
        rest(self.connect())
    }

    fn pid(&self) -> u32 {
        self.process.as_ref().unwrap().id()
    }

    /// Whether it has come so far that a signal no longer kills it.
    fn handles_signals(&self) -> bool {
        let descriptors = fs::read_dir(format!("/proc/{}/fd", self.pid())).unwrap();
        let targets = descriptors.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
        targets.into_iter().any(|target| target.to_string_lossy().contains("signalfd"))
    }

    /// The processor time that it has taken, all in all.
    fn cpu(&self) -> Duration {
        let text = fs::read_to_string(format!("/proc/{}/schedstat", self.pid())).unwrap();
        Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
    }

    fn end(mut self) -> Run {
        terminate(self.process.take().unwrap())
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

fn rest(mut client: TcpStream) -> String {
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    answer
}

fn state_path(rig: &Rig) -> std::path::PathBuf {
    rig.path("run/hhvm-drain/hhvm.service.state")
}

#[test]
fn says_what_is_published_at_each_connection() {
    let rig = Rig::new();
    let agent = Agent::of(&rig);
    run(&mut rig.hook(&["restore"]));
    assert_eq!(agent.says(), "ready\n");
    run(&mut rig.command(&["depool"]));
    assert_eq!(agent.says(), "drain\n");
    run(&mut rig.command(&["pool"]));
    assert_eq!(agent.says(), "ready\n");
    rig.control("load = 1");
    let stop = rig.begin_stop(&[]);
    wait_for(|| !rig.is_pooled());
    assert_eq!(agent.says(), "drain\n");
    rig.control("load = 0");
    finish(stop);
    assert_eq!(agent.says(), "drain\n", "until a restore");
    run(&mut rig.hook(&["restore"]));
    assert_eq!(agent.says(), "ready\n");
    let end = agent.end();
    assert_eq!((end.code, end.stderr.as_str()), (0, ""));
}

#[test]
fn says_nothing_that_it_does_not_know_and_tells_the_log_once() {
    let rig = Rig::new();
    let agent = Agent::of(&rig);
    for _ in 0..3 {
        assert_eq!(agent.says(), "", "nothing is published yet");
    }
    run(&mut rig.command(&["depool"]));
    let published = fs::read_to_string(state_path(&rig)).unwrap();
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let others = [
        ("another boot", published.replace(boot.trim(), "00000000-0000-0000-0000-000000000000")),
        ("another version", published.replace("\"version\": 1", "\"version\": 2")),
        ("half", published[..published.len() / 2].to_owned()),
        ("no JSON", "drain\n".to_owned()),
        ("empty", String::new()),
        ("large", published.clone() + &" ".repeat(2 << 20)),
    ];
    for (what, text) in others {
        fs::write(state_path(&rig), text).unwrap();
        assert_eq!(agent.says(), "", "{what}");
    }
    fs::remove_file(state_path(&rig)).unwrap();
    fs::create_dir(state_path(&rig)).unwrap();
    assert_eq!(agent.says(), "", "a directory");
    fs::remove_dir(state_path(&rig)).unwrap();
    fs::write(state_path(&rig), published).unwrap();
    assert_eq!(agent.says(), "drain\n");
    fs::write(rig.path("var/lib/hhvm-drain/hhvm.service.json"), "{").unwrap();
    run(&mut rig.hook(&["restore"]));
    assert_eq!(agent.says(), "", "a broken record");
    let end = agent.end();
    let lines: Vec<&str> = end.stderr.lines().collect();
    assert!(lines.iter().all(|line| line.starts_with("hhvm-drain: no answer to balancers: ")), "{lines:#?}");
    let absent = lines.iter().filter(|line| line.contains("hhvm.service.state is not there yet"));
    assert_eq!((end.code, absent.count()), (0, 2), "{lines:#?}");
}

#[test]
fn clients_that_say_nothing_do_not_read_or_talk_much_hold_up_nobody() {
    let rig = Rig::new();
    run(&mut rig.hook(&["restore"]));
    let agent = Agent::of(&rig);
    let idle: Vec<TcpStream> = (0..300).map(|_| agent.connect()).collect();
    assert_eq!(agent.says(), "ready\n");
    for client in idle {
        assert_eq!(rest(client), "ready\n");
    }
    let talking: Vec<TcpStream> = (0..50)
        .map(|_| {
            let mut client = agent.connect();
            // It may have been answered, and closed, before.
            let _ = client.write_all(&[b'x'; 1000]);
            client
        })
        .collect();
    assert_eq!(agent.says(), "ready\n");
    for mut client in talking {
        // Its answer is there, even if the connection was reset by what came too late.
        let mut answer = [0; 6];
        client.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"ready\n");
    }
}

#[test]
fn ten_thousand_checks_in_a_row_leave_it_running_and_cost_little() {
    let rig = Rig::new();
    run(&mut rig.command(&["depool", "--reason", "new disk"]));
    let agent = Agent::of(&rig);
    assert_eq!(agent.says(), "drain\n");
    let (before, checks) = (agent.cpu(), 10_000);
    let check = |_| {
        let start = Instant::now();
        assert_eq!(agent.says(), "drain\n");
        start.elapsed()
    };
    let times: Vec<Duration> = (0..checks).map(check).collect();
    let cpu = agent.cpu().checked_sub(before).unwrap() / checks;
    assert!(cpu <= CPU_MAX, "a check takes {cpu:?} of the processor");
    // The best part, because other tests run at the same time.
    let late = times.chunks(500).map(|times| times.iter().filter(|time| **time > ANSWER_MAX).count()).min();
    assert!(late.unwrap() <= 25, "{late:?} of 500 answers take longer than {ANSWER_MAX:?}");
    let descriptors = fs::read_dir(format!("/proc/{}/fd", agent.pid())).unwrap().count();
    assert!(descriptors < 10, "{descriptors} descriptors are open");
    assert_eq!(agent.end().code, 0);
}

#[test]
fn before_the_package_goes_it_says_ready_to_whoever_was_told_to_drain() {
    let rig = Rig::new();
    run(&mut rig.command(&["depool"]));
    let agent = Agent::of(&rig);
    assert_eq!(agent.says(), "drain\n");
    fs::write(rig.path("run/hhvm-drain/leaving"), "").unwrap();
    let told = Instant::now();
    kill_process(Pid::from_raw(agent.pid().cast_signed()).unwrap(), Signal::TERM).unwrap();
    wait_for(|| agent.says() == "ready\n");
    let mut agent = agent;
    let end = finish(agent.process.take().unwrap());
    assert_eq!(end.code, 0);
    assert!((10..20).contains(&told.elapsed().as_secs()), "{:?}", told.elapsed());
}

#[test]
fn a_signal_ends_it_at_once_where_nobody_has_to_hear_anything() {
    let rig = Rig::new();
    run(&mut rig.command(&["depool"]));
    for (leaving, asked) in [(false, true), (true, false)] {
        let agent = Agent::of(&rig);
        if leaving {
            fs::write(rig.path("run/hhvm-drain/leaving"), "").unwrap();
        }
        if asked {
            assert_eq!(agent.says(), "drain\n");
        }
        wait_for(|| agent.handles_signals());
        let start = Instant::now();
        assert_eq!(agent.end().code, 0);
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    }
}

#[test]
fn without_a_socket_it_says_what_to_do() {
    let rig = Rig::new();
    let agent = run(&mut rig.command(&["agent"]));
    assert_eq!(agent.code, 1);
    assert!(agent.stderr.starts_with("hhvm-drain: standard input is not a socket"), "{agent:?}");
    assert!(agent.stderr.contains("systemctl enable --now hhvm-drain-agent.socket"), "{agent:?}");
}
