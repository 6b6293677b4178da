//! The state machine under a made-up clock: examples, and properties over random histories.

use super::*;
use proptest::prelude::*;

fn limits(min_drain: u64, timeout: u64) -> Limits {
    Limits {
        min_drain: Duration::from_millis(min_drain),
        timeout: Duration::from_millis(timeout),
        poll_interval: Duration::from_millis(100),
        zero_samples: NonZeroU32::new(3).unwrap(),
        threshold: 0,
    }
}

/// A drain of a node that has been out since `depooled`, or could not be taken out.
fn drain(limits: Limits, started: Instant, depooled: Option<Instant>) -> Drain {
    Drain::new(limits, Since::new(started, depooled.map(|at| started - at), limits.min_drain))
}

/// Drives a drain whose probes are answered after `delay` by `load(asked)`; the outcome, and when, in milliseconds.
fn drive(limits: Limits, depooled: bool, delay: u64, load: impl Fn(u64) -> Load) -> (Outcome, u64) {
    let start = Instant::now();
    let mut drain = drain(limits, start, depooled.then_some(start));
    run(&mut drain, start, delay, load, |_| unreachable!("there is no front end"))
}

/// The same with a front end that says "up" as `is_up(asked)` does, of a node that is always idle.
fn drive_with_front_end(limits: Limits, is_up: impl Fn(u64) -> bool) -> (Outcome, u64, FrontEnd) {
    let start = Instant::now();
    let mut drain = drain(limits, start, Some(start)).asking_front_end();
    let (outcome, at) = run(&mut drain, start, 1, |_| Load::Known(0), is_up);
    (outcome, at, drain.front_end())
}

fn run(
    drain: &mut Drain,
    start: Instant,
    delay: u64,
    load: impl Fn(u64) -> Load,
    is_up: impl Fn(u64) -> bool,
) -> (Outcome, u64) {
    let at = |ms: u64| start + Duration::from_millis(ms);
    let since = |instant: Instant| u64::try_from((instant - start).as_millis()).unwrap();
    let (mut now, mut event) = (0, Event::Tick);
    // What has been asked, and when it is answered; `true` for the front end.
    let mut questions: Vec<(u64, Instant, bool)> = Vec::new();
    loop {
        let until = match drain.step(at(now), event) {
            Action::Finish(outcome) => return (outcome, now),
            Action::WaitUntil(until) => {
                assert!(until > at(now), "waits for the past");
                since(until)
            }
            Action::Probe(asked) => {
                questions.push((since(asked) + delay, asked, false));
                now
            }
            Action::AskFrontEnd(asked) => {
                questions.push((since(asked) + delay, asked, true));
                now
            }
            Action::AskBalancer(..) => panic!("there is no balancer"),
        };
        questions.sort_unstable();
        (now, event) = match questions.first() {
            Some(&(when, asked, of_front_end)) if when <= until => {
                questions.remove(0);
                if of_front_end {
                    (when, Event::FrontEndAnswered(asked, is_up(since(asked))))
                } else {
                    (when, Event::Sampled(asked, load(since(asked))))
                }
            }
            _ => (until, Event::Tick),
        };
    }
}

#[test]
fn a_load_that_falls_to_zero_ends_the_drain_soon_after() {
    for (before, at_most) in [(1, 8250), (16, 8650)] {
        let load = |now| Load::Known(if now < 8000 { before } else { 0 });
        let (outcome, at) = drive(limits(1000, 30_000), true, 1, load);
        assert_eq!(outcome, Outcome::Drained);
        assert!((8000..at_most).contains(&at), "from {before}: {at}");
    }
}

#[test]
fn a_zero_at_once_is_not_believed_before_min_drain() {
    let (outcome, at) = drive(limits(10_000, 30_000), true, 1, |_| Load::Known(0));
    assert_eq!(outcome, Outcome::Drained);
    assert!((10_000..10_250).contains(&at), "{at}");
}

#[test]
fn without_depooling_there_is_no_min_drain() {
    let (outcome, at) = drive(limits(10_000, 30_000), false, 1, |_| Load::Known(0));
    assert_eq!(outcome, Outcome::Drained);
    assert!(at < 250, "{at}");
}

