//! The load, real and made up, and every fault of the control file.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::harness::{End, Standin, request, until};

#[test]
fn load_is_what_runs_and_queued_what_waits() {
    let standin = Standin::start(&["-vServer.ThreadCount=2"]);
    let requests: Vec<_> = (0..3).map(|_| standin.begin_page(60_000)).collect();
    assert_eq!((standin.body("check-load"), standin.body("check-queued")), ("2".into(), "1".into()));
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
    let _request = standin.begin_page(200);
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
    let written = Instant::now();
    standin.control("load = 16>0/1s\n");
    let mut last = 16;
    while last > 0 {
        let load = standin.body("check-load").parse().unwrap();
        assert!(load <= last, "the load rose from {last} to {load}");
        last = load;
    }
    assert!(written.elapsed() >= Duration::from_secs(1));
    assert!(written.elapsed() < Duration::from_millis(1500), "took {:?}", written.elapsed());
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

/// What arrives within so long of a request.
fn arrives(standin: &Standin, within: Duration) -> usize {
    let mut stream = standin.admin();
    stream.write_all(&request(1, 0, &[("SCRIPT_NAME", "/check-load")])).unwrap();
    let deadline = Instant::now() + within;
    let mut total = 0;
    loop {
        let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        stream.set_read_timeout(Some(left)).unwrap();
        match stream.read(&mut [0; 1024]) {
            Ok(0) => return total,
            Ok(length) => total += length,
            Err(why) if why.kind() == io::ErrorKind::WouldBlock => return total,
            Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
            Err(why) => panic!("{why}"),
        }
    }
}

#[test]
fn answers_can_be_slow() {
    let standin = Standin::start(&[]);
    let little = Duration::from_millis(300);
    for hang in ["hang = accept", "hang = reply", "delay = 60s", "drip = true"] {
        let standin = Standin::start(&[]);
        standin.control(hang);
        assert_eq!(arrives(&standin, little), 0, "{hang}");
    }
    standin.control("drip = true");
    assert_eq!(arrives(&standin, Duration::from_millis(1500)), 1);
    standin.control("drip = body\nload = 16");
    assert_eq!(arrives(&standin, little), 80, "the head and nothing else");
    assert_eq!(arrives(&standin, Duration::from_millis(1500)), 80 + 16);
    standin.control("hang = reply");
    assert_eq!(arrives(&standin, little), 0);
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
