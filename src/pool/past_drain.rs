//! What became of a drain: a row of the history.

use crate::clock::Stamp;
use crate::curve::Curve;
use crate::load::Load;
use crate::outcome::{Balancers, Ending, FrontEnd, Outcome};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// A start that comes so soon after a stop belongs to it: systemd starts a unit within milliseconds when it restarts it.
const RESTART: Duration = Duration::from_secs(3);

/// A drain that is over. What version 0.1.0 did not note is left out of what it has written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastDrain {
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began: Option<Stamp>,
    /// Why there was one.
    #[serde(default)]
    pub why: Why,
    /// systemd's invocation of the unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invocation: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// What was left to wait for, if something was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_up_by: Option<String>,
    /// The load at its end, if it was known.
    pub load: Option<u64>,
    /// The first load that was known.
    #[serde(default)]
    pub load_first: Option<u64>,
    /// The highest load.
    #[serde(default)]
    pub load_highest: Option<u64>,
    /// The load in between.
    #[serde(default)]
    pub curve: Curve,
    /// How long it took.
    pub seconds: u64,
    /// The cap on that, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<u64>,
    /// When it ended.
    pub at: String,
    /// What the front end said for the health file; not asked by version 0.1.0.
    #[serde(default)]
    pub front_end: FrontEnd,
    /// What the load balancers said; not asked by version 0.1.0.
    #[serde(default)]
    pub balancers: Balancers,
    /// For so long the node was out of its pool: until the load balancers sent requests again, if they are asked, else
    /// until the health file was back. None while it is out, and where it is not known.
    #[serde(default)]
    pub seconds_out: Option<u64>,
    /// Where the time went.
    #[serde(default)]
    pub ms: Phases,
    /// What comes next, if a later hook is to note it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Next>,
    /// What there was before it; with the last drain only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Totals>,
}

/// Why there was a drain.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// The unit was stopped.
    Stop,
    /// It was stopped, and started again at once.
    Restart,
    /// The host was shut down.
    Shutdown,
    /// An operator has called `depool --wait`, or `stop` by hand.
    Operator,
    /// It is not known, or a later version knows.
    #[default]
    #[serde(other)]
    Unknown,
}

impl Why {
    /// The name for people and machines.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Restart => "restart",
            Self::Shutdown => "shutdown",
            Self::Operator => "operator",
            Self::Unknown => "unknown",
        }
    }
}

/// The phases from the beginning until requests come again, one after the other, in milliseconds; none for those that there
/// were not, or have not been yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phases {
    /// Waiting for its turn in the fleet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<u64>,
    /// Until the load balancers were known, or thought, to send nothing more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<u64>,
    /// Of that: until the front end on this host served the health file no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub front_end: Option<u64>,
    /// Until no request was in flight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<u64>,
    /// Until the server had ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<u64>,
    /// Until it was started again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub down: Option<u64>,
    /// Until it served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<u64>,
    /// Until the load balancers sent requests again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub balancers: Option<u64>,
}

impl Phases {
    /// Each phase that there was, by its name, in their order; `front_end`, which is a part of another, aside.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, Duration)> {
        let phases = [
            ("turn", self.turn),
            ("notice", self.notice),
            ("requests", self.requests),
            ("end", self.end),
            ("down", self.down),
            ("start", self.start),
            ("balancers", self.balancers),
        ];
        phases.into_iter().filter_map(|(name, time)| Some((name, Duration::from_millis(time?))))
    }
}

/// The names of all phases, in their order.
pub const PHASES: [&str; 7] = ["turn", "notice", "requests", "end", "down", "start", "balancers"];

/// Drains, counted and added up for as long as there has been a history.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// How many have ended so, by the name of the outcome.
    drains: BTreeMap<String, u64>,
    /// The time in each phase, in milliseconds.
    ms: BTreeMap<String, u64>,
    /// How many rows the history has, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<usize>,
}

impl Totals {
    /// How many have ended so.
    #[must_use]
    pub fn ended(&self, outcome: &Outcome) -> u64 {
        self.drains.get(outcome.name()).copied().unwrap_or_default()
    }

    /// The time in that phase, in milliseconds.
    #[must_use]
    pub fn spent_ms(&self, phase: &str) -> u64 {
        self.ms.get(phase).copied().unwrap_or_default()
    }

