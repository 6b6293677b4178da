//! The users of the farm: requests that begin when the schedule says so, whether or not others are answered.
//!
//! The schedule is fixed before the first request: arrival i of a class is due i/rate after the start, and its
//! latency counts from then. So a farm that stalls cannot slow down the load that measures it. Nothing is retried.
//!
//! Requests on new connections say `Connection: close`, read to the end, and let the server close first, so the
//! ports of the client are free again at once and some 28,000 of them last at any rate. No sysctl is needed.

mod failure;
mod pool;
mod request;
mod schedule;
mod tally;

pub use failure::{Author, Reason};
pub use tally::{ClassTally, Failure, Tally};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use pool::Pool;
use request::Target;
use schedule::Schedule;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tally::Outcome;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout_at;

/// No whole answer within this time, from the scheduled instant, is a failure.
const TIMEOUT: Duration = Duration::from_secs(15);

/// How a user comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A new connection for each request.
    Plain,
    /// As `Plain`, for a page that takes long.
    Slow,
    /// Connections that serve one request after the other.
    KeptAlive,
}

impl Kind {
    pub const ALL: [Self; 3] = [Self::Plain, Self::Slow, Self::KeptAlive];
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Plain => "plain",
            Self::Slow => "slow",
            Self::KeptAlive => "kept-alive",
        })
    }
}

/// Requests of one kind.
#[derive(Clone, Debug)]
pub struct Class {
    pub kind: Kind,
    pub per_second: f64,
    /// Path and query.
    pub path: String,
    /// What a complete answer has to contain, byte for byte.
    pub body: String,
}

/// A load that is going on, on a thread of its own.
pub struct Load {
    sent: Arc<AtomicU64>,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<Tally>,
}

impl Load {
    /// The first request of each class is due now.
    pub fn start(target: SocketAddr, classes: Vec<Class>) -> io::Result<Self> {
        Self::start_within(TIMEOUT, target, classes)
    }

    /// As `start`, with another time after which a request without an answer has failed.
    pub fn start_within(timeout: Duration, target: SocketAddr, classes: Vec<Class>) -> io::Result<Self> {
        raise_descriptors()?;
        let runtime = Builder::new_current_thread().enable_io().enable_time().build()?;
        let began = Instant::now();
        let schedule = Schedule::new(began, classes.iter().map(|class| class.per_second))
            .ok_or_else(|| io::Error::other("the load needs rates above 0"))?;
        let tally = Tally::new(&classes).map_err(io::Error::other)?;
        let targets: Vec<_> = classes.into_iter().map(|class| Arc::new(Target::new(target, class))).collect();
        let sent = Arc::new(AtomicU64::new(0));
        let (stop, stopped) = oneshot::channel();
        let run = Run { timeout, schedule, targets, sent: Arc::clone(&sent), stopped };
        let thread = std::thread::Builder::new()
            .name("load".into())
            .spawn(move || run.until_stopped(&runtime, tally))?;
        Ok(Self { sent, stop, thread })
    }

    /// Requests that have begun so far.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Begins no more requests and waits for those in flight.
    pub fn stop(self) -> Tally {
        let _ = self.stop.send(());
        self.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

struct Run {
    timeout: Duration,
    schedule: Schedule,
    targets: Vec<Arc<Target>>,
    sent: Arc<AtomicU64>,
    stopped: oneshot::Receiver<()>,
}

impl Run {
    fn until_stopped(self, runtime: &Runtime, mut tally: Tally) -> Tally {
        let (report, mut outcomes) = mpsc::unbounded_channel();
        runtime.block_on(async move {
            let arrivals = tokio::spawn(self.arrivals(report));
            // Ends when the last request has dropped its end of the channel.
            while let Some(outcome) = outcomes.recv().await {
                tally.add(outcome);
            }
            if let Err(error) = arrivals.await {
                std::panic::resume_unwind(error.into_panic());
            }
            tally
        })
    }

    async fn arrivals(mut self, report: mpsc::UnboundedSender<Outcome>) {
        let pool = Arc::new(Pool::default());
        while timeout_at(self.schedule.due().into(), &mut self.stopped).await.is_err() {
            let now = Instant::now();
            while let Some((class, scheduled)) = self.schedule.take(now) {
                self.sent.fetch_add(1, Ordering::Relaxed);
                let target = Arc::clone(&self.targets[class]);
                let (pool, report) = (Arc::clone(&pool), report.clone());
                tokio::spawn(async move {
                    let started = Instant::now();
                    let (result, connection) = request::run(&target, &pool, scheduled + self.timeout).await;
                    let took = scheduled.elapsed();
                    // Nobody listens any more only if the tally has panicked, which is reported elsewhere.
                    let _ = report.send(Outcome { class, scheduled, started, took, result });
                    if let Some(connection) = connection {
                        pool.keep(connection).await;
                    }
                });
            }
        }
    }
}

/// Requests that hang add up: 15 s of them, each with a connection of its own.
fn raise_descriptors() -> io::Result<()> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    Ok(setrlimit(Resource::RLIMIT_NOFILE, most, most)?)
}
