//! Asks in a thread of its own, so that who hangs holds up neither a signal nor the end of HHVM. Where no thread is to be
//! had, as in a unit that has reached its `TasksMax=`, the one who waits asks: that holds it up for one question's time.

use std::io::{PipeReader, PipeWriter, Read, Write, pipe};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// The deadline of one probe. HHVM's admin server has one worker, so a slow command may be in front of ours.
pub const PROBE_TIME: Duration = Duration::from_secs(2);

/// One answer, and when it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample<T> {
    /// When the question was put; a zero is only as young as this.
    pub asked: Instant,
    /// The answer.
    pub answer: T,
}

/// What asks, by the deadline of each question.
type Ask<T> = Box<dyn FnMut(Instant) -> T + Send>;

/// The one who asks.
pub struct Prober<T>(Way<T>);

enum Way<T> {
    Thread { questions: Sender<Instant>, samples: Receiver<Sample<T>>, wake: PipeReader },
    Here { ask: Ask<T>, due: Option<Instant> },
}

impl<T: Send + 'static> Prober<T> {
    /// Starts the thread, if the kernel gives one and a pipe. It calls `ask` with the deadline of each question.
    pub fn start(ask: impl FnMut(Instant) -> T + Send + 'static) -> Self {
        let ask: Ask<T> = Box::new(ask);
        Self(match pipe() {
            Ok((wake, waker)) => in_thread(ask, wake, waker),
            Err(_) => Way::Here { ask, due: None },
        })
    }

    /// As [`Prober::start`], for one whom others must not wait for: none without a thread.
    pub fn start_beside(ask: impl FnMut(Instant) -> T + Send + 'static) -> Option<Self> {
        Some(Self::start(ask)).filter(|prober| matches!(prober.0, Way::Thread { .. }))
    }

    /// Asks at `at`; the answer comes when [`Prober::pipe`] is readable, or [`Prober::due`] has come.
    pub fn ask(&mut self, at: Instant) {
        match &mut self.0 {
            // A thread that is gone never answers, which the drain takes for unknown.
            Way::Thread { questions, .. } => drop(questions.send(at)),
            Way::Here { due, .. } => *due = Some(at),
        }
    }

    /// What is readable once there is an answer.
    #[must_use]
    pub fn pipe(&self) -> Option<BorrowedFd<'_>> {
        match &self.0 {
            Way::Thread { wake, .. } => Some(wake.as_fd()),
            Way::Here { .. } => None,
        }
    }

    /// When [`Prober::take`] is to be called for the answer, if nothing tells of it.
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        match &self.0 {
            Way::Thread { .. } => None,
            Way::Here { due, .. } => *due,
        }
    }

    /// The next answer, if there is one.
    pub fn take(&mut self) -> Option<Sample<T>> {
        match &mut self.0 {
            Way::Thread { samples, wake, .. } => match samples.try_recv() {
                Ok(sample) => {
                    let _ = wake.read(&mut [0]);
                    Some(sample)
                }
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => None,
            },
            Way::Here { ask, due } => {
                let asked = Instant::now();
                due.take_if(|due| *due <= asked)?;
                Some(Sample { asked, answer: ask(asked + PROBE_TIME) })
            }
        }
    }
}

/// The thread is there before it gets what asks: what a thread would have taken along is lost with it.
fn in_thread<T: Send + 'static>(ask: Ask<T>, wake: PipeReader, mut waker: PipeWriter) -> Way<T> {
    let (give, given) = channel::<Ask<T>>();
    let (questions, asked) = channel::<Instant>();
    let (answer, samples) = channel();
    let started = thread::Builder::new().name("probe".to_owned()).spawn(move || {
        let Ok(mut ask) = given.recv() else { return };
        while let Ok(at) = asked.recv() {
            thread::sleep(at.saturating_duration_since(Instant::now()));
            let now = Instant::now();
            let sample = Sample { asked: now, answer: ask(now + PROBE_TIME) };
            if answer.send(sample).is_err() || wake_up(&mut waker).is_err() {
                return;
            }
        }
    });
    if started.is_err() {
        return Way::Here { ask, due: None };
    }
    // Should the thread be gone already, its silence is taken for unknown.
    let _ = give.send(ask);
    Way::Thread { questions, samples, wake }
}

fn wake_up(waker: &mut PipeWriter) -> std::io::Result<()> {
    waker.write_all(&[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_thread_the_question_is_put_when_it_is_due() {
        let mut answers = 0..;
        let mut prober = Prober(Way::Here { ask: Box::new(move |_| answers.next()), due: None });
        assert_eq!((prober.take(), prober.due()), (None, None), "nobody has asked");
        let soon = Instant::now() + Duration::from_secs(3600);
        prober.ask(soon);
        assert_eq!((prober.take(), prober.due()), (None, Some(soon)), "it is too early");
        let now = Instant::now();
        prober.ask(now);
        let sample = prober.take().unwrap();
        assert!(sample.answer == Some(0) && sample.asked >= now, "{sample:?}");
        assert_eq!((prober.take(), prober.due()), (None, None), "it is asked once");
    }
}
