//! One visit to a host: a request in flight, `check`, stop, start. What was seen is judged elsewhere.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::draw::{Draw, How, Meanwhile};
use crate::furnish::{request, serves, start};
use crate::host::{Background, Entry, Host, Output};

/// How long the request in flight takes.
pub const REQUEST_MS: u32 = 6000;

/// What `check` and `status` say at one time.
pub struct Words {
    /// `check`.
    pub check: Output,
    /// `status --json`.
    pub status: Value,
}

/// All that was seen.
pub struct Story {
    /// The host.
    pub draw: Draw,
    /// Before the request.
    pub idle: Words,
    /// While the request was in flight.
    pub busy: Words,
    /// The request in flight.
    pub request: Output,
    /// How long the administrator's command took.
    pub stop: Duration,
    /// Processes of the server that outlived it.
    pub left: Vec<String>,
    /// Whether the health file was away at some time.
    pub was_out: bool,
    /// What hhvm-drain logged until the server was stopped.
    pub drain: Vec<Entry>,
    /// What the start said, if it failed.
    pub start_error: Option<String>,
    /// Whether pages are served again.
    pub serves: bool,
    /// Whether the node is in its pool again.
    pub is_back: bool,
    /// All that hhvm-drain logged.
    pub journal: Vec<Entry>,
    /// `status`, in the end.
    pub status: String,
    /// The files around the health file, before and after.
    pub files: (String, String),
}

/// Goes through with it; an error is the package's fault before anything else could be seen.
pub fn visit(draw: &Draw) -> Result<Story, String> {
    let mut host = start(draw)?;
    let unit = draw.unit();
    let files = files(&host);
    let idle = words(&host, unit);
    let pids = processes(&host, draw);
    let in_flight = host.spawn(&request(draw, REQUEST_MS));
    thread::sleep(Duration::from_millis(500));
    let busy = words(&host, unit);
    host.run(&watch(draw)).ok();
    let beside = host.spawn(draw.health_meanwhile());
    let meanwhile =
        (draw.meanwhile == Meanwhile::DaemonReload).then(|| host.spawn("sleep 1.5; systemctl daemon-reload"));
    let stop = end(&mut host, draw);
    let request = in_flight.wait();
    let left = if draw.how == How::Reboot { Vec::new() } else { outlived(&host, draw, &pids) };
    // What still runs on purpose must be gone before the server can be started again.
    if draw.how != How::Reboot {
        host.run("touch /run/enough");
        let _ = meanwhile.map(Background::wait);
        host.run("pkill -f 'until [[]'");
        beside.wait();
    }
    let drain = journal(&host, unit);
    host.run(draw.health_after_stop());
    if draw.mends_config() {
        mend_config(&host, draw);
    }
    let start_error = begin(&host, draw);
    let serves = serves(&host, draw, Duration::from_secs(10));
    let is_back = comes_back(&host, draw);
    Ok(Story {
        idle,
        busy,
        request,
        stop,
        left,
        was_out: host.exists("/var/tmp/was-out"),
        drain,
        start_error,
        serves,
        is_back,
        journal: journal(&host, unit),
        status: host.run(&format!("hhvm-drain status --unit {unit}")).stdout,
        files: (files, self::files(&host)),
        draw: draw.clone(),
    })
}

/// The administrator's command, to its end.
fn end(host: &mut Host, draw: &Draw) -> Duration {
    let unit = draw.unit();
    let begin = Instant::now();
    match draw.how {
        How::Stop => drop(host.run(&format!("systemctl stop {unit}"))),
        How::Restart => drop(host.run(&format!("systemctl restart {unit}"))),
        How::Reboot => host.shut_down(),
    }
    let took = begin.elapsed();
    if draw.how == How::Reboot {
        host.power_on();
    }
    took
}

