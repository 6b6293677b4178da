//! The setting `balancer`: whom to ask whether requests still come, and how.

use crate::password::Password;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use std::fmt;
use std::path::PathBuf;

/// What a balancer can be, for messages.
const FORMS: &str = "haproxy+unix:///PATH, haproxy+tcp://HOST:PORT, haproxy+http://HOST:PORT/PATH, \
                     haproxy+https://HOST:PORT/PATH, or a table with url, out and in, or with command";
/// More balancers than this are a mistake: each has a thread while a node drains.
const BALANCERS_MAX: usize = 16;
/// A longer text is nothing to look for in a page.
const TEXT_MAX: usize = 200;

/// One balancer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Balancer {
    /// HAProxy's runtime API on a Unix socket of this host.
    Socket(PathBuf),
    /// HAProxy's runtime API on a port.
    Port(String, u16),
    /// HAProxy's statistics page.
    Statistics(Web),
    /// A page that shows one of two texts.
    Page {
        /// Where.
        web: Web,
        /// It is there while nothing is sent here.
        out: String,
        /// It is there while requests are sent here.
        into: String,
    },
    /// A program that exits with 0 for "out" and with 1 for "in".
    Command(PathBuf),
}

/// A page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Web {
    /// In the clear, or over TLS.
    pub scheme: Scheme,
    /// A name or an address.
    pub host: String,
    /// The port.
    pub port: u16,
    /// What is requested, a query included.
    pub path: String,
    /// Who asks.
    pub login: Option<Login>,
}

/// How a page is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scheme {
    /// Anybody on the way can read and change it.
    Http,
    /// By TLS; the certificates to trust, absolute, without the root, if they are not the system's.
    Https(Option<PathBuf>),
}

impl Scheme {
    /// Its name in a URL.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https(_) => "https",
        }
    }

    fn port(&self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https(_) => 443,
        }
    }
}

/// Who asks for a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// The user's name.
    pub user: String,
    /// How they prove it.
    pub password: Proof,
}

/// Where a password is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// In the settings file.
    Written(Password),
    /// In a file of its own, absolute, without the root.
    File(PathBuf),
}

/// A balancer as a table of a settings file has it.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Item {
    url: Option<String>,
    command: Option<String>,
    out: Option<String>,
    r#in: Option<String>,
    user: Option<String>,
    password_file: Option<String>,
    ca_file: Option<String>,
}

