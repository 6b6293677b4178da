//! Where the load is read: the value of the setting `endpoint`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

/// What a value may look like, for messages.
const FORMS: &str = "\"auto\", \"sockets\", \"http://HOST:PORT/check-load\", \"fastcgi://HOST:PORT/check-load\" or \
                     \"fastcgi+unix:///PATH/TO/SOCKET#/check-load\"";

/// The setting `endpoint`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// Ask HHVM's admin port, or count its connections where it has none.
    Auto,
    /// Count HHVM's connections.
    Sockets,
    /// Ask here and nowhere else; the load is the sum.
    At(Vec<Target>),
}

/// One of the things that the setting names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// What the server itself offers.
    Auto,
    /// Its connections.
    Sockets,
    /// This place.
    At(Target),
}

/// One place that is asked for the load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The language spoken there.
    pub protocol: Protocol,
    /// Where to connect.
    pub address: Address,
    /// The absolute path that is requested, `/check-load` on HHVM's admin port.
    pub path: String,
}

/// The language of an endpoint: HHVM's admin port speaks that of its page server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1.
    Http,
    /// FastCGI 1.0, role responder.
    FastCgi,
}

/// Where an endpoint listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A host name or address, without brackets, and a port.
    Tcp(String, u16),
    /// A Unix stream socket.
    Unix(PathBuf),
}

/// What answers at the endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// HHVM's admin port.
    Hhvm,
    /// The status page of PHP-FPM (`pm.status_path`).
    PhpFpm,
}

impl Address {
    /// By which address one connects to a socket that listens at `address`.
    #[must_use]
    pub fn of(address: SocketAddr) -> Self {
        let ip = match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        Self::Tcp(ip.to_string(), address.port())
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hhvm => "HHVM",
            Self::PhpFpm => "PHP-FPM",
        })
    }
}

impl Endpoint {
    /// Reads the values of the setting: a word alone, or one or more places.
    ///
    /// # Errors
    /// What is wrong, and the forms that are known.
    pub fn of(values: &[&str]) -> Result<Self, String> {
        match values {
            ["auto"] => return Ok(Self::Auto),
            ["sockets"] => return Ok(Self::Sockets),
            [] => return Err("names no place".to_owned()),
            _ => {}
        }
        if let Some(word) = values.iter().find(|value| matches!(**value, "auto" | "sockets")) {
            return Err(format!("\"{word}\" stands alone, without other places"));
        }
        let mut targets: Vec<Target> = Vec::new();
        for value in values {
            let target = value.parse()?;
            if targets.contains(&target) {
                return Err(format!("\"{target}\" is there twice, and would be counted twice"));
            }
            targets.push(target);
        }
        Ok(Self::At(targets))
    }
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("\"{}\" is not {FORMS}", crate::text::quote(without_query(text)));
        let unix_socket = text.strip_prefix("fastcgi+unix://");
        let may_divide = unix_socket.is_some_and(|rest| rest.matches('#').count() == 1);
        if text.contains(['?', '@']) || (text.contains('#') && !may_divide) {
            return Err(format!("{}; a password belongs in password-file", wrong()));
        }
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(wrong());
        }
        let target = if let Some(rest) = text.strip_prefix("http://") {
            tcp(Protocol::Http, rest)
        } else if let Some(rest) = text.strip_prefix("fastcgi://") {
            tcp(Protocol::FastCgi, rest)
        } else {
            unix_socket.and_then(unix)
        };
        target.ok_or_else(wrong)
    }
}

/// What may be quoted: a password that somebody put into the query must not reach a log.
fn without_query(text: &str) -> &str {
    let end = text.find(['?', '#']).unwrap_or(text.len());
    text[..end].rsplit('@').next().unwrap_or_default()
}

fn tcp(protocol: Protocol, rest: &str) -> Option<Target> {
    let slash = rest.find('/')?;
    let (authority, path) = rest.split_at(slash);
    let (host, port) = authority.rsplit_once(':')?;
    let host = match host.strip_prefix('[') {
        Some(bracketed) => bracketed.strip_suffix(']')?,
        None if host.contains(':') => return None,
        None => host,
    };
    let port: u16 = port.parse().ok().filter(|&port| port > 0)?;
    (!host.is_empty() && path.len() > 1).then(|| Target {
        protocol,
        address: Address::Tcp(host.to_owned(), port),
        path: path.to_owned(),
    })
}

