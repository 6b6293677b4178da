//! Puts the node back: renames what the record names, and nothing else. The record goes last, and only when a health
//! file is in its place.

use super::directory::disabled_name;
use super::fate::Fate;
use super::find::{Found, Prospect};
use super::lock::WriteLock;
use super::member::Member;
use super::record::{By, Parked, Record};
use super::sight::Sight;
use crate::error::{Error, Result};
use crate::message::Message;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// What is left of a record after its files were brought back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Left {
    /// Nothing: the record is gone.
    Nothing,
    /// Files that could not be brought back; the record keeps them for the next try.
    Files(Record),
}

/// What became of one file.
enum Turn {
    /// A health file is in its place.
    Over(Option<Message>),
    /// None is, and the record keeps the entry.
    Stays(Message),
}

impl Member {
    /// Brings back every file of `record`, the one that was parked last first; keeps a record of what could not be
    /// brought back, so that the next hook tries again.
    pub fn bring_back(&self, record: Record, messages: &mut Vec<Message>) -> Result<Left> {
        let mut left: Vec<Parked> = Vec::new();
        let mut back: Vec<PathBuf> = Vec::new();
        for parked in record.parked.iter().rev() {
            match self.bring_back_one(&record, parked) {
                Turn::Over(message) => {
                    messages.extend(message);
                    back.push(parked.health_file.clone());
                }
                Turn::Stays(message) => {
                    messages.push(message);
                    left.insert(0, parked.clone());
                }
            }
        }
        // Parked from below a mount point while the mount was away: it is hidden now, and its place is taken.
        left.retain(|parked| !back.contains(&parked.health_file));
        self.keep(record, left)
    }

    /// Leaves the record with what is left of it, or forgets it.
    fn keep(&self, record: Record, left: Vec<Parked>) -> Result<Left> {
        if left.is_empty() {
            self.store.forget()?;
            return Ok(Left::Nothing);
        }
        let shorter = left.len() < record.parked.len();
        let record = Record { parked: left, ..record };
        if shorter {
            self.store.save(&record)?;
        }
        Ok(Left::Files(record))
    }

    fn bring_back_one(&self, record: &Record, parked: &Parked) -> Turn {
        let health = || parked.health_file.clone();
        let found = match self.find(record, parked) {
            Prospect::Here(found) => found,
            Prospect::Elsewhere(by) => return Turn::Over(Some(Message::Replaced { old: health(), by })),
            Prospect::OutOfSight(why) => return Turn::Stays(Message::OutOfSight(health(), why)),
        };
        match found.fate {
            Fate::Rename => rename_back(parked, &found),
            Fate::Back => Turn::Over(None),
            Fate::Superseded => Turn::Over(Some(superseded(parked))),
            Fate::HalfMoved => match found.directory.remove(&found.disabled) {
                Ok(()) => Turn::Over(None),
                Err(error) => {
                    Turn::Over(Some(Message::CannotUnpark(parked.disabled.clone(), error.to_string())))
                }
            },
            Fate::Replaced => Turn::Over(Some(Message::Replaced { old: health(), by: health() })),
            Fate::NotOurs => Turn::Stays(Message::NotOurs(parked.disabled.clone())),
            Fate::Blocked => {
                let why = format!("something that is no file has the name {}", parked.health_file.display());
                Turn::Stays(Message::CannotUnpark(parked.disabled.clone(), why))
            }
            Fate::Deleted => match self.put_copy_back(parked, &found) {
                Some(Ok(())) => Turn::Over(Some(Message::PutBackCopy(health()))),
                Some(Err(error)) => Turn::Stays(Message::CannotUnpark(health(), error.to_string())),
                None => Turn::Stays(Message::Gone(health())),
            },
            Fate::OutOfSight => Turn::Stays(Message::Gone(health())),
        }
    }

    /// Undoes a drain's depool, and no other; fails if a file could not be brought back.
    pub fn undo_drain(&self, messages: &mut Vec<Message>) -> Result<()> {
        let _lock = WriteLock::take(&self.store)?;
        // Another call may have changed it since it was decided upon.
        let Some(record) = self.store.record()?.filter(|record| record.by == By::Drain) else {
            return Ok(());
        };
        match self.bring_back(record, messages)? {
            Left::Nothing => Ok(()),
            Left::Files(_) => Err(Error::NotBack),
        }
    }

    /// Brings the node back for an operator, whoever took it out, by hand too.
    pub fn pool(&self, messages: &mut Vec<Message>) -> Result<()> {
        let left = match self.store.record()? {
            Some(record) => self.bring_back(record, messages)?,
            None => Left::Nothing,
        };
        let mut missing = Vec::new();
        for (path, sight) in self.sights() {
            match sight {
                Ok(sight) if sight.health.is_some() => {}
                Ok(sight) if sight.disabled.file().is_some() => {
                    messages.push(self.unpark_by_hand(&sight)?);
                }
                Ok(_) => missing.push(path.to_owned()),
                Err(error) if error.kind() == ErrorKind::NotFound => missing.push(path.to_owned()),
                Err(error) => return Err(cannot(path, &error)),
            }
        }
        self.settle(left, &missing)?;
        if missing.is_empty() { Ok(()) } else { Err(Error::NoHealthFile(missing)) }
    }

    /// Forgets what is left of a record when the health files of its entries are in their places now, or when all that
    /// the settings name are there and they name none of these any longer.
    fn settle(&self, left: Left, missing: &[PathBuf]) -> Result<()> {
        let Left::Files(record) = left else { return Ok(()) };
        let is_named = |parked: &Parked| self.health_files.iter().any(|path| path == parked.named());
        let is_settled = |parked: &Parked| {
            self.find(&record, parked).is_over() || (missing.is_empty() && !is_named(parked))
        };
        let left: Vec<_> = record.parked.iter().filter(|parked| !is_settled(parked)).cloned().collect();
        match self.keep(record, left)? {
            Left::Nothing => Ok(()),
            Left::Files(_) => Err(Error::NotBack),
        }
    }

    /// Makes whatever is parked the drain's, so that the node comes back after the stop that goes on just now.
    pub fn pool_after_stop(&mut self, messages: &mut Vec<Message>) -> Result<()> {
        let mut record = match self.store.record()? {
            Some(record) => record,
            None => Record::new(By::Drain, self.unit(), self.store.now()),
        };
        record.by = By::Drain;
        for (path, sight) in self.sights() {
            let Ok(sight) = sight else { continue };
            let disabled = self.root.shorten(&sight.disabled_path());
            let known = record.parked.iter().any(|parked| parked.disabled == disabled);
            if let (None, Some(file), false) = (sight.health, sight.disabled.file(), known) {
                record.parked.push(self.entry(path, &sight, &disabled_name(&sight.name), file));
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

fn rename_back(parked: &Parked, found: &Found) -> Turn {
    match found.directory.rename(&found.disabled, &found.health) {
        Ok(()) => Turn::Over(Some(Message::MovingBack {
            from: parked.disabled.clone(),
            to: parked.health_file.clone(),
        })),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Turn::Over(Some(superseded(parked))),
        Err(error) => Turn::Stays(Message::CannotUnpark(parked.disabled.clone(), error.to_string())),
    }
}

fn superseded(parked: &Parked) -> Message {
    Message::Superseded { left: parked.disabled.clone(), by: parked.health_file.clone() }
}

fn cannot(path: &Path, error: &io::Error) -> Error {
    Error::Rename { from: path.to_owned(), why: error.to_string() }
}
