//! The demo: a drain on a real host, shown while it happens.
//!
//! The host is a container with systemd as PID 1; HHVM is played by the stand-in of the tests. All the rest is real:
//! the package, apt, the requests in flight, `systemctl stop`.

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "hosts/host/mod.rs"]
mod host;

use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use host::{Background, Host};

const REQUESTS: u32 = 16;

fn main() -> ExitCode {
    if let Err(reason) = host::prepare() {
        eprintln!("demo: this machine cannot run it: {reason}");
        return ExitCode::FAILURE;
    }
    say("Booting a Debian 12 host: a container, with a real systemd as PID 1.");
    let host = Host::bare().boot();
    show(&host, "systemctl --version | head -1; systemctl is-active hhvm");

    say("Installing hhvm-drain with apt. HHVM keeps running; nobody edits a unit file.");
    let package = host.bring_package();
    show(&host, &format!("DEBIAN_FRONTEND=noninteractive apt-get install -y {package}"));
    show(&host, "systemctl cat hhvm | grep -E '^(# /|Exec)'");

    say("Requesting 16 pages from HHVM. They take 2 to 10 seconds, as if people were waiting for them.");
    let pages = request_pages(&host);

    say("Now the stop, with all of them in flight:");
    println!("    # systemctl stop hhvm");
    let took = watch_stop(&host);

    say("HHVM has stopped. What the journal tells:");
    show(&host, "journalctl -u hhvm --no-hostname -o short-precise | tail -n +2 | cut -c8-15,23-");

    say("The node stays out until HHVM serves again. The next start brings it back:");
    show(&host, "systemctl start hhvm");
    show(&host, "hhvm-drain status");

    say("And the proof:");
    let answered = pages.into_iter().filter_map(answer).count();
    prove(&host, took, answered)
}

/// A line that tells the viewer what happens next.
fn say(text: &str) {
    println!("\n==> {text}");
}

/// Shows a command and what it prints.
fn show(host: &Host, command: &str) {
    println!("    # {command}");
    for line in host.run(command).stdout.lines() {
        // Of a line that was written over and over, the last version.
        println!("    {}", line.rsplit('\r').next().unwrap_or(line));
    }
}

/// Requests the pages as a web server does, and returns when HHVM works on all of them.
fn request_pages(host: &Host) -> Vec<Background> {
    let takes = |number| Duration::from_secs(2) + number * Duration::from_secs(8) / REQUESTS;
    let pages = (1..=REQUESTS).map(|number| host.request_page(takes(number))).collect();
    host::wait_for("the requests", Duration::from_secs(2), || host.load() == Some(REQUESTS));
    pages
}

/// The page, if HHVM sent it whole.
fn answer(page: Background) -> Option<String> {
    let output = page.wait();
    output.stdout.contains("worked").then_some(output.stdout)
}

/// Stops HHVM and prints what an administrator would see, a line per second; returns how long the stop took.
fn watch_stop(host: &Host) -> Duration {
    let start = Instant::now();
    let mut stop = host.spawn("systemctl stop hhvm");
    let mut tick = Duration::from_millis(500);
    while stop.is_running() {
        thread::sleep(Duration::from_millis(20));
        if start.elapsed() >= tick {
            let file = if host.exists("/var/www/status.php") { "is there" } else { "is away" };
            let (state, status) = (host.show("hhvm", "ActiveState"), host.show("hhvm", "StatusText"));
            println!(
                "    {:>4.1} s  {state}  status.php {file}  Status: \"{status}\"",
                start.elapsed().as_secs_f32()
            );
            tick += Duration::from_secs(1);
        }
    }
    stop.wait().took
}

/// Says whether all went as promised.
fn prove(host: &Host, took: Duration, answered: usize) -> ExitCode {
    let journal = host.journal();
    let outcome =
        journal.iter().map(|entry| entry.field("HHVM_DRAIN_OUTCOME")).find(|outcome| !outcome.is_empty());
    let (result, state) = (host.show("hhvm", "Result"), host.show("hhvm", "ActiveState"));
    let seconds = took.as_secs_f32();
    let facts = [
        (format!("{answered} of {REQUESTS} requests were answered in full"), answered == REQUESTS as usize),
        (format!("the stop took {seconds:.1} s"), (10.0..15.0).contains(&seconds)),
        (format!("outcome of the drain: {}", outcome.unwrap_or("none")), outcome == Some("drained")),
        (format!("hhvm.service is {state}, Result={result}"), state == "active" && result == "success"),
        ("status.php is back in its place".to_owned(), host.exists("/var/www/status.php")),
        ("no status.php.disabled is left".to_owned(), !host.exists("/var/www/status.php.disabled")),
    ];
    for (fact, holds) in &facts {
        println!("    {} {fact}", if *holds { "yes" } else { "NO " });
    }
    if facts.iter().all(|(_, holds)| *holds) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