    fn add(&mut self, drain: &PastDrain) {
        let count = self.drains.entry(drain.outcome.name().to_owned()).or_default();
        *count = count.saturating_add(1);
        for (phase, time) in drain.ms.all() {
            let total = self.ms.entry(phase.to_owned()).or_default();
            *total = total.saturating_add(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        }
    }
}

/// What a later hook is to note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Next {
    /// What goes on.
    pub stage: Stage,
    /// Since when.
    pub since: Stamp,
}

/// What goes on after a drain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// The server ends.
    Ends,
    /// It has ended.
    Down,
    /// It starts.
    Starts,
    /// It serves, and the load balancers have to notice.
    Serves,
    /// What a later version knows.
    #[serde(other)]
    Other,
}

impl PastDrain {
    /// A drain that ended so at `now`.
    #[must_use]
    pub fn of(ending: &Ending, why: Why, began: Stamp, now: Stamp) -> Self {
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let load = match ending.load {
            Load::Known(load) => Some(load),
            Load::Unknown(_) => None,
        };
        let course = ending.course.as_ref();
        let notice = course.map(|course| course.notice.min(ending.elapsed));
        let ms = Phases {
            turn: ending.turn.map(millis),
            notice: notice.map(millis),
            front_end: course.and_then(|course| course.front_end).map(millis),
            requests: notice.map(|notice| millis(ending.elapsed.saturating_sub(notice))),
            ..Phases::default()
        };
        Self {
            began: Some(began),
            why,
            invocation: None,
            outcome: ending.outcome.clone(),
            held_up_by: course.and_then(|course| course.held_up_by.clone()),
            load,
            load_first: course.and_then(|course| course.first),
            load_highest: course.and_then(|course| course.highest),
            curve: course.map(|course| course.curve.clone()).unwrap_or_default(),
            seconds: ending.elapsed.as_secs(),
            at_most: course.map(|course| course.at_most.as_secs()),
            at: now.at.clone(),
            front_end: ending.front_end,
            balancers: ending.balancers,
            seconds_out: None,
            ms,
            next: (why != Why::Operator).then_some(Next { stage: Stage::Ends, since: now }),
            before: None,
        }
    }

    /// One that ended without a word at `at`, so long after its beginning.
    #[must_use]
    pub fn died(began: Option<Stamp>, elapsed: Duration, at: String) -> Self {
        Self {
            began,
            why: Why::Unknown,
            invocation: None,
            outcome: Outcome::Died,
            held_up_by: None,
            load: None,
            load_first: None,
            load_highest: None,
            curve: Curve::default(),
            seconds: elapsed.as_secs(),
            at_most: None,
            at,
            front_end: FrontEnd::NotAsked,
            balancers: Balancers::NotAsked,
            seconds_out: None,
            ms: Phases::default(),
            next: None,
            before: None,
        }
    }

