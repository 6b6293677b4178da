//! The state machine with load balancers to ask: what they say shortens a drain or makes it longer, and never shorter
//! than min-drain without all of them.

use super::*;
use crate::row::{Counters, Id, Row, Sends, Unclear, View};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// What a balancer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Says {
    In,
    Out,
    Busy,
    /// Out, with so many requests since it began.
    Counting(u64),
    Nothing,
}

fn view(says: Says) -> Result<View, Unclear> {
    let id = Id { backend: "web".to_owned(), server: "web1".to_owned(), address: None };
    let (sends, sessions, total) = match says {
        Says::In => (Sends::Yes, 0, 0),
        Says::Out => (Sends::No, 0, 0),
        Says::Busy => (Sends::No, 1, 0),
        Says::Counting(total) => (Sends::No, 0, total),
        Says::Nothing => return Err(Unclear::TimedOut),
    };
    let counters = Some(Counters { queued: 0, sessions, total });
    Ok(View { process: None, rows: vec![Row { counters, ..Row::plain(id, sends, "") }] })
}

/// A drain with min-drain 10 s and timeout 30 s of a node that is out, and balancers that say `says(which, asked)` after
/// `took` milliseconds; the load is `load(asked)`. The outcome, when, and what the balancers' answers came to.
fn drive(
    balancers: &[u64],
    load: impl Fn(u64) -> u64,
    says: impl Fn(usize, u64) -> Says,
) -> (Outcome, u64, Balancers) {
    drive_with(Duration::from_secs(10), balancers, load, says)
}

fn drive_with(
    min_drain: Duration,
    balancers: &[u64],
    load: impl Fn(u64) -> u64,
    says: impl Fn(usize, u64) -> Says,
) -> (Outcome, u64, Balancers) {
    let start = Instant::now();
    let limits = Limits {
        min_drain,
        timeout: Duration::from_secs(30),
        poll_interval: Duration::from_millis(100),
        zero_samples: NonZeroU32::new(3).unwrap(),
        threshold: 0,
    };
    let since = Since::new(start, Some(Duration::ZERO), limits.min_drain);
    let mut drain = Drain::new(limits, since).asking_balancers(balancers.len());
    let at = |ms: u64| start + Duration::from_millis(ms);
    let since = |instant: Instant| u64::try_from((instant - start).as_millis()).unwrap();
    let (mut now, mut event) = (0, Event::Tick);
    // When each question is answered, when it is put, and to whom.
    let mut questions: BTreeSet<(u64, u64, Option<usize>)> = BTreeSet::new();
    loop {
        let until = match drain.step(at(now), event) {
            Action::Finish(outcome) => return (outcome, now, drain.balancers()),
            Action::WaitUntil(until) => since(until),
            Action::Probe(asked) => {
                questions.insert((since(asked) + 1, since(asked), None));
                now
            }
            Action::AskBalancer(which, asked) => {
                questions.insert((since(asked) + balancers[which], since(asked), Some(which)));
                now
            }
            Action::AskFrontEnd(_) => panic!("there is no front end"),
        };
        let next = questions.first().copied().filter(|(when, ..)| *when <= until);
        (now, event) = match next {
            Some(question @ (when, asked, whom)) => {
                questions.remove(&question);
                let event = match whom {
                    None => Event::Sampled(at(asked), Load::Known(load(asked))),
                    Some(which) => {
                        let view = view(says(which, asked));
                        Event::BalancerAnswered(which, Answer { asked: at(asked), answered: at(when), view })
                    }
                };
                (when, event)
            }
            None => (until, Event::Tick),
        };
    }
}

#[test]
fn a_drain_ends_soon_after_the_balancers_have_been_quiet_for_the_settle_time() {
    let idle = |_| 0;
    for out in [0, 900, 4679] {
        let says = |_, ms| if ms < out { Says::In } else { Says::Out };
        let (outcome, at, balancers) = drive(&[5, 8], idle, says);
        assert_eq!((outcome, balancers), (Outcome::Drained, Balancers::Confirmed));
        assert!((out + 1100..out + 2000).contains(&at), "{out}: {at}");
    }
    let busy = |ms| u64::from(ms < 6000);
    let (outcome, at, _) = drive(&[5], busy, |_, _| Says::Out);
    assert_eq!(outcome, Outcome::Drained);
    assert!((6000..6500).contains(&at), "after the last request: {at}");
}

