//! A node's slot at an engine: how it queues, is admitted, shares the slot among its units, and gives it back.
//!
//! The protocol itself asks nobody: each of its machines says what to ask next and takes the answer, so that tests can put
//! anything in between. Only [`carry_out`] speaks to an engine.
//!
//! - Every write compares the revision of what it was decided on. So what was lost on its way, and comes late, does no harm.
//! - An error of a write means unknown: it is read back.
//! - What is about to be taken is noted on the disk first, so that a later run of this program can give it back.

mod keep;
mod release;
mod take;

pub use keep::{Keep, Kept};
pub use release::{Release, Released, Whose};
pub use take::{News, Take};

use crate::fleet::{
    Change, Committed, Engine, Entry, Failure, Holder, Key, Lease, Look, Name, Revision, Snapshot,
    Transaction,
};
use std::time::Duration;

/// Whoever changes the same key all the time must not keep a machine busy for ever.
const CALLS_MAX: u32 = 24;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Me {
    /// The node's name.
    pub node: Name,
    /// The unit.
    pub unit: String,
    /// `/etc/machine-id`
    pub machine_id: String,
    /// Which boot this is.
    pub boot_id: String,
    /// After so long without a word the slot may be freed by others; none: never.
    pub stale_after: Option<Duration>,
}

/// What the disk knows of this unit's claim to a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Note {
    /// When the node's key was created; none if that is not known yet.
    pub created: Option<Revision>,
}

/// What a machine asks for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Call {
    /// One key.
    Get(Key),
    /// What lies there.
    Look(Look),
    /// A transaction.
    Commit(Transaction),
    /// A new lease.
    Grant(Duration),
    /// A lease for longer.
    Renew(Lease),
    /// Something to be written to the disk, for a later run.
    Note(Note),
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The key.
    Got(Option<Entry>),
    /// What lies there.
    Seen(Snapshot),
    /// What came of the transaction.
    Committed(Committed),
    /// The lease.
    Granted(Lease),
    /// Whether the lease still lives.
    Renewed(bool),
    /// It is written, or cannot be. A stop goes on without, for the next start finds the slot by the node's name.
    Noted,
    /// There is no answer.
    Failed(Failure),
}

/// How far a machine is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Next<T> {
    /// It has to know this first.
    Ask(Call),
    /// That is what came of it.
    Done(T),
}

/// A machine that asks one thing at a time.
pub trait Machine {
    /// What comes of it.
    type Outcome;

    /// Takes the answer to what it asked for last; none at its begin.
    fn next(&mut self, answer: Option<Answer>) -> Next<Self::Outcome>;
}

/// Where notes are kept.
pub trait Notebook {
    /// Keeps a note.
    fn keep(&mut self, note: Note);
}

/// Lets a machine ask until it is done.
pub fn carry_out<M: Machine>(
    machine: &mut M,
    engine: &mut (impl Engine + ?Sized),
    notebook: &mut (impl Notebook + ?Sized),
) -> M::Outcome {
    let mut answer = None;
    loop {
        let call = match machine.next(answer) {
            Next::Done(outcome) => return outcome,
            Next::Ask(call) => call,
        };
        let answered = match call {
            Call::Get(key) => engine.get(&key).map(Answer::Got),
            Call::Look(look) => engine.look(look).map(Answer::Seen),
            Call::Commit(transaction) => engine.commit(&transaction).map(Answer::Committed),
            Call::Grant(time) => engine.grant(time).map(Answer::Granted),
            Call::Renew(lease) => engine.renew(lease).map(Answer::Renewed),
            Call::Note(note) => {
                notebook.keep(note);
                Ok(Answer::Noted)
            }
        };
        answer = Some(answered.unwrap_or_else(Answer::Failed));
    }
}

impl Me {
    fn out(&self) -> Key {
        Key::Out(self.node.clone())
    }

    fn alive(&self) -> Key {
        Key::Alive(self.node.clone())
    }

    /// Says that the host lives. The value is for people.
    fn put_alive(&self, lease: Option<Lease>) -> Change {
        Change::Put(self.alive(), self.boot_id.clone().into_bytes(), lease)
    }
}

/// The node's key, as it was read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Own {
    created: Revision,
    modified: Revision,
    lease: Option<Lease>,
    holder: Holder,
}

impl Own {
    /// Whatever stands there is the node's, by the name of the key; what is not understood is written anew.
    fn read(entry: &Entry, me: &Me) -> Self {
        let holder = Holder::parse(&entry.value);
        Self {
            created: entry.created,
            modified: entry.modified,
            lease: entry.lease,
            holder: holder.unwrap_or_else(|| Holder::new(&me.machine_id, &me.boot_id)),
        }
    }
}
