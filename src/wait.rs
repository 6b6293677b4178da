//! The loop that waits for HHVM's end, a signal, an answer or the next deadline, and passes it to the drain.

use crate::back::{Back, Step};
use crate::balancers::{self, Held, Reader};
use crate::drain::{Action, Drain, Event};
use crate::load::Load;
use crate::outcome::{Ending, Outcome};
use crate::place::Place;
use crate::pool::{Member, Out};
use crate::probe::{FrontEnd, Prober, Source};
use crate::process::Process;
use crate::progress::Progress;
use crate::report::Reporter;
use crate::row::Answer;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

/// The longest time between two looks at the health file; longer than the usual time between two answers, each of which
/// is an occasion to look.
const LOOK_EVERY: Duration = Duration::from_millis(600);
/// The same where the kernel has no pidfd, and the main process must be looked at, too.
const LOOK_WITHOUT_PIDFD: Duration = Duration::from_millis(200);

/// How long a wait lasts at most where the kernel refuses to wait for events.
pub const NAP: Duration = Duration::from_millis(50);

/// Signals that ask the program to end. Blocked while they are waited for; where the kernel gives no descriptor for
/// them they end the program at once, as they do by default.
#[derive(Debug)]
pub struct Signals(Option<SignalFd>);

impl Signals {
    /// Takes over SIGTERM, SIGINT and SIGHUP; call it before any thread is started.
    #[must_use]
    pub fn take_over() -> Self {
        let mut set = SigSet::empty();
        for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
            set.add(signal);
        }
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        Self(SignalFd::with_flags(&set, flags).ok().filter(|_| set.thread_block().is_ok()))
    }

    /// Whether one has come; it is then taken for handled.
    #[must_use]
    pub fn arrived(&self) -> bool {
        self.0.as_ref().is_some_and(|signals| matches!(signals.read_signal(), Ok(Some(_))))
    }

    /// Readable once one has come; none where the kernel has given no descriptor.
    #[must_use]
    pub fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.0.as_ref().map(AsFd::as_fd)
    }
}

/// What is waited for besides the time.
pub struct Watch<'a> {
    /// Signals to this program.
    pub signals: &'a Signals,
    /// HHVM, if it is known.
    pub process: Option<&'a Process>,
    /// Where loads come from.
    pub prober: Option<Prober<(Load, Option<Place>)>>,
    /// Where the last load was read.
    pub place: Option<Place>,
    /// Where the front end's answers come from: whether a load balancer would take them for "up".
    pub front_end: Option<Prober<bool>>,
    /// Where the balancers' answers come from; none where the kernel has given no thread: that one never answers.
    pub balancers: Vec<Option<Prober<Answer>>>,
    /// What ends commands that are still asked at the end.
    pub held: Option<Held>,
}

impl<'a> Watch<'a> {
    /// A watch over `process`, if it is known.
    #[must_use]
    pub fn over(process: Option<&'a Process>, signals: &'a Signals) -> Self {
        Self {
            signals,
            process,
            prober: None,
            place: None,
            front_end: None,
            balancers: Vec::new(),
            held: None,
        }
    }

    /// A watch that asks `source` for the load.
    #[must_use]
    pub fn asking(mut self, mut source: Source) -> Self {
        let read = move |deadline| (source.read(deadline), source.place().cloned());
        self.prober = Some(Prober::start(read));
        self
    }

    /// A watch that asks `front_end`, too.
    #[must_use]
    pub fn asking_front_end(mut self, mut front_end: FrontEnd) -> Self {
        self.front_end = Some(Prober::start(move |deadline| front_end.is_up(deadline)));
        self
    }

    /// A watch that asks these balancers, too, each in a thread of its own.
    #[must_use]
    pub fn asking_balancers(mut self, readers: Vec<Box<dyn Reader + Send>>, held: Held) -> Self {
        let start = |mut reader: Box<dyn Reader + Send>| {
            Prober::start_beside(move |deadline| balancers::ask(&mut *reader, deadline))
        };
        self.balancers = readers.into_iter().map(start).collect();
        self.held = Some(held);
        self
    }

    /// Blocks until something happens, or `until`. What ends the wait for good comes first.
    pub fn next(&mut self, until: Instant) -> Event {
        self.block(until);
        if self.process.is_some_and(Process::has_ended) {
            return Event::HhvmEnded;
        }
        if self.signals.arrived() {
            return Event::Interrupted;
        }
        if let Some(sample) = self.front_end.as_mut().and_then(Prober::take) {
            return Event::FrontEndAnswered(sample.asked, sample.answer);
        }
        let mut balancers = self.balancers.iter_mut().enumerate();
        let answer = balancers.find_map(|(which, prober)| Some((which, prober.as_mut()?.take()?.answer)));
        if let Some((which, answer)) = answer {
            return Event::BalancerAnswered(which, answer);
        }
        let Some(sample) = self.prober.as_mut().and_then(Prober::take) else { return Event::Tick };
        let (load, place) = sample.answer;
        self.place = place;
        Event::Sampled(sample.asked, load)
    }

