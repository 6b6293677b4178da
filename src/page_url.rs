//! What a load balancer requests of this host's front end, as a person writes it.

use crate::endpoint::Target;
use std::fmt;
use std::str::FromStr;

/// A page, over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageUrl {
    /// Whom to ask, and for which path.
    pub target: Target,
    /// What follows the `?`, empty if there is none.
    pub query: String,
    /// What follows the `#`: the `Host` to ask for, if it is not the address.
    pub host: Option<String>,
}

impl FromStr for PageUrl {
    type Err = String;

    /// A URL without a port means port 80.
    fn from_str(text: &str) -> Result<Self, String> {
        let (text, host) = match text.split_once('#') {
            Some((text, host)) => {
                (text, Some(host.to_owned()).filter(|host| is_host(host)).ok_or_else(wrong)?)
            }
            None => (text, String::new()),
        };
        let (url, query) = text.split_once('?').unwrap_or((text, ""));
        let with_port = url.strip_prefix("http://").and_then(|rest| {
            let (authority, path) = rest.split_once('/')?;
            let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| !port.ends_with(']'));
            Some(format!("http://{authority}{}/{path}", if has_port { "" } else { ":80" }))
        });
        match with_port.as_deref().map(str::parse) {
            Some(Ok(target)) if !query.contains(|c: char| c.is_control() || c == ' ') => {
                let host = Some(host).filter(|host| !host.is_empty());
                Ok(Self { target, query: query.to_owned(), host })
            }
            _ => Err(wrong()),
        }
    }
}

fn wrong() -> String {
    "not a URL like http://HOST/status.php or http://127.0.0.1/status.php#HOST".to_owned()
}

fn is_host(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || ".-_:[]".contains(c))
}

impl PageUrl {
    /// A page beside it that does not exist, of the same kind.
    #[must_use]
    pub fn without_such_a_file(&self) -> Self {
        let (directory, name) = self.target.path.rsplit_once('/').unwrap_or(("", &self.target.path));
        let extension =
            name.rsplit_once('.').map(|(_, extension)| format!(".{extension}")).unwrap_or_default();
        let mut other = self.clone();
        other.target.path = format!("{directory}/hhvm-drain-no-such-file{extension}");
        other
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
            ("http://127.0.0.1/status.php#www.example.com", "http://127.0.0.1:80/status.php"),
        ] {
            assert_eq!(text.parse().map(|url: PageUrl| url.to_string()).as_deref(), Ok(expected));
        }
        for text in [
            "auto",
            "status.php",
            "https://x/status.php",
            "fastcgi://h:1/x",
            "http://x",
            "http://x/y#",
            "http://x/y#a b",
        ] {
            assert!(text.parse::<PageUrl>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_host_may_be_named_and_another_file_is_of_the_same_kind() {
        let url: PageUrl = "http://127.0.0.1/a/status.php?x=1#www.example.com".parse().unwrap();
        assert_eq!((url.query.as_str(), url.host.as_deref()), ("x=1", Some("www.example.com")));
        let other = url.without_such_a_file();
        assert_eq!(other.target.path, "/a/hhvm-drain-no-such-file.php");
        assert_eq!(other.host, url.host);
    }
}
