//! Gives a slot back, or a place in the queue: what this unit has taken, and nothing else.

use super::{Answer, CALLS_MAX, Call, Machine, Me, Next, Note, Own};
use crate::fleet::{Change, Committed, Compare, Failure, Transaction, Why};

/// What may be given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Whose {
    /// What a stop or a restart has taken.
    Drains,
    /// Also what an operator has.
    Anybodys,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Released {
    /// It is given back.
    Yes,
    /// This unit holds none.
    NotHeld,
    /// It is an operator's, who keeps it.
    Kept,
    /// Nobody answered, or not to the point; why.
    Unanswered(String),
}

/// A unit's way out of a slot.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Release {
    me: Me,
    /// What is known of the slot. Without, a slot is found by the node's name.
    note: Option<Note>,
    whose: Whose,
    step: Step,
    calls: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Step {
    Begin,
    Get,
    Commit,
}

impl Release {
    /// Of this unit, which knows this of its slot.
    #[must_use]
    pub fn new(me: Me, note: Option<Note>, whose: Whose) -> Self {
        Self { me, note, whose, step: Step::Begin, calls: 0 }
    }

    fn ask_for(&mut self, step: Step, call: Call) -> Next<Released> {
        self.calls += 1;
        if self.calls > CALLS_MAX {
            return Next::Done(Released::Unanswered("its keys change all the time".to_owned()));
        }
        self.step = step;
        Next::Ask(call)
    }

    fn get(&mut self) -> Next<Released> {
        self.ask_for(Step::Get, Call::Get(self.me.out()))
    }

    fn got(&mut self, own: Own) -> Next<Released> {
        let guard = self.note.and_then(|note| note.created);
        let is_known = guard == Some(own.created);
        let mut holder = own.holder;
        match holder.units.remove(&self.me.unit) {
            Some(claim) if claim.why == Why::Operator && self.whose == Whose::Drains => {
                return Next::Done(Released::Kept);
            }
            _ if is_known => {}
            // The record was lost, or the host was made anew. What waits is another process's.
            Some(_) if guard.is_none() && own.lease.is_none() => {}
            _ => return Next::Done(Released::NotHeld),
        }
        let out = self.me.out();
        let compare =
            vec![Compare::Created(out.clone(), own.created), Compare::Modified(out.clone(), own.modified)];
        let then = if holder.units.is_empty() {
            vec![Change::Delete(out), Change::Delete(self.me.alive())]
        } else {
            vec![Change::Put(out, holder.bytes(), own.lease)]
        };
        self.ask_for(Step::Commit, Call::Commit(Transaction { compare, then }))
    }
}

impl Machine for Release {
    type Outcome = Released;

    fn next(&mut self, answer: Option<Answer>) -> Next<Released> {
        match (self.step, answer) {
            (Step::Commit, Some(Answer::Failed(Failure::Unknown(_)))) => self.get(),
            (_, Some(Answer::Failed(failure))) => Next::Done(Released::Unanswered(failure.to_string())),
            (Step::Get, Some(Answer::Got(None))) => Next::Done(Released::NotHeld),
            (Step::Get, Some(Answer::Got(Some(entry)))) => self.got(Own::read(&entry, &self.me)),
            (Step::Commit, Some(Answer::Committed(Committed::Written(_)))) => Next::Done(Released::Yes),
            _ => self.get(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::{Claim, Entry, Holder, Lease, Name, Revision};

    fn me() -> Me {
        Me {
            node: Name::parse("web1").unwrap(),
            unit: "hhvm.service".to_owned(),
            machine_id: "id".to_owned(),
            boot_id: "boot".to_owned(),
            stale_after: None,
        }
    }

    /// What a key of that age, with this unit in it, makes of a release.
    fn released(why: Why, lease: Option<u64>, note: Option<u64>, whose: Whose) -> Option<Released> {
        let mut holder = Holder::new("id", "boot");
        holder.units.insert(me().unit, Claim::new(why, String::new()));
        let (created, modified) = (Revision(5), Revision(7));
        let entry = Entry { created, modified, lease: lease.map(Lease), value: holder.bytes() };
        let note = note.map(|created| Note { created: Some(Revision(created)) });
        let mut release = Release::new(me(), note, whose);
        assert!(matches!(release.next(None), Next::Ask(Call::Get(_))));
        match release.next(Some(Answer::Got(Some(entry)))) {
            Next::Done(released) => Some(released),
            Next::Ask(_) => None,
        }
    }

    #[test]
    fn only_what_the_unit_has_taken_is_given_back() {
        let (stop, operator) = (Why::Stop, Why::Operator);
        let (drains, anybodys) = (Whose::Drains, Whose::Anybodys);
        for (why, lease, note, whose, refused) in [
            (stop, None, Some(5), drains, None),
            (stop, Some(1), Some(5), drains, None),
            (stop, None, Some(4), drains, Some(Released::NotHeld)),
            (stop, None, None, drains, None),
            (stop, Some(1), None, drains, Some(Released::NotHeld)),
            (operator, None, Some(5), drains, Some(Released::Kept)),
            (operator, None, None, anybodys, None),
        ] {
            assert_eq!(released(why, lease, note, whose), refused, "{why:?} {lease:?} {note:?} {whose:?}");
        }
    }
}
