//! The load of HHVM: requests active + queued, or the reason why it is not known.

pub mod fastcgi;
pub mod http;
pub mod php_fpm;
mod prober;
mod sock_diag;
pub mod sockets;
mod source;

pub use prober::Prober;
pub use source::Source;

use std::fmt;
use std::io;
use std::time::{Duration, Instant};

/// Largest body that can be a count: more digits than any number of threads, and white space.
const COUNT_MAX: usize = 64;

/// How many requests are in flight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Load {
    /// So many, active and queued.
    Known(u64),
    /// Not known; never to be taken for zero.
    Unknown(Unknown),
}

/// Why the load is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unknown {
    /// Nobody was asked yet.
    NotAsked,
    /// There is nobody to ask: HHVM cannot be looked at.
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
}

impl Unknown {
    /// How much the reason tells: with several places asked, the most telling one is shown.
    fn weight(&self) -> u8 {
        match self {
            Self::NotAsked | Self::NoPlace => 0,
            Self::Refused => 1,
            Self::Name(_) | Self::Io(_) => 2,
            Self::Protocol(_) => 3,
            Self::TimedOut => 4,
            Self::NotALoad(_) => 5,
            Self::Status(_) => 6,
        }
    }
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAsked => f.write_str("not asked yet"),
            Self::NoPlace => f.write_str("HHVM does not run, or its command line cannot be read"),
            Self::Refused => f.write_str("connection refused: is HHVM's admin port on?"),
            Self::TimedOut => f.write_str("no complete answer in time"),
            Self::Status(401) => f.write_str("status 401: set password-file to HHVM's admin password"),
            Self::Status(404) => f.write_str("status 404: this is not HHVM's admin port"),
            Self::Status(code) => write!(f, "status {code}"),
            Self::NotALoad(body) if body.is_empty() => f.write_str("empty answer"),
            Self::NotALoad(body) => write!(f, "answer is not a number: \"{body}\""),
            Self::Protocol(what) => f.write_str(what),
            Self::Io(kind) => write!(f, "{kind}"),
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

/// What came back for one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status, 200 where FastCGI names none.
    pub status: u16,
    /// At most one byte more than was asked for.
    pub body: Vec<u8>,
}

/// A way to ask one endpoint; one file per protocol.
pub trait Client {
    /// Requests `path` with `query`, and returns by `deadline` with the reply, of its body `limit` bytes and one.
    fn get(&mut self, path: &str, query: &str, limit: usize, deadline: Instant) -> Result<Reply, Unknown>;
}

/// The time left until `deadline`, or the reason that there is none.
fn left(deadline: Instant) -> Result<Duration, Unknown> {
    match deadline.saturating_duration_since(Instant::now()) {
        Duration::ZERO => Err(Unknown::TimedOut),
        left => Ok(left),
    }
}

/// Reads a count: decimal digits, and white space around them.
///
/// HHVM prints a signed 32-bit integer (`AdminRequestHandler::handleCheckRequest`), and a negative one cannot come
/// about; whatever else stands there is not a load.
fn count(reply: &Reply) -> Result<u64, Unknown> {
    if reply.status != 200 {
        return Err(Unknown::Status(reply.status));
    }
    let text = String::from_utf8_lossy(&reply.body);
    let digits = text.trim_matches([' ', '\t', '\r', '\n']);
    let whole =
        reply.body.len() <= COUNT_MAX && !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    let number = if whole { digits.parse::<u32>().ok() } else { None };
    number
        .filter(|&n| i32::try_from(n).is_ok())
        .map(u64::from)
        .ok_or_else(|| Unknown::NotALoad(crate::text::quote(&text)))
}

#[cfg(any(test, fuzzing))]
#[path = "../../tests/fuzz/properties/load.rs"]
pub mod properties;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(body: &str) -> Result<u64, Unknown> {
        count(&Reply { status: 200, body: body.as_bytes().to_vec() })
    }

    #[test]
    fn a_count_is_digits_and_nothing_else() {
        assert_eq!(of("0"), Ok(0));
        assert_eq!(of("17"), Ok(17));
        assert_eq!(of(" 12\r\n"), Ok(12));
        let endless = "0".repeat(65);
        for body in [
            "",
            " ",
            "-1",
            "+1",
            "abc",
            "1 2",
            "0x0",
            "<html>502</html>",
            "4294967296",
            "2147483648",
            &endless,
        ] {
            assert!(matches!(of(body), Err(Unknown::NotALoad(_))), "{body}");
        }
    }

    #[test]
    fn a_status_other_than_200_is_never_a_load() {
        for status in [0, 204, 301, 401, 404, 502] {
            let reply = Reply { status, body: b"0".to_vec() };
            assert_eq!(count(&reply), Err(Unknown::Status(status)));
        }
    }

    proptest! {
        #[test]
        fn a_load_is_all_that_its_body_says(
            text in "[ .]([ \t\r\n0-9+-]{0,12}|\\{\"active processes\":([1-9]|[0-9.e-]{1,10}),\"listen queue\":[0-9]{1,3}\\}.?|\\[[1-9],[0-9]\\])",
        ) {
            properties::body(text.as_bytes());
        }

        #[test]
        fn only_a_printed_zero_is_zero(body in proptest::collection::vec(any::<u8>(), 0..80)) {
            let is_zero = count(&Reply { status: 200, body: body.clone() }) == Ok(0);
            let trimmed: Vec<u8> = body.iter().copied().filter(|b| !b" \t\r\n".contains(b)).collect();
            prop_assert!(!is_zero || (!trimmed.is_empty() && trimmed.iter().all(|&b| b == b'0')));
        }
    }
}
