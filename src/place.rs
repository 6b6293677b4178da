//! Where the load can be read: something that answers with it, or a listener whose connections are counted.

use crate::endpoint::Target;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

/// Where a page server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listener {
    /// A TCP port, on one address or on all.
    Tcp(Option<IpAddr>, u16),
    /// A Unix socket, by the path that it was bound to.
    Unix(PathBuf),
}

/// One place where the load can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Something that answers with a load.
    Endpoint(Target),
    /// The connections to a page server.
    Sockets(Listener),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Endpoint(target) => target.fmt(f),
            Self::Sockets(listener) => write!(f, "the kernel's list of connections to {listener}"),
        }
    }
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(Some(address), port) => write!(f, "{}", SocketAddr::new(*address, *port)),
            Self::Tcp(None, port) => write!(f, "port {port}"),
            Self::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}
