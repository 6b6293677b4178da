//! The program's client, with settings as a file gives them.

use crate::cluster::{directory, write};
use hhvm_drain::context::{Context, Env, Root, UnitName};
use hhvm_drain::etcd::Etcd;
use hhvm_drain::fleet::{
    Change, Committed, Compare, Engine, Entry, Failure, Key, Lease, Name, Revision, Transaction,
};
use hhvm_drain::settings::fleet::Fleet;
use hhvm_drain::settings::layers::load;
use tempfile::TempDir;

pub struct Client {
    pub etcd: Etcd,
    /// The host's root, with the files that the settings name.
    _root: TempDir,
}

pub fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

/// The settings of a fleet with these members, and what `rest` says besides, on a host with these files.
pub fn settings(pool: &str, members: &[String], rest: &str, root: &TempDir) -> Fleet {
    let text = format!("[fleet]\nmembers = {members:?}\npool = {pool:?}\n{rest}\n");
    write(root.path(), "etc/hhvm-drain.toml", text.as_bytes());
    let context =
        Context::new(Root::new(root.path().to_owned()), Env::default(), UnitName::parse("hhvm").unwrap());
    let (settings, problems) = load(&context, &Vec::new());
    assert!(problems.is_empty(), "{problems:?}");
    settings.fleet.fleet().expect("a fleet").clone()
}

impl Client {
    pub fn of(members: &[String], rest: &str) -> Self {
        Self::on_a_host_with(&[], members, rest)
    }

    /// `files` are those that `rest` names.
    pub fn on_a_host_with(files: &[(&str, &[u8])], members: &[String], rest: &str) -> Self {
        Self::in_pool("web", files, members, rest)
    }

    pub fn in_pool(pool: &str, files: &[(&str, &[u8])], members: &[String], rest: &str) -> Self {
        let root = directory(files);
        let fleet = settings(pool, members, rest, &root);
        let etcd = Etcd::new(&Root::new(root.path().to_owned()), &fleet, &name("n0")).unwrap();
        Self { etcd, _root: root }
    }

    /// Queues a node.
    pub fn queue(&mut self, node: &str, lease: Option<Lease>) -> Result<Committed, Failure> {
        let key = Key::Out(name(node));
        self.etcd.commit(&Transaction {
            compare: vec![Compare::Absent(key.clone())],
            then: vec![Change::Put(key, b"{}".to_vec(), lease)],
        })
    }

    pub fn out(&mut self, node: &str) -> Option<Entry> {
        self.etcd.get(&Key::Out(name(node))).unwrap()
    }

    /// Deletes a node's key, if it is still the one that was created then.
    pub fn release(&mut self, node: &str, created: Revision) -> Committed {
        let key = Key::Out(name(node));
        let transaction = Transaction {
            compare: vec![Compare::Created(key.clone(), created)],
            then: vec![Change::Delete(key), Change::Delete(Key::Alive(name(node)))],
        };
        self.etcd.commit(&transaction).unwrap()
    }
}

/// The revision at which something was written.
pub fn written(committed: Committed) -> Revision {
    match committed {
        Committed::Written(revision) => revision,
        Committed::Refused => panic!("refused"),
    }
}
