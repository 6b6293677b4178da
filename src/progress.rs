//! What is shown during a drain: a status line every second, and a line in the log when the load changes.

use crate::drain::Drain;
use crate::endpoint::Kind;
use crate::load::{Load, Unknown};
use crate::message::Message;
use crate::place::{Because, Place, names};
use crate::report::Reporter;
use crate::text::{seconds, whole};
use std::time::{Duration, Instant};

/// How often a load that changes is logged.
const LOG_EVERY: Duration = Duration::from_secs(1);
/// How often an unchanged load is logged.
const REPEAT_EVERY: Duration = Duration::from_secs(10);
/// Time that systemd is asked for beyond the timeout, to end in.
const GRACE: Duration = Duration::from_secs(10);

/// The teller of one drain.
#[derive(Debug)]
pub struct Progress<'a> {
    reporter: &'a Reporter,
    server: Kind,
    timeout: Duration,
    /// The second that the status line was shown for, and whether it said anything of the load.
    shown: Option<(u64, bool)>,
    logged: Option<(Instant, Load)>,
    /// Whether it was said that connections are counted.
    says_counting: bool,
}

impl<'a> Progress<'a> {
    /// Tells `reporter` of a drain of `server`, of at most `timeout`.
    #[must_use]
    pub fn new(reporter: &'a Reporter, server: Kind, timeout: Duration) -> Self {
        Self { reporter, server, timeout, shown: None, logged: None, says_counting: false }
    }

    /// Who is drained.
    #[must_use]
    pub fn server(&self) -> Kind {
        self.server
    }

    /// Where it is told.
    #[must_use]
    pub fn reporter(&self) -> &'a Reporter {
        self.reporter
    }

    /// Tells where the drain stands at `now`, if it is time to. Each change of the status line is a D-Bus signal, so
    /// there is one for each second of the drain, and one more for the first load.
    pub fn show(&mut self, drain: &Drain, now: Instant) {
        let asked = *drain.load() != Load::Unknown(Unknown::NotAsked);
        let second = drain.elapsed(now).as_secs();
        let due = self.shown.is_none_or(|(shown, had_load)| second > shown || (asked && !had_load));
        if due {
            let left = drain.deadline().saturating_duration_since(now);
            self.reporter.status(self.line(drain, now), left + GRACE);
            self.shown = Some((second, asked));
        }
        self.log(drain, now);
    }

    /// Tells once if connections are counted because there is no admin port.
    pub fn show_place(&mut self, place: Option<&Place>) {
        if let Some(Place::Sockets(listeners, Because::NoAdminPort)) = place
            && !self.says_counting
        {
            self.says_counting = true;
            self.reporter.tell(Message::Counting(names(listeners)));
        }
    }

    fn line(&self, drain: &Drain, now: Instant) -> String {
        let time = format!("{} of at most {}", seconds(whole(drain.elapsed(now))), seconds(self.timeout));
        match drain.load() {
            Load::Known(load) => format!("Draining: {load} in flight, {time}"),
            Load::Unknown(Unknown::NotAsked) => format!("Draining: {time}"),
            Load::Unknown(why) => format!("Draining: load unknown ({why}), {time}"),
        }
    }

    fn log(&mut self, drain: &Drain, now: Instant) {
        let load = drain.load();
        if *load == Load::Unknown(Unknown::NotAsked) {
            return;
        }
        let due = self.logged.as_ref().is_none_or(|(at, logged)| {
            let since = now.saturating_duration_since(*at);
            since >= REPEAT_EVERY || (since >= LOG_EVERY && !logged.is_like(load))
        });
        let disbelief = Some(drain.disbelief(now)).filter(|left| drain.is_idle() && !left.is_zero());
        if due && (!drain.is_idle() || disbelief.is_some()) {
            self.logged = Some((now, load.clone()));
            self.reporter.tell(Message::Waiting {
                load: load.clone(),
                elapsed: whole(drain.elapsed(now)),
                timeout: self.timeout,
                disbelief,
            });
        }
    }
}
