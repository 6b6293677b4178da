//! One visit to a host: a request in flight, `check`, stop, start. What was seen is judged elsewhere.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::deploy::{CRASHED, DEPLOYED};
use crate::draw::{Draw, Health, How, Meanwhile, Neighbour};
use crate::furnish::{request, serves, start};
use crate::host::{Background, Entry, Host, Output, wait_for};
use crate::neighbour;

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
    /// Where the health file was.
    pub node: Node,
    /// What befell the host.
    pub befell: Befell,
    /// The request in flight at the neighbour.
    pub neighbour: Option<Output>,
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

/// Where the health file was until the server was started again.
pub struct Node {
    /// Whether it was away at some time.
    pub was_out: bool,
    /// Whether it was back while a request was still in flight.
    pub was_back_early: bool,
    /// Whether it was back before the start, if a neighbour serves.
    pub is_back_for_neighbour: bool,
}

/// What happened during the drain.
pub struct Befell {
    /// Whether the server was killed.
    pub crashed: bool,
    /// Whether a deploy came.
    pub deployed: bool,
}

/// Goes through with it; an error is the package's fault before anything else could be seen.
pub fn visit(draw: &Draw) -> Result<Story, String> {
    let mut host = start(draw)?;
    let unit = draw.unit();
    let files = files(&host);
    let idle = words(&host, unit);
    let pids = processes(&host, draw);
    let in_flight = host.spawn(&answered_to(&request(draw, REQUEST_MS), "server"));
    let neighbours = draw.neighbour_request().map(|request| host.spawn(&answered_to(&request, "neighbour")));
    wait_for("the request to be sent", Duration::from_secs(5), || host.run(is_sent(draw)).code == Some(0));
    // From there to the server it is a matter of milliseconds.
    thread::sleep(Duration::from_millis(500));
    let busy = words(&host, unit);
    host.run(&watch(draw)).ok();
    let beside = Beside::begin(&host, draw);
    let stop = end(&mut host, draw);
    let request = in_flight.wait();
    let neighbour = neighbours.map(Background::wait);
    let left = if draw.how == How::Reboot { Vec::new() } else { outlived(&host, draw, &pids) };
    let is_back_for_neighbour = is_back_for_neighbour(&host, draw);
    beside.end(&host, draw);
    let drain = journal(&host, unit);
    host.run(draw.health_after_stop());
    if draw.mends_config() {
        mend_config(&host, draw);
    }
    let start_error = begin(&host, draw);
    let serves = serves(&host, draw, Duration::from_secs(10));
    let is_back = comes_back(&host, draw, Duration::from_secs(15));
    Ok(Story {
        idle,
        busy,
        request,
        stop,
        left,
        node: Node {
            was_out: host.exists("/var/tmp/was-out"),
            was_back_early: host.exists("/var/tmp/was-back-early"),
            is_back_for_neighbour,
        },
        befell: Befell { crashed: host.exists(CRASHED), deployed: host.exists(DEPLOYED) },
        neighbour,
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

/// What else happens while the server is stopped.
struct Beside(Vec<Background>);

impl Beside {
    fn begin(host: &Host, draw: &Draw) -> Self {
        let reload =
            (draw.meanwhile == Meanwhile::DaemonReload).then(|| "sleep 1.5; systemctl daemon-reload".into());
        let drains = draw.neighbour == Neighbour::Drains && draw.how != How::Reboot;
        let neighbour = drains.then(|| format!("systemctl restart {}", neighbour::UNIT));
        let commands = [
            Some(draw.health_meanwhile().to_owned()),
            reload,
            draw.deploy_commands(),
            draw.crash_commands(&list_processes(draw)),
            neighbour,
        ];
        let commands = commands.into_iter().flatten().enumerate();
        Self(commands.map(|(number, command)| host.spawn(&beside(host, draw, number, &command))).collect())
    }

    /// What still runs on purpose must be gone before the server can be started again.
    fn end(self, host: &Host, draw: &Draw) {
        if draw.how == How::Reboot {
            return;
        }
        host.run("touch /run/enough; pkill -f 'until [[]'");
        self.0.into_iter().for_each(|command| drop(command.wait()));
    }
}

/// The same command, for the side. Before a reboot, systemd stops what is left, and waits a minute and a half for what was
/// started from outside, which stays stopped: there it is a unit that is left alone.
fn beside(host: &Host, draw: &Draw, number: usize, command: &str) -> String {
    if draw.how != How::Reboot {
        return command.to_owned();
    }
    let script = format!("/run/beside-{number}");
    host.write_file(&script, command);
    format!(
        "systemd-run --quiet --collect --unit=beside-{number} -p DefaultDependencies=no -p KillSignal=SIGKILL sh {script}"
    )
}

/// A command that succeeds once the request in flight has left its sender.
fn is_sent(draw: &Draw) -> &'static str {
    if draw.front_unit().is_some() {
        // curl has an established connection to port 8080.
        "grep -q ' [0-9A-F]*:[0-9A-F]* [0-9A-F]*:1F90 01 ' /proc/net/tcp"
    } else {
        "[ -e /run/sent ]"
    }
}

/// The same command, which leaves a mark once it is over.
fn answered_to(request: &str, whose: &str) -> String {
    format!("({request}); code=$?; : >/run/answered-{whose}; exit $code")
}

/// Where a neighbour goes on to serve from the same health file, a stop alone brings the node back.
fn is_back_for_neighbour(host: &Host, draw: &Draw) -> bool {
    let stays =
        draw.neighbour == Neighbour::Serves && draw.how == How::Stop && draw.health != Health::MountLeaves;
    !stays || comes_back(host, draw, Duration::from_secs(3))
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

/// One after the other: each may ask the page port whether it is an admin port, which is a load to the other one.
fn words(host: &Host, unit: &str) -> Words {
    let check = host.run(&format!("hhvm-drain check --unit {unit}"));
    Words { check, status: status(host, unit) }
}

fn status(host: &Host, unit: &str) -> Value {
    let output = host.run(&format!("hhvm-drain status --json --unit {unit}"));
    serde_json::from_str(&output.stdout).unwrap_or_else(|why| panic!("status --json: {why}: {output:?}"))
}

fn journal(host: &Host, unit: &str) -> Vec<Entry> {
    let mut entries = host.journal_unit(&format!(
        "{unit} -u hhvm-drain-repool@{unit}.service -u hhvm-drain-shutdown@{unit}.service"
    ));
    entries.retain(|entry| entry.field("SYSLOG_IDENTIFIER") == "hhvm-drain");
    entries
}

/// Notes whether the health file has been away, and whether it was back before the requests in flight were answered.
fn watch(draw: &Draw) -> String {
    let file = draw.health_files()[0];
    let neighbour =
        if draw.neighbour == Neighbour::Drains { "&& [ -e /run/answered-neighbour ]" } else { "" };
    // Not a command from outside: systemd stops what is left before a reboot, and nsenter would stay stopped.
    // The file is looked at first: if a request is in flight after that, it was in flight at that time.
    format!(
        "systemd-run --quiet --collect --unit=watch -p DefaultDependencies=no -p KillSignal=SIGKILL sh -c \
         'cd /var/tmp; until [ -e /run/enough ]; do \
          if [ -L {file} ] || [ -e {file} ]; then \
          [ ! -e was-out ] || {{ [ -e /run/answered-server ] {neighbour}; }} || touch was-back-early; \
          else touch was-out; fi; sleep 0.05; done'"
    )
}

/// The server's own processes: those that run its file.
fn processes(host: &Host, draw: &Draw) -> Vec<String> {
    host.run(&list_processes(draw)).stdout.lines().map(str::to_owned).collect()
}

fn list_processes(draw: &Draw) -> String {
    let program = draw.on_host(draw.program());
    format!(
        "{{ for p in /proc/[0-9]*; do [ $p/exe -ef {program} ] && echo ${{p#/proc/}} $(tr '\\0' ' ' <$p/cmdline); done; true; }}"
    )
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

fn comes_back(host: &Host, draw: &Draw, within: Duration) -> bool {
    let in_place =
        || draw.health_files().iter().all(|file| host.run(&format!("[ -e {file} ]")).code == Some(0));
    let deadline = Instant::now() + within;
    while !in_place() {
        if Instant::now() > deadline {
            return false;
        }
        thread::sleep(Duration::from_millis(200));
    }
    true
}
