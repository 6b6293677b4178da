//! Where the record and the note of the last drain lie, and how they get there whole.

use super::activity::{Activity, Precedence, Writer};
use super::copy::Copy;
use super::last_drain::LastDrain;
use super::published::{Membership, Published, VERSION};
use super::record::Record;
use super::whole::{Durability, Readers, is_absent, read, rehearse, write};
use crate::clock::Stamp;
use crate::context::{Context, Root, UnitName};
use crate::error::{Error, Result};
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Survives a reboot.
const STATE: &str = "/var/lib/hhvm-drain";
/// No host has more instances than this.
const UNITS_MAX: usize = 1024;
/// How the name of the copies ends; not as a record's does, for which the maintainer scripts look.
const COPIES: &str = "copies";
/// How often the published state is written anew, should the record change meanwhile.
const TRIES: usize = 3;
/// Locks, and the published state; and the record, when the disk of [`STATE`] is full or read-only: then it survives all but a power cut.
const RUNTIME: &str = "/run/hhvm-drain";
/// A file that debian/prerm makes in [`RUNTIME`].
const LEAVING: &str = "leaving";

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
    /// [`Error::RecordBroken`] when it is there and cannot be read; [`Error::RecordDenied`] by this user.
    pub fn record(&self) -> Result<Option<Record>> {
        // The one in memory is newer: it is there only while the other could not be written.
        for directory in [RUNTIME, STATE] {
            let path = self.path(directory, "json");
            match read(&path) {
                Ok(Some(record)) => return Ok(Some(record)),
                Ok(None) => {}
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                    return Err(Error::RecordDenied(path));
                }
                Err(error) => return Err(Error::RecordBroken { path, why: error.to_string() }),
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
        let durable = self.path(STATE, "json");
        let volatile = self.path(RUNTIME, "json");
        match write(&durable, record, Readers::Everybody, Durability::Synced) {
            Ok(()) => {
                let _ = fs::remove_file(volatile);
                Ok(Saved::Durably)
            }
            Err(source) => match write(&volatile, record, Readers::Everybody, Durability::WhenConvenient) {
                Ok(()) => Ok(Saved::InMemory),
                Err(_) => Err(Error::RecordWrite { path: durable, source }),
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
            let Ok(entries) = fs::read_dir(self.root.join(directory)) else { continue };
            let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
            units.extend(names.filter_map(|name| unit_of(&name)).take(UNITS_MAX));
        }
        units.remove(&self.unit);
        let record = |unit: UnitName| Some((unit.clone(), self.of(&unit).record().ok()??));
        units.into_iter().filter_map(record).collect()
    }

    /// The copies of the files that the record tells of, as far as there are any.
    #[must_use]
    pub fn copies(&self) -> Vec<Copy> {
        read(&self.path(STATE, COPIES)).ok().flatten().unwrap_or_default()
    }

    /// Keeps the copies, synced to the disk. They are for a rare case, so a full disk only costs that.
    pub fn keep_copies(&self, copies: &[Copy]) {
        let _ = write(&self.path(STATE, COPIES), &copies, Readers::Root, Durability::Synced);
    }

    /// Removes the record, and the copies with it.
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
        let _ = fs::remove_file(self.path(STATE, COPIES));
        self.publish();
        Ok(())
    }

    /// The last drain, if one is known.
    #[must_use]
    pub fn last_drain(&self) -> Option<LastDrain> {
        read(&self.path(STATE, "last.json")).ok().flatten()
    }

    /// Notes the last drain. Nothing depends on it, so a full disk only costs the note.
    pub fn note_last_drain(&self, last: &LastDrain) {
        let _ = write(&self.path(STATE, "last.json"), last, Readers::Everybody, Durability::WhenConvenient);
        self.publish();
    }

    /// The published state, if there is one.
    ///
    /// # Errors
    /// As open(2) and read(2), and for what is no published state.
    pub fn published(&self) -> io::Result<Option<Published>> {
        read(&self.published_path())
    }

    /// Where it is.
    #[must_use]
    pub fn published_path(&self) -> PathBuf {
        self.path(RUNTIME, "state")
    }

    /// Whether the package is being removed: its script says so, for the agent.
    #[must_use]
    pub fn is_package_leaving(&self) -> bool {
        self.root.join(RUNTIME).join(LEAVING).exists()
    }

    /// The unit.
    #[must_use]
    pub fn unit(&self) -> &str {
        self.unit.as_str()
    }

    /// Publishes how things stand. Nothing that this program does depends on it, so a full `/run` only costs others
    /// the news.
    pub fn publish(&self) {
        self.publish_with(self.activity().as_ref());
    }

    /// Publishes what a process does from now on.
    pub(super) fn announce(&self, activity: Activity, precedence: Precedence) {
        let others = self.activity().filter(|other| other.writer != activity.writer);
        let others = others.filter(|_| precedence == Precedence::Last);
        self.publish_with(Some(&others.unwrap_or(activity)));
    }

    /// Publishes that `writer` has done what it announced.
    pub(super) fn announce_end(&self, writer: Writer) {
        let others = self.activity().filter(|other| other.writer != writer);
        self.publish_with(others.as_ref());
    }

    /// What a process that still runs, or may, has announced.
    fn activity(&self) -> Option<Activity> {
        let published = self.published().ok().flatten();
        let boot_id = self.now().boot_id;
        let published = published.filter(|published| published.is_about(self.unit.as_str(), &boot_id));
        published?.activity.filter(|activity| activity.writer.runs(&self.proc()) != Some(false))
    }

    /// Writers do not wait for each other. As each looks at the record once more after it has written, the last one of
    /// them leaves what the record says.
    fn publish_with(&self, activity: Option<&Activity>) {
        for _ in 0..TRIES {
            let membership = self.membership();
            let state = Published {
                version: VERSION,
                unit: self.unit.to_string(),
                written: self.now(),
                membership: membership.clone(),
                activity: activity.cloned(),
                last_drain: self.last_drain(),
            };
            let written =
                write(&self.published_path(), &state, Readers::Everybody, Durability::WhenConvenient);
            if written.is_err() || self.membership() == membership {
                break;
            }
        }
    }

    fn membership(&self) -> Membership {
        self.record().map_or(Membership::Unknown, |record| Membership::of(record.as_ref()))
    }

    /// Whether a record could be written now. The record itself is not touched.
    ///
    /// # Errors
    /// What stands in the way, with the directory.
    pub fn probe_writable(&self) -> std::result::Result<(), (PathBuf, io::Error)> {
        rehearse(&self.path(STATE, "probe")).map_err(|error| (PathBuf::from(STATE), error))
    }

    /// This instant.
    #[must_use]
    pub fn now(&self) -> Stamp {
        Stamp::now(&self.proc())
    }

    /// Where procfs is.
    pub(super) fn proc(&self) -> PathBuf {
        self.root.join("/proc")
    }

    /// The lock of a health file, for all units that name it by this path.
    pub(super) fn file_lock_path(&self, health_file: &Path) -> PathBuf {
        let hash = fnv1a(health_file.as_os_str().as_bytes());
        self.root.join(RUNTIME).join(format!("file-{hash:016x}.lock"))
    }

    pub(super) fn lock_path(&self, suffix: &str) -> PathBuf {
        self.path(RUNTIME, suffix)
    }

    fn path(&self, directory: &str, suffix: &str) -> PathBuf {
        self.root.join(directory).join(format!("{}.{suffix}", self.unit))
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

    #[test]
    fn a_record_is_told_from_what_else_lies_there() {
        let unit = |name| unit_of(name).map(|unit| unit.to_string());
        assert_eq!(unit("hhvm@1.service.json").as_deref(), Some("hhvm@1.service"));
        for other in ["hhvm.service.last.json", "hhvm.service.json.7.new", "hhvm.service.copies", "json"] {
            assert_eq!(unit(other), None, "{other}");
        }
    }

    #[test]
    fn the_hash_is_the_published_one() {
        assert_eq!((fnv1a(b""), fnv1a(b"foobar")), (0xcbf2_9ce4_8422_2325, 0x8594_4171_f739_67e8));
    }
}
