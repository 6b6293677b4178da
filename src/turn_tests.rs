//! Tests of the stop's wait, with a made-up clock, and a simulation of a fleet that is stopped at once.

use super::*;
use crate::fleet::{Entry, Lease, Limit, Look, Name, Revision, Snapshot};
use crate::queue::{Asker, Judgement, slots};
use proptest::prelude::*;
use std::collections::BTreeSet;

const WAIT: Duration = Duration::from_secs(1800);
const TWO: Slots = Slots::Set(2);

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// How a wait ends, and after how long, if questions are answered after 10 ms by `says(time asked, row)`, and `happens` tells
/// what else happens when.
fn drive(
    bounds: Bounds,
    says: impl Fn(Duration, Row) -> Option<Standing>,
    happens: &[(Duration, Event)],
) -> (Duration, End, Vec<Duration>) {
    let started = Instant::now();
    let mut turn = Turn::new(started, bounds);
    let (mut now, mut event) = (started, Event::Tick);
    let mut coming: Vec<(Instant, Event)> =
        happens.iter().map(|(at, event)| (started + *at, event.clone())).collect();
    let mut asked = Vec::new();
    loop {
        let until = match turn.step(now, event) {
            Action::Finish(end) => return (now - started, end, asked),
            Action::Ask(at, row) => {
                asked.push(at - started);
                let answer = says(at - started, row).map(Event::Answered);
                coming.extend(answer.map(|answer| (at + Duration::from_millis(10), answer)));
                now
            }
            Action::WaitUntil(until) => {
                assert!(until > now, "it turns on the spot");
                until
            }
        };
        coming.sort_by_key(|(at, _)| *at);
        event = Event::Tick;
        if coming.first().is_some_and(|(at, _)| *at <= until) {
            let (at, next) = coming.remove(0);
            (now, event) = (now.max(at), next);
        } else {
            now = until;
        }
    }
}

fn waits(_: Duration, _: Row) -> Standing {
    Standing::Waits(2, TWO)
}

fn silent(_: Duration, _: Row) -> Standing {
    Standing::Unanswered("connection refused".to_owned())
}

/// The same as often as it is asked.
fn always(says: impl Fn(Duration, Row) -> Standing) -> impl Fn(Duration, Row) -> Option<Standing> {
    move |at, row| Some(says(at, row))
}

/// The bounds without a draw's luck: 30 and 60 min.
fn longest() -> Bounds {
    Bounds::new(WAIT, None, 100)
}

#[test]
fn the_bounds_are_drawn_and_never_beyond_systemds_patience() {
    assert_eq!(longest(), Bounds { first: WAIT, hard: WAIT * 2 });
    assert_eq!(Bounds::new(WAIT, None, 101), Bounds { first: WAIT * 3 / 4, hard: WAIT * 9 / 5 });
    let shipped = Bounds::patience(seconds(90), seconds(30));
    assert_eq!(shipped, seconds(50));
    assert_eq!(Bounds::new(WAIT, Some(shipped), 100), Bounds { first: seconds(25), hard: seconds(50) });
    let too_short = Bounds::patience(seconds(30), seconds(60));
    assert_eq!(Bounds::new(WAIT, Some(too_short), 0), Bounds { first: seconds(0), hard: seconds(0) });
    let (took, end, asked) = drive(Bounds::new(WAIT, Some(too_short), 0), always(waits), &[]);
    assert!(took == seconds(0) && matches!(end, End::NotQueued(_)) && asked.is_empty());
}

#[test]
fn a_stop_that_is_never_admitted_goes_at_the_hard_end() {
    let (took, end, asked) = drive(longest(), always(waits), &[]);
    assert_eq!((took, end), (WAIT * 2, End::WaitOver));
    assert!(asked.contains(&WAIT), "the second row asks as it begins");
}

#[test]
fn the_second_row_is_told_apart() {
    let second = |_, row| {
        let waits = Standing::Waits(2, TWO);
        Some(if row == Row::Second { Standing::Admitted(Some(Over::SecondRow)) } else { waits })
    };
    let (took, end, _) = drive(longest(), second, &[]);
    assert_eq!((took, end), (WAIT + Duration::from_millis(10), End::Admitted(Some(Over::SecondRow))));
}

