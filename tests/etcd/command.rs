//! `fleet`, as an operator calls it.

use crate::client::{Client, name, written};
use crate::cluster::{Cluster, Server, post};
use crate::host::{Host, Said};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hhvm_drain::fleet::{Change, Claim, Engine, Holder, Key, Over, Transaction, Why};
use std::collections::BTreeSet;
use std::time::Duration;

/// The value of a node with one unit.
fn holder(node: &str, claim: Claim) -> Vec<u8> {
    let mut holder = Holder::new(&format!("id-of-{node}"), "boot");
    holder.units.insert("hhvm.service".to_owned(), claim);
    holder.bytes()
}

/// Lets a node be out, or wait.
fn put(client: &mut Client, node: &str, claim: Claim, waits: bool, is_alive: bool) {
    let lease = client.etcd.grant(Duration::from_secs(60)).unwrap();
    let mut then = vec![Change::Put(Key::Out(name(node)), holder(node, claim), waits.then_some(lease))];
    if is_alive {
        then.push(Change::Put(Key::Alive(name(node)), Vec::new(), Some(lease)));
    }
    written(client.etcd.commit(&Transaction { compare: vec![], then }).unwrap());
}

fn claim(why: Why) -> Claim {
    Claim::new(why, "2026-11-25T15:00:00Z".to_owned())
}

