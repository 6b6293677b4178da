//! Tests of the judgement.

use super::*;
use crate::fleet::{Claim, Lease, Limit};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn holder(why: Why) -> Holder {
    let claim = Claim::new(why, String::new());
    Holder { units: BTreeMap::from([("hhvm.service".to_owned(), claim)]), ..Holder::new("id", "boot") }
}

fn entry(created: u64, lease: Option<u64>, value: Vec<u8>) -> Entry {
    Entry { created: Revision(created), modified: Revision(created + 100), lease: lease.map(Lease), value }
}

fn waits(node: &str, created: u64) -> (Name, Entry) {
    (name(node), entry(created, Some(created), holder(Why::Stop).bytes()))
}

fn is_out(node: &str, created: u64, why: Why) -> (Name, Entry) {
    (name(node), entry(created, None, holder(why).bytes()))
}

/// All of these, with the limit as it stands there; each node that is out is alive.
fn snapshot(limit: Option<&[u8]>, mut out: Vec<(Name, Entry)>) -> Snapshot {
    out.sort_by_key(|(_, entry)| entry.created);
    let alive = out.iter().filter(|(_, entry)| entry.lease.is_none());
    Snapshot {
        revision: Revision(1000),
        limit: limit.map(|value| entry(1, None, value.to_vec())),
        out_count: out.len() as u64,
        alive: alive.map(|(name, _)| (name.clone(), entry(2, Some(2), Vec::new()))).collect(),
        out,
        strange: Vec::new(),
    }
}

fn first(snapshot: &Snapshot, count: u32) -> Snapshot {
    let out = snapshot.out.iter().take(count as usize).cloned().collect();
    Snapshot { out, alive: Vec::new(), ..snapshot.clone() }
}

fn judge(snapshot: &Snapshot, created: u64, row: Row) -> Judgement {
    let me = name("me");
    Asker { node: &me, created: Revision(created), row }.judge(snapshot, Look::Whole)
}

#[test]
fn a_node_goes_if_fewer_than_the_limit_are_out_or_in_front() {
    use Judgement::{Go, Held, Lost, Waits};
    let stop = Why::Stop;
    for (limit, others, first_row, second_row) in [
        (None, vec![], Go, Go),
        (None, vec![waits("a", 5)], Waits(1), Go),
        (None, vec![waits("a", 20)], Go, Go),
        (None, vec![is_out("a", 20, stop)], Waits(1), Go),
        (None, vec![is_out("a", 20, stop), is_out("b", 5, stop)], Waits(2), Waits(2)),
        (Some(&b"2"[..]), vec![waits("a", 5), is_out("b", 20, Why::Operator)], Waits(2), Go),
        (Some(b"3"), vec![waits("a", 5), is_out("b", 20, Why::Operator)], Go, Go),
        // Whatever stands there as the limit, one may go.
        (Some(b"0"), vec![waits("a", 20)], Go, Go),
        (Some(b"many"), vec![is_out("a", 20, stop)], Waits(1), Go),
        (Some(b"1000000"), vec![is_out("a", 20, stop)], Go, Go),
        // What others write counts: nobody knows whether such a node serves.
        (None, vec![(name("a"), entry(5, None, b"lock".to_vec()))], Waits(1), Go),
    ] {
        let all = snapshot(limit, [others, vec![waits("me", 10)]].concat());
        assert_eq!(judge(&all, 10, Row::First), first_row, "{all:?}");
        assert_eq!(judge(&all, 10, Row::Second), second_row, "{all:?}");
        assert_eq!(judge(&all, 9, Row::First), Lost, "another key of that name");
    }
    assert_eq!(judge(&snapshot(None, vec![is_out("me", 10, stop)]), 10, Row::First), Held);
    assert_eq!(judge(&snapshot(None, vec![waits("a", 5)]), 10, Row::First), Lost);
}

#[test]
fn polls_are_far_apart_for_those_who_are_far_behind() {
    let interval = |ahead, limit: &[u8]| poll_interval(ahead, Slots::of(Some(limit))).as_millis();
    assert_eq!((interval(0, b"1"), interval(1, b"1"), interval(7, b"1")), (1000, 1000, 7000));
    assert_eq!((interval(99, b"1"), interval(99, b"9"), interval(99, b"50")), (15_000, 11_000, 1980));
    assert_eq!((interval(u32::MAX, b"1"), interval(5, b"0"), interval(5, b"9999999")), (15_000, 5000, 1000));
    assert!(POLL_MAX * 3 <= LEASE, "a node that polls as rarely as that renews its lease in time");
    let me = name("me");
    let asker = Asker { node: &me, created: Revision(10), row: Row::First };
    let three = snapshot(Some(b"3"), Vec::new());
    assert_eq!((asker.next_look(&three, 7), asker.next_look(&three, 6)), (Look::First(4), ALL));
}

