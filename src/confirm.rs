//! Judges what the balancers say: whether they have sent nothing here for long enough that nothing is on its way.
//!
//! "Out" alone is not enough. A request may still wait in a server's queue, on a connection that is being made, or for
//! its next try, which HAProxy makes within a second. So a balancer has to be quiet for [`SETTLE`]: all of this node's
//! rows out, nothing queued, no session, and no new one since.
//!
//! Guarantees, each a property of the tests:
//! - it never confirms while a row is in, or was in within [`SETTLE`];
//! - nothing is latched: whatever is said after a confirmation is judged anew;
//! - a balancer that cannot be understood, or has not answered for a while, is not quiet.

use crate::row::{Answer, Before, Row, Sends, Unclear, View};
use std::fmt;
use std::time::{Duration, Instant};

/// For so long a balancer has to be quiet: HAProxy tries again within a second (`retries`).
pub const SETTLE: Duration = Duration::from_millis(1100);
/// The time between two questions while a balancer sends, or is not understood.
const WHILE_IN: Duration = Duration::from_millis(250);
/// The same while it settles.
const WHILE_OUT: Duration = Duration::from_millis(100);
/// An answer that takes longer than this costs the balancer something, so it is asked less often.
const QUICK: Duration = Duration::from_millis(50);
/// So many times as long as its answer took, a balancer that is slow has peace.
const PEACE: u32 = 4;
/// And not for longer, or its last answer would be too old.
const PEACE_MAX: Duration = Duration::from_secs(1);
/// An answer that is older than this tells nothing. A question takes two seconds at most.
const FRESH: Duration = Duration::from_millis(2500);
/// HAProxy tells whole seconds.
const ROUNDING: Duration = Duration::from_secs(1);

/// Where one balancer stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It is not known what it does.
    Unclear(Unclear),
    /// It sends requests here.
    In(Row),
    /// It sends no new ones, and has so many requests under way.
    Busy(u64),
    /// It sends nothing, and has nothing under way.
    Quiet(Run),
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unclear(why) => write!(f, "unknown ({why})"),
            Self::In(row) => write!(f, "sends requests here ({row})"),
            Self::Busy(requests) => write!(f, "sends no new requests, {requests} under way"),
            Self::Quiet(_) => f.write_str("sends no requests here"),
        }
    }
}

/// A time in which a balancer was quiet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// What it said first.
    first: View,
    /// Its first quiet answer was complete then.
    from: Instant,
    /// The question to the last one was put then.
    until: Instant,
}

/// What all balancers say together; a number is that of the balancer that is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// There is none to ask.
    NotAsked,
    /// One of them sends requests here.
    In(usize),
    /// It is not known what one of them does.
    Unclear(usize),
    /// One of them has requests under way.
    Busy(usize),
    /// None sends, but not for long enough yet.
    Settling(usize),
    /// Since then nothing has come from any of them, nor will it.
    Confirmed(Instant),
}

#[derive(Debug, Clone)]
struct Balancer {
    standing: Standing,
    /// A question that is not answered yet.
    asked: Option<Instant>,
    /// When the question to the last answer was put, or when all began.
    heard: Instant,
    next: Instant,
    /// What it said first.
    before: Option<Vec<Before>>,
}

/// The balancers in one drain.
#[derive(Debug, Clone)]
pub struct Confirm {
    balancers: Vec<Balancer>,
    /// Since when the node is out.
    out_since: Instant,
    last_in: Option<Instant>,
}

impl Confirm {
    /// So many balancers, which are asked from `started` on.
    #[must_use]
    pub fn new(count: usize, started: Instant) -> Self {
        let balancer = Balancer {
            standing: Standing::Unclear(Unclear::NotAsked),
            asked: None,
            heard: started,
            next: started,
            before: None,
        };
        Self { balancers: vec![balancer; count], out_since: started, last_in: None }
    }

    /// The same, of a node that has been out for so long by then.
    #[must_use]
    pub fn out_for(mut self, time: Duration) -> Self {
        self.out_since = self.out_since.checked_sub(time).unwrap_or(self.out_since);
        self
    }

    /// Takes the answer of a balancer.
    pub fn answered(&mut self, which: usize, answer: Answer) {
        let Some(balancer) = self.balancers.get_mut(which) else { return };
        let took = answer.answered.saturating_duration_since(answer.asked);
        balancer.asked = None;
        balancer.heard = answer.asked;
        if let (None, Ok(view)) = (&balancer.before, &answer.view) {
            let passed = answer.answered.saturating_duration_since(self.out_since);
            balancer.before = Some(Before::of(view, passed));
        }
        let before = std::mem::replace(&mut balancer.standing, Standing::Unclear(Unclear::NotAsked));
        let (asked, answered) = (answer.asked, answer.answered);
        balancer.standing = stand(before, answer);
        let is_quiet = matches!(balancer.standing, Standing::Quiet(_) | Standing::Busy(_));
        let pause = if is_quiet { WHILE_OUT } else { WHILE_IN };
        let peace = if took > QUICK { (took * PEACE).min(PEACE_MAX) } else { Duration::ZERO };
        balancer.next = (asked + pause).max(answered + peace);
        if matches!(balancer.standing, Standing::In(_)) {
            self.last_in = self.last_in.max(Some(answered));
        }
    }

