//! This node as a member of the pool: takes it out and watches that it stays out. Writes the record before it
//! renames.

use super::files::{FileId, Sight, disabled_name};
use super::lock::WriteLock;
use super::record::{By, Parked, Record};
use super::store::Store;
use crate::context::{Context, Root};
use crate::message::Message;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The health files of one unit, and the record about them.
#[derive(Debug)]
pub struct Member {
    pub(super) root: Root,
    pub(super) store: Store,
    pub(super) health_files: Vec<PathBuf>,
    unit: String,
    invocation: Option<String>,
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
struct Look {
    path: PathBuf,
    sight: std::io::Result<Sight>,
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
        let parked_now = self.park(old.as_ref(), wish, &looks, &mut messages);
        let out = self.judge(old.as_ref(), parked_now, &looks, &mut messages);
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
    pub fn is_reachable(&self) -> bool {
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

    /// Writes the record, then renames; whether anything was renamed or an operator's wish was noted.
    fn park(&self, old: Option<&Record>, wish: &Wish, looks: &[Look], messages: &mut Vec<Message>) -> bool {
        let mut record = self.wished(old.cloned(), wish);
        let mut moves: Vec<(&Sight, OsString)> = Vec::new();
        for look in looks {
            match &look.sight {
                Ok(sight) => match self.plan(sight, wish, &mut record) {
                    Ok(Some(name)) => moves.push((sight, name)),
                    Ok(None) => {}
                    Err(error) => messages.push(Message::cannot_park(&look.path, &error)),
                },
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => messages.push(Message::cannot_park(&look.path, error)),
            }
        }
        if old == Some(&record) || record.parked.is_empty() {
            return false;
        }
        match self.store.save(&record) {
            Ok(true) => {}
            Ok(false) => messages.push(Message::RecordInMemory),
            Err(error) => {
                messages.push(Message::Trouble(format!("{error}; the health file stays where it is")));
                return false;
            }
        }
        let mut parked = false;
        for (sight, name) in moves {
            parked |= self.rename(sight, &name, messages);
        }
        if !parked && old.is_none() && !record.parked.iter().any(|entry| self.is_parked(entry)) {
            let _ = self.store.forget();
        }
        parked
    }

    /// The record as it will be, still without the files that are parked now.
    fn wished(&self, old: Option<Record>, wish: &Wish) -> Record {
        let operator_takes_over = wish.by == By::Operator;
        match old {
            Some(record) if !operator_takes_over => record,
            old => {
                let mut record = Record::new(wish.by, &self.unit, self.store.now());
                record.who.clone_from(&wish.who);
                record.reason.clone_from(&wish.reason);
                record.invocation.clone_from(&self.invocation);
                if let Some(old) = old {
                    if old.by == By::Operator {
                        record.since = old.since;
                        record.reason = record.reason.or(old.reason);
                    }
                    record.parked = old.parked;
                }
                record
            }
        }
    }

    /// Enters the file into the record; the name it will have, if it must be renamed.
    fn plan(&self, sight: &Sight, wish: &Wish, record: &mut Record) -> std::io::Result<Option<OsString>> {
        let name = match (sight.health, sight.disabled) {
            (Some(_), _) => sight.directory.free_name(&sight.name)?,
            (None, Some(_)) => disabled_name(&sight.name),
            (None, None) => return Ok(None),
        };
        let disabled = self.root.shorten(&sight.directory.join(&name));
        let known = record.parked.iter().any(|entry| entry.disabled == disabled);
        let adopt = |file: FileId| Parked {
            health_file: self.root.shorten(&sight.health_path()),
            disabled: disabled.clone(),
            file,
        };
        match (sight.health, sight.disabled) {
            (Some(file), _) => {
                record.parked.push(adopt(file));
                Ok(Some(name))
            }
            // Parked by hand: an operator's depool makes it theirs, a drain leaves it alone.
            (None, Some(file)) if wish.by == By::Operator && !known => {
                record.parked.push(adopt(file));
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    fn rename(&self, sight: &Sight, name: &OsString, messages: &mut Vec<Message>) -> bool {
        let from = self.root.shorten(&sight.health_path());
        match sight.directory.rename(&sight.name, name) {
            Ok(()) => {
                let to = self.root.shorten(&sight.directory.join(name));
                messages.push(Message::Moving { from, to });
                true
            }
            Err(error) => {
                messages.push(Message::cannot_park(&from, &error));
                false
            }
        }
    }

    /// Whether the node is out, and since when; tells of files that were not there or were parked before.
    fn judge(
        &self,
        old: Option<&Record>,
        parked_now: bool,
        looks: &[Look],
        messages: &mut Vec<Message>,
    ) -> Out {
        let mut before = None;
        for look in looks {
            match &look.sight {
                Ok(sight) if sight.health.is_some() => {}
                Ok(sight) if self.whereabouts(sight, old) != Whereabouts::Nowhere => {
                    let record = old.filter(|_| self.whereabouts(sight, old) == Whereabouts::OnRecord);
                    let out = record.map_or(Duration::ZERO, |record| {
                        record.since.until(&self.store.now()).unwrap_or(Duration::MAX)
                    });
                    messages.push(Message::OutAlready(record.map(Record::story)));
                    before = Some(before.map_or(out, |shortest: Duration| shortest.min(out)));
                }
                Ok(_) => messages.push(Message::NoHealthFile(look.path.clone())),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    messages.push(Message::NoHealthFile(look.path.clone()));
                }
                Err(_) => {}
            }
        }
        match (parked_now, before) {
            (true, _) => Out::For(Duration::ZERO),
            (false, Some(out)) => Out::For(out),
            (false, None) => Out::Not,
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