    fn block(&self, until: Instant) {
        let (prober, front_end) = (self.prober.as_ref(), self.front_end.as_ref());
        let due = [prober.and_then(Prober::due), front_end.and_then(Prober::due)];
        let until = due.into_iter().flatten().fold(until, Instant::min);
        let mut fds = Vec::with_capacity(4 + self.balancers.len());
        let descriptors = [
            self.signals.descriptor(),
            self.process.and_then(Process::pidfd),
            prober.and_then(Prober::pipe),
            front_end.and_then(Prober::pipe),
        ];
        let balancers = self.balancers.iter().flatten().map(Prober::pipe);
        fds.extend(
            descriptors.into_iter().chain(balancers).flatten().map(|fd| PollFd::new(fd, PollFlags::POLLIN)),
        );
        match poll(&mut fds, timeout(until)) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            // No memory for it, or more descriptors than may be open.
            Err(_) => std::thread::sleep(until.saturating_duration_since(Instant::now()).min(NAP)),
        }
    }

    fn ask(&mut self, at: Instant) {
        if let Some(prober) = &mut self.prober {
            prober.ask(at);
        }
    }
}

/// The time left in whole milliseconds, rounded up, so that a wait never ends just before its time.
#[must_use]
pub fn timeout(until: Instant) -> PollTimeout {
    let left = until.saturating_duration_since(Instant::now());
    let millis = left.as_micros().div_ceil(1000);
    i32::try_from(millis).ok().and_then(|ms| PollTimeout::try_from(ms).ok()).unwrap_or(PollTimeout::MAX)
}

/// Waits for `time`; whether a signal came in between.
#[must_use]
pub fn pause(signals: &Signals, time: Duration) -> bool {
    let mut watch = Watch::over(None, signals);
    watch.next(Instant::now() + time) == Event::Interrupted
}

/// Runs a drain to its end.
#[must_use]
pub fn drain(
    mut drain: Drain,
    mut watch: Watch<'_>,
    member: &mut Member,
    mut progress: Progress<'_>,
) -> Ending {
    let has_pidfd = watch.process.is_none_or(|process| process.pidfd().is_some());
    let look_every = if has_pidfd { LOOK_EVERY } else { LOOK_WITHOUT_PIDFD };
    let mut event = Event::Tick;
    let mut pending = None;
    loop {
        let now = Instant::now();
        match drain.step(now, event) {
            Action::Probe(at) => {
                watch.ask(at);
                event = pending.take().unwrap_or(Event::Tick);
            }
            Action::AskFrontEnd(at) => {
                if let Some(front_end) = &mut watch.front_end {
                    front_end.ask(at);
                }
                event = pending.take().unwrap_or(Event::Tick);
            }
            Action::AskBalancer(which, at) => {
                if let Some(Some(balancer)) = watch.balancers.get_mut(which) {
                    balancer.ask(at);
                }
                event = pending.take().unwrap_or(Event::Tick);
            }
            Action::WaitUntil(_) if pending.is_some() => event = pending.take().unwrap_or(Event::Tick),
            Action::WaitUntil(until) => {
                progress.show(&drain, now);
                event = watch.next(until.min(now + look_every));
                progress.show_place(watch.place.as_ref());
                let goes_on = !matches!(event, Event::HhvmEnded | Event::Interrupted);
                if goes_on && put_back(member, progress.reporter()) {
                    // An answer of a moment when the load balancer could send again comes second.
                    pending = Some(event);
                    event = Event::DepooledAgain;
                }
            }
            Action::Finish(outcome) => {
                if outcome == Outcome::TimedOut {
                    progress.timed_out(&drain);
                }
                let (load, front_end) = (drain.load().clone(), drain.front_end());
                let held_up_by = (outcome != Outcome::Drained).then(|| progress.left(&drain));
                return Ending {
                    server: progress.server(),
                    outcome,
                    load,
                    elapsed: drain.elapsed(now),
                    front_end,
                    balancers: drain.balancers(),
                    before: drain.confirm().before(),
                    course: Some(drain.course(now, held_up_by)),
                    turn: None,
                };
            }
        }
    }
}

/// Waits until the balancers of `back` send again; none if a signal came, the main process has ended, or `goes_on`, which
/// is asked now and then, says no.
#[must_use]
pub fn until_back(
    mut back: Back,
    mut watch: Watch<'_>,
    mut goes_on: impl FnMut(&Back, Instant) -> bool,
) -> Option<Back> {
    loop {
        let now = Instant::now();
        match back.step(now) {
            Step::Finish => return Some(back),
            Step::Ask(which, at) => {
                if let Some(Some(balancer)) = watch.balancers.get_mut(which) {
                    balancer.ask(at);
                }
            }
            Step::WaitUntil(until) => {
                if !goes_on(&back, now) {
                    return None;
                }
                match watch.next(until.min(now + LOOK_WITHOUT_PIDFD)) {
                    Event::HhvmEnded | Event::Interrupted => return None,
                    Event::BalancerAnswered(which, answer) => back.answered(which, answer),
                    _ => {}
                }
            }
        }
    }
}

fn put_back(member: &mut Member, reporter: &Reporter) -> bool {
    member.keep_out().is_some_and(|again| {
        reporter.tell_all(again.messages);
        again.out != Out::Not
    })
}
