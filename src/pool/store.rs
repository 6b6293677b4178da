//! Where the record and the note of the last drain lie, and how they get there whole.

use super::record::Record;
use crate::clock::Stamp;
use crate::context::{Context, Root, UnitName};
use crate::error::{Error, Result};
use crate::outcome::FrontEnd;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Survives a reboot.
const STATE: &str = "/var/lib/hhvm-drain";
/// Locks; and the record, when the disk of [`STATE`] is full or read-only: then it survives all but a power cut.
const RUNTIME: &str = "/run/hhvm-drain";
/// A larger file is none of ours.
const FILE_MAX: u64 = 1 << 20;

/// What became of the last drain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastDrain {
    /// [`crate::drain::Outcome::name`].
    pub outcome: String,
    /// The load at its end, if it was known.
    pub load: Option<u64>,
    /// How long it took.
    pub seconds: u64,
    /// When it ended.
    pub at: String,
    /// What the front end said for the health file; not asked by version 0.1.0.
    #[serde(default)]
    pub front_end: FrontEnd,
}

/// The state directories of one unit.
#[derive(Debug, Clone)]
pub struct Store {
    root: Root,
    unit: UnitName,
}

impl Store {
    /// The store of the context's unit.
    #[must_use]
    pub fn new(context: &Context) -> Self {
        Self { root: context.root.clone(), unit: context.unit.clone() }
    }

    /// The record, if there is one.
    ///
    /// # Errors
    /// [`Error::RecordBroken`] when it is there and cannot be read.
    pub fn record(&self) -> Result<Option<Record>> {
        // The one in memory is newer: it is there only while the other could not be written.
        for directory in [RUNTIME, STATE] {
            let path = self.path(directory, "json");
            match read(&path) {
                Ok(Some(record)) => return Ok(Some(record)),
                Ok(None) => {}
                Err(error) => return Err(Error::RecordBroken { path, why: error.to_string() }),
            }
        }
        Ok(None)
    }

    /// Writes the record, synced to the disk; where that cannot be had, to memory, and `Ok(false)`.
    ///
    /// # Errors
    /// When neither can be written.
    pub fn save(&self, record: &Record) -> Result<bool> {
        let durable = self.path(STATE, "json");
        let volatile = self.path(RUNTIME, "json");
        match write(&durable, record, Sync::Yes) {
            Ok(()) => {
                let _ = fs::remove_file(volatile);
                Ok(true)
            }
            Err(source) => match write(&volatile, record, Sync::No) {
                Ok(()) => Ok(false),
                Err(_) => Err(Error::RecordWrite { path: durable, source }),
            },
        }
    }

    /// Removes the record.
    ///
    /// # Errors
    /// When it stays.
    pub fn forget(&self) -> Result<()> {
        for directory in [STATE, RUNTIME] {
            let path = self.path(directory, "json");
            match fs::remove_file(&path) {
                Err(source) if !is_absent(&source) => {
                    return Err(Error::RecordWrite { path, source });
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The last drain, if one is known.
    #[must_use]
    pub fn last_drain(&self) -> Option<LastDrain> {
        read(&self.path(STATE, "last.json")).ok().flatten()
    }

    /// Notes the last drain. Nothing depends on it, so a full disk only costs the note.
    pub fn note_last_drain(&self, last: &LastDrain) {
        let _ = write(&self.path(STATE, "last.json"), last, Sync::No);
    }

    /// Whether a record could be written now.
    ///
    /// # Errors
    /// What stands in the way, with the directory.
    pub fn probe_writable(&self) -> std::result::Result<(), (PathBuf, io::Error)> {
        let path = self.path(STATE, "probe");
        let result = write(&path, &(), Sync::No).and_then(|()| fs::remove_file(&path));
        result.map_err(|error| (PathBuf::from(STATE), error))
    }

    /// This instant.
    #[must_use]
    pub fn now(&self) -> Stamp {
        Stamp::now(&self.root.join("/proc"))
    }

    pub(super) fn lock_path(&self, suffix: &str) -> PathBuf {
        self.path(RUNTIME, suffix)
    }

    fn path(&self, directory: &str, suffix: &str) -> PathBuf {
        self.root.join(directory).join(format!("{}.{suffix}", self.unit))
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Sync {
    Yes,
    No,
}

fn read<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    let mut text = String::new();
    match File::open(path) {
        Ok(file) => file.take(FILE_MAX).read_to_string(&mut text)?,
        Err(error) if is_absent(&error) => return Ok(None),
        Err(error) => return Err(error),
    };
    if text.chars().all(|c| c == '\0') {
        return Ok(None);
    }
    Ok(Some(serde_json::from_str(&text)?))
}

/// No such file, or no such directory either.
fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Writes beside and renames, so that a reader sees the old or the new file, never half of one.
///
/// Synced after the rename, file and directory are one commit of the journal on the usual file systems, which halves
/// the time until the node is out. A power cut in between can leave an empty file, and [`read`] takes that for none:
/// nothing was renamed on the strength of it yet.
fn write<T: Serialize>(path: &Path, value: &T, sync: Sync) -> io::Result<()> {
    let parent = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let beside = path.with_extension("new");
    let mut bytes = serde_json::to_vec_pretty(value)?;
    bytes.push(b'\n');
    fs::create_dir_all(parent)?;
    let mut file = File::create(&beside)?;
    file.write_all(&bytes).and_then(|()| fs::rename(&beside, path)).inspect_err(|_| {
        let _ = fs::remove_file(&beside);
    })?;
    match sync {
        Sync::Yes => file.sync_all().and_then(|()| File::open(parent)?.sync_all()),
        Sync::No => Ok(()),
    }
}
