//! What an engine can do for a fleet, in its own terms: entries with revisions, leases, and transactions that compare
//! before they write (etcd v3, `etcdserverpb.KV` and `etcdserverpb.Lease`).

use super::Name;
use std::fmt;
use std::time::Duration;

/// A point in the history of the engine's keys; it only grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub u64);

/// A lease: what hangs on it goes when nobody renews it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lease(pub u64);

/// A key below the pool's prefix.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// `limit`
    Limit,
    /// `out/NODE`
    Out(Name),
    /// `alive/NODE`
    Alive(Name),
}

/// What a key has at some revision.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Entry {
    /// When it was created; a put leaves this as it is.
    pub created: Revision,
    /// When it was last put.
    pub modified: Revision,
    /// What it hangs on.
    pub lease: Option<Lease>,
    /// Whatever was put: anybody with rights on the prefix may have.
    pub value: Vec<u8>,
}

/// How much to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Look {
    /// `limit`, and the first so many of `out/` in the order of their creation. No `alive/`, and no values but the limit's.
    First(u32),
    /// Everything, with the values.
    Whole,
}

/// What lies below the prefix, all of it at one revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The revision of the engine at which this was so.
    pub revision: Revision,
    /// `limit`
    pub limit: Option<Entry>,
    /// `out/`, in the order of creation.
    pub out: Vec<(Name, Entry)>,
    /// How many lie below `out/` at all, those whose names are none of ours among them.
    pub out_count: u64,
    /// `alive/`; empty unless the look was at the whole.
    pub alive: Vec<(Name, Entry)>,
    /// Keys below the prefix that no program of ours has written, as text that can be shown; at most ten.
    pub strange: Vec<String>,
}

/// What must be so for a transaction to write.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Compare {
    /// There is no such key.
    Absent(Key),
    /// The key was created then.
    Created(Key, Revision),
    /// The key was last put then.
    Modified(Key, Revision),
}

/// What a transaction writes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Change {
    /// Puts a value; without a lease it is durable.
    Put(Key, Vec<u8>, Option<Lease>),
    /// Deletes the key, if it is there.
    Delete(Key),
}

/// Writes all changes at one revision if everything compares, or nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Transaction {
    /// All of these must be so.
    pub compare: Vec<Compare>,
    /// What is then written.
    pub then: Vec<Change>,
}

/// What came of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Committed {
    /// It was written, at this revision.
    Written(Revision),
    /// Something did not compare, and nothing was written.
    Refused,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The request has certainly changed nothing: nobody took it, or it was refused.
    Undone(String),
    /// Whether the request was carried out is unknown: read back.
    Unknown(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Undone(why) | Self::Unknown(why)) = self;
        out.write_str(why)
    }
}

/// Keeps the keys of one pool. Every call ends within a few seconds, whatever the engine does.
pub trait Engine {
    /// What is there now; never an old state.
    ///
    /// # Errors
    /// Why nothing could be read.
    fn look(&mut self, how: Look) -> Result<Snapshot, Failure>;

    /// One key, with its value.
    ///
    /// # Errors
    /// Why it could not be read.
    fn get(&mut self, key: &Key) -> Result<Option<Entry>, Failure>;

    /// Carries out a transaction.
    ///
    /// # Errors
    /// Why it is not known to be carried out.
    fn commit(&mut self, transaction: &Transaction) -> Result<Committed, Failure>;

    /// A new lease that lives so long unless it is renewed.
    ///
    /// # Errors
    /// Why there is none.
    fn grant(&mut self, time: Duration) -> Result<Lease, Failure>;

    /// Renews a lease; `false` if it is gone.
    ///
    /// # Errors
    /// Why that is not known.
    fn renew(&mut self, lease: Lease) -> Result<bool, Failure>;

    /// Ends a lease, and all that hangs on it. One that is gone already is no failure.
    ///
    /// # Errors
    /// Why that is not known.
    fn revoke(&mut self, lease: Lease) -> Result<(), Failure>;
}
