//! What a section of the files holds, and where each thing in it stands.

use super::value::Unclear;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// A line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    /// The file, as the master names it.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: usize,
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.line)
    }
}

/// Something that is not known because it could not be read or understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The line; none if the whole file is meant.
    pub line: Option<usize>,
    /// The file.
    pub file: PathBuf,
    /// What is wrong, in words that follow the place.
    pub what: String,
}

impl Fault {
    pub(super) fn at(spot: &Spot, what: String) -> Self {
        Self { line: Some(spot.line), file: spot.file.clone(), what }
    }
}

/// A value, and the line that it stands in.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) value: Result<Vec<u8>, Unclear>,
    pub(super) spot: Spot,
}

/// The entries of one section that matter; of several of a name the last one counts.
#[derive(Debug, Clone)]
pub(super) struct Section {
    pub(super) name: Vec<u8>,
    pub(super) spot: Spot,
    pub(super) entries: BTreeMap<&'static str, Entry>,
}
