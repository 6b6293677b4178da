//! Where the load is read, and what has to be done to get at it.

use crate::endpoint::{Protocol, Target};
use crate::load::Unknown;
use crate::sockets::{self, FileId, Listener};
use std::fmt;
use std::net::SocketAddr;

/// Where the load is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Something that answers with a load.
    Endpoint(Target),
    /// Several things that answer, and whose loads are added up.
    Sum(Vec<Target>),
    /// A front end that answers for it, on this host and not of the unit.
    FrontEnd(Target),
    /// The connections to these listeners of the unit.
    Sockets(Vec<sockets::Place>, Because),
}

/// Why connections are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Because {
    /// The setting says so.
    Setting,
    /// The unit has no listener that answers as an admin port does.
    NoAdminPort,
}

/// The next step towards the load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// Ask this listener of the unit.
    Own(Target, Listener),
    /// Ask a front end on this host, which listens at one of these addresses; if nobody does, this is why not.
    FrontEnd(Target, Vec<SocketAddr>, Unknown),
    /// Ask another host.
    OtherHost(Target),
    /// Find out first whether this listener of the unit is an admin port; it usually speaks that protocol.
    Try(Listener, Option<Protocol>),
    /// Count the connections to all listeners of the unit but these.
    Count(Vec<sockets::Place>, Because),
    /// Nobody can be asked, and this is why.
    Nobody(Unknown),
}

/// What a listener turned out to be when it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// Where it listens.
    pub place: sockets::Place,
    /// The number of its socket.
    pub inode: u64,
    /// The language of the admin port that answers there; none if none does.
    pub admin: Option<Protocol>,
}

/// Whom one reaches at the endpoint that is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// This host, at one of these addresses.
    ThisHost(Vec<SocketAddr>),
    /// This host, at a Unix socket; none if there is no such file.
    File(Option<FileId>),
    /// Another host.
    OtherHost,
}

impl Tried {
    /// Whether it was this very socket that was asked.
    #[must_use]
    pub fn is_about(&self, listener: &Listener) -> bool {
        self.place == listener.place && listener.holders.iter().any(|holder| holder.inode == self.inode)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sum(targets) => {
                f.write_str("the sum of")?;
                targets.iter().try_for_each(|target| write!(f, " {target}"))
            }
            Self::Endpoint(target) | Self::FrontEnd(target) => target.fmt(f),
            Self::Sockets(listeners, _) => {
                write!(f, "the kernel's list of connections to {}", names(listeners))
            }
        }
    }
}

/// The names of listeners, for a sentence.
#[must_use]
pub fn names(listeners: &[sockets::Place]) -> String {
    match listeners {
        [] => "no port at all".to_owned(),
        listeners => listeners.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    }
}