#[test]
fn silence_ends_it_only_before_it_has_queued() {
    let (took, end, _) = drive(longest(), always(silent), &[]);
    assert_eq!((took, end), (seconds(10), End::NotQueued("connection refused".to_owned())));
    let hangs = |_, _| None;
    assert_eq!(drive(longest(), hangs, &[]).0, seconds(10));
    let later_silent = |at: Duration, row| if at < seconds(5) { waits(at, row) } else { silent(at, row) };
    assert_eq!(drive(longest(), always(later_silent), &[]).0, WAIT * 2);
    let later_hangs = |at: Duration, row| (at < seconds(5)).then(|| waits(at, row));
    assert_eq!(drive(longest(), later_hangs, &[]).0, WAIT * 2);
    // It was down for a while.
    let back = |at: Duration, _| {
        if at < seconds(8) { silent(at, Row::First) } else { Standing::Admitted(None) }
    };
    let (took, end, _) = drive(longest(), always(back), &[]);
    assert!(took < seconds(10) && end == End::Admitted(None));
}

#[test]
fn what_makes_waiting_pointless_ends_it_at_once() {
    for (cause, over) in [
        (Cause::HhvmEnded, None),
        (Cause::Depooled, None),
        (Cause::Interrupted, Some(Over::Interrupted)),
        (Cause::FrontEndGone, Some(Over::FrontEndGone)),
        (Cause::Go, Some(Over::Go)),
    ] {
        let (took, end, _) = drive(longest(), always(waits), &[(seconds(100), Event::Ends(cause))]);
        assert_eq!((took, &end), (seconds(100), &End::Ended(cause)));
        assert_eq!(end.over(), over);
    }
}

#[test]
fn a_host_that_goes_down_leaves_a_minute() {
    let down = |at| [(seconds(at), Event::HostStops), (seconds(at + 5), Event::HostStops)];
    let (took, end, asked) = drive(longest(), always(waits), &down(100));
    assert_eq!((took, end), (seconds(160), End::HostDown));
    assert!(asked.contains(&seconds(130)), "its second row begins after half of that: {asked:?}");
    assert_eq!(drive(longest(), always(waits), &down(3590)).1, End::WaitOver);
    assert_eq!(drive(longest(), always(silent), &down(5)).0, seconds(10), "it has not queued");
}

proptest! {
    #[test]
    fn the_wait_ends_in_time_whatever_is_answered(
        wait in 0_u64..4000, patience in proptest::option::of(0_u64..4000), draw: u32,
        script in proptest::collection::vec(0_u8..4, 1..40), down in proptest::option::of(0_u64..4000),
    ) {
        let bounds = Bounds::new(seconds(wait), patience.map(seconds), draw);
        prop_assert!(bounds.first <= seconds(wait) && bounds.hard <= seconds(2 * wait));
        prop_assert!(patience.is_none_or(|patience| bounds.hard <= seconds(patience)));
        let says = |at: Duration, row| match script[usize::try_from(at.as_secs()).unwrap() % script.len()] {
            0 => Some(waits(at, row)),
            1 => Some(silent(at, row)),
            2 => Some(Standing::Waits(200, TWO)),
            _ => None,
        };
        let events: Vec<_> = down.map(|at| (seconds(at), Event::HostStops)).into_iter().collect();
        let (took, end, _) = drive(bounds, says, &events);
        prop_assert!(took <= bounds.hard);
        prop_assert!(down.is_none_or(|down| took <= seconds(down) + GOING_DOWN));
        match end {
            End::NotQueued(_) => prop_assert!(took == bounds.hard.min(TO_QUEUE) || down.is_some()),
            End::HostDown => prop_assert_eq!(took, seconds(down.unwrap()) + GOING_DOWN),
            _ => prop_assert!(took == bounds.hard),
        }
    }
}

/// A fleet whose nodes are stopped at once, each of which is out for 40 s then; in milliseconds.
struct Fleet {
    keys: Vec<(Name, Entry)>,
    limit: Entry,
    most_out: usize,
    revision: u64,
}

impl Fleet {
    fn new(limit: u64) -> Self {
        let limit = Limit { limit, who: None, node: None, since: None }.bytes();
        let limit = Entry { created: Revision(1), modified: Revision(1), lease: None, value: limit };
        Self { keys: Vec::new(), limit, most_out: 0, revision: 1 }
    }

