//! What this process does, for everybody to see for as long as it lasts.

use super::activity::{Activity, Live, Phase, Precedence, Writer};
use super::store::Store;
use crate::power;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// An activity that is published until this is dropped. A process that is killed leaves it behind; readers notice that,
/// because no process has its number and start time any more.
#[derive(Debug)]
pub struct Announcement {
    store: Store,
    activity: Activity,
    publisher: Publisher,
}

/// Who publishes what is to see meanwhile: a thread of its own, because a disk that hangs must not hold up a drain.
#[derive(Debug)]
enum Publisher {
    /// There was nothing to publish yet.
    Idle,
    /// This one.
    Thread(Sender<Activity>, JoinHandle<()>),
    /// There is no thread to be had.
    Missing,
}

impl Announcement {
    /// Publishes that this process begins a drain of at most that time, whatever else goes on. Nothing, where procfs
    /// does not tell of this process.
    #[must_use]
    pub fn of_drain(store: &Store, at_most: Duration) -> Option<Self> {
        Self::of(store, Phase::Draining, Some(at_most), Precedence::First)
    }

    /// Publishes that this process waits for the node's turn, for at most that time. Nothing, where procfs does not tell of
    /// this process.
    #[must_use]
    pub fn of_wait(store: &Store, at_most: Duration) -> Option<Self> {
        Self::of(store, Phase::Waiting, Some(at_most), Precedence::First)
    }

    /// Publishes that this process waits until the node can go back, for at most that time if there is a bound; unless
    /// another does something. Nothing, where procfs does not tell of this process.
    #[must_use]
    pub fn of_return(store: &Store, at_most: Option<Duration>) -> Option<Self> {
        Self::of(store, Phase::Returning, at_most, Precedence::Last)
    }

    fn of(store: &Store, phase: Phase, at_most: Option<Duration>, precedence: Precedence) -> Option<Self> {
        let writer = Writer::this(&store.proc())?;
        let (at_most, since) = (at_most.map(|time| time.as_secs()), store.now());
        let activity = Activity { phase, since, at_most, writer, live: Live::default() };
        store.announce(activity.clone(), precedence);
        Some(Self { store: store.clone(), activity, publisher: Publisher::Idle })
    }

    /// Publishes what there is to see by now, without a wait for it.
    pub fn show(&mut self, live: Live) {
        if matches!(self.publisher, Publisher::Idle) {
            self.publisher = Publisher::start(&self.store);
        }
        if let Publisher::Thread(news, _) = &self.publisher {
            let _ = news.send(Activity { live, ..self.activity.clone() });
        }
    }
}

impl Publisher {
    fn start(store: &Store) -> Self {
        let (sender, news) = channel();
        let store = store.clone();
        let thread = thread::Builder::new().name("publish".to_owned()).spawn(move || publish(&store, &news));
        thread.map_or(Self::Missing, |thread| Self::Thread(sender, thread))
    }
}

/// Publishes the latest of what comes, for as long as anything can.
fn publish(store: &Store, news: &Receiver<Activity>) {
    power::keep(&[]);
    while let Ok(activity) = news.recv() {
        let latest = news.try_iter().last().unwrap_or(activity);
        store.announce(latest, Precedence::First);
    }
}

impl Drop for Announcement {
    fn drop(&mut self) {
        if let Publisher::Thread(news, thread) = std::mem::replace(&mut self.publisher, Publisher::Missing) {
            drop(news);
            // Or it could publish once more what is over.
            let _ = thread.join();
        }
        // What a panic leaves is seen to be the dead's.
        if !std::thread::panicking() {
            self.store.announce_end(self.activity.writer);
        }
    }
}
