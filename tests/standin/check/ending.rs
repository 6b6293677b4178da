//! The ways to end: what clients see, what is left behind, and the exit status of every profile.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::harness::{End, Standin, until};

const WAIT: &str = "-vServer.GracefulShutdownWait=1";

fn start(profile: &str) -> Standin {
    Standin::start(&["--standin-profile", profile])
}

/// Waits until the stop has begun, which closes the admin port first of all.
fn stopping(standin: &Standin) {
    until("the stop", || TcpStream::connect(&standin.doors[1]).is_err());
}

#[test]
fn clients_are_reset_at_once_and_their_requests_run_on() {
    let mut standin = start("new");
    let begun = Instant::now();
    let mut running = standin.begin_page(1500);
    let mut idle = standin.page();
    standin.signal(Signal::SIGTERM);
    for client in [&mut running, &mut idle] {
        assert_eq!(client.read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::ConnectionReset);
    }
    stopping(&standin);
    assert!(TcpStream::connect(&standin.doors[0]).is_err());
    assert!(standin.running() && standin.path("pid").exists(), "the request runs on");
    assert_eq!(standin.end(), End::Code(0));
    assert!(begun.elapsed() >= Duration::from_millis(1500), "ended before its request");
    assert!(!standin.path("pid").exists());
}

#[test]
fn with_a_graceful_wait_busy_clients_get_their_answer() {
    let mut standin = Standin::start(&[WAIT]);
    let mut running = standin.begin_page(900);
    let mut idle = standin.page();
    until("both connections", || standin.body("check-ev") == "2");
    standin.signal(Signal::SIGTERM);
    assert_eq!(idle.read(&mut [0; 1]).unwrap(), 0);
    assert!(rest(&mut running).contains("worked 900 ms"));
    assert_eq!(standin.end(), End::Code(0));
}

fn http(stream: &mut TcpStream, target: &str) {
    write!(stream, "GET {target} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").unwrap();
}

fn rest(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn over_http_running_requests_are_answered() {
    let standin = Standin::start_http(&[]);
    let mut running = standin.page();
    http(&mut running, "/x?ms=1500");
    until("the request to run", || {
        let mut admin = standin.admin();
        http(&mut admin, "/check-load");
        rest(&mut admin).ends_with("\r\n\r\n1")
    });
    standin.signal(Signal::SIGTERM);
    assert!(rest(&mut running).ends_with("worked 1500 ms\n"));
}

#[test]
fn even_a_head_request_for_stop_stops() {
    let mut standin = Standin::start_http(&[]);
    let mut admin = standin.admin();
    admin.write_all(b"HEAD /stop HTTP/1.0\r\n\r\n").unwrap();
    assert!(rest(&mut admin).ends_with("\r\n\r\n"));
    assert_eq!(standin.end(), End::Code(0));
}

#[test]
fn the_answer_to_stop_arrives_and_the_end_is_clean() {
    for profile in ["old", "mid", "new", "killonterm", "deadlock"] {
        let mut standin = start(profile);
        assert_eq!(standin.body("stop"), "OK\n", "{profile}");
        assert_eq!(standin.end(), End::Code(0), "{profile}");
    }
}

#[test]
fn a_first_signal_ends_each_profile_in_its_own_way() {
    for (profile, signal, end) in [
        ("old", Signal::SIGTERM, End::Signal(15)),
        ("old", Signal::SIGHUP, End::Signal(1)),
        ("old", Signal::SIGINT, End::Signal(2)),
        ("mid", Signal::SIGTERM, End::Signal(15)),
        ("new", Signal::SIGTERM, End::Code(0)),
        ("new", Signal::SIGINT, End::Code(0)),
        ("new", Signal::SIGQUIT, End::Signal(3)),
        ("killonterm", Signal::SIGTERM, End::Signal(15)),
        ("killonterm", Signal::SIGHUP, End::Signal(1)),
        ("deadlock", Signal::SIGTERM, End::Signal(15)),
    ] {
        let mut standin = start(profile);
        standin.signal(signal);
        assert_eq!(standin.end(), end, "{profile} {signal}");
    }
}

#[test]
fn a_signal_that_kills_at_once_does_not_wait_for_requests() {
    let mut standin = start("killonterm");
    let _request = standin.begin_page(60_000);
    standin.signal(Signal::SIGTERM);
    assert_eq!(standin.end(), End::Signal(15));
    assert!(standin.path("pid").exists());
}

#[test]
fn a_second_signal_ends_only_the_mid_profile() {
    for (profile, end) in [("old", End::Signal(15)), ("new", End::Code(0))] {
        let mut standin = start(profile);
        let begun = Instant::now();
        let _request = standin.begin_page(1000);
        standin.signal(Signal::SIGTERM);
        stopping(&standin);
        standin.signal(Signal::SIGTERM);
        assert_eq!(standin.end(), end, "{profile}");
        assert!(begun.elapsed() >= Duration::from_secs(1), "{profile} ended before its request");
    }
    let mut standin = start("mid");
    let _request = standin.begin_page(60_000);
    standin.signal(Signal::SIGTERM);
    stopping(&standin);
    standin.signal(Signal::SIGTERM);
    assert_eq!(standin.end(), End::Signal(15));
}

#[test]
fn a_request_that_outlasts_the_graceful_wait_is_cut_off() {
    for (profile, stop, end) in [
        ("old", false, End::Signal(9)),
        ("mid", false, End::Signal(9)),
        ("mid", true, End::Code(1)),
        ("new", false, End::Code(143)),
        ("new", true, End::Code(143)),
    ] {
        let mut standin = Standin::start(&["--standin-profile", profile, WAIT]);
        let _request = standin.begin_page(60_000);
        if stop {
            assert_eq!(standin.body("stop"), "OK\n");
        } else {
            standin.signal(Signal::SIGTERM);
        }
        assert_eq!(standin.end(), end, "{profile}, /stop: {stop}");
    }
}

#[test]
fn a_signal_after_stop_deadlocks_the_profile_of_that_name() {
    let mut standin = start("deadlock");
    let _request = standin.begin_page(300);
    assert_eq!(standin.body("stop"), "OK\n");
    stopping(&standin);
    standin.signal(Signal::SIGTERM);
    std::thread::sleep(Duration::from_millis(800));
    assert!(standin.running());
    standin.signal(Signal::SIGKILL);
    assert_eq!(standin.end(), End::Signal(9));
}
