//! What HHVM's command line and configuration files say: where its admin port and its pages are.

pub mod arguments;
pub mod ini;
mod options;

pub use options::{Found, Options, Origin};

use crate::endpoint::{Address, Protocol, Target};
use crate::place::Listener;
use crate::problem::{Location, Problem};
use crate::text::quote;
use std::net::IpAddr;
use std::path::PathBuf;

/// What is known of an HHVM.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hhvm {
    /// Its options, each with its origin.
    pub options: Options,
    /// Files that it reads and this program does not, and why not.
    pub unread: Vec<(PathBuf, String)>,
    /// Options with an invalid value: their names, their values, and where they are set.
    pub misread: Vec<(String, String, Origin)>,
}

impl Hhvm {
    /// Sets an option, or notes that its value is invalid.
    pub fn set(&mut self, name: String, value: String, origin: Origin) {
        if !self.options.set(&name, &value, &origin) {
            self.misread.push((name, value, origin));
        }
    }

    /// Files that could not be read and invalid values, and what is used instead.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let unread = self.unread.iter().map(|(path, why)| {
            let instead = "HHVM's other files and its defaults are used instead";
            Problem::warning(Location::Path(path.clone()), format!("{why}; {instead}"))
        });
        let misread = self.misread.iter().map(|(name, value, origin)| {
            let instead = self.options.in_force(name);
            let what = format!("invalid value \"{}\" for {name}; HHVM uses {instead}", quote(value));
            Problem::warning(origin.into(), what)
        });
        unread.chain(misread).collect()
    }

    /// Where the admin port answers; none if it is off.
    ///
    /// An empty address means both loopback addresses: versions differ in which one they bind.
    #[must_use]
    pub fn admin_targets(&self) -> Option<Vec<Target>> {
        let port = self.options.admin_port.as_ref().map(|found| found.value).filter(|port| *port > 0)?;
        let address = self.options.admin_ip.as_ref().or(self.options.ip.as_ref());
        let hosts = match address.map_or("", |found| found.value.as_str()) {
            "" | "*" | "::" | "0.0.0.0" | "localhost" => vec!["127.0.0.1", "::1"],
            host => vec![host],
        };
        let target = |host: &str| Target {
            protocol: self.protocol(),
            address: Address::Tcp(host.to_owned(), port),
            path: "/check-load".to_owned(),
        };
        Some(hosts.into_iter().map(target).collect())
    }

    /// Where its pages are served; port 80 by default.
    #[must_use]
    pub fn listener(&self) -> Listener {
        if let Some(found) = &self.options.file_socket {
            return Listener::Unix(found.value.clone());
        }
        let address: Option<IpAddr> = self.options.ip.as_ref().and_then(|found| found.value.parse().ok());
        let port = self.options.port.as_ref().map_or(80, |found| found.value);
        Listener::Tcp(address.filter(|address| !address.is_unspecified()), port)
    }

    /// Both servers speak the language of `Server.Type`; its default is proxygen.
    #[must_use]
    pub fn protocol(&self) -> Protocol {
        match &self.options.server_type {
            Some(found) if found.value == "fastcgi" => Protocol::FastCgi,
            _ => Protocol::Http,
        }
    }
}

#[cfg(any(test, fuzzing))]
#[path = "../../tests/fuzz/properties/hhvm.rs"]
pub mod properties;
