//! Puts the node back: renames what the record names, and nothing else. The record goes last.

use super::files::{Directory, Sight, disabled_name};
use super::lock::WriteLock;
use super::member::Member;
use super::record::{By, Parked, Record, Unpark};
use crate::error::{Error, Result};
use crate::message::Message;
use std::io::ErrorKind;
use std::path::Path;

/// What is left of a record after its files were brought back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// Nothing: the record is gone.
    Nothing,
    /// Files that could not be brought back; the record keeps them for the next try.
    Files,
}

impl Member {
    /// Brings back every file of `record`, the one that was parked last first; keeps a record of what could not be
    /// renamed, so that the next hook tries again.
    pub fn bring_back(&self, record: Record, messages: &mut Vec<Message>) -> Result<Left> {
        let same_boot = record.since.until(&self.store.now()).is_some();
        let mut left = Vec::new();
        for parked in record.parked.iter().rev() {
            match self.unpark(parked, same_boot) {
                Ok(message) => messages.extend(message),
                Err(error) => {
                    messages.push(Message::CannotUnpark(parked.disabled.clone(), error.to_string()));
                    left.insert(0, parked.clone());
                }
            }
        }
        if left.is_empty() {
            self.store.forget()?;
            return Ok(Left::Nothing);
        }
        if left.len() < record.parked.len() {
            self.store.save(&Record { parked: left, ..record })?;
        }
        Ok(Left::Files)
    }

    fn unpark(&self, parked: &Parked, same_boot: bool) -> std::io::Result<Option<Message>> {
        let gone = || Ok(self.unless_pooled(Message::Gone(parked.health_file.clone())));
        let (Some(parent), Some(name), Some(disabled)) =
            (parked.health_file.parent(), parked.health_file.file_name(), parked.disabled.file_name())
        else {
            return gone();
        };
        let directory = match Directory::open(&self.root.join(parent)) {
            Ok(directory) => directory,
            Err(error) if error.kind() == ErrorKind::NotFound => return gone(),
            Err(error) => return Err(error),
        };
        let (from, to) = (parked.disabled.clone(), parked.health_file.clone());
        match parked.unpark(directory.look(name)?, directory.look(disabled)?, same_boot) {
            Unpark::Rename => match directory.rename(disabled, name) {
                Ok(()) => Ok(Some(Message::MovingBack { from, to })),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    Ok(Some(Message::Superseded { left: from, by: to }))
                }
                Err(error) => Err(error),
            },
            Unpark::Superseded => Ok(Some(Message::Superseded { left: from, by: to })),
            Unpark::AlreadyBack => Ok(None),
            Unpark::NotOurs => Ok(Some(Message::NotOurs(from))),
            Unpark::Gone => gone(),
        }
    }

    /// `message`, unless every health file is in its place all the same: a deploy has brought another.
    fn unless_pooled(&self, message: Message) -> Option<Message> {
        let pooled = self.sights().all(|(_, sight)| sight.is_ok_and(|sight| sight.health.is_some()));
        (!pooled).then_some(message)
    }

    /// Undoes a drain's depool, and no other; fails if a file could not be renamed back.
    pub fn undo_drain(&self, messages: &mut Vec<Message>) -> Result<()> {
        let _lock = WriteLock::take(&self.store)?;
        // Another call may have changed it since it was decided upon.
        let Some(record) = self.store.record()?.filter(|record| record.by == By::Drain) else {
            return Ok(());
        };
        match self.bring_back(record, messages)? {
            Left::Nothing => Ok(()),
            Left::Files => Err(Error::NotBack),
        }
    }

    /// Brings the node back for an operator, whoever took it out, by hand too.
    pub fn pool(&self, messages: &mut Vec<Message>) -> Result<()> {
        if let Some(record) = self.store.record()? {
            self.bring_back(record, messages)?;
        }
        let mut missing = Vec::new();
        for (path, sight) in self.sights() {
            match sight {
                Ok(sight) if sight.health.is_some() => {}
                Ok(sight) if sight.disabled.is_some() => messages.push(self.unpark_by_hand(&sight)?),
                Ok(_) => missing.push(path.to_owned()),
                Err(error) if error.kind() == ErrorKind::NotFound => missing.push(path.to_owned()),
                Err(error) => return Err(cannot(path, &error)),
            }
        }
        if missing.is_empty() { Ok(()) } else { Err(Error::NoHealthFile(missing)) }
    }

    /// Makes whatever is parked the drain's, so that the node comes back after the stop that goes on just now.
    pub fn pool_after_stop(&mut self, messages: &mut Vec<Message>) -> Result<()> {
        let mut record = match self.store.record()? {
            Some(record) => record,
            None => Record::new(By::Drain, self.unit(), self.store.now()),
        };
        record.by = By::Drain;
        for (_, sight) in self.sights() {
            let Ok(sight) = sight else { continue };
            let disabled = self.root.shorten(&sight.disabled_path());
            let known = record.parked.iter().any(|parked| parked.disabled == disabled);
            if let (None, Some(file), false) = (sight.health, sight.disabled, known) {
                let health_file = self.root.shorten(&sight.health_path());
                record.parked.push(Parked { health_file, disabled, file });
            }
        }
        self.store.save(&record)?;
        messages.push(Message::PoolAfterStop);
        Ok(())
    }

    fn unpark_by_hand(&self, sight: &Sight) -> Result<Message> {
        let from = self.root.shorten(&sight.disabled_path());
        let to = self.root.shorten(&sight.health_path());
        match sight.directory.rename(&disabled_name(&sight.name), &sight.name) {
            Ok(()) => Ok(Message::MovingBack { from, to }),
            Err(error) => Err(cannot(&from, &error)),
        }
    }
}

fn cannot(path: &Path, error: &std::io::Error) -> Error {
    Error::Rename { from: path.to_owned(), why: error.to_string() }
}
