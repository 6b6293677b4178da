//! The drain as a pure state machine: what to do next, given the time and what has happened.
//!
//! Guarantees, each a property of the tests:
//! - it finishes at the first step at or after the timeout, at the latest;
//! - it finishes as drained only after enough consecutive zeros, all of them asked for after min-drain, or after all
//!   load balancers have confirmed that nothing comes any more, and none while one says that it sends;
//! - an unknown load never counts as zero.

use crate::confirm::{Confirm, SETTLE, Verdict};
use crate::curve::Curve;
use crate::load::{Load, Unknown};
use crate::notice::{Notice, Noticed};
use crate::outcome::{Balancers, Course, FrontEnd, Outcome};
use crate::row::Answer;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

/// How often the load is read while zero load is ignored, for the status line only.
const SLOW_POLL: Duration = Duration::from_secs(1);
/// Upper bound on how far probes are spread out under load, in poll intervals.
const FAR_FROM_ZERO: u32 = 5;
/// A probe that takes longer than this, which is more than its own deadline, counts as unanswered.
const PROBE_PATIENCE: Duration = Duration::from_millis(2500);

/// So long after a balancer that has noticed late, requests may still come: those in a server's queue, on a connection
/// that is being made, or tried again. Three seconds were seen.
const LATE: Duration = Duration::from_secs(5);

/// The settings of a drain.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Time after depooling for which zero load is ignored.
    pub min_drain: Duration,
    /// The longest time to wait in total.
    pub timeout: Duration,
    /// Time between two probes while one request is left.
    pub poll_interval: Duration,
    /// Consecutive zeros that end the wait.
    pub zero_samples: NonZeroU32,
    /// Load that counts as zero.
    pub threshold: u64,
}

/// Something that has happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A probe that was asked for at that instant was answered.
    Sampled(Instant, Load),
    /// The front end on this host was asked for the health file at that instant; whether a load balancer would take its
    /// answer for "up".
    FrontEndAnswered(Instant, bool),
    /// The balancer of that number has answered.
    BalancerAnswered(usize, Answer),
    /// The health file was there again and has been parked again: the load balancer may send anew.
    DepooledAgain,
    /// The main process has ended.
    HhvmEnded,
    /// Somebody asked this program to end.
    Interrupted,
    /// Nothing but the time.
    Tick,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Ask for the load at that instant.
    Probe(Instant),
    /// Ask the front end on this host for the health file at that instant.
    AskFrontEnd(Instant),
    /// Ask the balancer of that number at that instant.
    AskBalancer(usize, Instant),
    /// Wait for an event, until then at the longest.
    WaitUntil(Instant),
    /// The drain is over.
    Finish(Outcome),
}

/// When a drain began, and from when on zero load counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Since {
    started: Instant,
    believe_from: Instant,
    out: Duration,
}

impl Since {
    /// A drain that starts at `started`, of a node that has been out for `out` then; none if it could not be taken out.
    ///
    /// The load balancer needs `min_drain` to notice, so of what it has had already nothing is waited for again. Where
    /// it can notice nothing, waiting for it has no use.
    #[must_use]
    pub fn new(started: Instant, out: Option<Duration>, min_drain: Duration) -> Self {
        let unnoticed = out.map_or(Duration::ZERO, |out| min_drain.saturating_sub(out));
        Self { started, believe_from: started + unnoticed, out: out.unwrap_or_default() }
    }
}

/// A drain that goes on.
#[derive(Debug, Clone)]
pub struct Drain {
    limits: Limits,
    since: Since,
    next_probe: Instant,
    asked: Option<Instant>,
    load: Load,
    zeros: u32,
    /// The front end's answers, if there is one to ask.
    notice: Option<Notice>,
    /// What the balancers say.
    confirm: Confirm,
    first: Option<u64>,
    highest: Option<u64>,
    curve: Curve,
}

impl Drain {
    /// A drain that runs since then.
    #[must_use]
    pub fn new(limits: Limits, since: Since) -> Self {
        Self {
            limits,
            since,
            next_probe: since.started,
            asked: None,
            load: Load::Unknown(Unknown::NotAsked),
            zeros: 0,
            notice: None,
            confirm: Confirm::new(0, since.started),
            first: None,
            highest: None,
            curve: Curve::default(),
        }
    }

    /// The same, asking the front end on this host: min-drain begins after its last "up".
    ///
    /// One that does not stop while there is still time for min-drain is not asked any longer.
    #[must_use]
    pub fn asking_front_end(mut self) -> Self {
        let give_up = self.deadline().checked_sub(self.limits.min_drain).unwrap_or(self.since.started);
        self.notice = Some(Notice::new(self.since.started, give_up));
        self
    }

