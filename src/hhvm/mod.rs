//! What HHVM's command line and configuration files say: where its admin port and its pages are.

pub mod arguments;
pub mod ini;
mod options;

pub use options::{Found, Options, Origin};

use crate::endpoint::Protocol;
use crate::problem::{Location, Problem};
use crate::text::quote;
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
