//! Where a socket listens.

use crate::text::quote;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Where a socket listens.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A TCP port, on one address or, with the unspecified one, on all.
    Tcp(SocketAddr),
    /// A Unix socket.
    Unix(Name),
}

/// What a Unix socket is bound to (unix(7)).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Name {
    /// A path, as it was given to bind(2).
    Path(PathBuf),
    /// A name that is no file, without the zero byte that it begins with.
    Abstract(Vec<u8>),
}

impl Place {
    /// The TCP port.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        match self {
            Self::Tcp(address) => Some(address.port()),
            Self::Unix(_) => None,
        }
    }

    /// Whether somebody who connects to `address`, in the same network name space, gets here. A socket that listens on all
    /// addresses of IPv6 usually takes IPv4, too.
    #[must_use]
    pub fn is_reached_by(&self, address: SocketAddr) -> bool {
        let Self::Tcp(own) = self else { return false };
        let (ip, to) = (own.ip().to_canonical(), address.ip().to_canonical());
        own.port() == address.port() && (ip == to || (ip.is_unspecified() && (ip.is_ipv6() || to.is_ipv4())))
    }

    /// Whether a connection whose end here is `local` belongs to a socket that listens here, and how closely its
    /// address fits. A socket of IPv6 that takes IPv4 connections, too, has them with mapped addresses, in its own family.
    #[must_use]
    pub(super) fn takes(&self, local: SocketAddr) -> Option<Fit> {
        let Self::Tcp(own) = self else { return None };
        if own.port() != local.port() || own.is_ipv4() != local.is_ipv4() {
            return None;
        }
        match own.ip() {
            ip if ip == local.ip() => Some(Fit::Address),
            ip if ip.is_unspecified() => Some(Fit::Any),
            _ => None,
        }
    }
}

/// How closely an address fits: the kernel gives a connection to the closest listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    /// The socket listens on all addresses.
    Any,
    /// It listens on this very address.
    Address,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(Name::Path(path)) => f.write_str(&quote(&path.to_string_lossy())),
            Self::Unix(Name::Abstract(name)) => write!(f, "@{}", quote(&String::from_utf8_lossy(name))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(listener: &str, local: &str) -> Option<Fit> {
        Place::Tcp(listener.parse().unwrap()).takes(local.parse().unwrap())
    }

    #[test]
    fn a_connection_belongs_to_the_listener_of_its_family_address_and_port() {
        assert_eq!(fit("127.0.0.1:9000", "127.0.0.1:9000"), Some(Fit::Address));
        assert_eq!(fit("0.0.0.0:9000", "10.0.0.5:9000"), Some(Fit::Any));
        assert_eq!(fit("[::]:9000", "[::ffff:127.0.0.1]:9000"), Some(Fit::Any));
        for (listener, local) in [
            ("127.0.0.1:9000", "127.0.0.1:9001"),
            ("127.0.0.1:9000", "127.0.0.2:9000"),
            ("[::]:9000", "127.0.0.1:9000"),
            ("0.0.0.0:9000", "[::1]:9000"),
        ] {
            assert_eq!(fit(listener, local), None, "{listener} {local}");
        }
    }

    #[test]
    fn who_connects_may_write_the_address_in_another_way() {
        let reaches =
            |own: &str, to: &str| Place::Tcp(own.parse().unwrap()).is_reached_by(to.parse().unwrap());
        assert!(reaches("127.0.0.1:9001", "127.0.0.1:9001") && reaches("0.0.0.0:9001", "127.0.0.1:9001"));
        assert!(reaches("[::]:9001", "127.0.0.1:9001") && reaches("[::]:9001", "[::1]:9001"));
        assert!(reaches("[::ffff:127.0.0.1]:9001", "127.0.0.1:9001"));
        for (own, to) in [
            ("127.0.0.1:9001", "127.0.0.1:9000"),
            ("127.0.0.1:9001", "127.0.0.2:9001"),
            ("0.0.0.0:9001", "[::1]:9001"),
            ("[::1]:9001", "127.0.0.1:9001"),
        ] {
            assert!(!reaches(own, to), "{own} {to}");
        }
    }

    #[test]
    fn places_print_as_people_write_them() {
        let path = Place::Unix(Name::Path("/run/hhvm/sock".into()));
        assert_eq!(path.to_string(), "/run/hhvm/sock");
        assert_eq!(Place::Unix(Name::Abstract(b"hhvm\n".to_vec())).to_string(), "@hhvm");
        assert_eq!(Place::Tcp("[::]:9000".parse().unwrap()).to_string(), "[::]:9000");
    }
}
