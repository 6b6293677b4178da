//! Where the record lies, and what is kept beside it, and how they get there whole.

use super::copy::Copy;
use super::record::Record;
use super::shelf::{RUNTIME, STATE, Shelf, Spot};
use super::whole::{
    Durability, Readers, is_absent, is_blank, is_there, names, read, rehearse, remove, write, writer_of,
};
use crate::clock::{self, Stamp};
use crate::context::{Context, Root, UnitName};
use crate::error::{Error, Result};
use crate::text::quote;
use rustix::io::Errno;
use std::collections::BTreeSet;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// No host has more instances than this.
pub(super) const UNITS_MAX: usize = 1024;
/// How the name of the copies ends; not as a record's does, for which the maintainer scripts look.
const COPIES: &str = "copies";

/// Where a record was written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saved {
    /// To the disk, and synced: it survives a power cut.
    Durably,
    /// To memory, because the disk takes nothing: it survives all but a power cut.
    InMemory,
}

/// The state directories of one unit.
#[derive(Debug, Clone)]
pub struct Store {
    pub(super) root: Root,
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
    /// [`Error::RecordBroken`] when it is there and cannot be read; [`Error::RecordDenied`] by this user.
    pub fn record(&self) -> Result<Option<Record>> {
        // The one in memory is newer: it is there only while the other could not be written.
        for directory in [RUNTIME, STATE] {
            let spot = self.spot(directory, "json");
            match read(&spot) {
                Ok(Some(record)) => return sound(record, spot.path()),
                Ok(None) => {}
                // The kernel's word; that others could have written it is another matter.
                Err(error) if error.raw_os_error() == Some(Errno::ACCESS.raw_os_error()) => {
                    return Err(Error::RecordDenied(spot.path()));
                }
                Err(error) => {
                    return Err(Error::RecordBroken { path: spot.path(), why: error.to_string() });
                }
            }
        }
        Ok(None)
    }

    /// Writes the record to the disk; where that cannot be had, to memory.
    ///
    /// # Errors
    /// When neither can be written.
    pub fn save(&self, record: &Record) -> Result<Saved> {
        let saved = self.save_silently(record);
        self.publish();
        saved
    }

    fn save_silently(&self, record: &Record) -> Result<Saved> {
        let durable = self.spot(STATE, "json");
        let volatile = self.spot(RUNTIME, "json");
        match write(&durable, record, Readers::Root, Durability::Synced) {
            Ok(()) => match remove(&volatile) {
                // It would be taken for the newer one.
                Err(error) if !is_absent(&error) => {
                    match write(&volatile, record, Readers::Root, Durability::WhenConvenient) {
                        Ok(()) => Ok(Saved::Durably),
                        Err(source) => Err(Error::RecordWrite { path: volatile.path(), source }),
                    }
                }
                _ => Ok(Saved::Durably),
            },
            Err(source) => match write(&volatile, record, Readers::Root, Durability::WhenConvenient) {
                Ok(()) => Ok(Saved::InMemory),
                Err(_) => Err(Error::RecordWrite { path: durable.path(), source }),
            },
        }
    }

    /// The store of another unit of this host.
    #[must_use]
    pub(super) fn of(&self, unit: &UnitName) -> Self {
        Self { root: self.root.clone(), unit: unit.clone() }
    }

    /// The records of all other units, as far as they can be read.
    #[must_use]
    pub(super) fn others(&self) -> Vec<(UnitName, Record)> {
        let mut units = BTreeSet::new();
        for directory in [RUNTIME, STATE] {
            let Ok(names) = names(&self.root, directory) else { continue };
            units.extend(names.filter_map(|name| unit_of(&name)).take(UNITS_MAX));
        }
        units.remove(&self.unit);
        let record = |unit: UnitName| Some((unit.clone(), self.of(&unit).record().ok()??));
        units.into_iter().filter_map(record).collect()
    }

    /// The copies of the files that the record tells of, as far as there are any.
    #[must_use]
    pub fn copies(&self) -> Vec<Copy> {
        let copies = |directory| read(&self.spot(directory, COPIES)).ok().flatten();
        // As with the record, those in memory are newer.
        [RUNTIME, STATE].into_iter().find_map(copies).unwrap_or_default()
    }

