//! The promises of the judgement, for whatever balancers say, and each window in which "out" does not end arrivals.

use super::*;
use crate::row::{Counters, Id};
use proptest::prelude::*;

/// A row as a script of the tests has it.
#[derive(Debug, Clone, Copy)]
struct Said {
    sends: Sends,
    queued: u64,
    sessions: u64,
    total: u64,
}

const OUT: Said = Said { sends: Sends::No, queued: 0, sessions: 0, total: 7 };
const IN: Said = Said { sends: Sends::Yes, ..OUT };

fn row(said: Said, unchanged: Option<Duration>) -> Row {
    let id = Id { backend: "web".to_owned(), server: "web1".to_owned(), address: None };
    let counters = Counters { queued: said.queued, sessions: said.sessions, total: said.total };
    Row { counters: Some(counters), unchanged, ..Row::plain(id, said.sends, "") }
}

type Viewed = Result<View, Unclear>;

fn view(said: Said) -> View {
    View { process: Some(1), rows: vec![row(said, None)] }
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Answers of one balancer that was asked at these milliseconds and took 5; the verdict right after the last.
fn judge(answers: impl IntoIterator<Item = (u64, Viewed)>) -> (Verdict, Instant) {
    let start = Instant::now();
    let mut confirm = Confirm::new(1, start);
    for (at, view) in answers {
        let answered = start + ms(at + 5);
        confirm.expire(answered);
        confirm.answered(0, Answer { asked: start + ms(at), answered, view });
    }
    (confirm.verdict(), start)
}

fn each(said: Said, times: impl Iterator<Item = u64>) -> Vec<(u64, Viewed)> {
    times.map(|at| (at, Ok(view(said)))).collect()
}

fn is_confirmed(answers: Vec<(u64, Viewed)>) -> bool {
    matches!(judge(answers).0, Verdict::Confirmed(_))
}

#[test]
fn a_balancer_that_was_quiet_for_the_settle_time_is_confirmed_and_not_before() {
    let (verdict, start) = judge(each(OUT, (0..=1200).step_by(100)));
    assert_eq!(verdict, Verdict::Confirmed(start + ms(5) + SETTLE));
    assert_eq!(judge(each(OUT, (0..=1100).step_by(100))).0, Verdict::Settling(0), "asked too early");
}

#[test]
fn a_request_in_the_queue_on_a_new_connection_or_in_a_retry_keeps_it_from_being_quiet() {
    for window in [Said { queued: 5, ..OUT }, Said { sessions: 1, ..OUT }] {
        assert_eq!(judge(each(window, (0..3000).step_by(100))).0, Verdict::Busy(0));
    }
    let retry = |at: u64| (at, Ok(view(Said { total: 7 + at / 1000, ..OUT })));
    assert!(!is_confirmed((0..5000).step_by(100).map(retry).collect()));
}

#[test]
fn a_reload_begins_anew_even_where_the_counters_are_the_same() {
    let mut answers = each(OUT, (0..=1200).step_by(100));
    let other = View { process: Some(2), rows: vec![row(OUT, None)] };
    answers.push((1300, Ok(other)));
    assert!(!is_confirmed(answers.clone()));
    answers.extend(each(OUT, std::iter::once(1400)));
    assert!(!is_confirmed(answers));
    let cleared = Said { total: 0, ..OUT };
    assert!(!is_confirmed([each(OUT, (0..=1200).step_by(100)), each(cleared, 1300..1301)].concat()));
}

#[test]
fn a_state_that_is_younger_than_the_run_begins_anew() {
    let page = |at: u64, unchanged: u64| {
        let rows = vec![row(OUT, Some(Duration::from_secs(unchanged)))];
        (at, Ok(View { process: None, rows }))
    };
    let quiet = |at: u64| page(at, at / 1000);
    assert!(is_confirmed((0..=4000).step_by(100).map(quiet).collect()));
    let mut answers: Vec<_> = (0..=4000).step_by(100).map(quiet).collect();
    answers.push(page(4100, 1));
    assert!(!is_confirmed(answers), "it was in for a moment, between two questions");
}

#[test]
fn all_balancers_must_be_quiet_at_the_same_time() {
    let start = Instant::now();
    let mut confirm = Confirm::new(2, start);
    let mut say = |which, at: u64, said| {
        let answer = Answer { asked: start + ms(at), answered: start + ms(at + 5), view: Ok(view(said)) };
        confirm.answered(which, answer);
        confirm.verdict()
    };
    for at in (0..2000).step_by(100) {
        say(0, at, OUT);
        say(1, at, IN);
    }
    assert_eq!(say(0, 2000, OUT), Verdict::In(1));
    for at in (2000..3000).step_by(100) {
        say(0, at, OUT);
        assert_eq!(say(1, at, OUT), Verdict::Settling(1));
    }
    say(1, 3200, OUT);
    assert_eq!(say(0, 3200, OUT), Verdict::Confirmed(start + ms(2005) + SETTLE));
}

#[test]
fn one_that_is_not_checked_is_not_understood_and_one_that_hangs_is_so_after_a_while() {
    assert_eq!(judge([(0, Ok(view(Said { sends: Sends::Blindly, ..OUT })))]).0, Verdict::Unclear(0));
    let start = Instant::now();
    let mut confirm = Confirm::new(1, start);
    for at in (0..2000).step_by(100) {
        confirm
            .answered(0, Answer { asked: start + ms(at), answered: start + ms(at + 1), view: Ok(view(OUT)) });
    }
    confirm.expire(start + ms(4000));
    assert!(matches!(confirm.verdict(), Verdict::Confirmed(_)));
    confirm.expire(start + ms(4500));
    assert_eq!(confirm.verdict(), Verdict::Unclear(0));
}

#[test]
fn each_is_asked_at_its_own_pace_and_one_question_at_a_time() {
    let start = Instant::now();
    let mut confirm = Confirm::new(2, start);
    assert_eq!(confirm.question(start), Some((0, start)));
    assert_eq!(confirm.question(start), Some((1, start)));
    assert_eq!(confirm.question(start), None);
    confirm.answered(0, Answer { asked: start, answered: start + ms(5), view: Ok(view(IN)) });
    assert_eq!(confirm.question(start + ms(5)), Some((0, start + ms(250))));
    confirm.answered(1, Answer { asked: start, answered: start + ms(80), view: Ok(view(OUT)) });
    assert_eq!(confirm.question(start + ms(80)), Some((1, start + ms(400))), "it is slow");
}

fn said() -> impl Strategy<Value = Result<Said, ()>> {
    let number = || prop_oneof![4 => Just(0_u64), 1 => 1..3_u64];
    let sends = prop_oneof![8 => Just(Sends::No), 1 => Just(Sends::Yes), 1 => Just(Sends::Blindly)];
    let row = (sends, number(), number(), prop_oneof![9 => Just(7_u64), 1 => 6..9_u64])
        .prop_map(|(sends, queued, sessions, total)| Ok(Said { sends, queued, sessions, total }));
    prop_oneof![20 => row, 1 => Just(Err(()))]
}

/// Answers of up to three balancers, each with the time since the last and the time that it took.
fn script() -> impl Strategy<Value = Vec<(usize, u64, u64, Result<Said, ()>)>> {
    let quiet = (0..3_usize, 1..200_u64, 0..60_u64, Just(Ok(OUT)));
    let any = (0..3_usize, 1..400_u64, 0..900_u64, said());
    proptest::collection::vec(prop_oneof![12 => quiet, 1 => any], 1..120)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn nothing_is_confirmed_within_the_settle_time_of_anything_else(script in script()) {
        let start = Instant::now();
        let mut confirm = Confirm::new(3, start);
        let mut now = start;
        // Of each: when it last said anything but "quiet", and when it was asked at last.
        let mut disturbed = [None; 3];
        let mut totals = [None; 3];
        for (which, pause, took, said) in script {
            let asked = now + ms(pause);
            now = asked + ms(took);
            let view = said.map(view).map_err(|()| Unclear::TimedOut);
            let is_quiet = matches!(said, Ok(Said { sends: Sends::No, queued: 0, sessions: 0, .. }));
            let total = said.ok().map(|said| said.total);
            if !is_quiet || totals[which] != total || disturbed[which].is_none() {
                disturbed[which] = Some(asked);
            }
            totals[which] = total;
            confirm.expire(now);
            confirm.answered(which, Answer { asked, answered: now, view });
            if let Verdict::Confirmed(at) = confirm.verdict() {
                for last in disturbed {
                    prop_assert!(last.is_some_and(|last| at >= last + SETTLE));
                }
                prop_assert!(at <= now);
            }
        }
    }

    #[test]
    fn whatever_was_confirmed_a_flap_at_any_instant_withdraws_it(after in 0..5000_u64, which in 0..3_usize) {
        let start = Instant::now();
        let mut confirm = Confirm::new(3, start);
        let mut say = |which, at: u64, said| {
            let answer = Answer { asked: start + ms(at), answered: start + ms(at + 3), view: Ok(view(said)) };
            confirm.answered(which, answer);
            confirm.verdict()
        };
        let times: Vec<u64> = (0..=1200 + after).step_by(100).collect();
        let mut verdict = Verdict::NotAsked;
        for at in &times {
            for one in 0..3 {
                verdict = say(one, *at, OUT);
            }
        }
        prop_assert!(matches!(verdict, Verdict::Confirmed(_)));
        let flap = times.last().unwrap() + 50;
        prop_assert_eq!(say(which, flap, IN), Verdict::In(which));
        for at in (flap + 50..flap + 1100).step_by(100) {
            for one in 0..3 {
                prop_assert!(!matches!(say(one, at, OUT), Verdict::Confirmed(_)));
            }
        }
    }
}
