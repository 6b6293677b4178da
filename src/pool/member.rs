//! This node as a member of the pool: its health files, and the record about them.

use super::directory::is_there;
use super::lock::WriteLock;
use super::sight::Sight;
use super::store::Store;
use crate::context::{Context, Root};
use crate::error::Result;
use std::io;
use std::path::{Path, PathBuf};

/// The health files of one unit, and the record about them.
#[derive(Debug)]
pub struct Member {
    pub(super) root: Root,
    pub(super) store: Store,
    pub(super) health_files: Vec<PathBuf>,
    pub(super) unit: String,
    pub(super) invocation: Option<String>,
    /// Health files that the drain keeps out of the way, should they come back.
    pub(super) watched: Vec<PathBuf>,
}

impl Member {
    /// The node that `context` and the setting `health-file` describe.
    #[must_use]
    pub fn new(context: &Context, health_files: &[PathBuf]) -> Self {
        Self {
            root: context.root.clone(),
            store: Store::new(context),
            health_files: health_files.to_vec(),
            unit: context.unit.as_str().to_owned(),
            invocation: context.env.get("INVOCATION_ID").map(str::to_owned),
            watched: Vec::new(),
        }
    }

    /// The unit's name.
    pub(super) fn unit(&self) -> &str {
        &self.unit
    }

    /// The record and the locks.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Locks the record and the health files, for all units that name one of them.
    ///
    /// # Errors
    /// [`Error::Busy`](crate::error::Error::Busy) when another call holds a lock for too long.
    pub(super) fn lock(&self) -> Result<WriteLock> {
        WriteLock::take(&self.store, &self.health_files)
    }

    /// Looks at every health file: its path in the settings, and what is there.
    pub fn sights(&self) -> impl Iterator<Item = (&Path, io::Result<Sight>)> {
        self.health_files.iter().map(|path| (path.as_path(), Sight::of(&self.root, path)))
    }

    /// Whether something has the name of the health file, other than what a rename that was cut short has left.
    pub(super) fn is_in_place(&self, path: &Path) -> bool {
        is_there(&self.root, path) && Sight::of(&self.root, path).map_or(true, |sight| sight.health.is_some())
    }

    /// Whether a health file is in its place.
    #[must_use]
    pub fn any_in_place(&self) -> bool {
        self.health_files.iter().any(|path| self.is_in_place(path))
    }
}