    /// Keeps the copies, synced to the disk; where that cannot be had, in memory. They are for a rare case, so if neither
    /// can be written, that costs only this.
    pub fn keep_copies(&self, copies: &[Copy]) {
        let volatile = self.spot(RUNTIME, COPIES);
        let _ = match write(&self.spot(STATE, COPIES), &copies, Readers::Root, Durability::Synced) {
            Ok(()) => remove(&volatile),
            Err(_) => write(&volatile, &copies, Readers::Root, Durability::WhenConvenient),
        };
    }

    /// Removes the record, and the copies with it.
    ///
    /// # Errors
    /// When it stays.
    pub fn forget(&self) -> Result<()> {
        for directory in [STATE, RUNTIME] {
            let spot = self.spot(directory, "json");
            match remove(&spot) {
                Err(source) if !is_absent(&source) => {
                    return Err(Error::RecordWrite { path: spot.path(), source });
                }
                _ => {}
            }
        }
        self.remove_copies();
        self.publish();
        Ok(())
    }

    fn remove_copies(&self) {
        for directory in [STATE, RUNTIME] {
            let _ = remove(&self.spot(directory, COPIES));
        }
    }

    /// Removes what a process of this unit was about to write when it was killed, or the power was cut: what is not
    /// whole yet, a record of which only the name is there, and copies without a record, which comes before them and goes
    /// before them.
    pub fn tidy(&self) {
        let records = [STATE, RUNTIME].map(|directory| self.spot(directory, "json"));
        for spot in &records {
            if is_blank(spot) {
                let _ = remove(spot);
            }
        }
        // Two looks, because the copy of a file that a deploy has deleted cannot be had again.
        if !records.iter().any(|record| is_there(record) || self.may_be_listed(record)) {
            self.remove_copies();
        }
        let lives = |writer: u32| self.root.join("/proc").join(writer.to_string()).exists();
        // Without procfs nobody can be told from the dead.
        if !lives(std::process::id()) {
            return;
        }
        for shelf in [STATE, RUNTIME] {
            for name in names(&self.root, shelf).into_iter().flatten() {
                let writer = name.strip_prefix(self.unit.as_str()).and_then(writer_of);
                if writer.is_some_and(|writer| !lives(writer)) {
                    let _ = remove(&Spot::new(&self.root, shelf, name));
                }
            }
        }
    }

    /// Whether its directory lists the file, or cannot be read.
    fn may_be_listed(&self, spot: &Spot) -> bool {
        match names(&self.root, spot.shelf) {
            Ok(mut names) => names.any(|name| *name == *spot.name()),
            Err(error) => !is_absent(&error),
        }
    }

    /// The unit.
    #[must_use]
    pub fn unit(&self) -> &str {
        self.unit.as_str()
    }

    /// Notes that a drain has begun. It is taken for one that was cut short if it has not ended by the time that nobody is
    /// busy with it. A power cut forgets it.
    pub fn note_begin(&self) {
        let spot = self.spot(RUNTIME, "begun");
        let _ = write(&spot, &self.now(), Readers::Root, Durability::WhenConvenient);
    }

    /// Notes that it has ended.
    pub fn note_end(&self) {
        let _ = remove(&self.spot(RUNTIME, "begun"));
    }

    /// When the drain began that has not ended.
    #[must_use]
    pub fn unfinished(&self) -> Option<Stamp> {
        read(&self.spot(RUNTIME, "begun")).ok().flatten()
    }

    /// Whether a record could be written now. The record itself is not touched.
    ///
    /// # Errors
    /// What stands in the way, with the directory.
    pub fn probe_writable(&self) -> std::result::Result<(), (PathBuf, io::Error)> {
        rehearse(&self.spot(STATE, "probe")).map_err(|error| (PathBuf::from(STATE.path), error))
    }

    /// This instant.
    #[must_use]
    pub fn now(&self) -> Stamp {
        clock::now(&self.proc())
    }

