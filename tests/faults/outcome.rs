//! What is asked of a traced run, and what came of it.

use crate::point::Point;
use nix::errno::Errno;
use nix::sys::signal::Signal;
use std::path::PathBuf;
use std::time::Duration;

/// What a killed program ends by.
pub const KILL: Signal = Signal::SIGKILL;

/// A call, as it was seen.
#[derive(Debug, Clone)]
pub struct Step {
    pub point: Point,
    /// Whether it may change what others find: files, their names, locks.
    pub changes: bool,
}

/// A system call that fails whenever the program makes it, as on a file system that does not have it.
#[derive(Debug, Clone, Copy)]
pub struct Missing {
    pub call: &'static str,
    pub errno: Errno,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Exited(i32),
    Signaled(Signal),
    /// It was stopped by force after the time that it had.
    Hung,
}

/// What became of a run.
#[derive(Debug)]
pub struct Traced {
    pub end: End,
    pub took: Duration,
    /// Its calls in order, but for those of children that have become other programs.
    pub steps: Vec<Step>,
    /// Whether it came to the point of the fault.
    pub was_met: bool,
}

/// What the disk has been told to do.
#[derive(Debug)]
pub enum Told {
    /// Something, which can be seen now.
    Changed,
    /// To keep what this file or directory is.
    Synced(PathBuf),
}

/// Hears of what the disk is told, with the program at rest.
pub type Observer<'a> = &'a mut dyn FnMut(Told);