    /// What was said too long before `now` is not known any more.
    pub fn expire(&mut self, now: Instant) {
        for balancer in &mut self.balancers {
            let is_known = !matches!(&balancer.standing, Standing::Unclear(why) if *why != Unclear::NotAsked);
            if is_known && now.saturating_duration_since(balancer.heard) > FRESH {
                balancer.standing = Standing::Unclear(Unclear::TimedOut);
            }
        }
    }

    /// Whether one of them may still give its first answer.
    #[must_use]
    pub fn awaits_an_answer(&self) -> bool {
        self.standings().any(|standing| *standing == Standing::Unclear(Unclear::NotAsked))
    }

    /// When it was last said that requests are sent here.
    #[must_use]
    pub fn last_in(&self) -> Option<Instant> {
        self.last_in
    }

    /// The node was back for a moment, until `now`: what was said before counts no longer.
    pub fn begin_anew(&mut self, now: Instant) {
        for balancer in &mut self.balancers {
            balancer.standing = Standing::Unclear(Unclear::NotAsked);
            balancer.heard = now;
            balancer.next = balancer.next.min(now);
        }
    }

    /// Whom to ask next, and when; none while each of them is being asked.
    pub fn question(&mut self, now: Instant) -> Option<(usize, Instant)> {
        let free = self.balancers.iter_mut().enumerate().filter(|(_, balancer)| balancer.asked.is_none());
        let (which, balancer) = free.min_by_key(|(_, balancer)| balancer.next)?;
        let at = balancer.next.max(now);
        balancer.asked = Some(at);
        Some((which, at))
    }

    /// What each of them said of this node before it noticed that it is out; nothing of what is not known.
    #[must_use]
    pub fn before(&self) -> Vec<Vec<Before>> {
        self.balancers.iter().map(|balancer| balancer.before.clone().unwrap_or_default()).collect()
    }

    /// Where each of them stands.
    pub fn standings(&self) -> impl Iterator<Item = &Standing> {
        self.balancers.iter().map(|balancer| &balancer.standing)
    }

    /// What is known. The worst counts: one that sends, before one that is not understood, and so on.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let mut settled = None;
        let mut worst = (0, Verdict::NotAsked);
        for (which, balancer) in self.balancers.iter().enumerate() {
            let (rank, verdict) = match &balancer.standing {
                Standing::In(_) => (4, Verdict::In(which)),
                Standing::Unclear(_) => (3, Verdict::Unclear(which)),
                Standing::Busy(_) => (2, Verdict::Busy(which)),
                Standing::Quiet(run) => {
                    settled = settled.max(Some((run.from + SETTLE, which)));
                    (1, Verdict::Settling(which))
                }
            };
            if rank > worst.0 {
                worst = (rank, verdict);
            }
        }
        match (worst.1, settled) {
            (Verdict::Settling(_), Some((at, _))) if self.are_quiet_until(at) => Verdict::Confirmed(at),
            (Verdict::Settling(_), Some((_, last))) => Verdict::Settling(last),
            (verdict, _) => verdict,
        }
    }

    /// Whether all have been quiet until `at`, by what they have said.
    fn are_quiet_until(&self, at: Instant) -> bool {
        self.standings().all(|standing| matches!(standing, Standing::Quiet(run) if run.until >= at))
    }
}

/// Where a balancer stands after `answer`.
fn stand(before: Standing, answer: Answer) -> Standing {
    let view = match answer.view {
        Ok(view) => view,
        Err(why) => return Standing::Unclear(why),
    };
    if let Some(row) = view.rows.iter().find(|row| row.sends == Sends::Yes) {
        return Standing::In(row.clone());
    }
    if let Some(row) = view.rows.iter().find(|row| row.sends == Sends::Blindly) {
        return Standing::Unclear(Unclear::NotChecked(row.id.to_string()));
    }
    let counters = || view.rows.iter().filter_map(|row| row.counters);
    if !counters().all(|counters| counters.are_idle()) {
        return Standing::Busy(counters().map(|counters| counters.queued.max(counters.sessions)).sum());
    }
    match before {
        Standing::Quiet(run) if goes_on(&run, &view, answer.asked) => {
            Standing::Quiet(Run { until: answer.asked.max(run.until), ..run })
        }
        _ => Standing::Quiet(Run { first: view, from: answer.answered, until: answer.asked }),
    }
}

/// Whether `view`, asked for at `asked`, shows that nothing has happened since the run began: the same process, the same
/// rows, no session more or fewer (a reload and `clear counters` set the count back), and no state that is younger.
fn goes_on(run: &Run, view: &View, asked: Instant) -> bool {
    let passed = asked.saturating_duration_since(run.from);
    let is_same = |(one, other): (&Row, &Row)| {
        one.id == other.id
            && one.counters.map(|counters| counters.total) == other.counters.map(|counters| counters.total)
            && other.unchanged.is_none_or(|unchanged| unchanged + ROUNDING >= passed)
    };
    run.first.process == view.process
        && run.first.rows.len() == view.rows.len()
        && run.first.rows.iter().zip(&view.rows).all(is_same)
}

#[cfg(test)]
#[path = "confirm_tests.rs"]
mod tests;
