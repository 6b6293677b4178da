//! One server that keeps turns, as a URL.

use crate::settings::balancer::{authority, place};
use std::fmt;

/// What a member can be, for messages.
pub(super) const FORMS: &str = "https://HOST:2379, http://HOST:2379 or fleetlock+https://HOST";
/// etcd's port for clients.
const ETCD_PORT: u16 = 2379;

/// How a member is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// In the clear.
    Http,
    /// Over TLS.
    Https,
}

impl Scheme {
    /// As it stands in a URL.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// One server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// How it is spoken to.
    pub scheme: Scheme,
    /// A name or an address.
    pub host: String,
    /// The port.
    pub port: u16,
    /// What stands before the paths of its protocol; empty, or with a slash in front and none at the end.
    pub path: String,
}

impl Member {
    /// The host and the port.
    #[must_use]
    pub fn authority(&self) -> String {
        place(&self.host, self.port)
    }

    /// Whether it is only reached from this host, as it is written.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let is_address = |ip: std::net::IpAddr| ip.to_canonical().is_loopback();
        self.host == "localhost" || self.host.parse().is_ok_and(is_address)
    }
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme.as_str(), self.authority(), self.path)
    }
}

/// What a URL names.
pub(super) enum Named {
    Etcd(Member),
    FleetLock(Member),
}

pub(super) fn parse(url: &str) -> Result<Named, String> {
    let (scheme, rest) = url.split_once("://").ok_or_else(|| wrong(url))?;
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let is_path = |c: char| c.is_ascii_alphanumeric() || "-._~/".contains(c);
    if !path.chars().all(is_path) {
        return Err(wrong(url));
    }
    let member = |scheme: Scheme, port: u16, path: &str| {
        let (host, port) = authority(host, Some(port)).filter(|(host, _)| is_host(host))?;
        Some(Member { scheme, host, port, path: path.trim_end_matches('/').to_owned() })
    };
    let of_etcd =
        |scheme| member(scheme, ETCD_PORT, "").filter(|_| matches!(path, "" | "/")).map(Named::Etcd);
    let of_fleetlock = |scheme, port| member(scheme, port, path).map(Named::FleetLock);
    let named = match scheme {
        "http" => of_etcd(Scheme::Http),
        "https" => of_etcd(Scheme::Https),
        "fleetlock+http" => of_fleetlock(Scheme::Http, 80),
        "fleetlock+https" => of_fleetlock(Scheme::Https, 443),
        _ => None,
    };
    named.ok_or_else(|| wrong(url))
}

/// A name or an address; nothing that would have to be escaped in a URL.
fn is_host(host: &str) -> bool {
    host.chars().all(|c| c.is_ascii_alphanumeric() || ".-_:".contains(c))
}

/// What stands in front of an `@` may be a password.
fn wrong(url: &str) -> String {
    let hint = if url.contains('@') { "; the user stands in user and password-file" } else { "" };
    let shown = match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://…@{rest}"),
        (None, Some((_, rest))) => format!("…@{rest}"),
        (_, None) => url.to_owned(),
    };
    format!("\"{}\" is not {FORMS}{hint}", crate::text::quote(&shown))
}
