//! Where a pool listens, and who may ask it: `listen` and `listen.allowed_clients`.

use super::pattern::absolute;
use std::ffi::OsStr;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Longest path of a socket (unix(7)); PHP-FPM cuts off the rest.
const PATH_MAX: usize = 107;

/// Where a pool listens (`fpm_sockets.c`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Listen {
    /// A port on all addresses.
    Port(u16),
    /// A port on one address.
    Ip(IpAddr, u16),
    /// A port on the address of a name.
    Name(String, u16),
    /// A Unix socket.
    Unix(PathBuf),
}

impl Listen {
    /// Reads the value of `listen`; a relative path lies below `prefix`. None for what is no address.
    #[must_use]
    pub fn read(value: &[u8], prefix: &Path) -> Option<Self> {
        if value.is_empty() {
            return None;
        }
        if value.iter().all(u8::is_ascii_digit) {
            return Some(Self::Port(port(value)?));
        }
        let Some(colon) = value.iter().rposition(|byte| *byte == b':') else {
            let mut path = absolute(value, prefix);
            path.truncate(PATH_MAX);
            return Some(Self::Unix(PathBuf::from(OsStr::from_bytes(&path))));
        };
        let port = port(&value[colon + 1..])?;
        let host = std::str::from_utf8(&value[..colon]).ok()?;
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        match (host, host.parse()) {
            ("", _) => None,
            (_, Ok(address)) => Some(Self::Ip(address, port)),
            (_, Err(_)) => Some(Self::Name(host.to_owned(), port)),
        }
    }

    /// Its port, if it has one.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        match self {
            Self::Port(port) | Self::Ip(_, port) | Self::Name(_, port) => Some(*port),
            Self::Unix(_) => None,
        }
    }
}

/// As atoi(3) reads it: digits, and then anything.
fn port(text: &[u8]) -> Option<u16> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let port = std::str::from_utf8(&text[..digits]).ok()?.parse().ok()?;
    (port > 0).then_some(port)
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port(port) => write!(f, "port {port}"),
            Self::Ip(address, port) => std::net::SocketAddr::new(*address, *port).fmt(f),
            Self::Name(host, port) => write!(f, "{host}:{port}"),
            Self::Unix(path) => path.display().fmt(f),
        }
    }
}

/// The addresses that a pool takes connections from; it closes others without a word.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AllowedClients(Option<Vec<IpAddr>>);

impl AllowedClients {
    /// Reads the value of `listen.allowed_clients`: addresses with commas, and nothing else, between them. What is no
    /// address is passed over, and nobody is allowed if none is left (`main/fastcgi.c`).
    #[must_use]
    pub fn read(value: &[u8]) -> Self {
        let address = |part: &[u8]| std::str::from_utf8(part).ok()?.parse().ok();
        Self(Some(value.split(|byte| *byte == b',').filter_map(address).collect()))
    }

    /// Whether a connection from `address` is taken.
    #[must_use]
    pub fn allow(&self, address: IpAddr) -> bool {
        let Some(allowed) = &self.0 else { return true };
        allowed.iter().any(|allowed| match (allowed, address) {
            (IpAddr::V6(allowed), IpAddr::V6(address)) => first_96_bits(*allowed) == first_96_bits(address),
            _ => *allowed == address.to_canonical(),
        })
    }
}

/// Of IPv6 addresses PHP compares twelve bytes.
fn first_96_bits(address: Ipv6Addr) -> u128 {
    address.to_bits() >> 32
}
