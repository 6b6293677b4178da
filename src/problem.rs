//! A problem with the settings or the host: where it is, what it is, and whether it can spoil the next drain.

use crate::discover::Origin;
use crate::settings::{Key, Position};
use std::fmt;
use std::path::PathBuf;

/// Where a problem lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A place in a settings file.
    File(PathBuf, Position),
    /// A whole file or directory.
    Path(PathBuf),
    /// An environment variable.
    Variable(String),
    /// A flag of the command line.
    Flag(Key),
    /// The command line as a whole.
    CommandLine,
    /// HHVM's own configuration.
    Hhvm(Origin),
    /// The settings taken together.
    Settings,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path, at) => write!(f, "{}:{}:{}", path.display(), at.line, at.column),
            Self::Path(path) => write!(f, "{}", path.display()),
            Self::Variable(name) => f.write_str(name),
            Self::Flag(key) => write!(f, "--{}", key.name()),
            Self::CommandLine => f.write_str("command line"),
            Self::Hhvm(origin) => origin.fmt(f),
            Self::Settings => f.write_str("settings"),
        }
    }
}

/// How much a problem matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Warning,
    /// Something the administrator asked for is not in force.
    Error,
}

/// One problem, for one line of output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where it lies.
    pub place: Place,
    /// What it is, and what to do.
    pub message: String,
    /// How much it matters.
    pub severity: Severity,
}

impl Problem {
    /// A problem that makes `check` fail.
    #[must_use]
    pub fn error(place: Place, message: String) -> Self {
        Self { place, message, severity: Severity::Error }
    }

    /// A problem that `check` only mentions.
    #[must_use]
    pub fn warning(place: Place, message: String) -> Self {
        Self { place, message, severity: Severity::Warning }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}
