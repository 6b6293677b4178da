//! The loop that waits for HHVM's end, a signal, an answer or the next deadline, and passes it to the drain.

use crate::drain::{Action, Drain, Event};
use crate::error::{Error, Result};
use crate::load::Load;
use crate::outcome::Ending;
use crate::place::Place;
use crate::pool::{Member, Out};
use crate::probe::{FrontEnd, Prober, Source};
use crate::process::Process;
use crate::progress::Progress;
use crate::report::Reporter;
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

/// Signals that ask the program to end. Blocked while they are waited for.
#[derive(Debug)]
pub struct Signals(SignalFd);

impl Signals {
    /// Takes over SIGTERM, SIGINT and SIGHUP; call it before any thread is started.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn take_over() -> Result<Self> {
        let mut set = SigSet::empty();
        for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
            set.add(signal);
        }
        set.thread_block()
            .and_then(|()| SignalFd::with_flags(&set, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK))
            .map(Self)
            .map_err(|error| Error::Wait(error.into()))
    }

    /// Whether one has come; it is then taken for handled.
    #[must_use]
    pub fn arrived(&self) -> bool {
        matches!(self.0.read_signal(), Ok(Some(_)))
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
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
}

impl<'a> Watch<'a> {
    /// A watch over `process`, if it is known.
    #[must_use]
    pub fn over(process: Option<&'a Process>, signals: &'a Signals) -> Self {
        Self { signals, process, prober: None, place: None, front_end: None }
    }

    /// A watch that asks `source` for the load.
    ///
    /// # Errors
    /// When the kernel gives no thread to ask from.
    pub fn asking(mut self, mut source: Source) -> Result<Self> {
        let read = move |deadline| (source.read(deadline), source.place().cloned());
        self.prober = Some(Prober::start(read).map_err(Error::Wait)?);
        Ok(self)
    }

    /// A watch that asks `front_end`, too.
    ///
    /// # Errors
    /// When the kernel gives no thread to ask from.
    pub fn asking_front_end(mut self, mut front_end: FrontEnd) -> Result<Self> {
        self.front_end = Some(Prober::start(move |deadline| front_end.is_up(deadline)).map_err(Error::Wait)?);
        Ok(self)
    }

    /// Blocks until something happens, or `until`. What ends the wait for good comes first.
    ///
    /// # Errors
    /// When poll(2) fails.
    pub fn next(&mut self, until: Instant) -> Result<Event> {
        let mut fds = vec![PollFd::new(self.signals.0.as_fd(), PollFlags::POLLIN)];
        fds.extend(self.process.and_then(Process::pidfd).map(|fd| PollFd::new(fd, PollFlags::POLLIN)));
        fds.extend(self.prober.as_ref().map(|prober| PollFd::new(prober.as_fd(), PollFlags::POLLIN)));
        fds.extend(self.front_end.as_ref().map(|prober| PollFd::new(prober.as_fd(), PollFlags::POLLIN)));
        match poll(&mut fds, timeout(until)) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(error) => return Err(Error::Wait(error.into())),
        }
        if self.process.is_some_and(Process::has_ended) {
            return Ok(Event::HhvmEnded);
        }
        if self.signals.arrived() {
            return Ok(Event::Interrupted);
        }
        if let Some(sample) = self.front_end.as_mut().and_then(Prober::take) {
            return Ok(Event::FrontEndAnswered(sample.asked, sample.answer));
        }
        let Some(sample) = self.prober.as_mut().and_then(Prober::take) else { return Ok(Event::Tick) };
        let (load, place) = sample.answer;
        self.place = place;
        Ok(Event::Sampled(sample.asked, load))
    }

    fn ask(&self, at: Instant) {
        if let Some(prober) = &self.prober {
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
    matches!(watch.next(Instant::now() + time), Ok(Event::Interrupted))
}

/// Runs a drain to its end.
///
/// # Errors
/// When the kernel refuses to wait.
pub fn drain(
    mut drain: Drain,
    mut watch: Watch<'_>,
    member: &mut Member,
    mut progress: Progress<'_>,
) -> Result<Ending> {
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
                if let Some(front_end) = &watch.front_end {
                    front_end.ask(at);
                }
                event = pending.take().unwrap_or(Event::Tick);
            }
            Action::WaitUntil(_) if pending.is_some() => event = pending.take().unwrap_or(Event::Tick),
            Action::WaitUntil(until) => {
                progress.show(&drain, now);
                event = watch.next(until.min(now + look_every))?;
                progress.show_place(watch.place.as_ref());
                let goes_on = matches!(event, Event::Tick | Event::Sampled(..) | Event::FrontEndAnswered(..));
                if goes_on && put_back(member, progress.reporter()) {
                    // An answer of a moment when the load balancer could send again comes second.
                    pending = Some(event);
                    event = Event::DepooledAgain;
                }
            }
            Action::Finish(outcome) => {
                let (load, front_end) = (drain.load().clone(), drain.front_end());
                return Ok(Ending {
                    server: progress.server(),
                    outcome,
                    load,
                    elapsed: drain.elapsed(now),
                    front_end,
                });
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