impl Item {
    fn is_command_alone(&self) -> bool {
        let others = [&self.url, &self.out, &self.r#in, &self.user, &self.password_file, &self.ca_file];
        others.iter().all(|key| key.is_none())
    }
}

/// The balancers in these values: URLs, and tables as JSON.
pub(super) fn balancers(values: &[&str]) -> Result<Vec<Balancer>, String> {
    if values.len() > BALANCERS_MAX {
        return Err(format!("has {} balancers, and at most {BALANCERS_MAX} can be asked", values.len()));
    }
    let mut balancers: Vec<Balancer> = Vec::new();
    for (at, value) in values.iter().enumerate() {
        let balancer = balancer(value).map_err(|what| format!("balancer {}: {what}", at + 1))?;
        if balancers.contains(&balancer) {
            return Err(format!("{balancer} is there twice"));
        }
        balancers.push(balancer);
    }
    Ok(balancers)
}

fn balancer(value: &str) -> Result<Balancer, String> {
    let item = if value.starts_with('{') {
        serde_json::from_str(value).map_err(|error| unknown_key(&error))?
    } else {
        Item { url: Some(value.to_owned()), ..Item::default() }
    };
    match item {
        Item { command: None, url: Some(ref url), .. } => of_url(url, &item),
        Item { command: Some(ref path), .. } if item.is_command_alone() => {
            super::value::file(path).map(Balancer::Command)
        }
        Item { command: Some(_), .. } => Err("command stands alone, without other keys".to_owned()),
        Item { .. } => Err(format!("expected {FORMS}")),
    }
}

/// Serde's own words, without what stands in the file: that could be a password.
fn unknown_key(error: &serde_json::Error) -> String {
    let words = error.to_string();
    let unknown = words.split_once("unknown field `").and_then(|(_, rest)| rest.rsplit_once("`, expected "));
    match unknown {
        Some((key, known)) => {
            let known = known.split(" at line ").next().unwrap_or_default();
            format!("unknown key `{}`, expected {known}", crate::text::quote(key))
        }
        None => format!("expected {FORMS}"),
    }
}

fn of_url(url: &str, item: &Item) -> Result<Balancer, String> {
    let Some((scheme, rest)) = url.split_once("://") else { return Err(wrong(url)) };
    if url.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(wrong(url));
    }
    let texts = match (&item.out, &item.r#in) {
        (None, None) => None,
        (Some(out), Some(into)) => Some(texts(out, into)?),
        _ => return Err("out and in belong together".to_owned()),
    };
    let has_login = item.user.is_some() || item.password_file.is_some() || item.ca_file.is_some();
    match (scheme, texts) {
        ("haproxy+unix", None) if !has_login => {
            super::value::file(rest).map(Balancer::Socket).map_err(|_| wrong(url))
        }
        ("haproxy+tcp", None) if !has_login => {
            let (host, port) = authority(rest, None).ok_or_else(|| wrong(url))?;
            Ok(Balancer::Port(host, port))
        }
        ("haproxy+unix" | "haproxy+tcp", None) => {
            Err("HAProxy's runtime API takes no user, password-file or ca-file".to_owned())
        }
        ("haproxy+http" | "haproxy+https", None) => Ok(Balancer::Statistics(web(url, rest, item)?)),
        ("http" | "https", Some((out, into))) => Ok(Balancer::Page { web: web(url, rest, item)?, out, into }),
        ("http" | "https", None) => Err("needs out and in: the texts by which the page tells".to_owned()),
        ("haproxy+unix" | "haproxy+tcp" | "haproxy+http" | "haproxy+https", Some(_)) => {
            Err("out and in are for the page of an http:// or https:// URL".to_owned())
        }
        _ => Err(wrong(url)),
    }
}

fn texts(out: &str, into: &str) -> Result<(String, String), String> {
    let is_text = |text: &str| !text.trim().is_empty() && text.len() <= TEXT_MAX;
    if is_text(out) && is_text(into) && out != into {
        Ok((out.to_owned(), into.to_owned()))
    } else {
        Err(format!("out and in must be two different texts of at most {TEXT_MAX} bytes"))
    }
}

/// What may be quoted of a URL: what stands in front of an `@` may be a password.
fn wrong(url: &str) -> String {
    let end = url.find('?').unwrap_or(url.len());
    let shown = match (url[..end].split_once("://"), url[..end].rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://…@{rest}"),
        (None, Some((_, rest))) => format!("…@{rest}"),
        (_, None) => url[..end].to_owned(),
    };
    format!("\"{}\" is not {FORMS}", crate::text::quote(&shown))
}