    /// The same, asking so many load balancers: min-drain is for those that cannot be asked.
    #[must_use]
    pub fn asking_balancers(mut self, count: usize) -> Self {
        self.confirm = Confirm::new(count, self.since.started).out_for(self.since.out);
        self
    }

    /// Takes one event at `now`, and says what to do.
    #[must_use]
    pub fn step(&mut self, now: Instant, event: Event) -> Action {
        self.confirm.expire(now);
        match event {
            Event::HhvmEnded => return Action::Finish(Outcome::HhvmEnded),
            Event::Interrupted => return Action::Finish(Outcome::Interrupted),
            Event::Sampled(asked, load) => self.sampled(now, asked, load),
            Event::FrontEndAnswered(asked, is_up) => self.front_end_answered(asked, is_up),
            Event::BalancerAnswered(which, answer) => self.confirm.answered(which, answer),
            Event::DepooledAgain => {
                self.confirm.begin_anew(now);
                self.since.believe_from = now + self.limits.min_drain;
                self.zeros = 0;
                if let Some(notice) = &mut self.notice {
                    notice.begin_anew(now);
                }
            }
            Event::Tick => {}
        }
        if self.confirm.verdict() != Verdict::NotAsked && !self.believes(now) {
            self.zeros = 0;
        }
        if now >= self.deadline() {
            if self.asked.is_some() && self.load == Load::Unknown(Unknown::NotAsked) {
                self.load = Load::Unknown(Unknown::TimedOut);
            }
            return Action::Finish(Outcome::TimedOut);
        }
        if self.zeros >= self.limits.zero_samples.get() {
            return Action::Finish(Outcome::Drained);
        }
        self.ask_front_end(now).or_else(|| self.ask_balancer(now)).unwrap_or_else(|| self.probe_or_wait(now))
    }

