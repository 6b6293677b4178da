//! Parks health files: enters them into the record, writes it, then renames.

use super::directory::disabled_name;
use super::member::Member;
use super::record::{By, Record, Wish};
use super::sight::Sight;
use super::store::Saved;
use crate::message::Message;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

/// What is to be done about one health file.
pub(super) struct Look {
    pub(super) path: PathBuf,
    pub(super) sight: io::Result<Sight>,
}

/// What parking came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parking {
    /// At least one file was renamed just now.
    Renamed,
    /// Nothing was there to rename, or nothing could be; the record tells of what was parked before, and of the wish.
    Noted,
    /// There was nothing to do: the record says it all already, or there is nothing to record.
    NothingToDo,
    /// The record could not be written, so no file was touched.
    NotRecorded,
}

impl Member {
    /// Writes the record, then renames.
    pub(super) fn park(
        &self,
        old: Option<&Record>,
        wish: &Wish,
        looks: &[Look],
        messages: &mut Vec<Message>,
    ) -> Parking {
        let mut record = self.wished(old.cloned(), wish);
        let mut moves: Vec<(&Sight, OsString)> = Vec::new();
        for look in looks {
            match &look.sight {
                Ok(sight) => match self.plan(look, sight, wish, &mut record) {
                    Ok(Some(name)) => moves.push((sight, name)),
                    Ok(None) => {}
                    Err(error) => messages.push(Message::cannot_park(&look.path, &error)),
                },
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => messages.push(Message::cannot_park(&look.path, error)),
            }
        }
        if old == Some(&record) || record.parked.is_empty() {
            return Parking::NothingToDo;
        }
        match self.store.save(&record) {
            Ok(Saved::Durably) => {}
            Ok(Saved::InMemory) => messages.push(Message::RecordInMemory),
            Err(error) => {
                messages.push(Message::Trouble(format!("{error}; the health file stays where it is")));
                return Parking::NotRecorded;
            }
        }
        let mut renamed = false;
        for (sight, name) in moves {
            renamed |= self.rename(sight, &name, messages);
        }
        // After the renames: no load balancer waits for copies.
        self.keep_copies(&record);
        if renamed {
            return Parking::Renamed;
        }
        if old.is_none() && !record.parked.iter().any(|entry| self.find(&record, entry).is_parked()) {
            let _ = self.store.forget();
            return Parking::NothingToDo;
        }
        Parking::Noted
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
    fn plan(
        &self,
        look: &Look,
        sight: &Sight,
        wish: &Wish,
        record: &mut Record,
    ) -> io::Result<Option<OsString>> {
        if let Some(file) = sight.health {
            let name = sight.directory.free_name(&sight.name)?;
            record.parked.push(self.entry(&look.path, sight, &name, file));
            return Ok(Some(name));
        }
        let Some(file) = sight.disabled.file() else { return Ok(None) };
        let entry = self.entry(&look.path, sight, &disabled_name(&sight.name), file);
        let is_known = record.parked.iter().any(|known| known.disabled == entry.disabled);
        // Parked by hand: an operator's depool makes it theirs, a drain leaves it alone.
        if wish.by == By::Operator && !is_known {
            record.parked.push(entry);
        }
        Ok(None)
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
}
