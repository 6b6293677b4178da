//! An engine in memory, which does what etcd does, one request at a time.

use hhvm_drain::fleet::{
    Change, Committed, Compare, Entry, Failure, Key, Lease, Limit, Look, Name, Revision, Slots, Snapshot,
    Transaction,
};
use hhvm_drain::slot::{Answer, Call};
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Etcd {
    pub keys: BTreeMap<Key, Entry>,
    leases: BTreeSet<u64>,
    revision: Counter,
    next_lease: Counter,
}

/// A number of which only the next one matters, and that is another in any case.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Counter(u64);

impl Hash for Counter {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

impl Counter {
    fn next(&mut self) -> u64 {
        self.0 += 1;
        self.0
    }
}

/// So that no lease is taken for a revision, and no revision for a duration.
const FIRST_REVISION: u64 = 10_000;
const FIRST_LEASE: u64 = 1_000_000;

impl Etcd {
    pub fn new(limit: Option<u64>) -> Self {
        let mut etcd = Self {
            keys: BTreeMap::new(),
            leases: BTreeSet::new(),
            revision: Counter(FIRST_REVISION),
            next_lease: Counter(FIRST_LEASE),
        };
        if let Some(limit) = limit {
            etcd.set_limit(limit);
        }
        etcd
    }

    pub fn set_limit(&mut self, limit: u64) {
        let value = Limit { limit, who: None, node: None, since: None }.bytes();
        self.revision.next();
        self.put(&Key::Limit, value, None);
    }

    pub fn answer(&mut self, call: &Call) -> Answer {
        match call {
            Call::Get(key) => Answer::Got(self.keys.get(key).cloned()),
            Call::Look(look) => Answer::Seen(self.look(*look)),
            Call::Commit(transaction) => match self.commit(transaction) {
                Ok(committed) => Answer::Committed(committed),
                Err(failure) => Answer::Failed(failure),
            },
            Call::Grant(_) => {
                let lease = self.next_lease.next();
                self.leases.insert(lease);
                Answer::Granted(Lease(lease))
            }
            Call::Renew(lease) => Answer::Renewed(self.leases.contains(&lease.0)),
            Call::Note(_) => Answer::Noted,
        }
    }

    pub fn expire(&mut self, lease: Lease) {
        self.leases.remove(&lease.0);
        self.revision.next();
        self.keys.retain(|_, entry| entry.lease != Some(lease));
    }

    pub fn limit(&self) -> u32 {
        Slots::of(self.keys.get(&Key::Limit).map(|entry| entry.value.as_slice())).count()
    }

    pub fn out(&self) -> Vec<(Name, Entry)> {
        let mut out: Vec<_> = self
            .keys
            .iter()
            .filter_map(|(key, entry)| match key {
                Key::Out(name) => Some((name.clone(), entry.clone())),
                _ => None,
            })
            .collect();
        out.sort_by_key(|(_, entry)| entry.created);
        out
    }

    fn look(&self, look: Look) -> Snapshot {
        let mut out = self.out();
        let out_count = out.len() as u64;
        let mut alive = Vec::new();
        match look {
            Look::First(count) => {
                out.truncate(count as usize);
                for (_, entry) in &mut out {
                    entry.value.clear();
                }
            }
            Look::Whole => {
                alive = self
                    .keys
                    .iter()
                    .filter_map(|(key, entry)| match key {
                        Key::Alive(name) => Some((name.clone(), entry.clone())),
                        _ => None,
                    })
                    .collect();
            }
        }
        let limit = self.keys.get(&Key::Limit).cloned();
        Snapshot { revision: Revision(self.revision.0), limit, out, out_count, alive, strange: Vec::new() }
    }

    pub fn commit(&mut self, transaction: &Transaction) -> Result<Committed, Failure> {
        if !transaction.compare.iter().all(|compare| self.compares(compare)) {
            return Ok(Committed::Refused);
        }
        let is_gone = |change: &Change| matches!(change, Change::Put(_, _, Some(lease)) if !self.leases.contains(&lease.0));
        if transaction.then.iter().any(is_gone) {
            return Err(Failure::Undone("requested lease not found".to_owned()));
        }
        self.revision.next();
        for change in &transaction.then {
            match change {
                Change::Put(key, value, lease) => self.put(key, value.clone(), *lease),
                Change::Delete(key) => drop(self.keys.remove(key)),
            }
        }
        Ok(Committed::Written(Revision(self.revision.0)))
    }

    fn compares(&self, compare: &Compare) -> bool {
        match compare {
            Compare::Absent(key) => !self.keys.contains_key(key),
            Compare::Created(key, at) => self.keys.get(key).is_some_and(|entry| entry.created == *at),
            Compare::Modified(key, at) => self.keys.get(key).is_some_and(|entry| entry.modified == *at),
        }
    }

    fn put(&mut self, key: &Key, value: Vec<u8>, lease: Option<Lease>) {
        let modified = Revision(self.revision.0);
        let created = self.keys.get(key).map_or(modified, |entry| entry.created);
        self.keys.insert(key.clone(), Entry { created, modified, lease, value });
    }
}