#[test]
fn what_is_unknown_or_never_zero_ends_at_the_timeout() {
    for load in [Load::Known(5), Load::Unknown(Unknown::Refused), Load::Unknown(Unknown::Status(401))] {
        let (outcome, at) = drive(limits(10_000, 30_000), true, 1, |_| load.clone());
        assert_eq!((outcome, at), (Outcome::TimedOut, 30_000));
    }
}

#[test]
fn a_zero_between_others_is_not_enough() {
    let asked = std::cell::Cell::new(0_u64);
    let flicker = |_| {
        asked.set(asked.get() + 1);
        Load::Known(u64::from(asked.get().is_multiple_of(3)))
    };
    let (outcome, _) = drive(limits(0, 5_000), true, 1, flicker);
    assert_eq!(outcome, Outcome::TimedOut);
}

#[test]
fn a_node_that_was_out_long_before_needs_no_min_drain() {
    let depooled = Instant::now();
    let start = depooled + Duration::from_secs(60);
    let mut drain = drain(limits(10_000, 30_000), start, Some(depooled));
    let (mut now, mut probes) = (start, 0);
    let mut event = Event::Tick;
    while probes < 4 {
        match drain.step(now, event) {
            Action::Probe(at) => {
                now = at;
                probes += 1;
                event = Event::Sampled(now, Load::Known(0));
            }
            Action::WaitUntil(until) => {
                now = until;
                event = Event::Tick;
            }
            Action::AskFrontEnd(_) | Action::AskBalancer(..) => panic!("there is nobody else to ask"),
            Action::Finish(outcome) => {
                assert_eq!(outcome, Outcome::Drained);
                assert!(now - start < Duration::from_millis(250));
                return;
            }
        }
    }
    panic!("asked too often");
}

#[test]
fn a_deploy_that_brings_the_node_back_starts_min_drain_again() {
    let start = Instant::now();
    let mut drain = drain(limits(1000, 30_000), start, Some(start));
    let later = start + Duration::from_millis(1500);
    let _ = drain.step(later, Event::DepooledAgain);
    assert_eq!(drain.disbelief(later), Duration::from_secs(1));
}

#[test]
fn an_unanswered_probe_makes_the_load_unknown() {
    let start = Instant::now();
    let mut drain = drain(limits(0, 30_000), start, Some(start));
    assert_eq!(drain.step(start, Event::Tick), Action::Probe(start));
    let _ = drain.step(start + PROBE_PATIENCE, Event::Tick);
    assert_eq!(*drain.load(), Load::Unknown(Unknown::TimedOut));
}

#[test]
fn min_drain_begins_after_the_front_ends_last_up() {
    // Four workers, each with a cache of its own.
    let caching = |ms| ms < 200 || (11_000..11_700).contains(&ms) || (5_000..5_300).contains(&ms);
    let (outcome, at, front_end) = drive_with_front_end(limits(8000, 30_000), caching);
    assert_eq!((outcome, front_end), (Outcome::Drained, FrontEnd::Noticed));
    assert!((19_500..20_500).contains(&at), "{at}");
    let (outcome, at, _) = drive_with_front_end(limits(8000, 30_000), |ms| ms < 2000);
    assert_eq!(outcome, Outcome::Drained);
    assert!((9750..10_500).contains(&at), "{at}");
}

#[test]
fn a_front_end_that_never_stops_costs_nothing_but_the_time_that_was_left() {
    let (outcome, at, front_end) = drive_with_front_end(limits(8000, 30_000), |_| true);
    assert_eq!((outcome, front_end), (Outcome::Drained, FrontEnd::StillUp));
    // One slow look later.
    assert!((22_000..23_500).contains(&at), "{at}");
    let (outcome, at, _) = drive_with_front_end(limits(8000, 10_000), |_| true);
    assert_eq!(outcome, Outcome::Drained);
    assert!((8000..8500).contains(&at), "as without a front end: {at}");
}

