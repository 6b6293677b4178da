//! What is known of an option of HHVM's, and from where.

use crate::problem::Location;
use crate::text::quote;
use std::fmt;
use std::path::PathBuf;

/// Where something was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A file, and a line in it, from 1.
    File(PathBuf, usize),
    /// A file as a whole.
    Whole(PathBuf),
    /// A word of the command line.
    CommandLine(String),
    /// The command line and the environment as a whole.
    Start,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path, line) => write!(f, "{}:{line}", quote(&path.to_string_lossy())),
            Self::Whole(path) => f.write_str(&quote(&path.to_string_lossy())),
            Self::CommandLine(word) => write!(f, "HHVM's option {}", quote(word)),
            Self::Start => f.write_str("HHVM's command line"),
        }
    }
}

impl From<&Origin> for Location {
    fn from(origin: &Origin) -> Self {
        match origin {
            Origin::File(path, line) => Self::Line(path.clone(), *line),
            Origin::Whole(path) => Self::Path(path.clone()),
            Origin::CommandLine(_) | Origin::Start => Self::Option(origin.to_string()),
        }
    }
}

/// Why something is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// Where that lies.
    pub origin: Origin,
    /// What it is.
    pub why: String,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.origin, self.why)
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

/// What is known of an option.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Value<T> {
    /// It is set.
    Set(Found<T>),
    /// It is set nowhere, so HHVM's own default holds: all that HHVM reads was read and understood.
    #[default]
    Default,
    /// It may be set, and to what cannot be told.
    Unknown(Cause),
}

impl<T> Value<T> {
    /// What it is set to.
    #[must_use]
    pub fn found(&self) -> Option<&Found<T>> {
        match self {
            Self::Set(found) => Some(found),
            Self::Default | Self::Unknown(_) => None,
        }
    }

    /// What it is set to, or else HHVM's default; none where it is not known.
    #[must_use]
    pub fn or_default(&self, default: T) -> Option<T>
    where
        T: Clone,
    {
        match self {
            Self::Set(found) => Some(found.value.clone()),
            Self::Default => Some(default),
            Self::Unknown(_) => None,
        }
    }

    /// Why it is not known.
    #[must_use]
    pub fn cause(&self) -> Option<&Cause> {
        match self {
            Self::Unknown(cause) => Some(cause),
            Self::Set(_) | Self::Default => None,
        }
    }

    /// A default may have been changed.
    pub(super) fn doubt(&mut self, cause: &Cause) {
        if matches!(self, Self::Default) {
            *self = Self::Unknown(cause.clone());
        }
    }
}
