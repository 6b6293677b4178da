//! The load: requests active and queued, or the reason why it is not known.

use crate::endpoint::Kind;
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
    /// The port closed the connection without an answer.
    Closed,
    /// The unit's processes and sockets cannot be looked at.
    Unseen(String),
    /// The endpoint that is set is nothing of the unit's.
    NotHere(String),
    /// One of several loads that are added up, or that of PHP-FPM, which has words of its own.
    Of {
        /// What answers there.
        kind: Kind,
        /// Which of several it is: a pool, an endpoint; none if there is one.
        part: Option<String>,
        /// Why that is not known.
        why: Box<Unknown>,
    },
}

impl Load {
    /// Whether both are the same to somebody who reads a log: a page that is quoted may have a clock in it.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Unknown(one), Self::Unknown(other)) => one.is_like(other),
            _ => self == other,
        }
    }
}

impl Unknown {
    /// The same, of that part and kind.
    #[must_use]
    pub fn of(self, kind: Kind, part: Option<&str>) -> Self {
        Self::Of { kind, part: part.map(str::to_owned), why: Box::new(self) }
    }

    fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::NotALoad(one), Self::NotALoad(other)) => one.is_empty() == other.is_empty(),
            (Self::Unseen(_), Self::Unseen(_)) => true,
            (Self::Of { part, why, .. }, Self::Of { part: other, why: because, .. }) => {
                part == other && why.is_like(because)
            }
            _ => self == other,
        }
    }

    /// How much the reason tells: with several places asked, the most telling one is shown.
    pub(crate) fn weight(&self) -> u8 {
        match self {
            Self::NotAsked | Self::NoPlace => 0,
            Self::Refused => 1,
            Self::Name(_) | Self::Io(_) | Self::Closed | Self::Unseen(_) | Self::NotHere(_) => 2,
            Self::Protocol(_) => 3,
            Self::TimedOut => 4,
            Self::NotALoad(_) => 5,
            Self::Status(_) => 6,
            Self::Of { why, .. } => why.weight(),
        }
    }

    /// In words about PHP-FPM, where those about HHVM would mislead.
    fn of_php_fpm(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPlace => f.write_str("PHP-FPM does not run, or listens nowhere"),
            Self::Refused => f.write_str("connection refused: does a pool of PHP-FPM listen there?"),
            Self::TimedOut => f.write_str("no answer in time: are all processes of the pool busy?"),
            Self::Closed => {
                write!(f, "{self}: does listen.allowed_clients let this host in?")
            }
            Self::Status(code @ (403 | 404)) => {
                write!(f, "status {code}: this is not the pool's pm.status_path")
            }
            Self::Status(code) => write!(f, "status {code}"),
            Self::NotALoad(body) if !body.is_empty() => {
                write!(f, "the answer is not PHP-FPM's status page: \"{body}\"")
            }
            other => write!(f, "{other}"),
        }
    }
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
            Self::Closed => f.write_str("the port closed the connection without an answer"),
            Self::Of { kind, part, why } => {
                if let Some(part) = part {
                    write!(f, "{part}: ")?;
                }
                match kind {
                    Kind::Hhvm => write!(f, "{why}"),
                    Kind::PhpFpm => why.of_php_fpm(f),
                }
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_that_quotes_a_clock_stays_the_same() {
        let page = |text: &str| Unknown::NotALoad(text.to_owned());
        let of = |part, why: Unknown| Load::Unknown(why.of(Kind::PhpFpm, Some(part)));
        assert!(of("www", page("12:00:01")).is_like(&of("www", page("12:00:02"))));
        assert!(!of("www", page("12:00:01")).is_like(&of("shop", page("12:00:01"))));
        assert!(!of("www", page("12:00:01")).is_like(&of("www", page(""))));
        assert!(!of("www", Unknown::Status(404)).is_like(&of("www", Unknown::Status(500))));
        assert!(!Load::Known(1).is_like(&Load::Known(2)) && Load::Known(1).is_like(&Load::Known(1)));
    }

    #[test]
    fn nothing_that_is_said_of_php_fpm_is_about_hhvm() {
        for why in [
            Unknown::NoPlace,
            Unknown::Refused,
            Unknown::TimedOut,
            Unknown::Closed,
            Unknown::Status(401),
            Unknown::Status(404),
            Unknown::NotALoad("<html>".to_owned()),
            Unknown::NotALoad(String::new()),
            Unknown::Io(io::ErrorKind::PermissionDenied),
        ] {
            let words = why.of(Kind::PhpFpm, Some("www")).to_string();
            assert!(words.starts_with("www: ") && !words.contains("HHVM"), "{words}");
        }
    }
}