#[test]
fn nobody_waits_for_those_who_do_not_come_back_by_themselves() {
    let me = name("me");
    let failing = |node: &str, created| {
        let mut holder = holder(Why::Restart);
        holder.units.values_mut().for_each(|claim| claim.fails_since = Some("noon".to_owned()));
        (name(node), entry(created, None, holder.bytes()))
    };
    let told = |snapshot: &Snapshot| {
        all_stuck(snapshot, &me)
            .map(|stuck| stuck.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
    };
    let two = |out| snapshot(Some(b"2"), out);
    let serves_soon = two(vec![failing("a", 5), is_out("b", 6, Why::Restart)]);
    assert_eq!(told(&serves_soon), None);
    let stuck = two(vec![failing("a", 5), is_out("b", 6, Why::Operator), waits("c", 7)]);
    assert_eq!(told(&stuck).as_deref(), Some("a (does not serve since noon), b (operator)"));
    let own = two(vec![failing("a", 5), is_out("me", 6, Why::Operator)]);
    assert_eq!(told(&own), None, "a slot of one's own is not in the way");
    let mut silent = two(vec![is_out("a", 5, Why::Stop), (name("b"), entry(6, None, b"lock".to_vec()))]);
    silent.alive.clear();
    assert_eq!(told(&silent).as_deref(), Some("a (silent), b (not written by hhvm-drain)"));
    assert_eq!(told(&snapshot(None, Vec::new())), None);
}

#[test]
fn only_a_slot_of_which_nothing_is_heard_may_be_freed() {
    let others = (name("strange"), entry(7, None, b"lock".to_vec()));
    let mut all = snapshot(
        None,
        vec![
            is_out("silent", 5, Why::Stop),
            is_out("operators", 6, Why::Operator),
            others,
            is_out("alive", 8, Why::Shutdown),
            is_out("me", 9, Why::Stop),
            waits("waiting", 10),
        ],
    );
    all.alive.retain(|(node, _)| node.as_str() == "alive");
    assert_eq!(stale(&all, &name("me")), [(name("silent"), Revision(105))]);
}

#[test]
fn what_others_have_written_is_told() {
    let mut all = snapshot(Some(b"0"), vec![(name("a"), entry(7, None, b"lock".to_vec())), waits("b", 8)]);
    all.strange.push("hhvm-drain/web/x\ny".to_owned());
    let lines = ["limit is 0, which counts as 1", "out/a was not written by hhvm-drain"];
    assert_eq!(oddities(&all), [lines[0], lines[1], "hhvm-drain/web/x y is no key of hhvm-drain"]);
    let set = Limit { limit: 3, who: None, node: None, since: None }.bytes();
    assert!(oddities(&snapshot(Some(&set), Vec::new())).is_empty());
}

proptest! {
    /// Who sees only the first keys never goes when one who sees all would not, and asks for more when it may have to.
    #[test]
    fn a_short_look_never_says_more_than_a_long_one(
        others in proptest::collection::vec((1_u64..40, any::<bool>()), 0..12),
        mine in 1_u64..40,
        limit in 1_u32..5,
        count in 1_u32..14,
        second in any::<bool>(),
    ) {
        let mut out: BTreeMap<u64, bool> = others.into_iter().collect();
        out.remove(&mine);
        let keys = out.iter().map(|(created, durable)| {
            let node = format!("n{created}");
            if *durable { is_out(&node, *created, Why::Stop) } else { waits(&node, *created) }
        });
        let mut keys: Vec<_> = keys.collect();
        keys.push(waits("me", mine));
        let limit = limit.to_string().into_bytes();
        let all = snapshot(Some(&limit), keys);
        let row = if second { Row::Second } else { Row::First };
        let me = name("me");
        let asker = Asker { node: &me, created: Revision(mine), row };
        let (short, long) = (asker.judge(&first(&all, count), Look::First(count)), asker.judge(&all, Look::Whole));
        match (short, long) {
            (Judgement::LookAtAll, _) => {}
            (Judgement::Waits(seen), Judgement::Waits(ahead)) => prop_assert!(seen <= ahead),
            (one, other) => prop_assert_eq!(one, other),
        }
        prop_assert_eq!(asker.judge(&all, ALL), long);
    }
}