    /// When the timeout is over.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.since.started + self.limits.timeout
    }

    /// The load as last seen.
    #[must_use]
    pub fn load(&self) -> &Load {
        &self.load
    }

    /// How long the drain has taken until `now`.
    #[must_use]
    pub fn elapsed(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.since.started)
    }

    /// How long a zero will not be believed yet, at `now`, unless the balancers say otherwise.
    #[must_use]
    pub fn disbelief(&self, now: Instant) -> Duration {
        self.believe_from().saturating_duration_since(now)
    }

    /// What the balancers say.
    #[must_use]
    pub fn confirm(&self) -> &Confirm {
        &self.confirm
    }

    /// What the balancers' answers have come to.
    #[must_use]
    pub fn balancers(&self) -> Balancers {
        match self.confirm.verdict() {
            Verdict::NotAsked => Balancers::NotAsked,
            Verdict::Confirmed(_) => Balancers::Confirmed,
            Verdict::In(_) => Balancers::StillSending,
            Verdict::Unclear(_) | Verdict::Busy(_) | Verdict::Settling(_) => Balancers::Unconfirmed,
        }
    }

    /// How it has gone until `now`; `held_up_by` is what is left to wait for.
    #[must_use]
    pub fn course(&self, now: Instant, held_up_by: Option<String>) -> Course {
        let since = |at: Instant| at.min(now).saturating_duration_since(self.since.started);
        let believed = match self.confirm.verdict() {
            Verdict::Confirmed(at) => at,
            Verdict::In(_) => now,
            _ => self.believe_from(),
        };
        let is_asked = self.notice.is_some();
        let last_up = self.notice.as_ref().and_then(Notice::last_up);
        Course {
            at_most: self.limits.timeout,
            notice: since(believed),
            front_end: is_asked.then(|| last_up.map(since).unwrap_or_default()),
            first: self.first,
            highest: self.highest,
            curve: self.curve.clone(),
            held_up_by,
        }
    }

    /// The load until now.
    #[must_use]
    pub fn curve(&self) -> &Curve {
        &self.curve
    }

    /// What the front end's answers have come to.
    #[must_use]
    pub fn front_end(&self) -> FrontEnd {
        match self.notice.as_ref().map(Notice::noticed) {
            None => FrontEnd::NotAsked,
            Some(Noticed::Never) => FrontEnd::StillUp,
            Some(Noticed::Unanswered | Noticed::Since(_)) => FrontEnd::Noticed,
        }
    }

    /// Whether the last load counts as zero.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        matches!(self.load, Load::Known(load) if load <= self.limits.threshold)
    }

    fn front_end_answered(&mut self, asked: Instant, is_up: bool) {
        if let Some(notice) = &mut self.notice {
            notice.answered(asked, is_up);
        }
        if is_up {
            self.zeros = 0;
        }
    }

    fn ask_balancer(&mut self, now: Instant) -> Option<Action> {
        self.confirm.question(now).map(|(which, at)| Action::AskBalancer(which, at))
    }

    /// Asks the front end for as long as its answer counts. Later, such a request would be a load itself.
    fn ask_front_end(&mut self, now: Instant) -> Option<Action> {
        let is_over = now >= self.believe_from() || matches!(self.confirm.verdict(), Verdict::Confirmed(_));
        let notice = self.notice.as_mut()?;
        match notice.judge(now) {
            Noticed::Never => None,
            Noticed::Since(_) if is_over => None,
            Noticed::Unanswered | Noticed::Since(_) => notice.question(now).map(Action::AskFrontEnd),
        }
    }

    /// From here on a zero is believed, as far as is known without the balancers' confirmation.
    fn believe_from(&self) -> Instant {
        let last_up = self.notice.as_ref().and_then(Notice::last_up);
        let noticed = last_up.map(|at| at + self.limits.min_drain);
        // One that has noticed later than min-drain says has had no time to settle.
        let late =
            self.confirm.last_in().filter(|at| *at + SETTLE > self.since.believe_from).map(|at| at + LATE);
        [noticed, late].into_iter().flatten().fold(self.since.believe_from, Instant::max)
    }

    /// Whether a zero of a probe at `asked` counts.
    fn believes(&self, asked: Instant) -> bool {
        let is_answered = self.notice.as_ref().is_none_or(|notice| notice.noticed() != Noticed::Unanswered);
        match self.confirm.verdict() {
            Verdict::Confirmed(at) => asked >= at,
            Verdict::In(_) => false,
            // A short min-drain is no reason not to hear what they say.
            Verdict::Unclear(_) if self.confirm.awaits_an_answer() => false,
            Verdict::NotAsked | Verdict::Unclear(_) | Verdict::Busy(_) | Verdict::Settling(_) => {
                is_answered && asked >= self.believe_from()
            }
        }
    }

    fn sampled(&mut self, now: Instant, asked: Instant, load: Load) {
        self.asked = None;
        self.load = load;
        let known = match self.load {
            Load::Known(load) => Some(load),
            Load::Unknown(_) => None,
        };
        self.first = self.first.or(known);
        self.highest = self.highest.max(known);
        self.curve.add(self.elapsed(now), known);
        self.zeros = if self.is_idle() && self.believes(asked) { self.zeros + 1 } else { 0 };
        self.next_probe = self.after(asked).max(now);
    }

    /// When to probe again after a probe at `asked`: sooner while zeros are being confirmed, later while zero is far, at
    /// leisure while it would not be believed.
    fn after(&self, asked: Instant) -> Instant {
        let interval = self.limits.poll_interval;
        let slow = asked + interval.max(SLOW_POLL);
        match self.confirm.verdict() {
            _ if self.zeros > 0 => asked + interval / 2,
            Verdict::In(_) => slow,
            Verdict::NotAsked | Verdict::Unclear(_) | Verdict::Busy(_) if asked < self.believe_from() => {
                slow.min(self.believe_from()).max(asked + interval / 2)
            }
            _ => asked + interval * self.distance(),
        }
    }

    /// How many requests are left until zero, within bounds.
    fn distance(&self) -> u32 {
        let left = match self.load {
            Load::Known(load) => load.saturating_sub(self.limits.threshold),
            Load::Unknown(_) => 1,
        };
        u32::try_from(left).unwrap_or(u32::MAX).clamp(1, FAR_FROM_ZERO)
    }

    fn probe_or_wait(&mut self, now: Instant) -> Action {
        if let Some(asked) = self.asked {
            let lost = asked + PROBE_PATIENCE;
            if now >= lost {
                self.load = Load::Unknown(Unknown::TimedOut);
                self.zeros = 0;
            }
            let until = if now < lost { lost.min(self.deadline()) } else { self.deadline() };
            return Action::WaitUntil(until);
        }
        let at = self.next_probe.max(now);
        if at >= self.deadline() {
            return Action::WaitUntil(self.deadline());
        }
        self.asked = Some(at);
        Action::Probe(at)
    }
}

#[cfg(test)]
#[path = "drain_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "drain_balancer_tests.rs"]
mod balancer_tests;
