//! Each form of request that the program uses, against one member.

use crate::client::{Client, name, written};
use crate::cluster::{Cluster, Server, post};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hhvm_drain::fleet::{Change, Committed, Compare, Engine, Failure, Key, Look, Transaction};
use std::time::Duration;

pub fn a_turn_is_queued_for_taken_and_given_back(server: &Server) {
    let cluster = Cluster::start(server, 1);
    let mut client = cluster.client();
    let lease = client.etcd.grant(Duration::from_secs(45)).unwrap();
    let queued = written(client.queue("web1", Some(lease)).unwrap());
    assert_eq!(client.queue("web1", Some(lease)), Ok(Committed::Refused), "it stands in the queue already");
    let waiting = client.out("web1").unwrap();
    assert_eq!((waiting.created, waiting.modified, waiting.lease), (queued, queued, Some(lease)));
    assert_eq!(client.out("web2"), None);

    let alive = client.etcd.grant(Duration::from_secs(900)).unwrap();
    let (out, key) = (Key::Out(name("web1")), Key::Alive(name("web1")));
    let admission = |created| Transaction {
        compare: vec![Compare::Created(out.clone(), created), Compare::Absent(Key::Limit)],
        then: vec![
            Change::Put(out.clone(), b"admitted".to_vec(), None),
            Change::Put(key.clone(), Vec::new(), Some(alive)),
        ],
    };
    let other = hhvm_drain::fleet::Revision(queued.0 + 1);
    assert_eq!(client.etcd.commit(&admission(other)), Ok(Committed::Refused));
    let admitted = written(client.etcd.commit(&admission(queued)).unwrap());
    let slot = client.out("web1").unwrap();
    assert_eq!((slot.created, slot.modified, slot.lease), (queued, admitted, None), "its place stays");
    assert_eq!(slot.value, b"admitted");
    client.etcd.revoke(lease).unwrap();
    assert!(client.out("web1").is_some(), "no lease takes a slot away");

    let limit = Transaction { compare: vec![], then: vec![Change::Put(Key::Limit, b"3".to_vec(), None)] };
    let set = written(client.etcd.commit(&limit).unwrap());
    let compare = |revision| Transaction {
        compare: vec![Compare::Modified(Key::Limit, revision)],
        then: vec![Change::Put(Key::Limit, b"4".to_vec(), None)],
    };
    let changed = written(client.etcd.commit(&compare(set)).unwrap());
    assert!(changed > set);
    assert_eq!(client.etcd.commit(&compare(set)), Ok(Committed::Refused), "the limit was changed");

    assert_eq!(client.release("web1", admitted), Committed::Refused, "that is not when it was created");
    written(client.release("web1", queued));
    assert_eq!((client.out("web1"), client.etcd.get(&key).unwrap()), (None, None));
}

pub fn a_lease_is_renewed_and_ended(server: &Server) {
    let cluster = Cluster::start(server, 1);
    let mut client = cluster.client();
    let (short, long) = (
        client.etcd.grant(Duration::from_millis(1100)).unwrap(),
        client.etcd.grant(Duration::from_secs(60)).unwrap(),
    );
    assert_ne!(short, long);
    written(client.queue("web1", Some(short)).unwrap());
    written(client.queue("web2", Some(long)).unwrap());
    assert_eq!(client.etcd.renew(long), Ok(true));
    client.etcd.revoke(long).unwrap();
    assert_eq!(client.out("web2"), None, "it went with its lease");
    assert_eq!(client.etcd.renew(long), Ok(false));
    assert_eq!(client.etcd.revoke(long), Ok(()), "gone is gone");
    let refused = client.queue("web2", Some(long));
    assert!(matches!(refused, Err(Failure::Undone(_))), "{refused:?}");
    cluster.wait_until("end of a lease that nobody renews", || client.out("web1").is_none());
    assert_eq!(client.etcd.renew(short), Ok(false));
}

pub fn the_first_in_line_are_shown_at_one_revision(server: &Server) {
    let cluster = Cluster::start(server, 1);
    let mut client = cluster.client();
    let empty = client.etcd.look(Look::First(4)).unwrap();
    assert!(empty.limit.is_none() && empty.out.is_empty() && empty.out_count == 0, "{empty:?}");
    let lease = client.etcd.grant(Duration::from_secs(60)).unwrap();
    // Not in the order of their names.
    let nodes: Vec<String> = (0..30).map(|at| format!("n{}", at * 7 % 30)).collect();
    for node in &nodes {
        written(client.queue(node, Some(lease)).unwrap());
    }
    let limit = Transaction { compare: vec![], then: vec![Change::Put(Key::Limit, b"3".to_vec(), None)] };
    let last = written(client.etcd.commit(&limit).unwrap());
    let seen = client.etcd.look(Look::First(4)).unwrap();
    let names: Vec<&str> = seen.out.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, nodes[..4].iter().map(String::as_str).collect::<Vec<_>>());
    assert!(seen.out.iter().all(|(_, entry)| entry.lease == Some(lease) && entry.value.is_empty()));
    assert_eq!((seen.out_count, seen.revision), (30, last));
    assert_eq!(seen.limit.unwrap().value, b"3");
    let whole = client.etcd.look(Look::Whole).unwrap();
    let names: Vec<&str> = whole.out.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, nodes.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(whole.out.iter().all(|(_, entry)| entry.value == b"{}"));
    assert_eq!((whole.out_count, whole.revision, whole.strange.len()), (30, last, 0));
}

pub fn what_strangers_write_is_shown_as_strange(server: &Server) {
    let cluster = Cluster::start(server, 1);
    let put = |key: &str| {
        let body = format!("{{\"key\":\"{}\",\"value\":\"eA==\"}}", BASE64_STANDARD.encode(key));
        post(&cluster.url(0), "kv/put", &body).unwrap();
    };
    for key in
        ["hhvm-drain/web/out/a b", "hhvm-drain/web/x\n", "hhvm-drain/web2/out/b", "hhvm-drain/web0", "other"]
    {
        put(key);
    }
    let mut client = cluster.client();
    written(client.queue("web1", None).unwrap());
    let whole = client.etcd.look(Look::Whole).unwrap();
    assert_eq!((whole.out.len(), whole.out_count), (1, 2));
    assert_eq!(whole.strange, ["out/a b", "x"]);
    let first = client.etcd.look(Look::First(5)).unwrap();
    assert_eq!((first.out.len(), first.out_count, first.strange), (1, 2, vec!["out/a b".to_owned()]));
    for at in 0..20 {
        put(&format!("hhvm-drain/web/{at}"));
    }
    assert_eq!(client.etcd.look(Look::Whole).unwrap().strange.len(), 10, "so many are enough");
}

pub fn the_servers_state_is_known(server: &Server) {
    let cluster = Cluster::start(server, 1);
    let members = [cluster.url(0), "http://127.0.0.1:1".to_owned()];
    let mut client = Client::of(&members, "");
    let seen = client.etcd.examine();
    let (url, state) = &seen[0];
    assert_eq!(*url, cluster.url(0));
    let state = state.as_ref().unwrap();
    assert_eq!((state.version.as_str(), state.has_leader), (server.version.as_str(), true));
    assert_eq!(seen[1].1, Err("connection refused".to_owned()));
    let before = client.etcd.look(Look::Whole).unwrap();
    client.etcd.may_write(&name("n0")).unwrap();
    assert_eq!(client.etcd.look(Look::Whole).unwrap(), before, "it is only a trial");
    assert!(!client.etcd.knows_users());
}
