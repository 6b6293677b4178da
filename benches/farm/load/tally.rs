//! What became of the requests, in memory that hardly grows with their number.

use super::failure::{Failed, Reason};
use super::{Class, Kind};
use hdrhistogram::{CreationError, Histogram};
use std::fmt;
use std::io::ErrorKind;
use std::time::{Duration, Instant};

/// One request, as it ended.
pub(super) struct Outcome {
    pub class: usize,
    pub scheduled: Instant,
    pub started: Instant,
    pub took: Duration,
    pub result: Result<(), Failed>,
}

/// A request that failed.
#[derive(Clone, Debug)]
pub struct Failure {
    pub scheduled: Instant,
    pub kind: Kind,
    /// From the scheduled instant.
    pub took: Duration,
    pub reason: Reason,
    /// Whether the connection had served a request before. Then `Closed` or `Reset` may mean that the server
    /// closed an idle connection in the same instant; a failure all the same.
    pub reused: bool,
}

impl Failure {
    /// When the user saw it.
    pub fn ended(&self) -> Instant {
        self.scheduled + self.took
    }
}

/// One class.
#[derive(Clone, Debug)]
pub struct ClassTally {
    pub kind: Kind,
    pub complete: u64,
    pub failed: u64,
    /// Of complete answers, in µs, from the scheduled instant.
    pub latencies: Histogram<u32>,
}

impl ClassTally {
    pub fn sent(&self) -> u64 {
        self.complete + self.failed
    }
}

/// A whole run.
#[derive(Clone, Debug)]
pub struct Tally {
    /// In the order in which the classes were given.
    pub classes: Vec<ClassTally>,
    /// In the order in which they ended.
    pub failures: Vec<Failure>,
    /// How late the generator itself began its requests, in µs. More than a few ms: the machine is overloaded.
    pub late_starts: Histogram<u32>,
}

impl Tally {
    /// The error is one of the histograms' bounds.
    pub(super) fn new(classes: &[Class]) -> Result<Self, CreationError> {
        let empty =
            |class: &Class| Ok(ClassTally { kind: class.kind, complete: 0, failed: 0, latencies: micros()? });
        let classes = classes.iter().map(empty).collect::<Result<_, _>>()?;
        Ok(Self { classes, failures: Vec::new(), late_starts: micros()? })
    }

    pub fn sent(&self) -> u64 {
        self.classes.iter().map(ClassTally::sent).sum()
    }

    pub fn failed(&self) -> u64 {
        self.classes.iter().map(|class| class.failed).sum()
    }

    pub(super) fn add(&mut self, outcome: Outcome) {
        let Outcome { class, scheduled, started, took, result } = outcome;
        record(&mut self.late_starts, started - scheduled);
        let class = &mut self.classes[class];
        match result {
            Ok(()) => {
                class.complete += 1;
                record(&mut class.latencies, took);
            }
            Err(Failed { reason, reused }) => {
                class.failed += 1;
                self.failures.push(Failure { scheduled, kind: class.kind, took, reason, reused });
            }
        }
    }
}

/// A thousandth exact, up to a minute.
fn micros() -> Result<Histogram<u32>, CreationError> {
    Histogram::new_with_bounds(1, 60_000_000, 3)
}

fn record(histogram: &mut Histogram<u32>, time: Duration) {
    histogram.saturating_record(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
}
