//! A problem with the settings or the host: where it is, what it is, and whether it can spoil the next drain.

use std::fmt;
use std::path::PathBuf;

/// A place in a text file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// Where a problem lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A place in a settings file.
    File(PathBuf, Position),
    /// A line of somebody else's file.
    Line(PathBuf, usize),
    /// A whole file or directory.
    Path(PathBuf),
    /// An environment variable.
    Variable(String),
    /// A flag of the command line, by its name.
    Flag(&'static str),
    /// The command line as a whole.
    CommandLine,
    /// An option that the running HHVM was started with, for people.
    Option(String),
    /// The settings taken together.
    Settings,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path, at) => write!(f, "{}:{}:{}", path.display(), at.line, at.column),
            Self::Line(path, line) => write!(f, "{}:{line}", path.display()),
            Self::Path(path) => write!(f, "{}", path.display()),
            Self::Variable(words) | Self::Option(words) => f.write_str(words),
            Self::Flag(name) => write!(f, "--{name}"),
            Self::CommandLine => f.write_str("command line"),
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
    pub location: Location,
    /// What it is, and what to do.
    pub message: String,
    /// How much it matters.
    pub severity: Severity,
}

impl Problem {
    /// A problem that makes `check` fail.
    #[must_use]
    pub fn error(location: Location, message: String) -> Self {
        Self { location, message, severity: Severity::Error }
    }

    /// A problem that `check` only mentions.
    #[must_use]
    pub fn warning(location: Location, message: String) -> Self {
        Self { location, message, severity: Severity::Warning }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.location, self.message)
    }
}