fn web(url: &str, rest: &str, item: &Item) -> Result<Web, String> {
    let slash = rest.find('/').ok_or_else(|| wrong(url))?;
    let (place, path) = rest.split_at(slash);
    let (written, place) = match place.rsplit_once('@') {
        Some((login, place)) => (Some(login), place),
        None => (None, place),
    };
    let scheme =
        match (url.split("://").next().is_some_and(|scheme| scheme.ends_with("https")), &item.ca_file) {
            (true, None) => Scheme::Https(None),
            (true, Some(file)) => Scheme::Https(Some(super::value::file(file)?)),
            (false, None) => Scheme::Http,
            (false, Some(_)) => return Err("ca-file is for an https URL".to_owned()),
        };
    let (host, port) = authority(place, Some(scheme.port())).ok_or_else(|| wrong(url))?;
    if path.contains('#') {
        return Err(wrong(url));
    }
    let login = match (written, &item.user, &item.password_file) {
        (None, None, None) => None,
        (None, Some(user), Some(file)) => {
            let password = Proof::File(super::value::file(file)?);
            Some(Login { user: user.clone(), password })
        }
        (Some(login), None, None) => {
            let (user, password) = login.split_once(':').ok_or_else(|| wrong(url))?;
            let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
            let password = Proof::Written(Password::new(decoded(password).as_bytes()));
            Some(Login { user: decoded(user), password })
        }
        (Some(_), ..) => return Err("the user stands in the URL, or in user and password-file".to_owned()),
        (None, ..) => return Err("user and password-file belong together".to_owned()),
    };
    if login.as_ref().is_some_and(|login| login.user.is_empty() || login.user.contains(':')) {
        return Err("the user has no name, or one with a colon".to_owned());
    }
    Ok(Web { scheme, host, port, path: path.to_owned(), login })
}

/// A host and a port, `otherwise` if there is none.
pub(super) fn authority(text: &str, otherwise: Option<u16>) -> Option<(String, u16)> {
    let (host, port) = match (text.rfind(':'), text.rfind(']')) {
        (Some(colon), bracket) if bracket.is_none_or(|bracket| bracket < colon) => {
            (&text[..colon], text[colon + 1..].parse().ok().filter(|port| *port > 0)?)
        }
        _ => (text, otherwise?),
    };
    let host = match host.strip_prefix('[') {
        Some(bracketed) => bracketed.strip_suffix(']')?,
        None if host.contains(':') => return None,
        None => host,
    };
    let is_host = !host.is_empty() && !host.contains(['/', '@', '?', '#', '[', ']']);
    is_host.then(|| (host.to_owned(), port))
}

impl Balancer {
    /// Whether a password stands in the settings themselves.
    #[must_use]
    pub fn has_written_password(&self) -> bool {
        let login = self.login().map(|login| &login.password);
        matches!(login, Some(Proof::Written(_)))
    }

    /// A short name: the host and the port, or the path.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::Socket(path) | Self::Command(path) => path.display().to_string(),
            Self::Port(host, port) => place(host, *port),
            Self::Statistics(web) | Self::Page { web, .. } => web.authority(),
        }
    }

    /// Who asks there, if that is a user.
    #[must_use]
    pub fn login(&self) -> Option<&Login> {
        match self {
            Self::Statistics(web) | Self::Page { web, .. } => web.login.as_ref(),
            Self::Socket(_) | Self::Port(..) | Self::Command(_) => None,
        }
    }
}

