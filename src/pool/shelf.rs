//! The state directories, and the files in them: what they are called.

use crate::context::Root;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// A state directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shelf {
    /// Its path, without the root.
    pub path: &'static str,
    /// Who may look into it.
    pub mode: u32,
}

/// Survives a reboot. For root alone.
pub const STATE: Shelf = Shelf { path: "/var/lib/hhvm-drain", mode: 0o700 };
/// Locks, and the published state; and the record, when the disk of [`STATE`] is full or read-only: then it survives all
/// but a power cut.
pub const RUNTIME: Shelf = Shelf { path: "/run/hhvm-drain", mode: 0o755 };

/// The place of a file in a state directory.
#[derive(Debug, Clone)]
pub struct Spot {
    /// Below which the directory is.
    pub root: Root,
    /// The directory.
    pub shelf: Shelf,
    name: String,
}

impl Spot {
    /// The place of the file `name`.
    #[must_use]
    pub fn new(root: &Root, shelf: Shelf, name: String) -> Self {
        Self { root: root.clone(), shelf, name }
    }

    /// The name of the file.
    #[must_use]
    pub fn name(&self) -> &OsStr {
        OsStr::new(&self.name)
    }

    /// Its path, as it is told: with the root, and whatever symlinks are on the way.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.root.join(Path::new(self.shelf.path).join(&self.name))
    }
}
