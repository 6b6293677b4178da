//! Parks health files: enters them into the record, writes it, then renames.

use super::find::Prospect;
use super::identity::Boot;
use super::member::Member;
use super::names::{Entry, Names, disabled_name};
use super::record::{By, Parked, Record, Wish};
use super::sharers::Others;
use super::sight::Sight;
use super::store::Saved;
use super::whole::is_absent;
use crate::message::Message;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

/// One health file of the settings, as it was seen.
pub(super) struct Look {
    pub(super) path: PathBuf,
    pub(super) sight: io::Result<Sight>,
}

/// What is there before files are parked.
pub(super) struct Situation<'a> {
    /// The unit's record, as far as it holds.
    pub(super) old: Option<&'a Record>,
    /// The records of other units.
    pub(super) others: &'a Others,
    pub(super) looks: &'a [Look],
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

/// The same, and the paths of what is there and could not be moved away.
pub(super) struct Attempt {
    pub(super) parking: Parking,
    pub(super) immovable: Vec<PathBuf>,
}

/// A rename that the record tells of.
struct Move<'a> {
    look: &'a Look,
    sight: &'a Sight,
    name: OsString,
}

impl Move<'_> {
    /// Whether the entry tells of it.
    fn makes(&self, entry: &Parked) -> bool {
        entry.named() == self.look.path && entry.disabled.file_name() == Some(&self.name)
    }
}

impl Look {
    pub(super) fn is_in_place(&self) -> bool {
        self.sight.as_ref().is_ok_and(|sight| sight.health.is_some())
    }
}

impl Member {
    /// Writes the record, then renames.
    pub(super) fn park(&self, situation: &Situation, wish: &Wish, messages: &mut Vec<Message>) -> Attempt {
        let mut immovable = Vec::new();
        let mut record = self.wished(situation.old.cloned(), wish);
        let moves = self.enter_all(situation, wish, &mut record, &mut immovable, messages);
        if situation.old == Some(&record) || record.parked.is_empty() {
            return Attempt { parking: Parking::NothingToDo, immovable };
        }
        self.enter_for_others(&moves, &record, situation.others, messages);
        if !self.save(&record, messages) {
            immovable.extend(moves.into_iter().map(|step| step.look.path.clone()));
            return Attempt { parking: Parking::NotRecorded, immovable };
        }
        let asked = moves.len();
        let failed: Vec<_> = moves.into_iter().filter(|step| !self.rename(step, messages)).collect();
        let renamed = asked > failed.len();
        immovable.extend(failed.into_iter().map(|step| step.look.path.clone()));
        // After the renames: no load balancer waits for copies.
        self.keep_copies(&record);
        let parking = if renamed {
            Parking::Renamed
        } else if situation.old.is_none() && !self.may_any_be_parked(&record) {
            let _ = self.store.forget();
            Parking::NothingToDo
        } else {
            Parking::Noted
        };
        Attempt { parking, immovable }
    }

