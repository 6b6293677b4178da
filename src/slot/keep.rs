//! Keeps a slot alive for as long as the host lives, and tells others that the server does not come up.

use super::{Answer, CALLS_MAX, Call, Machine, Me, Next, Note, Own};
use crate::fleet::{Change, Committed, Compare, Failure, Key, Lease, Transaction};

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// The slot is kept.
    Yes,
    /// This unit holds none.
    NotHeld,
    /// Nobody answered, or not to the point; why.
    Unanswered(String),
}

/// A unit that keeps its slot.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Keep {
    me: Me,
    note: Option<Note>,
    /// Since when the server does not serve.
    fails_since: String,
    step: Step,
    own: Option<Own>,
    calls: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Step {
    Begin,
    Get,
    GetAlive,
    Renew,
    Grant,
    Commit,
}

impl Keep {
    /// Of this unit, which knows this of its slot, and whose server does not serve since then.
    #[must_use]
    pub fn new(me: Me, note: Option<Note>, fails_since: String) -> Self {
        Self { me, note, fails_since, step: Step::Begin, own: None, calls: 0 }
    }

    fn ask_for(&mut self, step: Step, call: Call) -> Next<Kept> {
        self.calls += 1;
        if self.calls > CALLS_MAX {
            return Next::Done(Kept::Unanswered("its keys change all the time".to_owned()));
        }
        self.step = step;
        Next::Ask(call)
    }

    fn get(&mut self) -> Next<Kept> {
        self.ask_for(Step::Get, Call::Get(self.me.out()))
    }

    fn got(&mut self, own: Own) -> Next<Kept> {
        let guard = self.note.and_then(|note| note.created);
        let Some(claim) = own.holder.units.get(&self.me.unit) else { return Next::Done(Kept::NotHeld) };
        if own.lease.is_some() || guard.is_some_and(|guard| guard != own.created) {
            return Next::Done(Kept::NotHeld);
        }
        let is_told = claim.fails_since.is_some();
        self.own = Some(own);
        if is_told { self.ask_for(Step::GetAlive, Call::Get(self.me.alive())) } else { self.grant() }
    }

    fn grant(&mut self) -> Next<Kept> {
        match self.me.stale_after {
            Some(time) => self.ask_for(Step::Grant, Call::Grant(time)),
            None => self.commit(None),
        }
    }

    /// Writes both: why the slot is kept, and that the host lives.
    fn commit(&mut self, lease: Option<Lease>) -> Next<Kept> {
        let Some(own) = &mut self.own else { return self.get() };
        let (out, mut then): (Key, Vec<Change>) = (self.me.out(), Vec::new());
        if let Some(claim) = own.holder.units.get_mut(&self.me.unit) {
            claim.fails_since.get_or_insert_with(|| self.fails_since.clone());
        }
        let compare =
            vec![Compare::Created(out.clone(), own.created), Compare::Modified(out.clone(), own.modified)];
        then.push(Change::Put(out, own.holder.bytes(), None));
        then.push(self.me.put_alive(lease));
        self.ask_for(Step::Commit, Call::Commit(Transaction { compare, then }))
    }
}

impl Machine for Keep {
    type Outcome = Kept;

    fn next(&mut self, answer: Option<Answer>) -> Next<Kept> {
        match (self.step, answer) {
            (Step::Commit, Some(Answer::Failed(Failure::Unknown(_)))) => self.get(),
            (_, Some(Answer::Failed(failure))) => Next::Done(Kept::Unanswered(failure.to_string())),
            (Step::Get, Some(Answer::Got(None))) => Next::Done(Kept::NotHeld),
            (Step::Get, Some(Answer::Got(Some(entry)))) => self.got(Own::read(&entry, &self.me)),
            (Step::GetAlive, Some(Answer::Got(Some(entry)))) => match entry.lease {
                Some(lease) => self.ask_for(Step::Renew, Call::Renew(lease)),
                None => Next::Done(Kept::Yes),
            },
            (Step::Renew, Some(Answer::Renewed(true)))
            | (Step::Commit, Some(Answer::Committed(Committed::Written(_)))) => Next::Done(Kept::Yes),
            (Step::GetAlive | Step::Renew, Some(_)) => self.grant(),
            (Step::Grant, Some(Answer::Granted(lease))) => self.commit(Some(lease)),
            _ => self.get(),
        }
    }
}
