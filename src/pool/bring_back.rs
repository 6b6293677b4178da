//! Puts the node back: renames what the record names, and nothing else. The record goes last, and only when a health
//! file is in its place.

use super::copy::Copy;
use super::fate::Fate;
use super::find::{Found, Prospect};
use super::lock::drain_in_progress;
use super::member::Member;
use super::names::{Entry, Names, disabled_name};
use super::record::{By, Parked, Record};
use super::sharers::{Asker, Others, Return};
use super::sharing::{Neighbours, Own, Verdict};
use super::sight::Sight;
use super::whole::is_absent;
use crate::context::UnitName;
use crate::error::{Error, Result};
use crate::message::Message;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// What is left of a record after its files were brought back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Left {
    /// Nothing: a health file is in each place, and the record is gone.
    Nothing,
    /// Nothing of this unit's, but another unit keeps a file away, and brings it back.
    ToOthers,
    /// Files that are to stay away until a unit that names them serves.
    Waiting(Record),
    /// Files that could not be brought back; the record keeps them for the next try.
    Files(Record),
}

/// What became of one file.
enum Turn {
    /// A health file is in its place.
    Over(Option<Message>),
    /// None is, and the entry goes: another unit has one, and brings the file back.
    LeftTo(Message),
    /// None is, as it should be.
    Waits(Message),
    /// None is, and the record keeps the entry for the next try.
    Stays(Message),
}