pub fn it_shows_who_is_out_and_who_waits(server: &Server) {
    let cluster = Cluster::start(server, 1);
    let host = Host::of(&cluster.urls(), "web1");
    let empty = host.ok("fleet");
    assert_eq!(
        empty,
        "Fleet web: 0 of 1 slots are taken (nobody has set a limit; hhvm-drain fleet limit N does)\nOut: nobody\n\
         Waiting: nobody\n"
    );
    let mut client = cluster.client();
    let operator =
        Claim { who: Some("bob".to_owned()), reason: Some("new\ndisk".to_owned()), ..claim(Why::Operator) };
    put(&mut client, "web1", Claim { over: Some(Over::Forced), ..claim(Why::Restart) }, false, true);
    put(&mut client, "web2", operator, false, false);
    put(&mut client, "web3", claim(Why::Stop), false, false);
    put(
        &mut client,
        "web4",
        Claim { fails_since: Some("15:01".to_owned()), ..claim(Why::Restart) },
        false,
        true,
    );
    put(&mut client, "web6", claim(Why::Shutdown), true, false);
    put(&mut client, "web5", claim(Why::Stop), true, false);
    let strange =
        format!("{{\"key\":\"{}\",\"value\":\"eA==\"}}", BASE64_STANDARD.encode("hhvm-drain/web/out/x"));
    post(&cluster.url(0), "kv/put", &strange).unwrap();
    assert_eq!(host.ok("fleet limit 3"), "limit: 3 may be out at once (was 1, because nobody had set it)\n");
    let said = host.ok("fleet");
    let at = said.split_once("alice on web1, ").unwrap().1.split_once(')').unwrap().0;
    let expected = format!(
        "Fleet web: 5 of 3 slots are taken (set by alice on web1, {at})\n\
         Out:\n\
         \x20 web1  since 2026-11-25T15:00:00Z: restart of hhvm.service (not its turn: --force), this node\n\
         \x20 web2  since 2026-11-25T15:00:00Z: depool of hhvm.service by bob, new disk; out until hhvm-drain pool\n\
         \x20 web3  since 2026-11-25T15:00:00Z: stop of hhvm.service; SILENT, so the next node that waits takes its slot\n\
         \x20 web4  since 2026-11-25T15:00:00Z: restart of hhvm.service; started, and does not serve\n\
         \x20 x     unknown: its key was not written by hhvm-drain; to delete it: hhvm-drain fleet free x\n\
         Waiting, the next one first:\n\
         \x20 web6  since 2026-11-25T15:00:00Z: shutdown of hhvm.service\n\
         \x20 web5  since 2026-11-25T15:00:00Z: stop of hhvm.service\n\
         Odd: out/x was not written by hhvm-drain\n"
    );
    assert_eq!(said, expected);
    let json: serde_json::Value = serde_json::from_str(&host.ok("fleet --json")).unwrap();
    assert_eq!((&json["pool"], &json["limit"]), (&"web".into(), &3.into()));
    assert_eq!(json["limit_set"]["who"], "alice");
    let page = include_str!("../../man/hhvm-drain-fleet.7");
    let (_, section) = page.split_once(".Sh FLEET IN JSON").unwrap();
    let documented: Vec<&str> = section.lines().filter_map(|line| line.strip_prefix(".It Va ")).collect();
    let members: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(BTreeSet::from_iter(documented), BTreeSet::from_iter(members), "hhvm-drain-fleet(7)");
    let states: Vec<&str> =
        json["out"].as_array().unwrap().iter().map(|line| line["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["alive", "operator", "silent", "does-not-serve", "unknown"]);
    assert_eq!(json["waiting"][0]["node"], "web6");
    assert_eq!(json["out"][1]["units"]["hhvm.service"]["reason"], "new\ndisk");

    let twin = Host::of(&cluster.urls(), "web1");
    twin.write("etc/machine-id", "another\n");
    assert!(twin.ok("fleet").contains("ANOTHER HOST of this name"));
}

pub fn an_operator_sets_the_limit_and_frees_a_slot(server: &Server) {
    let cluster = Cluster::start(server, 1);
    let host = Host::of(&cluster.urls(), "web1");
    host.ok("fleet limit 5");
    assert_eq!(
        host.ok("fleet limit 2"),
        "limit: 2 may be out at once (was 5); nodes that are out stay out, others wait\n"
    );
    for (words, part) in [
        ("fleet limit 0", "0 is not in 1..=10000"),
        ("fleet limit 1000000", "1000000 is not in 1..=10000"),
        ("fleet limit many", "invalid value 'many'"),
        ("fleet free a/b", "not a name"),
        ("fleet fre web1", "unrecognized subcommand 'fre'"),
    ] {
        let why = host.fails(words, 2);
        assert!(why.contains(part), "{words}: {why}");
    }
    let mut client = cluster.client();
    put(&mut client, "web2", claim(Why::Stop), false, false);
    put(&mut client, "web3", claim(Why::Stop), false, true);
    put(&mut client, "web4", claim(Why::Operator), false, false);
    put(&mut client, "web5", claim(Why::Stop), true, false);
    assert_eq!(host.ok("fleet free web2"), "freed the slot of web2\n");
    assert_eq!(host.ok("fleet free web3"), "freed the slot of web3, which was alive: it may still be out\n");
    assert_eq!(
        host.ok("fleet free web4"),
        "freed the slot of web4; it stays out until hhvm-drain pool is run there\n"
    );
    assert_eq!(
        host.ok("fleet free web5"),
        "web5 had no slot; it has lost its place, and queues anew if it still waits\n"
    );
    assert_eq!(
        host.fails("fleet free web2", 1),
        "hhvm-drain: web2 is not out and does not wait; see hhvm-drain fleet\n"
    );
    assert_eq!(client.etcd.get(&Key::Alive(name("web3"))).unwrap(), None);
    assert!(host.ok("fleet").starts_with("Fleet web: 0 of 2 slots are taken"));
}

pub fn what_cannot_be_asked_is_one_line(server: &Server) {
    let cluster = Cluster::start(server, 1);
    let members = cluster.urls();
    drop(cluster);
    let host = Host::of(&members, "web1");
    let why = format!("hhvm-drain: etcd: {}: connection refused\n", members[0]);
    for words in ["fleet", "fleet --json", "fleet limit 3", "fleet free web2"] {
        assert_eq!(host.fails(words, 1), why);
    }
    let set = |text: &str| host.write("etc/hhvm-drain.toml", text);
    set("");
    assert!(host.fails("fleet", 1).contains("this node is in no fleet; set members"));
    set("[fleet]\nmembers = \"etcd1\"\n");
    assert!(
        host.fails("fleet", 1)
            .contains("/etc/hhvm-drain.toml:2:11: fleet: members: \"etcd1\" is not https://")
    );
    set("[fleet]\nmembers = \"fleetlock+https://lock\"\n");
    assert!(host.fails("fleet", 1).contains("FleetLock keeps no queue"));
    set("[fleet]\nmembers = \"https://a\"\nca-file = \"/none\"\n");
    assert!(host.fails("fleet", 1).contains("/none cannot be read"));
    set("[fleet]\nmembers = \"https://a\"\n");
    host.write("proc/sys/kernel/hostname", "a b\n");
    assert!(host.fails("fleet", 1).contains("the host's name \"a b\" is not a name"));
}

/// `depool` and `pool`, on two hosts.
pub fn an_operator_takes_turns(server: &Server) {
    let cluster = Cluster::start(server, 1);
    let [web1, web2] = ["web1", "web2"].map(|name| {
        let host = Host::of(&cluster.urls(), name);
        host.write("var/www/status.php", "up");
        host
    });
    let is_pooled = |host: &Host| host.has("var/www/status.php");
    web1.ok("depool --reason disk");
    assert!(!is_pooled(&web1));
    let shown = web2.ok("fleet");
    assert!(shown.contains("depool of hhvm.service by alice, disk; out until hhvm-drain pool"), "{shown}");
    let refused = web2.fails("depool", 1);
    assert!(refused.contains("it is not this node's turn: 1 are out or wait in front of it"), "{refused}");
    assert!(is_pooled(&web2) && !web2.ok("fleet").contains("web2  "), "nothing is left of it");
    web1.ok("depool");
    let Said(0, _, told) = web2.run("depool --force") else { panic!("it is refused") };
    assert!(told.contains("it goes out all the same (--force)") && !is_pooled(&web2), "{told}");
    assert!(web1.ok("fleet").contains("(not its turn: --force)"));
    web1.ok("pool");
    web2.ok("pool");
    assert!(is_pooled(&web1) && is_pooled(&web2));
    assert!(web1.ok("fleet").contains("Out: nobody\nWaiting: nobody"));

    drop(cluster);
    let refused = web1.fails("depool", 1);
    assert!(refused.contains("etcd") && is_pooled(&web1), "{refused}");
}
