//! Looks for a parked file: in the directory in which it was parked, and where the settings' path leads to meanwhile.

use super::directory::Directory;
use super::fate::{Fate, View};
use super::identity::FileId;
use super::member::Member;
use super::names::Names;
use super::record::{Parked, Record};
use super::sight::Sight;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

/// A parked file, as it is found.
#[derive(Debug)]
pub(super) enum Prospect {
    /// Its directory can be seen.
    Here(Found),
    /// It cannot be seen or put back, but another health file is where the settings' path leads to now.
    Elsewhere(PathBuf),
    /// It cannot be seen; why.
    OutOfSight(String),
}

/// Its directory, its names in it, and what becomes of it.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) directory: Directory,
    pub(super) health: OsString,
    pub(super) disabled: OsString,
    pub(super) fate: Fate,
}

impl Prospect {
    /// Whether a health file is in its place, so that the record's entry has served its purpose.
    pub(super) fn is_over(&self) -> bool {
        match self {
            Self::Here(found) => found.fate.is_over(),
            Self::Elsewhere(_) => true,
            Self::OutOfSight(_) => false,
        }
    }

    /// Whether the very file that was parked lies there still.
    pub(super) fn is_parked(&self) -> bool {
        matches!(self, Self::Here(found) if found.fate.is_parked())
    }
}

impl Member {
    /// Looks for a parked file of `record`.
    pub(super) fn find(&self, record: &Record, parked: &Parked) -> Prospect {
        let found = self.find_here(record, parked);
        let puts_back_another = match &found {
            Ok(found) => matches!(found.fate, Fate::OutOfSight | Fate::Deleted | Fate::NotOurs),
            Err(_) => true,
        };
        if puts_back_another && let Some(path) = self.in_place_elsewhere(parked) {
            return Prospect::Elsewhere(path);
        }
        let directory = parked.health_file.parent().unwrap_or(Path::new("/")).display();
        match found {
            Ok(Found { fate: Fate::OutOfSight, .. }) if parked.directory.is_some() => Prospect::OutOfSight(
                format!("{directory} is not the directory that it was; is its file system mounted?"),
            ),
            Ok(Found { fate: Fate::OutOfSight, .. }) => {
                Prospect::OutOfSight("it has neither of its names".to_owned())
            }
            Ok(found) => Prospect::Here(found),
            Err(error) if super::whole::is_absent(&error) => {
                Prospect::OutOfSight(format!("there is no {directory}"))
            }
            Err(error) => Prospect::OutOfSight(format!("{directory} cannot be looked at ({error})")),
        }
    }

    fn find_here(&self, record: &Record, parked: &Parked) -> io::Result<Found> {
        let (Some(parent), Some(health), Some(disabled)) =
            (parked.health_file.parent(), parked.health_file.file_name(), parked.disabled.file_name())
        else {
            return Err(io::Error::other("the record names no file"));
        };
        let directory = Directory::open(&self.root, parent)?;
        let boot = record.boot(&self.store.now());
        // In this order, so that one file that is being moved away is never taken for two names of it.
        let disabled_entry = directory.look(disabled)?;
        let view = View {
            place: parked.place(directory.id(), boot),
            health: directory.look(health)?,
            health_is_newer: directory.changed(health).is_some_and(|at| record.is_older_than(at)),
            disabled: disabled_entry,
        };
        let fate = parked.fate(&view, boot);
        Ok(Found { directory, health: health.to_owned(), disabled: disabled.to_owned(), fate })
    }

    /// The health file that the settings' path leads to, if it leads to another directory than when the file was parked:
    /// a symlink to the current release was flipped, and the old release was pruned.
    fn in_place_elsewhere(&self, parked: &Parked) -> Option<PathBuf> {
        let in_place = |path: &Path| {
            let sight = Sight::of(&self.root, path).ok()?;
            sight.health.map(|_| self.root.shorten(&sight.health_path()))
        };
        if parked.directory.is_none() {
            // A record of an older version does not tell by which path the settings named the file.
            let mut all = self.health_files.iter().map(|path| in_place(path)).collect::<Option<Vec<_>>>()?;
            return all.pop();
        }
        in_place(parked.named()).filter(|path| *path != parked.health_file)
    }

    /// The entry of a record for the health file `health` in `directory`, parked as `disabled`.
    pub(super) fn entry(&self, path: &Path, sight: &Sight, disabled: &OsStr, file: FileId) -> Parked {
        let health_file = self.root.shorten(&sight.health_path());
        Parked {
            named: (path != health_file).then(|| path.to_owned()),
            health_file,
            disabled: self.root.shorten(&sight.directory.join(disabled)),
            file,
            directory: Some(sight.directory.id()),
        }
    }
}
