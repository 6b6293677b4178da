//! Asks in a thread of its own, so that who hangs holds up neither a signal nor the end of HHVM.

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

/// The thread that asks.
pub struct Prober<T> {
    questions: Sender<Instant>,
    samples: Receiver<Sample<T>>,
    wake: PipeReader,
}

impl<T: Send + 'static> Prober<T> {
    /// Starts the thread, which calls `ask` with the deadline of each question.
    ///
    /// # Errors
    /// When the kernel gives no pipe or no thread.
    pub fn start(mut ask: impl FnMut(Instant) -> T + Send + 'static) -> std::io::Result<Self> {
        let (wake, mut waker) = pipe()?;
        let (questions, asked) = channel::<Instant>();
        let (answer, samples) = channel();
        thread::Builder::new().name("probe".to_owned()).spawn(move || {
            while let Ok(at) = asked.recv() {
                thread::sleep(at.saturating_duration_since(Instant::now()));
                let now = Instant::now();
                let sample = Sample { asked: now, answer: ask(now + PROBE_TIME) };
                if answer.send(sample).is_err() || wake_up(&mut waker).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { questions, samples, wake })
    }

    /// Asks at `at`; the answer comes when [`Prober::as_fd`] is readable.
    pub fn ask(&self, at: Instant) {
        // A thread that is gone never answers, which the drain takes for unknown.
        let _ = self.questions.send(at);
    }

    /// The next answer, if there is one.
    pub fn take(&mut self) -> Option<Sample<T>> {
        match self.samples.try_recv() {
            Ok(sample) => {
                let _ = self.wake.read(&mut [0]);
                Some(sample)
            }
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => None,
        }
    }
}

impl<T> AsFd for Prober<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }
}

fn wake_up(waker: &mut PipeWriter) -> std::io::Result<()> {
    waker.write_all(&[0])
}
