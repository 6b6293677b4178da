//! Requests come when they are due, over connections as their class has them.

use crate::load::Kind;
use crate::run::{class, requests};
use crate::server::{Server, WHOLE, request};
use std::io::{ErrorKind, Read, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn as_many_arrive_as_were_due() {
    let server = Server::answering(WHOLE);
    let began = Instant::now();
    let tally = requests(300, server.address, vec![class(Kind::Plain, 400.0), class(Kind::Slow, 200.0)]);
    assert!(
        began.elapsed() >= Duration::from_millis(495),
        "300 at 600/s cannot be through after {:?}",
        began.elapsed()
    );
    assert_eq!(tally.failed(), 0);
    assert_eq!(server.connections(), tally.sent());
    let [plain, slow] = [0, 1].map(|class: usize| tally.classes[class].sent());
    assert!(plain.abs_diff(2 * slow) <= 2, "{plain} plain and {slow} slow requests");
}

/// The open loop: those that were due meanwhile are sent, and have waited since then.
#[test]
fn a_stall_shows_in_the_latencies() {
    const STALL: Duration = Duration::from_secs(2);
    let gate = Arc::new(Mutex::new(()));
    let serving = Arc::clone(&gate);
    let server = Server::new(move |mut stream| {
        let _ = request(&mut stream);
        let _open = serving.lock();
        stream.write_all(WHOLE.as_bytes()).unwrap();
    });
    let load = crate::load::Load::start(server.address, vec![class(Kind::Plain, 100.0)]).unwrap();
    let closed = gate.lock();
    thread::sleep(STALL);
    let sent = load.sent();
    drop(closed);
    let tally = load.stop();
    assert!(sent >= 100, "{sent} requests in a stall of 2 s at 100/s");
    assert_eq!(tally.failed(), 0);
    let latencies = &tally.classes[0].latencies;
    let waited = latencies.count_between(1_000_000, latencies.high());
    assert!(waited >= 95, "{waited} of {} waited for a second", tally.sent());
    assert!(latencies.max() >= 1_900_000, "the longest waited {} µs", latencies.max());
}

#[test]
fn those_in_flight_are_waited_for() {
    let server = Server::new(|mut stream| {
        let _ = request(&mut stream);
        thread::sleep(Duration::from_millis(300));
        stream.write_all(WHOLE.as_bytes()).unwrap();
    });
    let tally = requests(5, server.address, vec![class(Kind::Slow, 1000.0)]);
    assert_eq!(tally.failed(), 0);
}

/// Otherwise the client's ports would be used up at 500 connections a second.
#[test]
fn the_server_closes_first() {
    static FIRST: AtomicU64 = AtomicU64::new(0);
    let server = Server::new(|mut stream| {
        let head = request(&mut stream).unwrap();
        assert!(head.to_lowercase().contains("connection: close"), "{head}");
        stream.write_all(WHOLE.as_bytes()).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        if stream.read(&mut [0]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock) {
            FIRST.fetch_add(1, Ordering::SeqCst);
        }
    });
    // The end of the load closes those of the last 50 ms.
    requests(100, server.address, vec![class(Kind::Plain, 200.0)]);
    let first = FIRST.load(Ordering::SeqCst);
    assert!(first >= 5, "the server closed {first} of {} connections first", server.connections());
}

#[test]
fn connections_are_kept_alive() {
    let server = Server::new(|mut stream| {
        while request(&mut stream).is_some() {
            stream.write_all(WHOLE.as_bytes()).unwrap();
        }
    });
    let tally = requests(100, server.address, vec![class(Kind::KeptAlive, 100.0)]);
    assert_eq!(tally.failed(), 0);
    assert!(
        server.connections() < tally.sent() / 2,
        "{} connections for {} requests",
        server.connections(),
        tally.sent()
    );
}

#[test]
fn a_connection_closed_while_idle_is_not_used_again() {
    for (end, idle) in [("Connection: close\r\n", 0), ("", 0), ("", 20)] {
        let server = Server::new(move |mut stream| {
            let _ = request(&mut stream);
            stream.write_all(WHOLE.replace("\r\n\r\n", &format!("\r\n{end}\r\n")).as_bytes()).unwrap();
            thread::sleep(Duration::from_millis(idle));
        });
        let tally = requests(4, server.address, vec![class(Kind::KeptAlive, 4.0)]);
        assert_eq!(tally.failed(), 0, "{:?}", tally.failures);
        assert_eq!(server.connections(), tally.sent());
    }
}

#[test]
fn a_rate_of_nothing_is_refused() {
    let server = Server::answering(WHOLE);
    for classes in [vec![], vec![class(Kind::Plain, 0.0)]] {
        let error = crate::load::Load::start(server.address, classes).err().unwrap();
        assert!(error.to_string().contains("above 0"), "{error}");
    }
}
