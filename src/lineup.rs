//! The loop that waits for a turn: for the engine's answers, HHVM's end, a signal, the host's shutdown and the next deadline.
//!
//! The engine is asked in a thread of its own, for a member that hangs must hold up neither a signal nor a deadline.

use crate::fleet::{Engine, Over};
use crate::probe::Prober;
use crate::process::Process;
use crate::queue::Row;
use crate::slot::{Me, News, Notebook, Release, Released, Take, Whose, carry_out};
use crate::turn::{Action, Cause, End, Event, Standing, Turn};
use crate::wait::{NAP, Signals, timeout};
use nix::poll::{PollFd, PollFlags, poll};
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

/// How often at least it is looked at what nothing tells of.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Between two looks at slots that nobody gives back.
const SWEEP_EVERY: Duration = Duration::from_secs(15);
/// Between two questions whether the host goes down, and whether the front end answers.
const ASK_EVERY: Duration = Duration::from_secs(5);

/// What a thread is asked that has an engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// For the turn of a node that stands in that row; whether stale slots are seen to.
    Turn(Row, bool),
    /// To be out whatever the limit says.
    Over(Over),
    /// To give up the place.
    GiveUp,
}

/// Its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Where the node stands.
    pub standing: Standing,
    /// What else the look has told.
    pub news: News,
    /// Another host that writes as this node, by its machine-id.
    pub twin: Option<String>,
}

/// A thread that asks an engine.
pub struct Lineup {
    questions: Sender<Question>,
    prober: Prober<Option<Reply>>,
}

impl Lineup {
    /// Starts it. `engine` makes the engine, which can take time, when it is asked for the first time.
    pub fn start<E, N>(
        me: Me,
        mut take: Take,
        mut engine: impl FnMut() -> Result<E, String> + Send + 'static,
        mut notebook: N,
    ) -> Self
    where
        E: Engine + Send + 'static,
        N: Notebook + Send + 'static,
    {
        let (questions, asked) = channel();
        let mut made: Option<E> = None;
        let answer = move |_| {
            let question = asked.try_recv().ok()?;
            if made.is_none() {
                match engine() {
                    Ok(engine) => made = Some(engine),
                    Err(why) => return Some(Reply::unanswered(why)),
                }
            }
            let engine = made.as_mut()?;
            match question {
                Question::Turn(row, sweeps) => take.ask(row, sweeps),
                Question::Over(why) => take.go_over(why),
                Question::GiveUp => {
                    let mut release = Release::new(me.clone(), take.place(), Whose::Drains);
                    let released = carry_out(&mut release, engine, &mut notebook);
                    return Some(Reply::unanswered(match released {
                        Released::Unanswered(why) => why,
                        Released::Yes | Released::NotHeld | Released::Kept => String::new(),
                    }));
                }
            }
            let standing = carry_out(&mut take, engine, &mut notebook);
            Some(Reply { standing, news: take.news(), twin: take.twin().map(str::to_owned) })
        };
        Self { questions, prober: Prober::start(answer) }
    }

    /// Asks at `at`.
    fn ask(&mut self, question: Question, at: Instant) {
        // A thread that is gone never answers.
        let _ = self.questions.send(question);
        self.prober.ask(at);
    }

    /// Asks once, and waits for the answer for so long. What it was asked before may be answered first.
    pub fn last(&mut self, question: Question, patience: Duration) -> Option<Reply> {
        let give_up = Instant::now() + patience;
        while self.prober.take().is_some() {}
        self.ask(question, Instant::now());
        let mut last = None;
        loop {
            // The answer to a question before may come first.
            while let Some(sample) = self.prober.take() {
                last = sample.answer;
                if last.as_ref().is_some_and(|reply| matches!(reply.standing, Standing::Admitted(_))) {
                    return last;
                }
            }
            let now = Instant::now();
            if now >= give_up {
                return last;
            }
            std::thread::sleep(Duration::from_millis(5).min(give_up - now));
        }
    }
}

