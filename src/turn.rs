//! A stop's wait for its turn as a pure state machine: when to ask next, and when to wait no longer.
//!
//! A stop cannot be refused. So it waits, serving, for at most its first bound; then it stands in the second row, of which
//! few go at once; and at twice that bound it goes in any case. Guarantees, each a property of the tests:
//! - it ends at the hard end at the latest, and that is never beyond what systemd's patience leaves;
//! - it ends ten seconds after its begin at the latest if nobody has heard of it;
//! - once it stands in the queue, silence does not end it before its time;
//! - while the host goes down, it ends after a minute at the latest.

use crate::fleet::{Over, Slots};
use crate::queue::{Row, poll_interval};
use std::time::{Duration, Instant};

/// For so long is tried to queue at an engine that cannot be reached.
const TO_QUEUE: Duration = Duration::from_secs(10);
/// So long a host that goes down leaves for the turn.
pub const GOING_DOWN: Duration = Duration::from_secs(60);
/// Between two tries at an engine that gives no answer.
const AGAIN: Duration = Duration::from_secs(1);
/// What is left of systemd's patience besides the drain's own timeout.
pub const MARGIN: Duration = Duration::from_secs(10);
/// So much of its bounds a stop waits at least, in the first row and in all, in thousandths; how much more is drawn. The hard
/// end comes late, for every stop that it ends goes over the limit; but not for all in the same second.
const FIRST_FROM: u32 = 750;
const HARD_FROM: u32 = 900;

/// How long a stop waits for its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// In the first row.
    first: Duration,
    /// In all.
    hard: Duration,
}

impl Bounds {
    /// Those of a stop that the settings let `wait`. `patience` is what systemd leaves for it, if that has a bound, and
    /// `draw` is any number: stops that began together do not end together.
    #[must_use]
    pub fn new(wait: Duration, patience: Option<Duration>, draw: u32) -> Self {
        let most = patience.map_or(wait * 2, |patience| patience.min(wait * 2));
        let drawn = |time: Duration, from: u32| time * (from + (1000 - from) * (draw % 101) / 100) / 1000;
        Self { first: drawn(most / 2, FIRST_FROM), hard: drawn(most, HARD_FROM) }
    }

    /// What systemd's patience leaves for the turn, of so much for the whole stop.
    #[must_use]
    pub fn patience(timeout_stop: Duration, timeout: Duration) -> Duration {
        timeout_stop.saturating_sub(timeout).saturating_sub(MARGIN)
    }
}

/// What came of a question for the turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It has its turn; why, if it was not its turn.
    Admitted(Option<Over>),
    /// So many are out or in front of it, of so many that may be out.
    Waits(u32, Slots),
    /// Nobody answered, or not to the point; why.
    Unanswered(String),
}

/// What ends a wait at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The main process has ended.
    HhvmEnded,
    /// A signal told this program to end.
    Interrupted,
    /// An operator has taken the node out.
    Depooled,
    /// The front end on this host no longer answers.
    FrontEndGone,
    /// `fleet go`
    Go,
}

/// Something that has happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The question was answered.
    Answered(Standing),
    /// Waiting has no use any more.
    Ends(Cause),
    /// The host goes down.
    HostStops,
    /// Nothing but the time.
    Tick,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Ask for the turn at that instant, standing in that row.
    Ask(Instant, Row),
    /// Wait for an event, until then at the longest.
    WaitUntil(Instant),
    /// The wait is over.
    Finish(End),
}

/// How the wait ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// It is its turn; or why it goes, if it was not its turn.
    Admitted(Option<Over>),
    /// The hard end came.
    WaitOver,
    /// The host goes down, and its time was over.
    HostDown,
    /// Nobody could be asked; why.
    NotQueued(String),
    /// Something else made it pointless.
    Ended(Cause),
}

/// A wait that goes on.
#[derive(Debug, Clone)]
pub struct Turn {
    started: Instant,
    bounds: Bounds,
    host_stops: Option<Instant>,
    is_queued: bool,
    is_asked: bool,
    next: Instant,
    /// In which row it stood when it asked last.
    row: Row,
    ahead: Option<(u32, Slots)>,
    silence: Option<String>,
}

