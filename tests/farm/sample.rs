//! Made-up results.

use crate::load::{Author, ClassTally, Failure, Kind, Reason, Tally};
use crate::results::{Cell, Expected, Phase, Restart};
use hdrhistogram::Histogram;
use std::time::{Duration, Instant};

pub fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Draining from 0, stopping from 20 s, down from 22 s, starting from 23 s, out from 25 s to 30 s.
pub fn restart(node: usize, began: Instant) -> Restart {
    let at = |seconds| began + Duration::from_secs(seconds);
    let phases = vec![
        (Phase::Draining, at(0), at(20)),
        (Phase::Stopping, at(20), at(22)),
        (Phase::Down, at(22), at(23)),
        (Phase::Starting, at(23), at(25)),
        (Phase::Out, at(25), at(30)),
    ];
    Restart { node, began, phases, out: Duration::from_secs(28) }
}

/// Plain requests that failed, each with the time at which it was due.
pub fn cell(
    policy: &str,
    balancer: &str,
    began: Instant,
    restarts: Vec<Restart>,
    failed: &[Duration],
) -> Cell {
    let failure = |&due: &Duration| Failure {
        scheduled: began + due,
        kind: Kind::Plain,
        took: ms(4),
        reason: Reason::Status(503, Author::Nameless),
        reused: false,
    };
    let mut latencies = Histogram::new(3).unwrap();
    latencies.record_n(5_000, 98).unwrap();
    latencies.record_n(40_000, 2).unwrap();
    let mut late_starts = Histogram::new(3).unwrap();
    late_starts.record(700).unwrap();
    let failed_count = failed.len() as u64;
    let class = ClassTally { kind: Kind::Plain, complete: 100, failed: failed_count, latencies };
    let failures = failed.iter().map(failure).collect();
    let tally = Tally { classes: vec![class], failures, late_starts };
    Cell {
        stack: "nginx, HHVM".into(),
        policy: policy.into(),
        balancer: balancer.into(),
        scenario: "restart".into(),
        expected: Expected::Anything,
        restarts,
        tally,
    }
}