#[test]
fn one_that_cannot_be_asked_keeps_min_drain_and_one_that_sends_keeps_the_node() {
    let idle = |_| 0;
    let (outcome, at, balancers) =
        drive(&[5, 2000], idle, |which, _| if which == 0 { Says::Out } else { Says::Nothing });
    assert_eq!((outcome, balancers), (Outcome::Drained, Balancers::Unconfirmed));
    assert!((10_000..10_500).contains(&at), "{at}");
    let (outcome, at, balancers) = drive(&[5], idle, |_, ms| if ms < 20_000 { Says::In } else { Says::Out });
    assert_eq!((outcome, balancers), (Outcome::Drained, Balancers::Confirmed));
    assert!((21_100..22_400).contains(&at), "longer than min-drain: {at}");
    assert_eq!(drive(&[5], idle, |_, _| Says::In), (Outcome::TimedOut, 30_000, Balancers::StillSending));
}

#[test]
fn sessions_that_do_not_end_are_asked_for_until_min_drain_only() {
    let counting = |ms: u64| Says::Counting(ms / 300);
    for says in [|_| Says::Busy, counting] {
        let (outcome, at, balancers) = drive(&[5], |_| 0, |_, ms| says(ms));
        assert_eq!((outcome, balancers), (Outcome::Drained, Balancers::Unconfirmed));
        assert!((10_000..10_500).contains(&at), "{at}");
    }
}

#[test]
fn without_min_drain_the_first_answers_are_waited_for() {
    let none = Duration::ZERO;
    let says = |_, ms| if ms < 4000 { Says::In } else { Says::Out };
    let (outcome, at, _) = drive_with(none, &[5, 300], |_| 0, says);
    assert_eq!(outcome, Outcome::Drained);
    assert!((5100..8800).contains(&at), "one sends, and one is slow: {at}");
    let (_, at, _) = drive_with(none, &[700], |_| 0, |_, _| Says::Out);
    assert!((700..1000).contains(&at), "it is out: {at}");
    let (_, at, _) = drive_with(none, &[20_000], |_| 0, |_, _| Says::Out);
    assert!((2500..3000).contains(&at), "it does not answer: {at}");
}

/// What up to three balancers say in each tenth of a second.
fn scripts() -> impl Strategy<Value = Vec<Vec<Says>>> {
    let says = prop_oneof![
        2 => Just(Says::In), 6 => Just(Says::Out), 1 => Just(Says::Busy), 1 => Just(Says::Nothing),
        1 => (0..3_u64).prop_map(Says::Counting),
    ];
    let phase = (says, 1..40_usize).prop_map(|(says, long)| vec![says; long]);
    let script = proptest::collection::vec(phase, 1..12).prop_map(|phases| phases.concat());
    proptest::collection::vec(script, 1..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn whatever_they_say_a_drain_ends_in_time_and_never_while_one_sends(
        scripts in scripts(),
        took in 1..60_u64,
    ) {
        let said = |which: usize, ms: u64| {
            let script: &Vec<Says> = &scripts[which];
            let at = usize::try_from(ms / 100).unwrap();
            script.get(at).or(script.last()).copied().unwrap()
        };
        let asked = std::cell::RefCell::new(Vec::new());
        let (outcome, at, _) = drive(&vec![took; scripts.len()], |_| 0, |which, ms| {
            asked.borrow_mut().push((which, ms));
            said(which, ms)
        });
        prop_assert!(at <= 30_000);
        if outcome == Outcome::Drained {
            for (which, ms) in asked.borrow().iter().filter(|(_, ms)| ms + took <= at) {
                // The zeros take a tenth of a second, and an answer is in when it has arrived.
                let is_in = said(*which, *ms) == Says::In;
                prop_assert!(!is_in || ms + 1100 <= at, "{which} sent at {ms}, drained at {at}");
            }
            let last = |which: &usize| asked.borrow().iter().rev().find(|(one, _)| one == which).copied();
            let silent = (0..scripts.len()).filter_map(|which| last(&which));
            let has_silent = silent.into_iter().any(|(which, ms)| ms + took <= at && said(which, ms) == Says::Nothing);
            prop_assert!(!has_silent || at >= 10_000, "one could not be asked, and the drain ended at {at}");
        }
    }

    #[test]
    fn with_one_that_never_answers_a_drain_is_never_shorter_than_min_drain(
        scripts in scripts(),
        dead in 0..3_usize,
    ) {
        let dead = dead % scripts.len();
        let (outcome, at, _) = drive(&vec![5; scripts.len()], |_| 0, |which, ms| {
            let script: &Vec<Says> = &scripts[which];
            let says = script.get(usize::try_from(ms / 100).unwrap()).or(script.last());
            if which == dead { Says::Nothing } else { *says.unwrap() }
        });
        prop_assert!(at >= 10_000 && (outcome == Outcome::Drained || at == 30_000), "{at}");
    }
}