impl Turn {
    /// A wait that starts at `started`.
    #[must_use]
    pub fn new(started: Instant, bounds: Bounds) -> Self {
        Self {
            started,
            bounds,
            host_stops: None,
            is_queued: false,
            is_asked: false,
            next: started,
            row: Row::First,
            ahead: None,
            silence: None,
        }
    }

    /// Takes one event at `now`, and says what to do.
    #[must_use]
    pub fn step(&mut self, now: Instant, event: Event) -> Action {
        match event {
            Event::Answered(Standing::Admitted(over)) => return Action::Finish(End::Admitted(over)),
            Event::Ends(cause) => return Action::Finish(End::Ended(cause)),
            Event::Answered(Standing::Waits(ahead, slots)) => {
                (self.is_asked, self.is_queued, self.silence) = (false, true, None);
                self.ahead = Some((ahead, slots));
                self.next = now + poll_interval(ahead, slots);
            }
            Event::Answered(Standing::Unanswered(why)) => {
                (self.is_asked, self.silence) = (false, Some(why));
                self.next = now + AGAIN;
            }
            Event::HostStops => self.host_stops = self.host_stops.or(Some(now)),
            Event::Tick => {}
        }
        if now >= self.deadline() {
            return Action::Finish(self.end());
        }
        let row = self.row_at(now);
        if row != self.row {
            (self.row, self.next) = (row, now);
        }
        if self.is_asked {
            return Action::WaitUntil(self.deadline());
        }
        // The turn of the second row is asked for when it begins.
        let at = if row == Row::First { self.next.min(self.second_row()) } else { self.next }.max(now);
        if at > now {
            return Action::WaitUntil(at.min(self.deadline()));
        }
        self.is_asked = true;
        Action::Ask(at, row)
    }

    /// When the wait is over in any case.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        let hard = self.started + self.bounds.hard;
        let queued = if self.is_queued { hard } else { hard.min(self.started + TO_QUEUE) };
        self.host_stops.map_or(queued, |since| queued.min(since + GOING_DOWN))
    }

    /// How long the wait lasts at most, as far as is known now: until the second row, and from then on until the hard end.
    #[must_use]
    pub fn at_most(&self) -> Duration {
        let until = if self.row == Row::First { self.second_row() } else { self.deadline() };
        until.min(self.deadline()).saturating_duration_since(self.started)
    }

    /// How long it has waited at `now`.
    #[must_use]
    pub fn elapsed(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.started)
    }

    /// How many are out or in front, if that is known, and how many may be out.
    #[must_use]
    pub fn ahead(&self) -> Option<(u32, Slots)> {
        self.ahead
    }

    /// In which row it stands.
    #[must_use]
    pub fn row(&self) -> Row {
        self.row
    }

    /// Why nobody answers, if so.
    #[must_use]
    pub fn silence(&self) -> Option<&str> {
        self.silence.as_deref()
    }

    fn second_row(&self) -> Instant {
        let second = self.started + self.bounds.first;
        self.host_stops.map_or(second, |since| second.min(since + GOING_DOWN / 2))
    }

    fn row_at(&self, now: Instant) -> Row {
        if now >= self.second_row() { Row::Second } else { Row::First }
    }

    /// Which deadline it was.
    fn end(&self) -> End {
        let is_before = |since: Instant| since + GOING_DOWN < self.started + self.bounds.hard;
        match (self.is_queued, self.host_stops) {
            (false, _) => {
                End::NotQueued(self.silence.clone().unwrap_or_else(|| "no answer in time".to_owned()))
            }
            (true, Some(since)) if is_before(since) => End::HostDown,
            (true, _) => End::WaitOver,
        }
    }
}

impl End {
    /// Why the node goes out though it is not its turn, if it does.
    #[must_use]
    pub fn over(&self) -> Option<Over> {
        match self {
            Self::Admitted(over) => *over,
            Self::WaitOver | Self::NotQueued(_) => Some(Over::WaitOver),
            Self::HostDown => Some(Over::HostDown),
            Self::Ended(Cause::FrontEndGone) => Some(Over::FrontEndGone),
            Self::Ended(Cause::Go) => Some(Over::Go),
            Self::Ended(Cause::Interrupted) => Some(Over::Interrupted),
            // It is out already: HHVM has gone, or the operator's depool has seen to the slot.
            Self::Ended(Cause::HhvmEnded | Cause::Depooled) => None,
        }
    }
}

#[cfg(test)]
#[path = "turn_tests.rs"]
mod tests;
