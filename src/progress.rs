//! What is shown during a drain: a status line every second, and a line in the log when the load changes.

use crate::confirm::Verdict;
use crate::drain::Drain;
use crate::endpoint::Kind;
use crate::load::{Load, Unknown};
use crate::message::{Disbelief, Message};
use crate::place::{Because, Place, names};
use crate::pool::{Announcement, Live};
use crate::report::Reporter;
use crate::row::News;
use crate::text::{seconds, whole};
use crate::tidings::Tidings;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How often a load that changes is logged.
const LOG_EVERY: Duration = Duration::from_secs(1);
/// How often an unchanged load is logged.
const REPEAT_EVERY: Duration = Duration::from_secs(10);
/// So many of the last lines are published.
const LINES_MAX: usize = 3;
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
    /// The balancers that are asked, by their names.
    balancers: Vec<String>,
    tidings: Tidings,
    announced: Option<&'a mut Announcement>,
    /// The last lines that were told, and the second that was published.
    lines: VecDeque<String>,
    published: u64,
}

impl<'a> Progress<'a> {
    /// Tells `reporter` of a drain of `server`, of at most `timeout`.
    #[must_use]
    pub fn new(reporter: &'a Reporter, server: Kind, timeout: Duration) -> Self {
        let (balancers, tidings) = (Vec::new(), Tidings::of(0));
        Self {
            reporter,
            server,
            timeout,
            shown: None,
            logged: None,
            says_counting: false,
            balancers,
            tidings,
            announced: None,
            lines: VecDeque::new(),
            published: 0,
        }
    }

    /// The same, publishing once a second what there is to see.
    #[must_use]
    pub fn publishing(mut self, announced: &'a mut Announcement) -> Self {
        self.announced = Some(announced);
        self
    }

    /// The same, of a drain that asks these balancers.
    #[must_use]
    pub fn of_balancers(mut self, names: Vec<String>) -> Self {
        self.tidings = Tidings::of(names.len());
        self.balancers = names;
        self
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
        for (which, news) in self.tidings.since(drain.confirm()) {
            self.tell(Message::Balancer(self.balancer(which), news));
        }
        self.log(drain, now);
        if second > self.published {
            self.published = second;
            self.publish(drain);
        }
    }

    fn tell(&mut self, message: Message) {
        if self.lines.len() == LINES_MAX {
            self.lines.pop_front();
        }
        self.lines.push_back(message.to_string());
        self.reporter.tell(message);
    }

    fn publish(&mut self, drain: &Drain) {
        let load = match drain.load() {
            Load::Known(load) => Some(*load),
            Load::Unknown(_) => None,
        };
        let standings = drain.confirm().standings().zip(&self.balancers);
        let balancers = standings.map(|(standing, name)| format!("{name}: {standing}")).collect();
        let lines = self.lines.iter().cloned().collect();
        if let Some(announced) = &mut self.announced {
            announced.show(Live { load, curve: drain.curve().clone(), balancers, lines });
        }
    }

    /// Tells of a balancer that still sends when the drain times out.
    pub fn timed_out(&self, drain: &Drain) {
        if let Verdict::In(which) = drain.confirm().verdict() {
            self.reporter.tell(Message::Balancer(self.balancer(which), News::StillSending));
        }
    }

    /// What is left to wait for.
    #[must_use]
    pub fn left(&self, drain: &Drain) -> String {
        match (drain.confirm().verdict(), drain.load()) {
            (Verdict::In(which), _) => format!("{} still sends requests", self.balancer(which)),
            (_, Load::Unknown(why)) => format!("the load is unknown ({why})"),
            (_, Load::Known(load)) if !drain.is_idle() => format!("{load} in flight"),
            (Verdict::Busy(which) | Verdict::Settling(which) | Verdict::Unclear(which), _) => {
                format!("{} has not confirmed", self.balancer(which))
            }
            (Verdict::NotAsked | Verdict::Confirmed(_), _) => "min-drain".to_owned(),
        }
    }

    fn balancer(&self, which: usize) -> String {
        self.balancers.get(which).cloned().unwrap_or_default()
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
        let at_balancer = match drain.confirm().verdict() {
            Verdict::NotAsked => String::new(),
            Verdict::In(which) => format!("waiting for {} to stop sending, ", self.balancer(which)),
            Verdict::Unclear(which) => format!("not known what {} sends, ", self.balancer(which)),
            Verdict::Busy(which) | Verdict::Settling(which) => {
                format!("waiting for the last requests from {}, ", self.balancer(which))
            }
            Verdict::Confirmed(_) => "out at all load balancers, ".to_owned(),
        };
        let time = whole(drain.elapsed(now));
        let time = format!("{at_balancer}{} of at most {}", seconds(time), seconds(self.timeout));
        match drain.load() {
            Load::Known(load) => format!("Draining: {load} in flight, {time}"),
            Load::Unknown(Unknown::NotAsked) => format!("Draining: {time}"),
            Load::Unknown(why) => format!("Draining: load unknown ({why}), {time}"),
        }
    }

    /// Why zero load is ignored at `now`, if it is.
    fn disbelief(&self, drain: &Drain, now: Instant) -> Option<Disbelief> {
        let left = drain.disbelief(now);
        match drain.confirm().verdict() {
            Verdict::Confirmed(_) => None,
            Verdict::In(which) => Some(Disbelief::StillIn(self.balancer(which))),
            _ if left.is_zero() => None,
            Verdict::Settling(which) => Some(Disbelief::Settling(self.balancer(which))),
            Verdict::NotAsked | Verdict::Unclear(_) | Verdict::Busy(_) => Some(Disbelief::MinDrain(left)),
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
        let disbelief = self.disbelief(drain, now).filter(|_| drain.is_idle());
        if due && (!drain.is_idle() || disbelief.is_some()) {
            self.logged = Some((now, load.clone()));
            self.tell(Message::Waiting {
                load: load.clone(),
                elapsed: whole(drain.elapsed(now)),
                timeout: self.timeout,
                disbelief,
            });
        }
    }
}
