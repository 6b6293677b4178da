//! The options of HHVM that matter to a drain, under both of their names.

use crate::problem::Location;
use crate::text::quote;
use std::fmt;
use std::path::PathBuf;

/// Where an option was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A file, and a line in it, from 1.
    File(PathBuf, usize),
    /// A word of the command line.
    CommandLine(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path, line) => write!(f, "{}:{line}", path.display()),
            Self::CommandLine(word) => write!(f, "HHVM's option {}", quote(word)),
        }
    }
}

impl From<&Origin> for Location {
    fn from(origin: &Origin) -> Self {
        match origin {
            Origin::File(path, line) => Self::Line(path.clone(), *line),
            Origin::CommandLine(_) => Self::Option(origin.to_string()),
        }
    }
}

/// A value, and where it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<T> {
    /// The value.
    pub value: T,
    /// Where it was found.
    pub origin: Origin,
}

/// A password. Has no `Debug` of its content.
#[derive(Clone, PartialEq, Eq)]
pub struct Hidden(pub String);

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden")
    }
}

/// The types of server that HHVM has had; libevent is that of its first years.
const TYPES: [&str; 3] = ["fastcgi", "proxygen", "libevent"];

/// What was found; `None` means HHVM's own default.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// `Server.Type`.
    pub server_type: Option<Found<String>>,
    /// `Server.IP`.
    pub ip: Option<Found<String>>,
    /// `Server.Port`, 80 by default.
    pub port: Option<Found<u16>>,
    /// `Server.FileSocket`.
    pub file_socket: Option<Found<PathBuf>>,
    /// `AdminServer.IP`, that of the page server by default.
    pub admin_ip: Option<Found<String>>,
    /// `AdminServer.Port`; 0, its default, means none.
    pub admin_port: Option<Found<u16>>,
    /// `AdminServer.Password`, or the first of `AdminServer.Passwords`.
    pub admin_password: Option<Found<Hidden>>,
    /// `Server.GracefulShutdownWait`, in seconds.
    pub graceful_wait: Option<Found<u64>>,
}

impl Options {
    /// Sets the option called `name`, by its ini name (`hhvm.server.port`) or its hdf name (`Server.Port`); others
    /// change nothing. False for a value that means nothing there: then the value before stays.
    pub fn set(&mut self, name: &str, value: &str, origin: &Origin) -> bool {
        let text = || Some(Found { value: value.to_owned(), origin: origin.clone() });
        match ini_name(name).as_str() {
            "server.type" if TYPES.contains(&value) => self.server_type = text(),
            "server.type" => return false,
            "server.ip" => self.ip = text(),
            "server.port" => return number(&mut self.port, value, origin),
            "server.file_socket" => {
                let path = (!value.is_empty()).then(|| PathBuf::from(value));
                self.file_socket = path.map(|value| Found { value, origin: origin.clone() });
            }
            "admin_server.ip" => self.admin_ip = text(),
            "admin_server.port" => return number(&mut self.admin_port, value, origin),
            "server.graceful_shutdown_wait" => return number(&mut self.graceful_wait, value, origin),
            name if name == "admin_server.password" || name.starts_with("admin_server.passwords[") => {
                let hidden = (!value.is_empty()).then(|| Hidden(value.to_owned()));
                self.admin_password = hidden.map(|value| Found { value, origin: without_value(origin) });
            }
            _ => {}
        }
        true
    }

    /// The value in force for an option that [`Options::set`] refuses values of, and where it is set.
    #[must_use]
    pub fn in_force(&self, name: &str) -> String {
        match ini_name(name).as_str() {
            "server.type" => told(self.server_type.as_ref(), "proxygen"),
            "server.port" => told(self.port.as_ref(), "80"),
            "admin_server.port" => told(self.admin_port.as_ref(), "0 (off)"),
            _ => told(self.graceful_wait.as_ref(), "0"),
        }
    }
}

fn told<T: fmt::Display>(found: Option<&Found<T>>, default: &str) -> String {
    match found {
        Some(found) => format!("{} ({})", found.value, found.origin),
        None => format!("its default, {default}"),
    }
}

fn number<T: std::str::FromStr>(option: &mut Option<Found<T>>, value: &str, origin: &Origin) -> bool {
    let Ok(value) = value.parse() else { return false };
    *option = Some(Found { value, origin: origin.clone() });
    true
}

/// The word of the command line holds the password.
fn without_value(origin: &Origin) -> Origin {
    match origin {
        Origin::CommandLine(word) => {
            Origin::CommandLine(word.split('=').next().unwrap_or_default().to_owned())
        }
        Origin::File(..) => origin.clone(),
    }
}

/// `hhvm.admin_server.port` and `AdminServer.Port` become `admin_server.port` (`IniSetting`, `Config::IniName`).
fn ini_name(name: &str) -> String {
    let mut ini = String::with_capacity(name.len() + 4);
    let mut before_was_lower = false;
    for c in name.strip_prefix("hhvm.").unwrap_or(name).chars() {
        if c.is_ascii_uppercase() && before_was_lower {
            ini.push('_');
        }
        before_was_lower = c.is_ascii_lowercase() || c.is_ascii_digit();
        ini.push(c.to_ascii_lowercase());
    }
    ini
}
