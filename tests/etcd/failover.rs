//! Members that are dead, frozen, without a leader, or all gone for a while.

use crate::client::{Client, name, written};
use crate::cluster::{Cluster, Server};
use hhvm_drain::fleet::{Committed, Engine, Failure, Key, Look};
use nix::sys::signal::Signal;
use std::time::{Duration, Instant};

/// What a call may take at most, on a machine with much else to do.
const CALL: Duration = Duration::from_secs(9);
/// What it takes where nobody is frozen.
const SOON: Duration = Duration::from_secs(2);

fn timed<T>(call: impl FnOnce() -> T) -> (T, Duration) {
    let begin = Instant::now();
    (call(), begin.elapsed())
}

pub fn any_member_will_do(server: &Server) {
    let mut cluster = Cluster::start(server, 3);
    for at in 0..3 {
        let mut alone = Client::of(&[cluster.url(at)], "");
        written(alone.queue(&format!("n{at}"), None).unwrap());
        assert_eq!(alone.etcd.look(Look::Whole).unwrap().out.len(), at + 1);
    }
    let follower = (cluster.leader() + 1) % 3;
    cluster.end(follower, Signal::SIGKILL);
    let mut client = Client::of(&[cluster.url(follower), cluster.url(cluster.leader())], "");
    for at in 3..8 {
        let (committed, took) = timed(|| client.queue(&format!("n{at}"), None));
        written(committed.unwrap());
        assert!(took < SOON, "{took:?}");
    }
}

pub fn a_frozen_member_costs_a_moment_once(server: &Server) {
    let cluster = Cluster::start(server, 3);
    let frozen = (cluster.leader() + 1) % 3;
    let others = [(frozen + 1) % 3, (frozen + 2) % 3];
    // The client begins with the last one, by the name of its node.
    let order = [others[0], others[1], frozen].map(|at| cluster.url(at));
    let mut client = Client::of(&order, "");
    cluster.signal(frozen, Signal::SIGSTOP);
    let (seen, first) = timed(|| client.etcd.look(Look::Whole));
    seen.unwrap();
    let (seen, second) = timed(|| client.etcd.look(Look::Whole));
    seen.unwrap();
    cluster.signal(frozen, Signal::SIGCONT);
    assert!((Duration::from_secs(2)..Duration::from_secs(4)).contains(&first), "{first:?}");
    assert!(second < SOON, "{second:?}");
}

pub fn the_leader_may_be_killed(server: &Server) {
    let mut cluster = Cluster::start(server, 3);
    let mut client = cluster.client();
    let before = written(client.queue("n1", None).unwrap());
    let leader = cluster.leader();
    cluster.end(leader, Signal::SIGKILL);
    // What is unknown is read back, as a stop does.
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let (committed, took) = timed(|| client.queue("n2", None));
        assert!(took < CALL, "{took:?}");
        match committed {
            Ok(Committed::Written(_)) => break,
            Ok(Committed::Refused) | Err(_)
                if client.etcd.get(&Key::Out(name("n2"))).is_ok_and(|n2| n2.is_some()) =>
            {
                break;
            }
            other => assert!(Instant::now() < end, "{other:?}"),
        }
    }
    assert_eq!(client.out("n1").unwrap().created, before);
    cluster.start_member(leader);
    cluster.wait_for_leader();
    let mut old = Client::of(&[cluster.url(leader)], "");
    assert!(old.out("n2").is_some());
}

pub fn without_a_quorum_nothing_is_certain_and_nothing_hangs(server: &Server) {
    let cluster = Cluster::start(server, 3);
    let mut client = cluster.client();
    let leader = cluster.leader();
    for at in (0..3).filter(|at| *at != leader) {
        cluster.signal(at, Signal::SIGSTOP);
    }
    let (committed, took) = timed(|| client.queue("n1", None));
    assert!(matches!(committed, Err(Failure::Unknown(_))), "{committed:?}");
    assert!(took < CALL, "{took:?}");
    let (seen, took) = timed(|| client.etcd.look(Look::Whole));
    assert!(matches!(seen, Err(Failure::Undone(_))), "never an old state: {seen:?}");
    assert!(took < CALL, "{took:?}");
    for at in (0..3).filter(|at| *at != leader) {
        cluster.signal(at, Signal::SIGCONT);
    }
    cluster.wait_for_leader();
    // The leader may have had it, and have written it when the others went on. Nobody can tell but by reading.
    let n1 = Key::Out(name("n1"));
    let mut back = None;
    cluster.wait_until("answer", || client.etcd.get(&n1).map(|entry| back = entry).is_ok());
    let again = client.queue("n1", None).unwrap();
    match back {
        Some(entry) => assert_eq!((again, entry.lease), (Committed::Refused, None)),
        None => assert!(client.out("n1").is_some(), "{again:?}"),
    }
}

pub fn everything_is_kept_over_a_restart_of_all(server: &Server) {
    let mut cluster = Cluster::start(server, 3);
    let mut client = cluster.client();
    let lease = client.etcd.grant(Duration::from_secs(60)).unwrap();
    let (waiting, out) =
        (written(client.queue("n1", Some(lease)).unwrap()), written(client.queue("n2", None).unwrap()));
    for (at, signal) in [Signal::SIGKILL, Signal::SIGTERM, Signal::SIGKILL].into_iter().enumerate() {
        cluster.end(at, signal);
    }
    let (committed, took) = timed(|| client.queue("n3", None));
    assert!(matches!(committed, Err(Failure::Undone(_))), "nobody was there: {committed:?}");
    assert!(took < SOON, "{took:?}");
    (0..3).for_each(|at| cluster.start_member(at));
    cluster.wait_for_leader();
    assert_eq!(client.out("n1").map(|entry| (entry.created, entry.lease)), Some((waiting, Some(lease))));
    assert_eq!(client.out("n2").map(|entry| (entry.created, entry.lease)), Some((out, None)));
    assert_eq!(client.out("n3"), None);
    assert_eq!(client.etcd.renew(lease), Ok(true));
}