/// A number sign divides the socket's path from the one that is requested; without one, the last slash does.
fn unix(rest: &str) -> Option<Target> {
    let (socket, path) = match rest.split_once('#') {
        Some((socket, path)) => (socket, path.to_owned()),
        None => rest.rsplit_once('/').map(|(socket, command)| (socket, format!("/{command}")))?,
    };
    let is_socket = socket.starts_with('/') && !socket.ends_with('/');
    let is_path = path.len() > 1 && path.starts_with('/');
    (is_socket && is_path).then(|| Target {
        protocol: Protocol::FastCgi,
        address: Address::Unix(PathBuf::from(socket)),
        path,
    })
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.protocol {
            Protocol::Http => "http",
            Protocol::FastCgi => "fastcgi",
        };
        match &self.address {
            Address::Tcp(host, port) if host.contains(':') => write!(f, "{scheme}://[{host}]:{port}")?,
            Address::Tcp(host, port) => write!(f, "{scheme}://{host}:{port}")?,
            Address::Unix(path) => write!(f, "{scheme}+unix://{}#", path.display())?,
        }
        f.write_str(&self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read_and_printed_alike() {
        for text in [
            "http://127.0.0.1:9002/check-load",
            "fastcgi://localhost:9001/check-load",
            "fastcgi://[::1]:9001/monitoring/fpm/status",
            "fastcgi+unix:///run/hhvm/admin.sock#/check-load",
            "fastcgi+unix:///run/php/php8.2-fpm.sock#/monitoring/fpm/status",
        ] {
            let target: Target = text.parse().unwrap();
            assert_eq!(target.to_string(), text);
        }
    }

    #[test]
    fn without_a_number_sign_the_last_slash_divides() {
        let old: Target = "fastcgi+unix:///run/hhvm/admin.sock/check-load".parse().unwrap();
        assert_eq!(Ok(old), "fastcgi+unix:///run/hhvm/admin.sock#/check-load".parse());
    }

    #[test]
    fn a_list_is_of_places_each_once() {
        let (one, two) = ("fastcgi+unix:///run/a.sock#/status", "fastcgi+unix:///run/b.sock#/status");
        let Ok(Endpoint::At(targets)) = Endpoint::of(&[one, two]) else { panic!("a list") };
        assert_eq!(targets.iter().map(ToString::to_string).collect::<Vec<_>>(), [one, two]);
        assert_eq!(Endpoint::of(&["auto"]), Ok(Endpoint::Auto));
        assert_eq!(Endpoint::of(&["sockets"]), Ok(Endpoint::Sockets));
        for (values, part) in [
            (&[][..], "no place"),
            (&["auto", one], "stands alone"),
            (&[one, "sockets"], "stands alone"),
            (&[one, "fastcgi+unix:///run/a.sock/status"], "twice"),
            (&[one, "9001"], "fastcgi://HOST:PORT"),
        ] {
            let message = Endpoint::of(values).unwrap_err();
            assert!(message.contains(part), "{values:?}: {message}");
        }
    }

    #[test]
    fn nonsense_is_refused_with_the_forms_that_are_known() {
        for text in [
            "",
            "9001",
            "http://",
            "http://host",
            "http://host/check-load",
            "http://host:0/x",
            "http://host:99999/x",
            "http://:80/x",
            "http://::1:80/x",
            "fastcgi://h:1/",
            "fastcgi+unix:///",
            "fastcgi+unix://rel/x",
            "fastcgi+unix:///run/x.sock#",
            "fastcgi+unix:///run/x.sock#/",
            "fastcgi+unix:///run/x.sock#status",
            "fastcgi+unix:///run/x.sock/#/status",
            "fastcgi+unix://#/status",
            "http://h:1/a b",
            "http://h:1/a\nb",
        ] {
            let message = text.parse::<Target>().unwrap_err();
            assert!(message.contains("fastcgi://HOST:PORT/check-load"), "{text}: {message}");
        }
    }

    #[test]
    fn a_password_in_the_endpoint_is_refused_and_not_repeated() {
        for text in [
            "http://h:1/check-load?auth=geheim",
            "http://u:geheim@h:1/check-load",
            "http://h:1/check-load#geheim",
            "fastcgi+unix:///x.sock#/y#geheim",
        ] {
            let message = text.parse::<Target>().unwrap_err();
            assert!(message.contains("password-file") && !message.contains("geheim"), "{message}");
        }
    }
}
