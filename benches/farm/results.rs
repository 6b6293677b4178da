//! What came of the farm: one cell for each policy, balancer setting and scenario.

use crate::load::{Failure, Tally};
use std::fmt;
use std::time::{Duration, Instant};

/// What a node is doing while it is restarted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    /// It serves, as far as the balancer and everybody else know.
    Pooled,
    /// Its health file is gone, and HHVM still serves.
    Draining,
    /// HHVM was told to stop and has not ended.
    Stopping,
    /// There is no HHVM.
    Down,
    /// HHVM was started and does not serve yet.
    Starting,
    /// It serves again and waits for the balancer to notice.
    Out,
}

impl Phase {
    pub const ALL: [Self; 6] =
        [Self::Pooled, Self::Draining, Self::Stopping, Self::Down, Self::Starting, Self::Out];
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Pooled => "pooled",
            Self::Draining => "draining",
            Self::Stopping => "stopping",
            Self::Down => "down",
            Self::Starting => "starting",
            Self::Out => "out, waiting for the balancer",
        })
    }
}

/// One restart, or reboot, of one node.
#[derive(Clone, Debug)]
pub struct Restart {
    pub node: usize,
    /// When the stop was asked for.
    pub began: Instant,
    /// Each from and until when, in the order of time.
    pub phases: Vec<(Phase, Instant, Instant)>,
    /// For so long the balancer sent it no requests, by its own word.
    pub out: Duration,
}

impl Restart {
    /// None before the first phase and after the last.
    pub fn phase_of(&self, instant: Instant) -> Option<Phase> {
        let within = |&&(_, from, until): &&(Phase, Instant, Instant)| from <= instant && instant < until;
        self.phases.iter().find(within).map(|&(phase, ..)| phase)
    }

    /// When the balancer had the node back.
    pub fn up(&self) -> Instant {
        self.phases.last().map_or(self.began, |&(.., until)| until)
    }

    /// From the request to stop until HHVM had ended.
    pub fn stop(&self) -> Duration {
        let stops = |phase| matches!(phase, Phase::Draining | Phase::Stopping);
        let last = self.phases.iter().rev().find(|&&(phase, ..)| stops(phase));
        last.map_or(Duration::ZERO, |&(.., until)| until - self.began)
    }
}

/// What must come of a run, for it to be what was promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    NoFailure,
    /// Or else the farm does not see them.
    Failures,
    /// It is measured, not judged.
    Anything,
}

/// One run.
#[derive(Clone, Debug)]
pub struct Cell {
    pub stack: String,
    pub policy: String,
    pub balancer: String,
    pub scenario: String,
    pub expected: Expected,
    pub restarts: Vec<Restart>,
    pub tally: Tally,
}

impl Cell {
    /// The restart that something at this instant has to do with: one that is going on, else the last one before.
    pub fn restart_of(&self, instant: Instant) -> Option<&Restart> {
        let begun = || self.restarts.iter().filter(|restart| restart.began <= instant);
        let going_on =
            |restart: &&Restart| restart.phase_of(instant).is_some_and(|phase| phase != Phase::Pooled);
        begun()
            .filter(going_on)
            .max_by_key(|restart| restart.began)
            .or_else(|| begun().max_by_key(|restart| restart.began))
    }

    /// What the node that is being restarted was doing; `Pooled` if none was.
    pub fn phase_of(&self, instant: Instant) -> Phase {
        self.restart_of(instant).and_then(|restart| restart.phase_of(instant)).unwrap_or(Phase::Pooled)
    }

    /// When the user saw a failure, from the begin of the restart that it has to do with.
    pub fn since_stop(&self, failure: &Failure) -> Option<Duration> {
        let ended = failure.ended();
        self.restart_of(ended).map(|restart| ended - restart.began)
    }

    /// None without restarts.
    pub fn failed_per_restart(&self) -> Option<f64> {
        let restarts = u32::try_from(self.restarts.len()).ok().filter(|&restarts| restarts > 0)?;
        Some(as_f64(self.tally.failed()) / f64::from(restarts))
    }

    /// Of a million requests.
    pub fn failed_ppm(&self) -> f64 {
        as_f64(self.tally.failed()) * 1e6 / as_f64(self.tally.sent().max(1))
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stack, policy, balancer, scenario, restarts, tally, .. } = self;
        let (times, sent, failed) = (restarts.len(), tally.sent(), tally.failed());
        write!(f, "{stack}, {policy}, {balancer}, {scenario} x {times}: {failed} of {sent} requests failed")
    }
}

/// The smallest that half of them do not exceed.
pub fn median(mut times: Vec<Duration>) -> Option<Duration> {
    times.sort();
    times.get(times.len().checked_sub(1)? / 2).copied()
}

#[expect(clippy::cast_precision_loss, reason = "counts of requests are far below 2^53")]
pub fn as_f64(count: u64) -> f64 {
    count as f64
}
