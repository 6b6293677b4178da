//! This node as a member of the pool: takes it out and watches that it stays out. Writes the record before it
//! renames.

use super::fate::Fate;
use super::find::Prospect;
use super::lock::WriteLock;
use super::park::Parking;
use super::record::{By, Parked, Record};
use super::sight::Sight;
use super::store::Store;
use super::whole::is_absent;
use crate::context::{Context, Root};
use crate::message::Message;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The health files of one unit, and the record about them.
#[derive(Debug)]
pub struct Member {
    pub(super) root: Root,
    pub(super) store: Store,
    pub(super) health_files: Vec<PathBuf>,
    pub(super) unit: String,
    pub(super) invocation: Option<String>,
    /// Health files that the drain keeps out of the way, should they come back.
    watched: Vec<PathBuf>,
}

/// Who wants the node out.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Drain or operator.
    pub by: By,
    /// The operator's login name.
    pub who: Option<String>,
    /// Why.
    pub reason: Option<String>,
}

impl Wish {
    /// The wish of `stop`.
    #[must_use]
    pub fn drain() -> Self {
        Self { by: By::Drain, who: None, reason: None }
    }
}

/// Whether the load balancer can know that the node is out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Out {
    /// It is out, for so long; a node that was out before the machine was booted counts as out for ever.
    For(Duration),
    /// It is not out: there is no health file, or it cannot be renamed.
    Not,
}

/// Where a health file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whereabouts {
    /// In its place.
    InPlace,
    /// Parked, and the record tells by whom.
    OnRecord,
    /// The record tells that it was parked, and it cannot be put back as things are; why.
    Lost(String),
    /// Parked, and no record tells of it.
    ByHand,
    /// Not there.
    Nowhere,
}

/// What depooling came to.
#[derive(Debug)]
pub struct Depooled {
    /// What there is to tell, in order.
    pub messages: Vec<Message>,
    /// Whether the node is out.
    pub out: Out,
}

/// What is to be done about one health file.
pub(super) struct Look {
    pub(super) path: PathBuf,
    pub(super) sight: io::Result<Sight>,
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

    /// Looks at every health file: its path in the settings, and what is there.
    pub fn sights(&self) -> impl Iterator<Item = (&Path, io::Result<Sight>)> {
        self.health_files.iter().map(|path| (path.as_path(), Sight::of(&self.root.join(path))))
    }

    /// Takes the node out, whatever it meets on the way: what cannot be done is told.
    pub fn depool(&mut self, wish: &Wish) -> Depooled {
        let mut messages = Vec::new();
        let _lock =
            WriteLock::take(&self.store).map_err(|e| messages.push(Message::Trouble(e.to_string()))).ok();
        let old = self.usable_record(wish, &mut messages);
        let looks: Vec<Look> =
            self.sights().map(|(path, sight)| Look { path: path.to_owned(), sight }).collect();
        let parking = self.park(old.as_ref(), wish, &looks, &mut messages);
        // What is there still could not be moved away, which was told: it has not come back.
        self.watched = self.health_files.iter().filter(|path| self.is_away(path)).cloned().collect();
        let out = self.judge(old.as_ref(), parking, &looks, &mut messages);
        Depooled { messages, out }
    }

    /// Parks again what a deploy has put back since; `None` if nothing came back.
    pub fn keep_out(&mut self) -> Option<Depooled> {
        let returned: Vec<PathBuf> =
            self.watched.iter().filter(|path| self.is_in_place(path)).cloned().collect();
        if returned.is_empty() {
            return None;
        }
        let mut watched = std::mem::take(&mut self.watched);
        let mut again = self.depool(&Wish::drain());
        // What cannot be parked would be tried, and told, ten times a second.
        watched.retain(|path| self.is_away(path));
        self.watched = watched;
        again.messages.insert(0, Message::Returned(returned));
        Some(again)
    }

    fn is_in_place(&self, path: &Path) -> bool {
        self.root.join(path).symlink_metadata().is_ok()
    }

    fn is_away(&self, path: &Path) -> bool {
        self.root.join(path).symlink_metadata().is_err_and(|error| is_absent(&error))
    }

    /// Whether a health file is in its place.
    #[must_use]
    pub fn any_in_place(&self) -> bool {
        self.health_files.iter().any(|path| self.is_in_place(path))
    }

    /// Leaves what comes back where it is: an operator may change their mind.
    pub fn let_come_back(&mut self) {
        self.watched.clear();
    }

