//! A fleet's keys at etcd, by its JSON gateway (etcd 3.3 and later): any member that answers will do.
//!
//! An error of a write never says that it was not carried out, unless etcd has said so itself: a request that a member took
//! before it stood still is carried out when it goes on.

mod authentication;
mod examine;
mod gateway;
mod json;
mod keys;
mod members;

use crate::context::Root;
use crate::fleet::{
    Committed, Engine, Entry, Failure, Key, Lease, Look, Name, Revision, Snapshot, Transaction,
};
use crate::settings::fleet::{self, Fleet, Scheme};
use crate::tls::{Identity, Tls};
use authentication::Keyring;
pub use examine::State;
use gateway::{Code, Gateway, Path};
use json::{Int, Kv, LeaseAnswer, RangeAnswer, Streamed, TxnAnswer};
use keys::{Found, Keys};
use members::{Answered, Effect, Members, Unanswered};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::time::Duration;

/// So many strange keys are told.
const STRANGE_MAX: usize = 10;

/// The keys of one pool at one etcd.
pub struct Etcd {
    members: Members,
    keys: Keys,
}

impl Etcd {
    /// Those of this fleet, asked for by `node`. Nobody is asked yet.
    ///
    /// # Errors
    /// One line that names what cannot be used.
    pub fn new(root: &Root, fleet: &Fleet, node: &Name) -> Result<Self, String> {
        let fleet::Members::Etcd(members) = &fleet.members else {
            return Err("FleetLock keeps no queue".to_owned());
        };
        let gateway = Gateway::new(tls(root, fleet)?.as_ref());
        let keyring = Keyring::new(root.clone(), fleet.login.clone());
        // Not every node asks the same member first.
        let first = node.as_str().bytes().map(usize::from).sum();
        let members = Members::new(gateway, keyring, members, first);
        Ok(Self { members, keys: Keys::of(&fleet.pool) })
    }

    fn read<T: DeserializeOwned>(&mut self, path: Path, body: &Value) -> Result<T, Failure> {
        let asked = self.members.ask(path, body, Effect::None);
        asked.map(|answered| answered.value).map_err(|unanswered| unanswered.failure)
    }

    fn write<T: DeserializeOwned>(&mut self, path: Path, body: &Value) -> Result<Answered<T>, Failure> {
        self.members.ask(path, body, Effect::Writes).map_err(|unanswered| unanswered.failure)
    }

    /// Puts a key where it belongs.
    fn sort_in(&self, kv: Kv, snapshot: &mut Snapshot) -> Result<(), Failure> {
        let found = self.keys.decode(&kv.key.0).ok_or_else(|| nonsense("a key that was not asked for"))?;
        let entry = entry(kv)?;
        match found {
            Found::Ours(Key::Limit) => snapshot.limit = Some(entry),
            Found::Ours(Key::Out(node)) => {
                snapshot.out_count += 1;
                snapshot.out.push((node, entry));
            }
            Found::Ours(Key::Alive(node)) => snapshot.alive.push((node, entry)),
            Found::Strange { name, is_out } => {
                snapshot.out_count += u64::from(is_out);
                if snapshot.strange.len() < STRANGE_MAX {
                    snapshot.strange.push(name);
                }
            }
        }
        Ok(())
    }
}

fn entry(kv: Kv) -> Result<Entry, Failure> {
    let revision =
        |number: Int| number.positive().map(Revision).ok_or_else(|| nonsense("a key without revisions"));
    Ok(Entry {
        created: revision(kv.create_revision)?,
        modified: revision(kv.mod_revision)?,
        lease: kv.lease.positive().map(Lease),
        value: kv.value.0,
    })
}

/// TLS as the settings want it, if any member is asked that way.
fn tls(root: &Root, fleet: &Fleet) -> Result<Option<Tls>, String> {
    if fleet.members.all().iter().all(|member| member.scheme == Scheme::Http) {
        return Ok(None);
    }
    let certificate = fleet.certificate.as_ref();
    let identity = certificate.map(|own| Identity { certificates: &own.certificate, key: &own.key });
    Tls::new(root, fleet.ca_file.as_deref(), identity).map(Some)
}

fn nonsense(what: &str) -> Failure {
    Failure::Undone(format!("etcd's answer is not understood: {what}"))
}

impl Engine for Etcd {
    fn look(&mut self, how: Look) -> Result<Snapshot, Failure> {
        let request = match how {
            Look::First(count) => json::first(&self.keys, count),
            Look::Whole => json::whole(&self.keys),
        };
        let answer: TxnAnswer = self.read(Path::Txn, &request)?;
        let revision =
            answer.header.revision.positive().map(Revision).ok_or_else(|| nonsense("no revision"))?;
        let mut snapshot = Snapshot {
            revision,
            limit: None,
            out: Vec::new(),
            out_count: 0,
            alive: Vec::new(),
            strange: Vec::new(),
        };
        let ranges: Vec<RangeAnswer> =
            answer.responses.into_iter().filter_map(|one| one.response_range).collect();
        let expected = match how {
            Look::First(_) => 2,
            Look::Whole => 1,
        };
        if ranges.len() != expected {
            return Err(nonsense("another number of answers than of questions"));
        }
        let count = ranges.last().map(|range| range.count).unwrap_or_default();
        for kv in ranges.into_iter().flat_map(|range| range.kvs) {
            self.sort_in(kv, &mut snapshot)?;
        }
        if let Look::First(_) = how {
            snapshot.out_count = u64::try_from(count.0).map_err(|_| nonsense("a negative count"))?;
        }
        Ok(snapshot)
    }

    fn get(&mut self, key: &Key) -> Result<Option<Entry>, Failure> {
        let answer: RangeAnswer = self.read(Path::Range, &json::get(&self.keys, key))?;
        answer.kvs.into_iter().next().map(entry).transpose()
    }

    fn commit(&mut self, transaction: &Transaction) -> Result<Committed, Failure> {
        let request = json::transaction(&self.keys, transaction);
        let Answered { value, is_repeated } = self.write::<TxnAnswer>(Path::Txn, &request)?;
        match (value.succeeded, value.header.revision.positive()) {
            (true, Some(revision)) => Ok(Committed::Written(Revision(revision))),
            (true, None) => Err(Failure::Unknown("it was written, but at no revision".to_owned())),
            // What no longer compares may be what the first try has written.
            (false, _) if is_repeated => {
                Err(Failure::Unknown("a first try had no answer, and a second one was refused".to_owned()))
            }
            (false, _) => Ok(Committed::Refused),
        }
    }

    fn grant(&mut self, time: Duration) -> Result<Lease, Failure> {
        let Answered { value, .. } = self.write::<LeaseAnswer>(Path::Grant, &json::grant(time))?;
        value.id.positive().map(Lease).ok_or_else(|| Failure::Unknown("a lease without a name".to_owned()))
    }

    fn renew(&mut self, lease: Lease) -> Result<bool, Failure> {
        let request = json::lease(lease);
        let Answered { value, .. } = self.write::<Streamed<LeaseAnswer>>(Path::KeepAlive, &request)?;
        Ok(value.result.ttl.positive().is_some())
    }

    fn revoke(&mut self, lease: Lease) -> Result<(), Failure> {
        let asked = self.members.ask::<Value>(Path::Revoke, &json::lease(lease), Effect::Writes);
        match asked {
            Ok(_) | Err(Unanswered { code: Some(Code::NotFound), .. }) => Ok(()),
            Err(Unanswered { failure, .. }) => Err(failure),
        }
    }
}

#[cfg(test)]
mod tests;