    /// Where procfs is.
    pub(super) fn proc(&self) -> PathBuf {
        self.root.join("/proc")
    }

    /// The lock of a health file, for all units that name it by this path.
    pub(super) fn file_lock(&self, health_file: &Path) -> Spot {
        let hash = fnv1a(health_file.as_os_str().as_bytes());
        self.shared(format!("file-{hash:016x}.lock"))
    }

    pub(super) fn lock(&self, suffix: &str) -> Spot {
        self.spot(RUNTIME, suffix)
    }

    /// A file of all units.
    pub(super) fn shared(&self, name: String) -> Spot {
        Spot::new(&self.root, RUNTIME, name)
    }

    pub(super) fn spot(&self, on: Shelf, suffix: &str) -> Spot {
        Spot::new(&self.root, on, format!("{}.{suffix}", self.unit))
    }
}

/// The record, if this program can have written it.
fn sound(record: Record, path: PathBuf) -> Result<Option<Record>> {
    match record.parked.iter().find(|parked| !parked.is_sound()) {
        None => Ok(Some(record)),
        Some(parked) => {
            let why = format!("{} is no parked health file", quote(&parked.disabled.to_string_lossy()));
            Err(Error::RecordBroken { path, why })
        }
    }
}

/// The unit whose record has this name.
fn unit_of(file_name: &str) -> Option<UnitName> {
    let unit = file_name.strip_suffix(".json").filter(|unit| unit.ends_with(".service"))?;
    UnitName::parse(unit).ok()
}

/// The 64 bits of the hash FNV-1a, for names of files that are of no use to anybody else.
fn fnv1a(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_record_is_told_from_what_else_lies_there() {
        let unit = |name| unit_of(name).map(|unit| unit.to_string());
        assert_eq!(unit("hhvm@1.service.json").as_deref(), Some("hhvm@1.service"));
        for other in ["hhvm.service.last.json", "hhvm.service.json.7.new", "hhvm.service.copies", "json"] {
            assert_eq!(unit(other), None, "{other}");
        }
    }

    #[test]
    fn what_the_dead_have_left_goes_and_what_the_living_write_stays() {
        let dir = tempfile::tempdir().unwrap();
        let unit = UnitName::parse("hhvm").unwrap();
        let store = Store { root: Root::new(dir.path().to_owned()), unit };
        let state = dir.path().join(&STATE.path[1..]);
        fs::create_dir_all(&state).unwrap();
        let me = std::process::id();
        // The kernel gives no process this number.
        let dead = format!("hhvm.service.json.{}.new", i32::MAX);
        let kept = [
            format!("hhvm.service.json.{me}.new"),
            "hhvm.service.json".to_owned(),
            "hhvm.service.json.new".to_owned(),
            format!("hhvm@1.service.json.{}.new", i32::MAX),
        ];
        kept.iter().chain([&dead]).for_each(|name| fs::write(state.join(name), "").unwrap());
        store.tidy();
        assert!(state.join(&dead).exists(), "there is no procfs");
        std::os::unix::fs::symlink("/proc", dir.path().join("proc")).unwrap();
        store.tidy();
        assert!(!state.join(&dead).exists());
        for name in kept.iter().filter(|name| *name != "hhvm.service.json") {
            assert!(state.join(name).exists(), "{name}");
        }
        assert!(!state.join("hhvm.service.json").exists(), "it says nothing");
        fs::write(state.join("hhvm.service.copies"), "[]").unwrap();
        fs::write(state.join("hhvm.service.json"), "{}").unwrap();
        store.tidy();
        assert!(state.join("hhvm.service.copies").exists(), "there is a record");
        fs::remove_file(state.join("hhvm.service.json")).unwrap();
        store.tidy();
        assert!(!state.join("hhvm.service.copies").exists());
    }

    #[test]
    fn the_hash_is_the_published_one() {
        assert_eq!((fnv1a(b""), fnv1a(b"foobar")), (0xcbf2_9ce4_8422_2325, 0x8594_4171_f739_67e8));
    }
}