    /// The record, unless it is broken, or speaks of an operator's depool that somebody undid by hand.
    fn usable_record(&self, wish: &Wish, messages: &mut Vec<Message>) -> Option<Record> {
        let mut record = match self.store.record() {
            Ok(record) => record?,
            Err(error) => {
                messages.push(Message::Trouble(error.to_string()));
                return None;
            }
        };
        let parked = record.parked.iter().filter(|parked| match self.find(&record, parked) {
            Prospect::Here(found) if found.fate == Fate::HalfMoved => {
                // It is parked anew, whole.
                let _ = found.directory.remove(&found.disabled);
                false
            }
            prospect => prospect.is_parked() || !prospect.is_over(),
        });
        record.parked = parked.cloned().collect();
        if record.parked.is_empty() {
            if record.by == By::Operator && wish.by == By::Drain {
                messages.push(Message::UndoneByHand(record.story()));
            }
            return None;
        }
        Some(record)
    }

    /// Whether the node is out, and since when; tells of files that were not there or were parked before.
    fn judge(
        &self,
        old: Option<&Record>,
        parking: Parking,
        looks: &[Look],
        messages: &mut Vec<Message>,
    ) -> Out {
        let mut before = None;
        for look in looks {
            // An error was told when the file was to be parked.
            let Ok(whereabouts) = self.whereabouts(&look.path, &look.sight, old) else { continue };
            let record = match whereabouts {
                Whereabouts::InPlace => continue,
                Whereabouts::Nowhere => {
                    messages.push(Message::NoHealthFile(look.path.clone()));
                    continue;
                }
                Whereabouts::OnRecord => old,
                Whereabouts::Lost(why) => {
                    messages.push(Message::OutOfSight(look.path.clone(), why));
                    old
                }
                Whereabouts::ByHand => None,
            };
            let out = record.map_or(Duration::ZERO, |record| {
                record.since.until(&self.store.now()).unwrap_or(Duration::MAX)
            });
            messages.push(Message::OutAlready(record.map(Record::story)));
            before = Some(before.map_or(out, |shortest: Duration| shortest.min(out)));
        }
        match (parking, before) {
            (Parking::Renamed, _) => Out::For(Duration::ZERO),
            (_, Some(out)) => Out::For(out),
            (_, None) => Out::Not,
        }
    }

    /// Where the health file at `path` of the settings is, in the light of `record`.
    ///
    /// # Errors
    /// That of `sight`, unless it only says that there is no such directory, or the record knows better.
    pub fn whereabouts(
        &self,
        path: &Path,
        sight: &io::Result<Sight>,
        record: Option<&Record>,
    ) -> io::Result<Whereabouts> {
        if sight.as_ref().is_ok_and(|sight| sight.health.is_some()) {
            return Ok(Whereabouts::InPlace);
        }
        if let Some(on_record) = record.and_then(|record| self.on_record(path, sight, record)) {
            return Ok(on_record);
        }
        match sight {
            Ok(sight) if sight.disabled.file().is_some() => Ok(Whereabouts::ByHand),
            Ok(_) => Ok(Whereabouts::Nowhere),
            Err(error) if is_absent(error) => Ok(Whereabouts::Nowhere),
            Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
        }
    }

    /// What the record says of a health file that is not in its place.
    fn on_record(&self, path: &Path, sight: &io::Result<Sight>, record: &Record) -> Option<Whereabouts> {
        let real = sight.as_ref().ok().map(|sight| self.root.shorten(&sight.health_path()));
        let is_about_it = |parked: &&Parked| {
            parked.named() == path || real.as_ref().is_some_and(|real| *real == parked.health_file)
        };
        let mut lost = None;
        for parked in record.parked.iter().filter(is_about_it) {
            match self.find(record, parked) {
                prospect if prospect.is_parked() => return Some(Whereabouts::OnRecord),
                Prospect::OutOfSight(why) => lost = Some(why),
                Prospect::Here(found) => {
                    lost = lost.or(found.fate.trouble(&parked.disabled));
                }
                Prospect::Elsewhere(_) => {}
            }
        }
        lost.map(Whereabouts::Lost)
    }

    /// Whether every health file of the record is in its place, so that the record has served its purpose.
    #[must_use]
    pub fn is_over(&self, record: &Record) -> bool {
        record.parked.iter().all(|parked| self.find(record, parked).is_over())
    }
}
