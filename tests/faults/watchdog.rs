//! Ends a process that takes too long.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// A watch over one process, until it is dropped or asked.
pub struct Watch {
    leave: Option<Sender<()>>,
    dog: Option<JoinHandle<bool>>,
}

/// Kills `pid` after `patience`.
pub fn watch(pid: Pid, patience: Duration) -> Watch {
    let (leave, left) = channel::<()>();
    let dog = thread::spawn(move || {
        let is_over = left.recv_timeout(patience) == Err(RecvTimeoutError::Timeout);
        is_over && kill(pid, Signal::SIGKILL).is_ok()
    });
    Watch { leave: Some(leave), dog: Some(dog) }
}

impl Watch {
    /// Whether it had to be killed; asked when it has ended.
    pub fn has_bitten(mut self) -> bool {
        drop(self.leave.take());
        self.dog.take().is_some_and(|dog| dog.join().unwrap())
    }
}
