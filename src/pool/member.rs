//! This node as a member of the pool: takes it out and watches that it stays out. Writes the record before it
//! renames.

use super::files::Sight;
use super::lock::WriteLock;
use super::park::Parking;
use super::record::{By, Parked, Record};
use super::store::Store;
use crate::context::{Context, Root};
use crate::message::Message;
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whereabouts {
    /// In its place.
    InPlace,
    /// Parked, and the record tells by whom.
    OnRecord,
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
    pub(super) sight: std::io::Result<Sight>,
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
    pub fn sights(&self) -> impl Iterator<Item = (&Path, std::io::Result<Sight>)> {
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
        self.watched = looks.iter().filter(|look| look.sight.is_ok()).map(|look| look.path.clone()).collect();
        let parking = self.park(old.as_ref(), wish, &looks, &mut messages);
        let out = self.judge(old.as_ref(), parking, &looks, &mut messages);
        Depooled { messages, out }
    }

    /// Parks again what a deploy has put back since; `None` if nothing came back.
    pub fn keep_out(&mut self) -> Option<Depooled> {
        let back = |path: &PathBuf| self.root.join(path).symlink_metadata().is_ok();
        let returned: Vec<PathBuf> = self.watched.iter().filter(|path| back(path)).cloned().collect();
        if returned.is_empty() {
            return None;
        }
        let mut again = self.depool(&Wish::drain());
        // What cannot be parked would be tried, and told, ten times a second.
        self.watched.retain(|path| self.root.join(path).symlink_metadata().is_err());
        again.messages.insert(0, Message::Returned(returned));
        Some(again)
    }

    /// Whether a health file is in its place.
    #[must_use]
    pub fn any_in_place(&self) -> bool {
        self.health_files.iter().any(|path| self.root.join(path).symlink_metadata().is_ok())
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
        record.parked.retain(|parked| self.is_parked(parked));
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
            let whereabouts = match &look.sight {
                Ok(sight) => self.whereabouts(sight, old),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Whereabouts::Nowhere,
                Err(_) => continue,
            };
            let record = match whereabouts {
                Whereabouts::InPlace => continue,
                Whereabouts::Nowhere => {
                    messages.push(Message::NoHealthFile(look.path.clone()));
                    continue;
                }
                Whereabouts::OnRecord => old,
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

    /// Where a health file is, in the light of `record`.
    #[must_use]
    pub fn whereabouts(&self, sight: &Sight, record: Option<&Record>) -> Whereabouts {
        let path = self.root.shorten(&sight.health_path());
        let on_record = |record: &Record| {
            record.parked.iter().any(|entry| entry.health_file == path && self.is_parked(entry))
        };
        match sight.health {
            Some(_) => Whereabouts::InPlace,
            None if record.is_some_and(on_record) => Whereabouts::OnRecord,
            None if sight.disabled.is_some() => Whereabouts::ByHand,
            None => Whereabouts::Nowhere,
        }
    }

    /// Whether the file of this entry lies parked where the record says.
    #[must_use]
    pub fn is_parked(&self, parked: &Parked) -> bool {
        let path = self.root.join(&parked.disabled);
        let id = std::os::unix::fs::MetadataExt::ino;
        path.symlink_metadata().is_ok_and(|found| id(&found) == parked.file.inode)
    }
}
