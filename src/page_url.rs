//! What a load balancer requests of this host's front end, as a person writes it.

use crate::endpoint::{Endpoint, Target};
use std::fmt;
use std::str::FromStr;

/// A page, over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageUrl {
    /// Whom to ask, and for which path.
    pub target: Target,
    /// What follows the `?`, empty if there is none.
    pub query: String,
}

impl FromStr for PageUrl {
    type Err = String;

    /// A URL without a port means port 80.
    fn from_str(text: &str) -> Result<Self, String> {
        let (url, query) = text.split_once('?').unwrap_or((text, ""));
        let with_port = url.strip_prefix("http://").and_then(|rest| {
            let (authority, path) = rest.split_once('/')?;
            let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| !port.ends_with(']'));
            Some(format!("http://{authority}{}/{path}", if has_port { "" } else { ":80" }))
        });
        match with_port.as_deref().map(str::parse) {
            Some(Ok(Endpoint::At(target))) => Ok(Self { target, query: query.to_owned() }),
            _ => Err("not like http://HOST/status.php".to_owned()),
        }
    }
}

impl fmt::Display for PageUrl {
    /// Without the query, which may hold a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.target.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_needs_no_port_and_nothing_but_http_is_asked() {
        for (text, expected) in [
            ("http://localhost/status.php", "http://localhost:80/status.php"),
            ("http://[::1]/status.php", "http://[::1]:80/status.php"),
            ("http://[::1]:8080/a/status.php?x=1", "http://[::1]:8080/a/status.php"),
        ] {
            assert_eq!(text.parse().map(|url: PageUrl| url.to_string()).as_deref(), Ok(expected));
        }
        for text in ["auto", "status.php", "https://x/status.php", "fastcgi://h:1/x", "http://x"] {
            assert!(text.parse::<PageUrl>().is_err(), "{text}");
        }
    }
}
