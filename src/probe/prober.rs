//! Asks for the load in a thread of its own, so that a hanging endpoint holds up neither a signal nor the end of
//! HHVM.

use super::source::Source;
use crate::load::Load;
use std::io::{PipeReader, PipeWriter, Read, Write, pipe};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// The deadline of one probe. HHVM's admin server has one worker, so a slow command may be in front of ours.
pub const PROBE_TIME: Duration = Duration::from_secs(2);

/// One answer, and when it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// When the question was put; a zero is only as young as this.
    pub asked: Instant,
    /// The answer.
    pub load: Load,
}

/// The thread that asks.
pub struct Prober {
    questions: Sender<Instant>,
    samples: Receiver<Sample>,
    wake: PipeReader,
}

impl Prober {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the kernel gives no pipe or no thread.
    pub fn start(mut source: Source) -> std::io::Result<Self> {
        let (wake, mut waker) = pipe()?;
        let (questions, asked) = channel::<Instant>();
        let (answer, samples) = channel();
        thread::Builder::new().name("probe".to_owned()).spawn(move || {
            while let Ok(at) = asked.recv() {
                thread::sleep(at.saturating_duration_since(Instant::now()));
                let now = Instant::now();
                let load = source.read(now + PROBE_TIME);
                if answer.send(Sample { asked: now, load }).is_err() || wake_up(&mut waker).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { questions, samples, wake })
    }

    /// Asks for the load at `at`; the answer comes when [`Prober::as_fd`] is readable.
    pub fn ask(&self, at: Instant) {
        // A thread that is gone never answers, which the drain takes for an unknown load.
        let _ = self.questions.send(at);
    }

    /// The next answer, if there is one.
    pub fn take(&mut self) -> Option<Sample> {
        match self.samples.try_recv() {
            Ok(sample) => {
                let _ = self.wake.read(&mut [0]);
                Some(sample)
            }
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => None,
        }
    }
}

impl AsFd for Prober {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }
}

fn wake_up(waker: &mut PipeWriter) -> std::io::Result<()> {
    waker.write_all(&[0])
}
