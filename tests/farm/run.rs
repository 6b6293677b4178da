//! Runs of the load generator that are as short as they can be.

use crate::load::{Class, Kind, Load, Reason, Tally};
use crate::server::{BODY, Server};
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

const TIMEOUT: Duration = Duration::from_secs(2);

pub fn class(kind: Kind, per_second: f64) -> Class {
    Class { kind, per_second, path: "/page.php?ms=5".into(), body: BODY.into() }
}

/// At least so many requests, and those in flight then.
pub fn requests(count: u64, address: SocketAddr, classes: Vec<Class>) -> Tally {
    let load = Load::start_within(TIMEOUT, address, classes).unwrap();
    let began = Instant::now();
    while load.sent() < count {
        assert!(began.elapsed() < Duration::from_secs(20), "{} of {count} requests", load.sent());
        thread::sleep(Duration::from_millis(1));
    }
    load.stop()
}

/// What all of some requests failed for.
pub fn reason(server: &Server, kind: Kind) -> Reason {
    reason_at(server.address, kind)
}

pub fn reason_at(address: SocketAddr, kind: Kind) -> Reason {
    let tally = requests(10, address, vec![class(kind, 100.0)]);
    assert_eq!(tally.failed(), tally.sent());
    assert_eq!(tally.failures.len() as u64, tally.sent());
    let first = tally.failures[0].reason;
    assert!(tally.failures.iter().all(|failure| failure.reason == first), "{:?}", tally.failures);
    first
}
