//! Why it is not known what a balancer does.

use super::ROWS_MAX;
use crate::text::seconds;
use std::fmt;
use std::io;
use std::time::Duration;

/// Why it is not known what a balancer does. It never counts as "out".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unclear {
    /// It has not answered yet.
    NotAsked,
    /// There is no connection.
    Unreachable(io::ErrorKind),
    /// Its host name cannot be resolved.
    NoSuchName,
    /// There was no complete answer in time.
    TimedOut,
    /// The connection ended within the answer, or before it.
    CutOff,
    /// The answer is longer than a balancer's can be.
    TooLong,
    /// The answer has this status.
    Status(u16),
    /// The answer is something else: its first words.
    NotATable(String),
    /// HAProxy does not know this backend any more.
    NoSuchBackend,
    /// None of its servers is this node.
    NoRow,
    /// A server has this node's name, and another address.
    OnlyByName(String),
    /// So many of its servers seem to be this node.
    TooManyRows(usize),
    /// It sends to this row for ever, because it does not check it.
    NotChecked(String),
    /// The page has neither the text for "out" nor that for "in", or both.
    NeitherText,
    /// A file that is needed to ask cannot be read, or may not be used; which, and why.
    File(String),
    /// A command ended in another way than with 0 or 1; how, and what it printed.
    Command(String),
    /// A command did not end within this time.
    Hung(Duration),
    /// Something else prevents the question.
    CannotAsk(String),
}

impl Unclear {
    /// Whether both are the same to somebody who reads a log.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

impl fmt::Display for Unclear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAsked => f.write_str("no answer yet"),
            Self::Unreachable(kind) => write!(f, "{kind}"),
            Self::NoSuchName => f.write_str("its host name cannot be resolved"),
            Self::TimedOut => f.write_str("no complete answer in time"),
            Self::CutOff => f.write_str("the connection ended before the answer was complete"),
            Self::TooLong => f.write_str("the answer is longer than 4 MiB"),
            Self::Status(code @ (401 | 403)) => {
                write!(f, "status {code}; set user and password-file for this balancer")
            }
            Self::Status(code) => write!(f, "status {code}"),
            Self::NotATable(start) if start.is_empty() => f.write_str("the answer is empty"),
            Self::NotATable(start) => write!(f, "the answer is not a table of HAProxy's: \"{start}\""),
            Self::NoSuchBackend => f.write_str("a backend is gone"),
            Self::NoRow => f.write_str(
                "it has no row for this node; set balancer-name to the server's name, ADDR:PORT or BACKEND/SERVER",
            ),
            Self::OnlyByName(row) => write!(
                f,
                "{row} has this node's name, but not its address; if it is this node, set balancer-name to \
                 BACKEND/SERVER"
            ),
            Self::TooManyRows(rows) => write!(
                f,
                "{rows} of its rows match, and at most {ROWS_MAX} can be this node's; set balancer-name to ADDR:PORT or \
                 BACKEND/SERVER"
            ),
            Self::NotChecked(row) => {
                write!(f, "it does not check {row}, so it never takes this node out; add \"check\" to its line")
            }
            Self::NeitherText => {
                f.write_str("the page has not exactly one of the texts that out and in are set to")
            }
            Self::File(why) | Self::Command(why) | Self::CannotAsk(why) => f.write_str(why),
            Self::Hung(time) => write!(f, "the command did not end within {}", seconds(*time)),
        }
    }
}

impl From<io::Error> for Unclear {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Self::TimedOut,
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
                Self::CutOff
            }
            kind => Self::Unreachable(kind),
        }
    }
}