#[test]
fn the_front_end_is_not_asked_once_zeros_count() {
    let asked = std::cell::RefCell::new(Vec::new());
    let (outcome, _, _) = drive_with_front_end(limits(1000, 30_000), |ms| {
        asked.borrow_mut().push(ms);
        false
    });
    assert_eq!(outcome, Outcome::Drained);
    assert!(asked.borrow().iter().all(|ms| *ms <= 1000) && asked.borrow().len() > 2, "{asked:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_zero_is_believed_within_min_drain_of_an_up(
        min_drain in 100_u64..4000,
        ups in proptest::collection::vec(0_u64..9000, 0..4),
    ) {
        let is_up = |ms: u64| ups.iter().any(|at| (*at..at + 300).contains(&ms));
        let last = std::cell::Cell::new(None);
        let (outcome, at, front_end) = drive_with_front_end(limits(min_drain, 20_000), |ms| {
            if is_up(ms) {
                last.set(Some(ms));
            }
            is_up(ms)
        });
        prop_assert_eq!((outcome, front_end), (Outcome::Drained, FrontEnd::Noticed));
        prop_assert!(at >= last.get().unwrap_or(0) + min_drain, "{} after {:?}", at, last);
    }
}

/// One thing that happens, and how much later than the one before, in milliseconds.
fn happening() -> impl Strategy<Value = (u64, Happening)> {
    let kind = prop_oneof![
        8 => (0_u64..3).prop_map(Happening::Load),
        4 => Just(Happening::Load(0)),
        3 => Just(Happening::Unknown),
        1 => Just(Happening::DepooledAgain),
        6 => Just(Happening::Nothing),
        1 => Just(Happening::End),
        1 => Just(Happening::Signal),
    ];
    (0_u64..400, kind)
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Happening {
    Load(u64),
    Unknown,
    DepooledAgain,
    Nothing,
    End,
    Signal,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn random_histories_keep_the_guarantees(
        min_drain in 0_u64..3000,
        timeout in 1_u64..6000,
        depooled in any::<bool>(),
        history in proptest::collection::vec(happening(), 0..120),
    ) {
        let start = Instant::now();
        let mut drain = drain(limits(min_drain, timeout), start, depooled.then_some(start));
        let mut now = start;
        let mut believe_from = if depooled { start + Duration::from_millis(min_drain) } else { start };
        let mut zeros = 0;
        let mut asked = None;
        for (later, happening) in history {
            now += Duration::from_millis(later);
            let event = match (happening, asked.take()) {
                (Happening::Load(n), Some(at)) if at <= now => {
                    zeros = if n == 0 && at >= believe_from { zeros + 1 } else { 0 };
                    Event::Sampled(at, Load::Known(n))
                }
                (Happening::Unknown, Some(at)) if at <= now => {
                    zeros = 0;
                    Event::Sampled(at, Load::Unknown(Unknown::Refused))
                }
                (Happening::DepooledAgain, at) => {
                    asked = at;
                    zeros = 0;
                    believe_from = now + Duration::from_millis(min_drain);
                    Event::DepooledAgain
                }
                (Happening::End, _) => Event::HhvmEnded,
                (Happening::Signal, _) => Event::Interrupted,
                (_, at) => {
                    asked = at;
                    Event::Tick
                }
            };
            let ends_now = matches!(event, Event::HhvmEnded | Event::Interrupted);
            match drain.step(now, event.clone()) {
                Action::Finish(Outcome::HhvmEnded) => { prop_assert_eq!(event, Event::HhvmEnded); return Ok(()); }
                Action::Finish(Outcome::Interrupted) => { prop_assert_eq!(event, Event::Interrupted); return Ok(()); }
                Action::Finish(Outcome::TimedOut) => { prop_assert!(now >= drain.deadline()); return Ok(()); }
                Action::Finish(outcome) => {
                    prop_assert_eq!(outcome, Outcome::Drained);
                    prop_assert!(zeros >= 3 && now >= believe_from && now < drain.deadline());
                    return Ok(());
                }
                Action::Probe(at) => {
                    prop_assert!(at >= now && at < drain.deadline());
                    asked = Some(at);
                }
                Action::AskFrontEnd(_) | Action::AskBalancer(..) => prop_assert!(false, "there is nobody else to ask"),
                Action::WaitUntil(until) => prop_assert!(until > now && until <= drain.deadline()),
            }
            prop_assert!(!ends_now && now < drain.deadline(), "goes on although it should have ended");
            prop_assert!(zeros < 3, "goes on although it is drained");
        }
    }
}
