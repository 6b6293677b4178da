//! The load: requests active and queued, or the reason why it is not known.

use std::fmt;
use std::io;

/// How many requests are in flight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Load {
    /// Known: active and queued requests.
    Known(u64),
    /// Not known. Never counts as zero.
    Unknown(Unknown),
}

/// Why the load is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unknown {
    /// Not asked yet.
    NotAsked,
    /// There is nothing to ask, because HHVM cannot be inspected.
    NoPlace,
    /// Nothing listens there.
    Refused,
    /// No complete answer before the probe's deadline.
    TimedOut,
    /// The answer has this status.
    Status(u16),
    /// The answer is not a number.
    NotALoad(String),
    /// The other end does not speak the protocol.
    Protocol(&'static str),
    /// The connection failed.
    Io(io::ErrorKind),
    /// The host name cannot be resolved.
    Name(String),
    /// The unit's processes and sockets cannot be looked at.
    Unseen(String),
    /// The endpoint that is set is nothing of the unit's.
    NotHere(String),
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAsked => f.write_str("not asked yet"),
            Self::NoPlace => f.write_str("HHVM is not running, or its command line cannot be read"),
            Self::Refused => f.write_str("connection refused: is HHVM's admin port on?"),
            Self::TimedOut => f.write_str("no complete answer in time"),
            Self::Status(401) => f.write_str("status 401: set password-file to HHVM's admin password"),
            Self::Status(404) => f.write_str("status 404: this is not HHVM's admin port"),
            Self::Status(code) => write!(f, "status {code}"),
            Self::NotALoad(body) if body.is_empty() => f.write_str("empty answer"),
            Self::NotALoad(body) => write!(f, "answer is not a number: \"{body}\""),
            Self::Protocol(what) => f.write_str(what),
            Self::Io(kind) => write!(f, "{kind}"),
            Self::Unseen(why) | Self::NotHere(why) => f.write_str(why),
            Self::Name(name) => write!(f, "host name {name} cannot be resolved"),
        }
    }
}

impl From<io::Error> for Unknown {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => Self::Refused,
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Self::TimedOut,
            kind => Self::Io(kind),
        }
    }
}
