//! Where a run is hurt, and how; also as text, by which a failure is repeated.

use crate::errnos;
use nix::errno::Errno;
use std::fmt;
use std::str::FromStr;

/// A system call of a run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Point {
    /// `main`; `main.1` for the first thread that it starts; `main.c1` for its first child, until that is another program.
    pub thread: String,
    pub call: &'static str,
    /// The first one is 1.
    pub nth: u32,
}

/// What happens at a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// SIGKILL to the program and its children, before the call.
    Kill,
    /// The call is not done, and fails.
    Fails(Errno),
    /// The call is done, and fails.
    FailsDone(Errno),
    /// The call fails, and so does each later one of its name, in whatever thread.
    FailsForGood(Errno),
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}#{}", self.thread, self.call, self.nth)
    }
}

impl FromStr for Point {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no point; expected something like \"main openat#3\"");
        let (thread, rest) = text.split_once(' ').ok_or_else(wrong)?;
        let (call, nth) = rest.split_once('#').ok_or_else(wrong)?;
        let call = errnos::named(call).ok_or_else(wrong)?.name;
        Ok(Self { thread: thread.to_owned(), call, nth: nth.parse().map_err(|_| wrong())? })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill => f.write_str("killed"),
            Self::Fails(errno) => write!(f, "fails:{errno:?}"),
            Self::FailsDone(errno) => write!(f, "fails-done:{errno:?}"),
            Self::FailsForGood(errno) => write!(f, "fails-for-good:{errno:?}"),
        }
    }
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no fault; expected killed, or something like fails:EIO");
        let Some((kind, name)) = text.split_once(':') else {
            return if text == "killed" { Ok(Self::Kill) } else { Err(wrong()) };
        };
        let is_named = |errno: &Errno| format!("{errno:?}") == name;
        let errno = (1..200).map(Errno::from_raw).find(is_named).ok_or_else(wrong)?;
        match kind {
            "fails" => Ok(Self::Fails(errno)),
            "fails-done" => Ok(Self::FailsDone(errno)),
            "fails-for-good" => Ok(Self::FailsForGood(errno)),
            _ => Err(wrong()),
        }
    }
}
