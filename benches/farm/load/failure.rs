//! Why a request failed.

use std::fmt;
use std::io::ErrorKind;

/// Why it failed, and whether that was on a connection that had already served a request.
pub struct Failed {
    pub reason: Reason,
    pub reused: bool,
}

/// Why a request failed. Everything is a failure but a status of 200 with the whole body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// No connection.
    Connect(ErrorKind),
    /// Another status than 200, and from whom.
    Status(u16, Author),
    /// Closed in good order before an answer.
    Closed,
    /// Closed in good order within the answer's body.
    Incomplete,
    /// Reset, before the answer or within it.
    Reset,
    /// Another error of the connection.
    Connection(ErrorKind),
    /// A body that is not the page's.
    WrongBody,
    /// An answer that is not HTTP.
    NotHttp,
    /// No whole answer within the generator's timeout.
    TimedOut,
    /// The generator ran out of ports, descriptors or memory: such a run says nothing about the farm.
    Generator(ErrorKind),
}

/// Who made an answer, by its `Server` header. `HAProxy` adds none to its own error pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Author {
    /// The node's nginx.
    Nginx,
    /// Somebody else with a name.
    Other,
    /// No header: the balancer itself.
    Nameless,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(kind) => write!(f, "no connection: {kind}"),
            Self::Status(code, Author::Nginx) => write!(f, "{code} from nginx"),
            Self::Status(code, Author::Other) => write!(f, "{code}"),
            Self::Status(code, Author::Nameless) => write!(f, "{code} from the balancer"),
            Self::Closed => f.write_str("closed before an answer"),
            Self::Incomplete => f.write_str("incomplete answer"),
            Self::Reset => f.write_str("connection reset"),
            Self::Connection(kind) => write!(f, "connection lost: {kind}"),
            Self::WrongBody => f.write_str("wrong page"),
            Self::NotHttp => f.write_str("not HTTP"),
            Self::TimedOut => f.write_str("no answer in time"),
            Self::Generator(kind) => write!(f, "the load generator itself: {kind}"),
        }
    }
}
