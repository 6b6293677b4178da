//! When each node was out of the balancer's rotation, by what the balancer itself says.

use crate::balancer::Statistics;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How exact the times are.
const TICK: Duration = Duration::from_millis(50);

/// A change: from then on the node gets requests, or no more.
#[derive(Clone, Copy)]
struct Change {
    at: Instant,
    node: usize,
    gets_requests: bool,
}

/// Watches a balancer until it is asked for what it saw.
pub struct Rotation {
    enough: Arc<AtomicBool>,
    watcher: JoinHandle<Vec<Change>>,
}

impl Rotation {
    /// Begins to watch.
    pub fn watch(statistics: Statistics, nodes: usize) -> Self {
        let enough = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&enough);
        let watcher = thread::spawn(move || {
            let mut known = vec![true; nodes];
            let mut changes = Vec::new();
            while !until.load(Ordering::Relaxed) {
                for (node, known) in known.iter_mut().enumerate() {
                    // A balancer that does not answer for a moment has not changed its mind.
                    let Ok(status) = statistics.status(node) else { continue };
                    let gets_requests = status.starts_with("UP");
                    if gets_requests != *known {
                        *known = gets_requests;
                        changes.push(Change { at: Instant::now(), node, gets_requests });
                    }
                }
                thread::sleep(TICK);
            }
            changes
        });
        Self { enough, watcher }
    }

    /// Ends the watch.
    pub fn end(self) -> Seen {
        self.enough.store(true, Ordering::Relaxed);
        Seen(self.watcher.join().unwrap_or_default())
    }
}

/// What was seen.
pub struct Seen(Vec<Change>);

impl Seen {
    /// How long the node was out, all in all, between two instants.
    pub fn out(&self, node: usize, from: Instant, until: Instant) -> Duration {
        let mut out = Duration::ZERO;
        let mut since = None;
        for change in self.0.iter().filter(|change| change.node == node) {
            let at = change.at.clamp(from, until);
            match (change.gets_requests, since) {
                (false, None) => since = Some(at),
                (true, Some(left)) => {
                    out += at - left;
                    since = None;
                }
                _ => {}
            }
        }
        out + since.map_or(Duration::ZERO, |left| until - left)
    }
}
