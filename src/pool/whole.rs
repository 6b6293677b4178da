//! Files of the state directories: read with a bound, written whole or not at all.

use super::beside::{self, Beside};
use super::shelf::Spot;
use serde::{Serialize, de::DeserializeOwned};
use std::io;

pub use super::beside::{Readers, is_there, names, remove, writer_of};

/// Whether a file must be on the disk when the call returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// It must, or the call fails.
    Synced,
    /// Nothing depends on it.
    WhenConvenient,
}

/// What the file at `spot` says; none if there is no such file, or an empty one.
///
/// # Errors
/// As open(2) and read(2), when the text is not what it should be, and if others than root have, or could have, written it.
pub fn read<T: DeserializeOwned>(spot: &Spot) -> io::Result<Option<T>> {
    match beside::read_trusted(spot) {
        Ok(bytes) if bytes.iter().all(|byte| *byte == 0) => Ok(None),
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether there is a file at `spot` that says nothing, which [`read`] takes for none: its contents had not come to the
/// disk when the power was cut.
pub fn is_blank(spot: &Spot) -> bool {
    beside::read(spot).is_ok_and(|bytes| bytes.iter().all(|byte| *byte == 0))
}

/// No such file, or no such directory either.
pub fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Writes beside and renames, so that a reader sees the old or the new file, never half of one.
///
/// Synced after the rename, file and directory are one commit of the journal on the usual file systems, which halves
/// the time until the node is out. A power cut in between can leave an empty file, and [`read`] takes that for none:
/// nothing was renamed on the strength of it yet. In place of an older file that would be lost with it, the new one is
/// synced first.
///
/// # Errors
/// As open(2), write(2), rename(2) and fsync(2); the file is then the old one.
pub fn write<T: Serialize>(
    spot: &Spot,
    value: &T,
    readers: Readers,
    durability: Durability,
) -> io::Result<()> {
    let mut bytes = serde_json::to_vec_pretty(value)?;
    bytes.push(b'\n');
    write_text(spot, &bytes, readers, durability)
}

/// The same, of what is no single value.
///
/// # Errors
/// As [`write()`].
pub fn write_text(spot: &Spot, bytes: &[u8], readers: Readers, durability: Durability) -> io::Result<()> {
    let mut beside = Beside::create(spot, readers)?;
    let written = beside.fill(bytes).and_then(|()| match durability {
        Durability::Synced if beside.replaces(spot) => beside.sync(),
        Durability::Synced | Durability::WhenConvenient => Ok(()),
    });
    written.and_then(|()| beside.take_the_place_of(spot)).inspect_err(|_| {
        let _ = beside.remove();
    })?;
    match durability {
        Durability::Synced => beside.sync().and_then(|()| beside.sync_directory()),
        Durability::WhenConvenient => Ok(()),
    }
}

/// Writes beside `spot` and removes that again; the file at `spot` itself is not touched.
///
/// # Errors
/// As [`write`].
pub fn rehearse(spot: &Spot) -> io::Result<()> {
    let mut beside = Beside::create(spot, Readers::Root)?;
    let written = beside.fill(b"\n");
    beside.remove()?;
    written
}