impl Reply {
    fn unanswered(why: String) -> Self {
        Self { standing: Standing::Unanswered(why), news: News::default(), twin: None }
    }
}

/// What a wait for a turn looks at.
pub struct Sights<'a> {
    /// Signals to this program.
    pub signals: &'a Signals,
    /// HHVM, if it is known.
    pub process: Option<&'a Process>,
    /// The engine.
    pub lineup: Lineup,
    /// Whether the host goes down.
    pub host: Prober<bool>,
    /// Whether the front end answers that the node is up.
    pub front_end: Option<Prober<bool>>,
}

/// Who is told how the wait goes, and knows of what ends it.
pub trait Onlooker {
    /// How it stands now; what ends it, if anything does.
    fn look(&mut self, turn: &Turn, now: Instant) -> Option<Cause>;

    /// What an answer has told besides.
    fn hear(&mut self, reply: &Reply);
}

/// Waits for the turn.
pub fn wait(mut turn: Turn, sights: &mut Sights<'_>, begin: Event, onlooker: &mut impl Onlooker) -> End {
    let mut event = begin;
    let (mut swept, mut asked, mut was_up) = (None::<Instant>, None::<Instant>, false);
    loop {
        let now = Instant::now();
        if asked.is_none_or(|asked| now >= asked + ASK_EVERY) {
            asked = Some(now);
            sights.host.ask(now);
            if let Some(front_end) = &mut sights.front_end {
                front_end.ask(now);
            }
        }
        match turn.step(now, event) {
            Action::Finish(end) => return end,
            Action::Ask(at, row) => {
                let sweeps = swept.is_none_or(|swept| now >= swept + SWEEP_EVERY);
                swept = if sweeps { Some(now) } else { swept };
                sights.lineup.ask(Question::Turn(row, sweeps), at);
                event = Event::Tick;
            }
            Action::WaitUntil(until) => {
                event = match onlooker.look(&turn, now) {
                    Some(cause) => Event::Ends(cause),
                    None => sights.next(until.min(now + LOOK_EVERY), &mut was_up, onlooker),
                };
            }
        }
    }
}

impl Sights<'_> {
    /// Blocks until something happens, or `until`. What ends the wait for good comes first.
    fn next(&mut self, until: Instant, was_up: &mut bool, onlooker: &mut impl Onlooker) -> Event {
        self.block(until);
        if self.process.is_some_and(Process::has_ended) {
            return Event::Ends(Cause::HhvmEnded);
        }
        if self.signals.arrived() {
            return Event::Ends(Cause::Interrupted);
        }
        if self.host.take().is_some_and(|sample| sample.answer) {
            return Event::HostStops;
        }
        if let Some(sample) = self.front_end.as_mut().and_then(Prober::take) {
            // One that never said so tells nothing by its silence.
            if *was_up && !sample.answer {
                return Event::Ends(Cause::FrontEndGone);
            }
            *was_up |= sample.answer;
        }
        match self.lineup.prober.take().and_then(|sample| sample.answer) {
            Some(reply) => {
                onlooker.hear(&reply);
                Event::Answered(reply.standing)
            }
            None => Event::Tick,
        }
    }

    fn block(&self, until: Instant) {
        let probers =
            [self.lineup.prober.due(), self.host.due(), self.front_end.as_ref().and_then(Prober::due)];
        let until = probers.into_iter().flatten().fold(until, Instant::min);
        let descriptors = [
            self.signals.descriptor(),
            self.process.and_then(Process::pidfd),
            self.lineup.prober.pipe(),
            self.host.pipe(),
            self.front_end.as_ref().and_then(Prober::pipe),
        ];
        let mut fds: Vec<_> =
            descriptors.into_iter().flatten().map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        match poll(&mut fds, timeout(until)) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            // No memory for it, or more descriptors than may be open.
            Err(_) => std::thread::sleep(until.saturating_duration_since(Instant::now()).min(NAP)),
        }
    }
}