    /// All drains until this one, with what is known of it by now.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let mut totals = self.before.clone().unwrap_or_default();
        totals.add(self);
        totals
    }

    /// The row of the history, without what only the last one has.
    #[must_use]
    pub fn row(&self) -> Self {
        Self { next: None, before: None, ..self.clone() }
    }

    /// Notes that `stage` begins at `now`; whether that says anything new.
    ///
    /// What belongs to another drain, or to none, changes nothing: a crash, a start without a stop.
    pub fn begins(&mut self, stage: Stage, now: &Stamp) -> bool {
        let Some(Next { stage: before, since }) = &self.next else { return false };
        let took = since.about(now);
        let millis = took.and_then(|time| u64::try_from(time.as_millis()).ok());
        match (before, stage) {
            (Stage::Ends, Stage::Down) => self.ms.end = millis,
            (Stage::Ends | Stage::Down, Stage::Starts) => {
                self.ms.down = millis;
                if self.why == Why::Stop && since.until(now).is_some_and(|down| down < RESTART) {
                    self.why = Why::Restart;
                }
            }
            // The start before has failed.
            (Stage::Starts, Stage::Starts) => {}
            (Stage::Starts, Stage::Serves) => self.ms.start = millis,
            _ => return false,
        }
        self.next = Some(Next { stage, since: now.clone() });
        true
    }

    /// Notes that the load balancers send again at `now`.
    pub fn balancers_send(&mut self, now: &Stamp) {
        if let Some(Next { stage: Stage::Serves, since }) = &self.next {
            self.ms.balancers = since.about(now).and_then(|time| u64::try_from(time.as_millis()).ok());
            self.next = None;
        }
    }

    /// Whether it did what it is for.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        matches!(self.outcome, Outcome::TimedOut | Outcome::Interrupted | Outcome::Died)
    }

    /// Its phases, but for the time in which the server was meant to be down.
    pub fn phases(&self) -> impl Iterator<Item = (&'static str, Duration)> {
        self.ms.all().filter(|(name, _)| *name != "down")
    }

    /// For how long it is known that it went on, with all that came after it, but for the time in which the server was meant to
    /// be down.
    #[must_use]
    pub fn total(&self) -> Duration {
        let phases = self.phases().fold(Duration::ZERO, |sum, (_, time)| sum.saturating_add(time));
        phases.max(Duration::from_secs(self.seconds))
    }

    /// Whether `other` is the same drain, with what is known of it earlier or later.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.at == other.at && self.began == other.began
    }

    /// Whether this tells nothing besides what is known of `earlier`: while a host goes down, the unit is stopped after it was
    /// drained already.
    #[must_use]
    pub fn is_covered_by(&self, earlier: &Self) -> bool {
        let is_same_boot = match (&self.began, &earlier.began) {
            (Some(own), Some(earlier)) => earlier.until(own).is_some(),
            _ => false,
        };
        earlier.why == Why::Shutdown && is_same_boot && !self.has_failed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(boot: &str, ms: u64) -> Stamp {
        let at =
            humantime::format_rfc3339_seconds(std::time::UNIX_EPOCH + Duration::from_millis(ms)).to_string();
        Stamp { at, boot_id: boot.to_owned(), boottime_ms: ms }
    }

    fn stopped() -> PastDrain {
        let mut row = PastDrain::died(Some(stamp("a", 1000)), Duration::from_secs(9), stamp("a", 10_000).at);
        row.why = Why::Stop;
        row.next = Some(Next { stage: Stage::Ends, since: stamp("a", 10_000) });
        row
    }

    #[test]
    fn each_hook_adds_what_it_knows() {
        let mut row = stopped();
        assert!(row.begins(Stage::Down, &stamp("a", 10_400)));
        assert!(row.begins(Stage::Starts, &stamp("a", 10_450)));
        assert!(row.begins(Stage::Serves, &stamp("a", 13_450)));
        row.balancers_send(&stamp("a", 15_450));
        let expected = Phases {
            end: Some(400),
            down: Some(50),
            start: Some(3000),
            balancers: Some(2000),
            ..Phases::default()
        };
        assert_eq!((row.ms, row.why, row.next.clone()), (expected, Why::Restart, None));
        let told = row.clone();
        assert!(!row.begins(Stage::Down, &stamp("a", 99_000)), "a crash");
        assert!(!row.begins(Stage::Starts, &stamp("a", 99_000)), "and what follows it");
        row.balancers_send(&stamp("a", 99_000));
        assert_eq!(row, told);
    }

    #[test]
    fn a_start_long_after_or_after_a_boot_is_no_restart() {
        for (boot, ms) in [("a", 14_000), ("b", 12_000)] {
            let mut row = stopped();
            row.begins(Stage::Down, &stamp("a", 10_400));
            assert!(row.begins(Stage::Starts, &stamp(boot, ms)));
            assert_eq!(row.why, Why::Stop, "{boot} {ms}");
        }
    }

    #[test]
    fn a_start_that_fails_is_not_the_time_until_it_served() {
        let mut row = stopped();
        row.begins(Stage::Starts, &stamp("a", 11_000));
        row.begins(Stage::Starts, &stamp("a", 20_000));
        row.begins(Stage::Serves, &stamp("a", 21_000));
        assert_eq!(row.ms.start, Some(1000));
    }

    #[test]
    fn the_stop_that_follows_the_drain_of_a_shutdown_is_the_same_one_unless_it_fails() {
        let (mut first, mut second) = (stopped(), stopped());
        first.why = Why::Shutdown;
        second.outcome = Outcome::Drained;
        assert!(second.is_covered_by(&first));
        second.outcome = Outcome::TimedOut;
        assert!(!second.is_covered_by(&first));
        second.outcome = Outcome::Drained;
        second.began = Some(stamp("b", 500));
        assert!(!second.is_covered_by(&first), "another boot");
    }

    #[test]
    fn what_0_1_0_has_written_is_read() {
        let text = r#"{"outcome": "drained", "load": 0, "seconds": 12, "at": "2026-01-02T03:04:05Z"}"#;
        let row: PastDrain = serde_json::from_str(text).unwrap();
        assert_eq!((row.why, row.total(), row.next), (Why::Unknown, Duration::from_secs(12), None));
    }
}