/// A place in a URL.
pub(super) fn place(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

impl Web {
    /// The host and the port.
    #[must_use]
    pub fn authority(&self) -> String {
        place(&self.host, self.port)
    }

    /// The URL without its query, in which there may be a key, and without the user.
    fn shown(&self) -> String {
        let path = self.path.split('?').next().unwrap_or_default();
        format!("{}://{}{path}", self.scheme.name(), self.authority())
    }
}

impl fmt::Display for Balancer {
    /// The URL without the user, or the command.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(path) => write!(f, "haproxy+unix://{}", path.display()),
            Self::Port(host, port) => write!(f, "haproxy+tcp://{}", place(host, *port)),
            Self::Statistics(web) => write!(f, "haproxy+{}", web.shown()),
            Self::Page { web, .. } => f.write_str(&web.shown()),
            Self::Command(path) => write!(f, "{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(value: &str) -> Result<Balancer, String> {
        balancers(&[value]).map(|mut found| found.remove(0))
    }

    #[test]
    fn every_form_is_read_and_told() {
        for url in [
            "haproxy+unix:///run/haproxy/admin.sock",
            "haproxy+tcp://lb1:9999",
            "haproxy+tcp://[fd00::1]:9999",
            "haproxy+http://lb2:8404/stats",
            "haproxy+https://lb2:443/stats",
        ] {
            assert_eq!(one(url).unwrap().to_string(), url);
        }
        let page =
            one(r#"{"url":"http://lb3/pools/web?key=geheim","out":"not pooled","in":"pooled"}"#).unwrap();
        assert_eq!(page.to_string(), "http://lb3:80/pools/web");
        let command = one(r#"{"command":"/usr/local/bin/lb-state"}"#).unwrap();
        assert_eq!(command, Balancer::Command("/usr/local/bin/lb-state".into()));
    }

    #[test]
    fn a_login_stands_in_the_url_or_beside_it_and_its_password_is_never_shown() {
        let written = one("haproxy+http://me:ge:%68eim@lb2:8404/stats").unwrap();
        assert!(written.has_written_password());
        let file =
            one(r#"{"url":"haproxy+http://lb2:8404/stats","user":"me","password-file":"/etc/lb"}"#).unwrap();
        assert!(!file.has_written_password() && file.login().unwrap().user == "me");
        for shown in [format!("{written:?} {written}"), format!("{file:?} {file}")] {
            assert!(!shown.contains("heim"), "{shown}");
        }
        let password = Proof::Written(Password::new(b"ge:heim"));
        assert_eq!(written.login(), Some(&Login { user: "me".to_owned(), password }));
    }

    #[test]
    fn a_mistake_says_what_is_right_and_shows_no_password() {
        for (value, part) in [
            ("lb1:9999", "haproxy+tcp://HOST:PORT"),
            ("haproxy+tcp://lb1", "HOST:PORT"),
            ("haproxy+tcp://lb1:0", "HOST:PORT"),
            ("haproxy+tcp://:9999", "HOST:PORT"),
            ("haproxy+unix://run/x", "/PATH"),
            ("haproxy+http://lb1", "HOST:PORT/PATH"),
            ("http://lb1/x", "out and in"),
            ("haproxy+http://geheim@lb1/x", "haproxy+http://…@lb1/x"),
            ("ftp://me:geheim@lb1/x", "…@lb1"),
            (r#"{"url":"http://lb1/x","out":"a"}"#, "belong together"),
            (r#"{"url":"http://lb1/x","out":"a","in":"a"}"#, "different"),
            (r#"{"url":"haproxy+tcp://lb1:9","user":"a","password-file":"/b"}"#, "no user"),
            (r#"{"url":"haproxy+tcp://lb1:9","out":"a","in":"b"}"#, "http:// or https:// URL"),
            (r#"{"url":"haproxy+http://lb1/x","ca-file":"/c"}"#, "ca-file is for an https URL"),
            (r#"{"url":"haproxy+https://lb1/x","ca-file":"c"}"#, "absolute"),
            (r#"{"url":"haproxy+http://lb1/x","user":"a"}"#, "belong together"),
            (r#"{"url":"haproxy+http://a:geheim@lb1/x","user":"a"}"#, "in the URL, or"),
            (r#"{"command":"lb-state"}"#, "absolute"),
            (r#"{"command":"/x","url":"http://y/"}"#, "alone"),
            (r#"{"comand":"/x"}"#, "unknown key `comand`, expected one of `url`, `command`"),
            (r#"{"com\u007fand":"/x"}"#, "unknown key `com"),
            ("{}", "a table with"),
        ] {
            let message = one(value).unwrap_err();
            assert!(message.contains(part) && !message.contains("geheim"), "{value}: {message}");
            assert!(!message.contains(char::is_control), "{message:?}");
        }
        let twice = balancers(&["haproxy+tcp://a:1", "haproxy+tcp://a:1"]).unwrap_err();
        assert!(twice.contains("twice"), "{twice}");
        assert!(balancers(&["haproxy+tcp://a:1"; 17]).unwrap_err().contains("at most 16"));
    }
}