/// Starts the server, as far as that is left to do.
fn begin(host: &Host, draw: &Draw) -> Option<String> {
    let unit = draw.unit();
    let started = host.run(&format!("systemctl start {unit}"));
    let front = draw.front_unit().map(|front| host.run(&format!("systemctl start {front}")));
    let failed = std::iter::once(started).chain(front).find(|output| output.code != Some(0));
    failed.map(|output| output.stderr)
}

fn mend_config(host: &Host, draw: &Draw) {
    for (path, text) in draw.hhvm_arguments().1 {
        let place = draw.on_host(&path);
        host.run(&format!("[ -f {place} ] || rm -f {place}"));
        host.write_file(&place, &String::from_utf8_lossy(&text));
    }
}

fn words(host: &Host, unit: &str) -> Words {
    let check = host.spawn(&format!("hhvm-drain check --unit {unit}"));
    let status = status(host, unit);
    Words { check: check.wait(), status }
}

fn status(host: &Host, unit: &str) -> Value {
    let output = host.run(&format!("hhvm-drain status --json --unit {unit}"));
    serde_json::from_str(&output.stdout).unwrap_or_else(|why| panic!("status --json: {why}: {output:?}"))
}

fn journal(host: &Host, unit: &str) -> Vec<Entry> {
    let mut entries =
        host.journal_unit(&format!("{unit} -u hhvm-drain-repool@{unit} -u hhvm-drain-shutdown@{unit}"));
    entries.retain(|entry| entry.field("SYSLOG_IDENTIFIER") == "hhvm-drain");
    entries
}

/// Notes whether the health file has been away.
fn watch(draw: &Draw) -> String {
    let file = draw.health_files()[0];
    // Not a command from outside: systemd stops what is left before a reboot, and nsenter would stay stopped.
    format!(
        "systemd-run --quiet --collect --unit=watch -p DefaultDependencies=no -p KillSignal=SIGKILL sh -c \
         'until [ -e /run/enough ]; do [ -L {file} ] || [ -e {file} ] || touch /var/tmp/was-out; sleep 0.05; done'"
    )
}

/// The server's own processes: those that run its file.
fn processes(host: &Host, draw: &Draw) -> Vec<String> {
    let program = draw.on_host(draw.program());
    let list = format!(
        "for p in /proc/[0-9]*; do [ $p/exe -ef {program} ] && echo ${{p#/proc/}} $(tr '\\0' ' ' <$p/cmdline); done; true"
    );
    host.run(&list).stdout.lines().map(str::to_owned).collect()
}

/// Those of them that are still there, once the last one had the time to go.
fn outlived(host: &Host, draw: &Draw, before: &[String]) -> Vec<String> {
    let still = || -> Vec<String> {
        let now = processes(host, draw);
        if draw.how == How::Stop {
            now
        } else {
            now.into_iter().filter(|process| before.contains(process)).collect()
        }
    };
    // systemd ends the unit when the main process has gone; light processes notice that by themselves.
    let deadline = Instant::now() + Duration::from_millis(1500);
    let mut left = still();
    while !left.is_empty() && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(100));
        left = still();
    }
    for process in &left {
        host.run(&format!("kill -KILL {}", process.split(' ').next().unwrap_or_default()));
    }
    left
}

/// Every file where a health file may be: its mode, its owner, what it holds.
fn files(host: &Host) -> String {
    host.run(
        "find /var/www /srv -type f -exec stat -c '%n %a %U' {} + -exec sha256sum {} + | sort; \
         find /var/www /srv -type l -printf '%p -> %l\\n' | sort",
    )
    .stdout
}

fn comes_back(host: &Host, draw: &Draw) -> bool {
    let in_place =
        || draw.health_files().iter().all(|file| host.run(&format!("[ -e {file} ]")).code == Some(0));
    let deadline = Instant::now() + Duration::from_secs(15);
    while !in_place() {
        if Instant::now() > deadline {
            return false;
        }
        thread::sleep(Duration::from_millis(200));
    }
    true
}