impl Member {
    /// Brings back every file of `record`, the one that was parked last first; keeps a record of what could not be
    /// brought back, so that the next hook tries again.
    pub(super) fn bring_back(
        &self,
        record: Record,
        wanted: &Return,
        messages: &mut Vec<Message>,
    ) -> Result<Left> {
        let mut left: Vec<Parked> = Vec::new();
        let (mut has_failed, mut is_left_to_others) = (false, false);
        for parked in record.parked.iter().rev() {
            let turn = self.bring_back_one(&record, parked, wanted)?;
            has_failed |= matches!(turn, Turn::Stays(_));
            is_left_to_others |= matches!(turn, Turn::LeftTo(_));
            match turn {
                Turn::Over(message) => {
                    messages.extend(message);
                    // What was parked later, from below a mount point while the mount was away, is hidden now, and its
                    // place is taken.
                    left.retain(|later| later.health_file != parked.health_file);
                }
                Turn::LeftTo(message) => messages.push(message),
                Turn::Waits(message) | Turn::Stays(message) => {
                    messages.push(message);
                    left.insert(0, parked.clone());
                }
            }
        }
        Ok(match self.keep(record, left)? {
            Left::Files(record) if !has_failed => Left::Waiting(record),
            Left::Nothing if is_left_to_others => Left::ToOthers,
            left => left,
        })
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

    fn bring_back_one(&self, record: &Record, parked: &Parked, wanted: &Return) -> Result<Turn> {
        let health = || parked.health_file.clone();
        let found = match self.find(record, parked) {
            Prospect::Here(found) => found,
            Prospect::Elsewhere(by) => {
                return Ok(Turn::Over(Some(Message::Replaced { old: health(), by })));
            }
            Prospect::OutOfSight(why) => return Ok(Turn::Stays(Message::OutOfSight(health(), why))),
        };
        Copy::remove_half_made(&found.directory, &found.health);
        if matches!(found.fate, Fate::Rename | Fate::Deleted) {
            return self.return_if_shared_so(parked, &found, wanted);
        }
        Ok(match found.fate {
            Fate::Rename | Fate::Deleted | Fate::Back | Fate::Renewed => {
                found.directory.remove_placeholder(&found.disabled);
                Turn::Over(None)
            }
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
            Fate::OutOfSight => Turn::Stays(Message::Gone(health())),
        })
    }

    /// Brings the file back, unless another unit that names it is against that.
    fn return_if_shared_so(&self, parked: &Parked, found: &Found, wanted: &Return) -> Result<Turn> {
        match self.verdict(parked, wanted) {
            Verdict::Return(void) => {
                let turn = self.return_now(parked, found);
                if matches!(turn, Turn::Over(_)) {
                    self.void(&void, parked, wanted.others)?;
                }
                Ok(turn)
            }
            Verdict::LeaveTo(_) if wanted.asker == Asker::Operator => {
                self.overrule(parked, wanted.others)?;
                Ok(Turn::LeftTo(Message::PoolAfterStop))
            }
            Verdict::LeaveTo(unit) => Ok(Turn::LeftTo(left_to(&unit, parked, wanted))),
            Verdict::Stay => Ok(Turn::Waits(Message::LeftOut(format!(
                "no unit that names {} serves",
                parked.health_file.display()
            )))),
        }
    }

    fn return_now(&self, parked: &Parked, found: &Found) -> Turn {
        let health = || parked.health_file.clone();
        if found.fate == Fate::Rename {
            return rename_back(parked, found);
        }
        match self.put_copy_back(parked, found) {
            Some(Ok(())) => Turn::Over(Some(Message::PutBackCopy(health()))),
            Some(Err(error)) => Turn::Stays(Message::CannotUnpark(health(), error.to_string())),
            None => Turn::Stays(Message::Gone(health())),
        }
    }

    /// Brings back what other units have parked and have no more use for, the file that was parked last first.
    fn bring_back_for_others(&self, wanted: &Return, messages: &mut Vec<Message>) -> Result<()> {
        for record in self.parked_by_others(wanted.others) {
            for parked in record.parked.iter().rev() {
                let found = match self.find(&record, parked) {
                    Prospect::Here(found) => found,
                    Prospect::Elsewhere(_) | Prospect::OutOfSight(_) => continue,
                };
                // Nothing is left of that wish but its record.
                if wanted.asker == Asker::Operator && found.fate.is_over() {
                    self.overrule(parked, wanted.others)?;
                }
                if found.fate == Fate::Rename {
                    match self.return_if_shared_so(parked, &found, wanted)? {
                        Turn::Over(message) => messages.extend(message),
                        Turn::LeftTo(message) if wanted.asker == Asker::Operator => messages.push(message),
                        Turn::Stays(message) => messages.push(message),
                        Turn::LeftTo(_) | Turn::Waits(_) => {}
                    }
                }
            }
        }
        Ok(())
    }

    /// Undoes a drain's depool, and no other, as far as the units that share a health file allow; and that of units that
    /// were stopped for good, when this one is ready. Fails if a file could not be brought back.
    ///
    /// `neighbours` tells how the units of [`Member::sharers`] stand, and others that name a health file of this one.
    pub fn undo_drain(&self, own: Own, neighbours: &Neighbours, messages: &mut Vec<Message>) -> Result<Left> {
        let _lock = self.lock()?;
        let others = self.store.others();
        let wanted = Return { asker: Asker::Drain(own), neighbours, others: &others };
        // Another call may have changed it since it was decided upon.
        let left = match self.store.record()? {
            Some(record) if record.by == By::Operator => return Ok(Left::Nothing),
            Some(record) => self.bring_back(record, &wanted, messages)?,
            None => Left::Nothing,
        };
        self.bring_back_for_others(&wanted, messages)?;
        match left {
            Left::Files(_) => Err(Error::NotBack),
            left => Ok(left),
        }
    }

    /// Brings the node back for an operator, whoever took it out, by hand too; after the stop, if one goes on just now.
    ///
    /// `neighbours` is as for [`Member::undo_drain`].
    pub fn pool(&self, neighbours: &Neighbours, messages: &mut Vec<Message>) -> Result<()> {
        let _lock = self.lock()?;
        let others = self.store.others();
        if drain_in_progress(&self.store) {
            return self.pool_after_stop(&others, messages);
        }
        let wanted = Return { asker: Asker::Operator, neighbours, others: &others };
        let left = match self.store.record()? {
            Some(record) => self.bring_back(record, &wanted, messages)?,
            None => Left::Nothing,
        };
        self.bring_back_for_others(&wanted, messages)?;
        let missing = self.pool_by_hand(&self.store.others(), messages)?;
        self.settle(left, &missing)?;
        if missing.is_empty() { Ok(()) } else { Err(Error::NoHealthFile(missing)) }
    }

    /// Renames what was parked by hand; the health files of which there is nothing.
    fn pool_by_hand(&self, others: &Others, messages: &mut Vec<Message>) -> Result<Vec<PathBuf>> {
        let mut missing = Vec::new();
        for (path, sight) in self.sights() {
            match sight {
                Ok(sight) if sight.health.is_some() => sight.remove_second_name(),
                // It comes back after the stop of that unit.
                _ if self.claim_on(path, others).is_some() => {}
                Ok(sight) if sight.disabled.file().is_some() => {
                    let moved = self.unpark_by_hand(&sight)?;
                    // It is not left alone after all.
                    let from = self.root.shorten(&sight.disabled_path());
                    messages.retain(|message| !matches!(message, Message::NotOurs(path) if *path == from));
                    messages.push(moved);
                }
                Ok(_) => missing.push(path.to_owned()),
                Err(error) if is_absent(&error) => missing.push(path.to_owned()),
                Err(error) => return Err(cannot(path, &error)),
            }
        }
        Ok(missing)
    }

    /// Forgets what is left of a record when the health files of its entries are in their places now, or when all that
    /// the settings name are there and they name none of these any longer.
    fn settle(&self, left: Left, missing: &[PathBuf]) -> Result<()> {
        let (Left::Files(record) | Left::Waiting(record)) = left else { return Ok(()) };
        let is_named = |parked: &Parked| self.health_files.iter().any(|path| path == parked.named());
        let is_settled = |parked: &Parked| {
            self.find(&record, parked).is_over() || (missing.is_empty() && !is_named(parked))
        };
        let left: Vec<_> = record.parked.iter().filter(|parked| !is_settled(parked)).cloned().collect();
        match self.keep(record, left)? {
            Left::Nothing | Left::ToOthers => Ok(()),
            Left::Waiting(_) | Left::Files(_) => Err(Error::NotBack),
        }
    }

    /// Makes whatever is parked the drain's, so that the node comes back after the stop that goes on just now.
    fn pool_after_stop(&self, others: &Others, messages: &mut Vec<Message>) -> Result<()> {
        let mut record = match self.store.record()? {
            Some(record) => record,
            None => Record::new(By::Drain, self.unit(), self.store.now()),
        };
        record.by = By::Drain;
        for (path, sight) in self.sights() {
            let sight = match sight {
                Ok(sight) => sight,
                Err(error) if is_absent(&error) => continue,
                Err(error) => return Err(cannot(path, &error)),
            };
            let disabled = self.root.shorten(&sight.disabled_path());
            let is_it =
                |parked: &Parked| parked.disabled == disabled && self.find(&record, parked).is_parked();
            let known = record.parked.iter().any(is_it);
            if let (None, Some(file), false) = (sight.health, sight.disabled.file(), known) {
                record.parked.push(self.entry(path, &sight, &disabled_name(&sight.name), file));
            }
        }
        self.store.save(&record)?;
        for parked in &record.parked {
            self.overrule(parked, others)?;
        }
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
        // It may be gone again.
        Err(error)
            if error.kind() == ErrorKind::AlreadyExists
                && matches!(found.directory.look(&found.health), Ok(Entry::File(_))) =>
        {
            Turn::Over(Some(superseded(parked)))
        }
        Err(error) => Turn::Stays(Message::CannotUnpark(parked.disabled.clone(), error.to_string())),
    }
}

fn left_to(unit: &UnitName, parked: &Parked, wanted: &Return) -> Message {
    let path = parked.health_file.display();
    let wish = wanted.others.iter().find(|(other, record)| other == unit && record.by == By::Operator);
    Message::LeftOut(match wish {
        Some((_, record)) => format!("{} ({unit}); hhvm-drain pool puts it back", record.story()),
        None => format!("{unit} needs {path} to be away, too, and puts it back when it is ready"),
    })
}

fn superseded(parked: &Parked) -> Message {
    Message::Superseded { left: parked.disabled.clone(), by: parked.health_file.clone() }
}

fn cannot(path: &Path, error: &io::Error) -> Error {
    Error::Rename { from: path.to_owned(), why: error.to_string() }
}
