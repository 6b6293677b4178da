//! The locks. Commands wait for one another, so no two of them run at the same time; a drain goes on between the looks
//! of its process.

use super::store::Store;
use crate::error::Result;
use crate::host;
use std::path::PathBuf;

pub struct WriteLock;

impl WriteLock {
    pub(super) fn take(_: &Store, _: &[PathBuf]) -> Result<Self> {
        Ok(Self)
    }
}

/// Whether the unit's `stop` goes on.
pub fn drain_in_progress(store: &Store) -> bool {
    let path = store.lock("drain").path();
    let unit = path.file_stem().unwrap_or_default();
    host::with(|host| host.is_draining(unit))
}