    /// Enters all that is to be parked into the record; the renames to be done.
    fn enter_all<'a>(
        &self,
        situation: &Situation<'a>,
        wish: &Wish,
        record: &mut Record,
        immovable: &mut Vec<PathBuf>,
        messages: &mut Vec<Message>,
    ) -> Vec<Move<'a>> {
        let mut moves = Vec::new();
        for look in situation.looks {
            self.share(look, situation.others, record);
            let planned = look.sight.as_ref().map_or_else(
                |error| Err(io::Error::new(error.kind(), error.to_string())),
                |sight| Ok(self.plan(look, sight, wish, record)?.map(|name| Move { look, sight, name })),
            );
            match planned {
                Ok(step) => moves.extend(step),
                Err(error) if is_absent(&error) => {}
                Err(error) => {
                    messages.push(Message::cannot_park(&look.path, &error));
                    immovable.push(look.path.clone());
                }
            }
        }
        moves
    }

    /// Whether the record is written, to disk or memory; tells when it is not.
    fn save(&self, record: &Record, messages: &mut Vec<Message>) -> bool {
        match self.store.save(record) {
            Ok(Saved::Durably) => true,
            Ok(Saved::InMemory) => {
                messages.push(Message::RecordInMemory);
                true
            }
            Err(error) => {
                messages.push(Message::Trouble(format!("{error}; the health file stays where it is")));
                false
            }
        }
    }

    /// What cannot be seen just now may be.
    fn may_any_be_parked(&self, record: &Record) -> bool {
        record.parked.iter().any(|entry| match self.find(record, entry) {
            Prospect::OutOfSight(_) => true,
            prospect => prospect.is_parked(),
        })
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
                    record.parked = self.renumbered(&old);
                    if old.by == By::Operator {
                        record.since = old.since;
                        record.reason = record.reason.or(old.reason);
                    }
                }
                record
            }
        }
    }

    /// The entries of a record, with the numbers that disks have got in this boot.
    fn renumbered(&self, old: &Record) -> Vec<Parked> {
        let is_known = old.boot(&self.store.now()) == Boot::Same;
        let now = |parked: &Parked| match self.find(old, parked) {
            Prospect::Here(found) if !is_known && found.fate.is_parked() => {
                let file = found.directory.look(&found.disabled).ok()?.file()?;
                Some(Parked { file, directory: Some(found.directory.id()), ..parked.clone() })
            }
            _ => None,
        };
        old.parked.iter().map(|parked| now(parked).unwrap_or_else(|| parked.clone())).collect()
    }

    /// Enters what other units have parked, in their order, so that it stays away until this one is ready, too. Of what is
    /// in place meanwhile, which a deploy has brought, only a drain's file is the older one that must not come back.
    fn share(&self, look: &Look, others: &Others, record: &mut Record) {
        let is_away = !look.is_in_place();
        let known = &mut record.parked;
        let is_of_this_file = |entry: &Parked| entry.named() == look.path;
        let mut at = known.iter().position(is_of_this_file).unwrap_or(known.len());
        for (other, entry) in self.claims_on(&look.path, others) {
            if let Some(before) = known.iter().position(|known| known.is_same(entry)) {
                at = before + 1;
            } else if is_away || other.by == By::Drain {
                known.insert(at, entry.clone());
                at += 1;
            }
        }
    }

    /// Lets every drain that keeps an older health file away keep the newer one away, too, which is parked now: whoever of
    /// them brings the node back must know which file that is.
    fn enter_for_others(
        &self,
        moves: &[Move],
        record: &Record,
        others: &Others,
        messages: &mut Vec<Message>,
    ) {
        for (unit, other) in others.iter().filter(|(_, other)| other.by == By::Drain) {
            let keeps_older = |step: &&Move| {
                self.claims_on(&step.look.path, others).any(|(claimant, _)| claimant.unit == other.unit)
            };
            let away_too: Vec<&Move> = moves.iter().filter(keeps_older).collect();
            let is_newer = |entry: &&Parked| {
                away_too.iter().any(|step| step.makes(entry))
                    && !other.parked.iter().any(|old| old.is_same(entry))
            };
            let newer = record.parked.iter().filter(is_newer);
            let parked: Vec<Parked> = other.parked.iter().chain(newer).cloned().collect();
            if parked.len() > other.parked.len()
                && let Err(error) = self.store.of(unit).save(&Record { parked, ..other.clone() })
            {
                messages.push(Message::Trouble(error.to_string()));
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

    fn rename(&self, step: &Move, messages: &mut Vec<Message>) -> bool {
        let Move { sight, name, .. } = step;
        let from = self.root.shorten(&sight.health_path());
        match sight.directory.rename(&sight.name, name) {
            Ok(()) => {
                let to = self.root.shorten(&sight.directory.join(name));
                messages.push(Message::Moving { from, to });
                true
            }
            // Another unit was quicker, and could not be waited for.
            Err(error) if is_absent(&error) && is_at(sight, name) => true,
            Err(error) => {
                messages.push(Message::cannot_park(&from, &error));
                false
            }
        }
    }
}

/// Whether the file that was seen has that name by now.
fn is_at(sight: &Sight, name: &OsString) -> bool {
    let found = sight.directory.look(name).ok().and_then(Entry::file);
    found.zip(sight.health).is_some_and(|(found, seen)| found.is(seen, Boot::Same))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::{Context, Env, Root, UnitName};

    #[test]
    fn a_file_that_another_unit_has_parked_meanwhile_is_parked() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("s"), "alive").unwrap();
        let root = Root::new(dir.path().to_owned());
        let context = Context::new(root, Env::default(), UnitName::parse("hhvm").unwrap());
        let member = Member::new(&context, &["/s".into()]);
        let look = Look {
            path: "/s".into(),
            sight: Sight::of(&crate::context::Root::new("/".into()), &dir.path().join("s")),
        };
        let sight = look.sight.as_ref().unwrap();
        let name = OsString::from("s.disabled");
        sight.directory.rename(&sight.name, &name).unwrap();
        let mut messages = Vec::new();
        assert!(member.rename(&Move { look: &look, sight, name: name.clone() }, &mut messages));
        assert!(messages.is_empty(), "{messages:?}");
        std::fs::write(dir.path().join("other"), "").unwrap();
        std::fs::rename(dir.path().join("other"), dir.path().join("s.disabled")).unwrap();
        assert!(!member.rename(&Move { look: &look, sight, name }, &mut messages));
    }
}
