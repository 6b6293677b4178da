//! Takes the node out, and watches that it stays out.

use super::fate::Fate;
use super::find::Prospect;
use super::member::Member;
use super::names::Names;
use super::park::{Look, Parking, Situation};
use super::record::{By, Record, Wish};
use super::whereabouts::Whereabouts;
use crate::message::Message;
use std::path::PathBuf;
use std::time::Duration;

/// Whether the load balancer can know that the node is out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Out {
    /// It is out, for so long; a node that was out before the machine was booted counts as out for ever.
    For(Duration),
    /// It is not out: there is no health file, or it cannot be renamed.
    Not,
}

/// What depooling came to.
#[derive(Debug)]
pub struct Depooled {
    /// What there is to tell, in order.
    pub messages: Vec<Message>,
    /// Whether the node is out.
    pub out: Out,
}

impl Member {
    /// Takes the node out, whatever it meets on the way: what cannot be done is told.
    pub fn depool(&mut self, wish: &Wish) -> Depooled {
        let mut messages = Vec::new();
        let _lock = self.lock().map_err(|error| messages.push(Message::Trouble(error.to_string()))).ok();
        let old = self.usable_record(wish, &mut messages);
        let looks: Vec<Look> =
            self.sights().map(|(path, sight)| Look { path: path.to_owned(), sight }).collect();
        let others = self.store.others();
        let situation = Situation { old: old.as_ref(), others: &others, looks: &looks };
        let attempt = self.park(&situation, wish, &mut messages);
        // What could not be moved away was told, and has not come back.
        let is_away = |path: &&PathBuf| !attempt.immovable.contains(path);
        self.watched = self.health_files.iter().filter(is_away).cloned().collect();
        let out = self.judge(&situation, attempt.parking, &mut messages);
        Depooled { messages, out }
    }

    /// Parks again what a deploy has put back since; `None` if nothing came back.
    pub fn keep_out(&mut self) -> Option<Depooled> {
        let returned: Vec<PathBuf> =
            self.watched.iter().filter(|path| self.is_in_place(path)).cloned().collect();
        if returned.is_empty() {
            return None;
        }
        // What cannot be parked would be tried, and told, ten times a second.
        let mut watched = std::mem::take(&mut self.watched);
        let mut again = self.depool(&Wish::drain());
        watched.retain(|path| self.watched.contains(path));
        self.watched = watched;
        again.messages.insert(0, Message::Returned(returned));
        Some(again)
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
            // What is over because of another file may have to come back: a mount that is away hides it.
            Prospect::Here(found) => found.fate != Fate::Back,
            Prospect::Elsewhere(_) | Prospect::OutOfSight(_) => true,
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

    /// Who took the node out; and for which unit, if it was another.
    fn story(&self, record: &Record) -> String {
        let story = record.story();
        if record.unit == self.unit { story } else { format!("{story} ({})", record.unit) }
    }

    /// Whether the node is out, and since when; tells of files that were not there or were parked before.
    fn judge(&self, situation: &Situation, parking: Parking, messages: &mut Vec<Message>) -> Out {
        let Situation { old, others, looks } = *situation;
        let mut before = None;
        for look in looks {
            // An error was told when the file was to be parked.
            let Ok(whereabouts) = self.whereabouts(&look.path, &look.sight, old) else { continue };
            let claim = self.claim_on(&look.path, others).map(|(record, _)| record);
            let record = match whereabouts {
                Whereabouts::InPlace => continue,
                Whereabouts::Nowhere | Whereabouts::ByHand if claim.is_some() => claim,
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
            messages.push(Message::OutAlready(record.map(|record| self.story(record))));
            before = Some(before.map_or(out, |shortest: Duration| shortest.min(out)));
        }
        match (parking, before) {
            (Parking::Renamed, _) => Out::For(Duration::ZERO),
            (_, Some(out)) => Out::For(out),
            (_, None) => Out::Not,
        }
    }
}