    fn add(&mut self, node: &str, lease: Option<Lease>) -> Revision {
        self.revision += 1;
        let created = Revision(self.revision);
        let entry = Entry { created, modified: created, lease, value: Vec::new() };
        self.keys.push((Name::parse(node).unwrap(), entry));
        self.count();
        created
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot {
            revision: Revision(self.revision),
            limit: Some(self.limit.clone()),
            out: self.keys.clone(),
            out_count: self.keys.len() as u64,
            alive: Vec::new(),
            strange: Vec::new(),
        }
    }

    fn go(&mut self, node: &Name) {
        let entry = self.keys.iter_mut().find(|(name, _)| name == node);
        entry.unwrap().1.lease = None;
        self.count();
    }

    fn come_back(&mut self, node: &Name) {
        self.keys.retain(|(name, _)| name != node);
    }

    fn count(&mut self) {
        let out = self.keys.iter().filter(|(_, entry)| entry.lease.is_none()).count();
        self.most_out = self.most_out.max(out);
    }
}

/// How many were out at once at most before the first hard end, and how many waits ended at one.
fn simulate(limit: u64, nodes: u32, dead: u32) -> (usize, usize) {
    let mut fleet = Fleet::new(limit);
    for number in 0..dead {
        fleet.add(&format!("dead{number}"), None);
    }
    let started = Instant::now();
    let stop = |number: u32, fleet: &mut Fleet| {
        let node = format!("web{number}");
        let created = fleet.add(&node, Some(Lease(u64::from(number) + 1)));
        // Spread as if drawn, and different in each fleet.
        let bounds = Bounds::new(WAIT, None, number.wrapping_mul(2_654_435_761) >> 7);
        (Name::parse(&node).unwrap(), created, Turn::new(started, bounds))
    };
    let mut stops: Vec<_> = (0..nodes).map(|number| stop(number, &mut fleet)).collect();
    // When something happens, and to whom: it asks, or comes back.
    let mut agenda: BTreeSet<(Duration, usize, bool)> =
        (0..stops.len()).map(|stop| (Duration::from_micros(stop as u64), stop, false)).collect();
    let (mut gone, mut hard_ends, mut before) = (BTreeSet::new(), 0, 0);
    while let Some((at, which, is_back)) = agenda.pop_first() {
        let (node, created, turn) = &mut stops[which];
        if is_back {
            fleet.come_back(node);
            continue;
        }
        if gone.contains(&which) {
            continue;
        }
        let now = started + at;
        let mut event = Event::Tick;
        let end = loop {
            match turn.step(now, event) {
                Action::Finish(end) => break Some(end),
                Action::WaitUntil(until) => {
                    agenda.insert((until - started, which, false));
                    break None;
                }
                Action::Ask(_, row) => {
                    let snapshot = fleet.snapshot();
                    let asker = Asker { node, created: *created, row };
                    event = Event::Answered(match asker.judge(&snapshot, Look::Whole) {
                        Judgement::Go => Standing::Admitted(None),
                        Judgement::Waits(ahead) => Standing::Waits(ahead, slots(&snapshot)),
                        other => panic!("{other:?}"),
                    });
                }
            }
        };
        if let Some(end) = end {
            if end == End::WaitOver && hard_ends == 0 {
                before = fleet.most_out;
            }
            hard_ends += usize::from(end == End::WaitOver);
            gone.insert(which);
            fleet.go(node);
            agenda.insert((at + seconds(40), which, true));
        }
    }
    (if hard_ends == 0 { fleet.most_out } else { before }, hard_ends)
}

#[test]
fn no_fleet_that_is_stopped_at_once_takes_itself_out() {
    assert_eq!(simulate(3, 100, 0), (3, 0), "each has its turn in time");
    assert_eq!(simulate(3, 100, 3), (6, 0), "three that are dead, and never stale");
    assert_eq!(simulate(1, 100, 0), (2, 0), "more than have a turn in time");
    let (most_out, late) = simulate(1, 200, 1);
    assert!(most_out == 2 && late > 0, "too many for any order: before the hard end, no more go: {late}");
}
