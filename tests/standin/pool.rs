//! Workers and their queue, with the two numbers that HHVM's load is made of.

use std::collections::VecDeque;
use std::fs;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::SystemTime;

use crate::lock;

/// What a worker is busy with, for `status.json`.
#[derive(Clone)]
pub struct Note {
    pub url: String,
    pub client: String,
}

/// One worker.
#[derive(Clone, Default)]
pub struct Worker {
    pub tid: u64,
    pub requests: u64,
    pub busy: Option<(Note, SystemTime)>,
}

struct Job {
    note: Note,
    run: Box<dyn FnOnce() + Send>,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Job>,
    active: usize,
    workers: Vec<Worker>,
}

impl State {
    fn is_idle(&self) -> bool {
        self.active == 0 && self.queue.is_empty()
    }
}

/// A fixed number of workers with one queue.
pub struct Pool {
    state: Mutex<State>,
    /// Wakes one worker for one job, for under load there are many of both.
    queued: Condvar,
    idle: Condvar,
}

impl Pool {
    /// Starts the workers.
    pub fn start(threads: usize) -> Arc<Self> {
        let state = State { workers: vec![Worker::default(); threads], ..State::default() };
        let pool = Arc::new(Self { state: Mutex::new(state), queued: Condvar::new(), idle: Condvar::new() });
        for index in 0..threads {
            let pool = Arc::clone(&pool);
            thread::spawn(move || pool.work(index));
        }
        pool
    }

    /// Queues a job.
    pub fn submit(&self, note: Note, run: Box<dyn FnOnce() + Send>) {
        lock(&self.state).queue.push_back(Job { note, run });
        self.queued.notify_one();
    }

    /// Jobs that a worker has taken and not finished.
    pub fn active(&self) -> usize {
        lock(&self.state).active
    }

    /// Jobs that no worker has taken yet.
    pub fn queued(&self) -> usize {
        lock(&self.state).queue.len()
    }

    /// The workers as they are now.
    pub fn workers(&self) -> Vec<Worker> {
        lock(&self.state).workers.clone()
    }

    /// Waits until no job runs or is queued.
    pub fn wait_idle(&self) {
        let mut state = lock(&self.state);
        while !state.is_idle() {
            state = self.idle.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn work(&self, index: usize) {
        lock(&self.state).workers[index].tid = thread_id();
        loop {
            let run = self.take(index);
            run();
            let mut state = lock(&self.state);
            state.active -= 1;
            state.workers[index].busy = None;
            if state.is_idle() {
                self.idle.notify_all();
            }
        }
    }

    fn take(&self, index: usize) -> Box<dyn FnOnce() + Send> {
        let mut state = lock(&self.state);
        loop {
            if let Some(job) = state.queue.pop_front() {
                state.active += 1;
                state.workers[index].requests += 1;
                state.workers[index].busy = Some((job.note, SystemTime::now()));
                return job.run;
            }
            state = self.queued.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

fn thread_id() -> u64 {
    fs::read_link("/proc/thread-self")
        .ok()
        .and_then(|link| link.file_name()?.to_str()?.parse().ok())
        .unwrap_or(0)
}
