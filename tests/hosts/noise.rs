//! Load and noise on the host: a drain ends by its deadlines, and says how, whatever else goes on.

use std::time::Duration;

use crate::host::{Background, Host, wait_for};

const SETTINGS: &str = "min-drain = '1s'\ntimeout = '20s'";
const SHORT: &str = "min-drain = '1s'\ntimeout = '4s'";

/// A stop has begun, and the drain tells what it waits for.
fn draining(host: &Host) -> Background {
    let stop = host.begin_stop();
    wait_for("the first load", Duration::from_secs(10), || {
        host.show("hhvm", "StatusText").starts_with("Draining: ")
    });
    stop
}

/// The last drain ended so, after a time in this range as it saw it itself.
#[track_caller]
fn assert_drain_was(host: &Host, outcome: &str, seconds: std::ops::RangeInclusive<u64>) {
    let last = &host.status()["last_drain"];
    assert_eq!(last["outcome"], outcome, "{last}");
    assert!(last["seconds"].as_u64().is_some_and(|took| seconds.contains(&took)), "{last}");
}

/// More processes that only calculate than there are processors.
const BUSY: &str = "for i in $(seq $((3 * $(nproc)))); do sh -c 'while :; do :; done' & done; wait";
/// systemd reads all units again, all the time.
const RELOADS: &str = "while :; do systemctl daemon-reload; done";

pub fn without_a_processor_to_spare_it_ends_in_time() {
    let host = Host::with_package().settings(SETTINGS).boot();
    let noise = |name: &str, command: &str| {
        host.run(&format!("systemd-run --unit {name} sh -c \"{command}\"")).ok();
    };
    noise("busy", BUSY);
    host.hhvm_says("load = 5>0/3s");
    let stop = host.stop();
    host.run("systemctl stop busy").ok();
    assert!((3.0..10.0).contains(&stop.took.as_secs_f32()), "{stop:?}");
    host.assert_stopped("drained");
    assert_drain_was(&host, "drained", 2..=6);
    host.assert_comes_back();
    // And with a systemd that has hardly time for anything else.
    host.write_file("/etc/hhvm-drain.toml.d/test.toml", SHORT);
    noise("reloads", RELOADS);
    host.hhvm_says("load = 5");
    let stop = host.stop();
    host.run("systemctl stop reloads").ok();
    assert!((4.0..12.0).contains(&stop.took.as_secs_f32()), "{stop:?}");
    host.assert_stopped("timeout");
    assert_drain_was(&host, "timeout", 4..=6);
    host.assert_comes_back();
}

/// Sends to a socket until it takes no more of anybody: a sender alone comes to the end of its own buffer first.
const FILL: &str = r#"
    use Socket;
    my (@all, $sent);
    do {
        socket(my $socket, AF_UNIX, SOCK_DGRAM, 0) or die;
        connect($socket, sockaddr_un($ARGV[0])) or die "$ARGV[0]: $!";
        push @all, $socket;
        $sent = 0;
        $sent++ while defined send($socket, $ARGV[1], Socket::MSG_DONTWAIT);
        $!{EAGAIN} or die $!;
    } while ($sent);
    print scalar(@all), "\n";
"#;

/// Fills the queue of a socket that nobody reads from.
fn fill(host: &Host, socket: &str, datagram: &str) {
    host.write_file("/root/fill.pl", FILL);
    host.run(&format!("perl /root/fill.pl {socket} {datagram}")).ok();
}

pub fn a_journal_that_stands_still_holds_up_nothing() {
    let host = Host::with_package().settings(SHORT).boot();
    host.hhvm_says("load = 5");
    let stop = draining(&host);
    host.run("pkill -STOP -x systemd-journal").ok();
    fill(&host, "/run/systemd/journal/socket", "MESSAGE=x");
    let stop = stop.wait().ok();
    assert!((3.5..8.0).contains(&stop.took.as_secs_f32()), "{stop:?}");
    assert_drain_was(&host, "timeout", 4..=5);
    let status = host.show("hhvm", "StatusText");
    assert_eq!(status, "Not drained: 5 in flight after 4 s");
    host.run("systemctl start hhvm").ok();
    wait_for("the node to be back", Duration::from_secs(15), || host.is_pooled());
    host.run("pkill -CONT -x systemd-journal").ok();
}

pub fn without_a_journal_a_stop_ends() {
    let host = Host::with_package().settings(SETTINGS).boot();
    host.run("systemctl stop systemd-journald.socket systemd-journald-dev-log.socket systemd-journald").ok();
    host.hhvm_says("load = 5>0/3s");
    let stop = host.stop();
    assert!((3.0..8.0).contains(&stop.took.as_secs_f32()), "{stop:?}");
    assert_drain_was(&host, "drained", 2..=5);
    assert_eq!(host.show("hhvm", "Result"), "success");
    assert_eq!(host.show("systemd-journald", "ActiveState"), "inactive");
    host.assert_comes_back();
}

pub fn a_systemd_that_stands_still_holds_up_no_drain() {
    let host = Host::with_package().settings(SETTINGS).boot();
    host.hhvm_says("load = 5>0/3s");
    let stop = draining(&host);
    host.freeze_systemd();
    fill(&host, "/run/systemd/notify", "STATUS=x");
    std::thread::sleep(Duration::from_secs(5));
    // The drain has ended meanwhile, and told everybody who could hear.
    let published = host.read_file("/run/hhvm-drain/hhvm.service.state");
    assert!(published.contains("\"outcome\": \"drained\"") && !published.contains("draining"), "{published}");
    host.thaw_systemd();
    let stop = stop.wait().ok();
    assert!((5.0..12.0).contains(&stop.took.as_secs_f32()), "{stop:?}");
    host.assert_stopped("drained");
    assert_drain_was(&host, "drained", 2..=4);
    host.assert_comes_back();
}

pub fn with_a_full_notify_socket_the_timeout_holds() {
    let host = Host::with_package().settings(SHORT).boot();
    host.hhvm_says("load = 5");
    let stop = draining(&host);
    host.freeze_systemd();
    fill(&host, "/run/systemd/notify", "STATUS=x");
    let ended = || host.run("pgrep -x hhvm-drain").stdout.is_empty() || is_zombie(&host);
    let took = wait_for("the end of the program", Duration::from_secs(8), ended);
    assert!(took > Duration::from_secs(2), "{took:?}");
    host.thaw_systemd();
    stop.wait().ok();
    host.assert_stopped("timeout");
    assert_drain_was(&host, "timeout", 4..=5);
    host.assert_comes_back();
}

/// Nobody reaps the hook while systemd stands still.
fn is_zombie(host: &Host) -> bool {
    host.run("ps -o stat= -C hhvm-drain").stdout.trim_start().starts_with('Z')
}
