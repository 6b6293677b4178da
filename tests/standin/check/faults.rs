//! The load, real and made up, and every fault of the control file.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::harness::{End, PATIENCE, Standin, request, until};

#[test]
fn load_is_what_runs_and_queued_what_waits() {
    let standin = Standin::start(&["-vServer.ThreadCount=2"]);
    let requests: Vec<_> = (0..3).map(|_| standin.begin_page(60_000)).collect();
    until("two of them to run", || standin.body("check-load") == "2");
    assert_eq!(standin.body("check-queued"), "1");
    assert_eq!(standin.body("check-ev"), "3");
    assert!(standin.body("status.json").contains("\"mode\":\"Processing\""));
    // Clients that go away do not end their requests.
    drop(requests);
    until("the clients to be gone", || standin.body("check-ev") == "0");
    assert_eq!(standin.body("check-load"), "2");
}

#[test]
fn load_falls_when_requests_end() {
    let standin = Standin::start(&[]);
    let _request = standin.begin_page(1000);
    until("the end of the request", || standin.body("check-load") == "0");
}

#[test]
fn made_up_numbers_take_the_place_of_the_real_ones() {
    let standin = Standin::start(&[]);
    standin.control("# as seen at noon\nload = 16\nqueued = 3\n");
    assert_eq!((standin.body("check-load"), standin.body("check-queued")), ("16".into(), "3".into()));
    standin.control("queued-404 = true\nflicker = true\n");
    assert!(standin.ask("check-queued").starts_with("Status: 404 "));
    let seen: String = (0..4).map(|_| standin.body("check-load")).collect();
    assert_eq!(seen, "0101");
}

#[test]
fn a_falling_load_reaches_its_end_in_time_and_not_before() {
    let standin = Standin::start(&[]);
    let left = |since: Instant| 16 * Duration::from_secs(1).saturating_sub(since.elapsed());
    let written = Instant::now();
    standin.control("load = 16>0/1s\n");
    let mut last = standin.body("check-load").parse().unwrap();
    let seen = Instant::now();
    while last > 0 {
        let at_most = left(seen);
        let load = standin.body("check-load").parse().unwrap();
        assert!(load <= last, "the load rose from {last} to {load}");
        let load_seconds = Duration::from_secs(load);
        assert!(load_seconds <= at_most + Duration::from_secs(1), "{load}, but {at_most:?} were left");
        let at_least = left(written);
        assert!(load_seconds + Duration::from_secs(1) >= at_least, "{load}, but {at_least:?} are left");
        last = load;
    }
}

#[test]
fn answers_can_be_spoilt() {
    let standin = Standin::start(&[]);
    for (control, start, body) in [
        ("status = 401", "Status: 401 Unauthorized\r\n", "Unauthorized"),
        ("status = 404", "Status: 404 Not Found\r\n", "Unknown command: check-load\n"),
        ("status = 503", "Status: 503 Service Unavailable\r\n", "Service Unavailable"),
        ("status = 500", "Status: 500 Internal Server Error\r\n", "Error"),
        ("body = empty", "X-Powered-By", ""),
        ("body = -1", "X-Powered-By", "-1"),
        ("body = abc", "X-Powered-By", "abc"),
        ("body = newline\nload = 12", "X-Powered-By", "12\n"),
        ("body = huge-number", "X-Powered-By", "99999999999999999999999999"),
        ("only = check-queued\nbody = abc", "X-Powered-By", "0"),
    ] {
        standin.control(control);
        let answer = standin.ask("check-load");
        assert!(answer.starts_with(start), "{control}: {answer}");
        assert_eq!(answer.split_once("\r\n\r\n").unwrap().1, body, "{control}");
        assert!(standin.body("help").starts_with("/stop:"), "{control}");
    }
    standin.control("body = html502");
    assert!(standin.ask("check-load").starts_with("Status: 502 Bad Gateway\r\n"));
    standin.control("body = 10MB");
    assert_eq!(standin.body("check-load").len(), 10 * 1024 * 1024);
    standin.control("split = true\nload = 7");
    assert_eq!(standin.body("check-load"), "7");
}

/// Asks for the load: the connection, and when that began.
fn ask(standin: &Standin) -> (TcpStream, Instant) {
    let asked = Instant::now();
    let mut stream = standin.admin();
    stream.write_all(&request(1, 0, &[("SCRIPT_NAME", "/check-load")])).unwrap();
    (stream, asked)
}

/// When so many bytes more have come.
fn after((stream, asked): &mut (TcpStream, Instant), bytes: usize) -> Duration {
    stream.read_exact(&mut vec![0; bytes]).unwrap();
    asked.elapsed()
}

fn assert_silent(standin: &Standin, control: &str) {
    standin.control(control);
    let (mut stream, _) = ask(standin);
    stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let silence = stream.read(&mut [0]).map_err(|error| error.kind());
    assert_eq!(silence, Err(io::ErrorKind::WouldBlock), "{control}");
}

#[test]
fn answers_can_be_slow() {
    for control in ["hang = accept", "hang = reply", "delay = 60s"] {
        assert_silent(&Standin::start(&[]), control);
    }
    let standin = Standin::start(&[]);
    standin.control("drip = true");
    let mut all = ask(&standin);
    assert!(after(&mut all, 1) >= Duration::from_secs(1));
    assert!(after(&mut all, 1) >= Duration::from_secs(2));
    drop(all);
    standin.control("drip = body\nload = 16");
    let mut body = ask(&standin);
    assert!(after(&mut body, 80) < PATIENCE, "the head drips, too");
    assert!(after(&mut body, 16) >= Duration::from_secs(1));
    drop(body);
    assert_silent(&standin, "hang = reply");
    standin.control("\n");
    assert_eq!(standin.body("check-load"), "0");
}

#[test]
fn the_admin_port_can_refuse_while_pages_are_served() {
    let standin = Standin::start(&[]);
    standin.control("refuse = true");
    until("the refusal", || TcpStream::connect(&standin.doors[1]).is_err());
    drop(standin.page());
    standin.control("refuse = false");
    until("the port", || TcpStream::connect(&standin.doors[1]).is_ok());
    assert_eq!(standin.body("check-load"), "0");
}

#[test]
fn a_mistake_in_the_control_file_ends_the_stand_in() {
    let mut standin = Standin::start(&[]);
    standin.control("laod = 16\n");
    assert_eq!(standin.end(), End::Code(2));
}
