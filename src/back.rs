//! Judges whether the balancers send requests here again, once the node is back.
//!
//! Guarantees, each a property of the tests:
//! - it ends at its deadline, at the latest;
//! - a row that got no requests before the node was taken out is not waited for;
//! - a balancer that has said nothing that is understood for [`PATIENCE`] is not waited for, and not taken for one that
//!   sends.

use crate::row::{Answer, Before, Row, Sends, Unclear};
use std::time::{Duration, Instant};

/// The longest wait for all of them. HAProxy's defaults take 4 s, Varnish's 12 s.
pub const BACK_MAX: Duration = Duration::from_secs(30);
/// For so long a balancer may give no answer, as in a restart of its own.
pub const PATIENCE: Duration = Duration::from_secs(5);
/// The time between two questions.
const PAUSE: Duration = Duration::from_millis(250);
/// The words for a row that gets all its requests: HAProxy's, those for one that only an agent takes out, and those of a
/// balancer that knows nothing else.
const IN: [&str; 3] = ["UP", "no check", "in"];

/// Where one balancer stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It sends requests to each of this node's rows that got them before.
    Sends,
    /// It does not yet, to this row.
    NotYet(Row),
    /// It is not known what it does.
    Unclear(Unclear),
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Ask the balancer of that number at that instant.
    Ask(usize, Instant),
    /// Wait for an answer, until then at the longest.
    WaitUntil(Instant),
    /// There is nothing left to wait for.
    Finish,
}

#[derive(Debug, Clone)]
struct Balancer {
    before: Vec<Before>,
    standing: Standing,
    /// Since when it is not known what it does.
    unclear_since: Instant,
    is_asked: bool,
    next: Instant,
}

/// The balancers on the way back.
#[derive(Debug, Clone)]
pub struct Back {
    balancers: Vec<Balancer>,
    started: Instant,
}

impl Back {
    /// Balancers that said this before, each; the wait begins at `started`.
    #[must_use]
    pub fn new(before: Vec<Vec<Before>>, started: Instant) -> Self {
        let balancer = |before| Balancer {
            before,
            standing: Standing::Unclear(Unclear::NotAsked),
            unclear_since: started,
            is_asked: false,
            next: started,
        };
        Self { balancers: before.into_iter().map(balancer).collect(), started }
    }

    /// When the wait is over in any case.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.started + BACK_MAX
    }

    /// Takes the answer of a balancer.
    pub fn answered(&mut self, which: usize, answer: Answer) {
        let Some(balancer) = self.balancers.get_mut(which) else { return };
        balancer.is_asked = false;
        // One that is slow has peace for as long as its answer took.
        let took = answer.answered.saturating_duration_since(answer.asked);
        balancer.next = answer.answered + took.max(PAUSE);
        balancer.standing = match answer.view {
            Err(why) => Standing::Unclear(why),
            Ok(view) => match view.rows.into_iter().find(|row| !has_back(&balancer.before, row)) {
                Some(row) => Standing::NotYet(row),
                None => Standing::Sends,
            },
        };
        if !matches!(balancer.standing, Standing::Unclear(_)) {
            balancer.unclear_since = answer.answered;
        }
    }

    /// What to do at `now`.
    pub fn step(&mut self, now: Instant) -> Step {
        if now >= self.deadline() || self.first_missing(now).is_none() {
            return Step::Finish;
        }
        // Also one that sends already: it may have been asked before it has noticed.
        let free = self.balancers.iter_mut().enumerate().filter(|(_, balancer)| !balancer.is_asked);
        if let Some((which, balancer)) = free.min_by_key(|(_, balancer)| balancer.next) {
            balancer.is_asked = true;
            return Step::Ask(which, balancer.next.max(now));
        }
        let ends = self.balancers.iter().map(|balancer| balancer.unclear_since + PATIENCE);
        Step::WaitUntil(ends.filter(|end| *end > now).fold(self.deadline(), Instant::min))
    }

    /// Where each of them stands.
    pub fn standings(&self) -> impl Iterator<Item = &Standing> {
        self.balancers.iter().map(|balancer| &balancer.standing)
    }

    /// The first one that is waited for at `now`.
    #[must_use]
    pub fn first_missing(&self, now: Instant) -> Option<usize> {
        self.balancers.iter().position(|balancer| balancer.is_waited_for(now))
    }
}

impl Balancer {
    fn is_waited_for(&self, now: Instant) -> bool {
        match self.standing {
            Standing::Sends => false,
            Standing::NotYet(_) => true,
            Standing::Unclear(_) => now.saturating_duration_since(self.unclear_since) < PATIENCE,
        }
    }
}

/// Whether `row` gets requests as it did before, or did not get any.
#[must_use]
pub fn has_back(before: &[Before], row: &Row) -> bool {
    let before = before.iter().find(|before| before.is_about(&row.id));
    match row.sends {
        Sends::Blindly => true,
        Sends::No => before.is_some_and(|before| !before.sent),
        Sends::Yes => {
            IN.contains(&row.said.as_str())
                || before.is_some_and(|before| !before.sent || before.said == row.said)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::{Id, View};
    use proptest::prelude::*;

    fn row(said: &str) -> Row {
        let sends = match said {
            "DOWN" | "DRAIN (agent)" | "UP, weight 0" => Sends::No,
            "unchecked" => Sends::Blindly,
            _ => Sends::Yes,
        };
        Row::plain(Id { backend: "web".to_owned(), server: "web1".to_owned(), address: None }, sends, said)
    }

    fn before(said: &str) -> Vec<Before> {
        Before::of(&View { process: None, rows: vec![row(said)] }, Duration::ZERO)
    }

    fn at(start: Instant, ms: u64) -> Instant {
        start + Duration::from_millis(ms)
    }

    /// When the wait ends, in milliseconds, if balancer N said `before[N]` and says `says(N, asked)`, and where it stands.
    fn drive(
        before: Vec<Vec<Before>>,
        says: impl Fn(usize, u64) -> Option<&'static str>,
    ) -> (u64, Vec<Standing>) {
        let start = Instant::now();
        let since = |then: Instant| u64::try_from((then - start).as_millis()).unwrap();
        let (mut now, mut back) = (start, Back::new(before, start));
        let mut questions: Vec<(Instant, usize)> = Vec::new();
        loop {
            match back.step(now) {
                Step::Finish => return (since(now), back.standings().cloned().collect()),
                Step::Ask(which, when) => questions.push((when, which)),
                Step::WaitUntil(until) => {
                    questions.sort();
                    let due = questions.first().copied().filter(|(asked, _)| *asked <= until);
                    let Some((asked, which)) = due else {
                        now = until;
                        continue;
                    };
                    questions.remove(0);
                    now = now.max(asked + Duration::from_millis(3));
                    let view = says(which, since(asked))
                        .map(|said| View { process: None, rows: vec![row(said)] })
                        .ok_or(Unclear::TimedOut);
                    back.answered(which, Answer { asked, answered: now, view });
                }
            }
        }
    }

    fn is_waited_for(said_before: &str, says: &'static str) -> bool {
        let (end, _) = drive(vec![before(said_before)], |_, _| Some(says));
        assert!(end == 30_000 || end < 100, "{end}");
        end == 30_000
    }

    #[test]
    fn a_row_is_back_with_all_its_requests_or_in_the_words_that_it_had_before() {
        for (said_before, says, waits) in [
            ("UP", "UP", false),
            ("UP", "DOWN", true),
            ("UP", "UP 1/3", true),
            ("UP 1/3", "UP 1/3", false),
            ("UP", "UP, at 7% of its weight after its return", true),
            ("UP", "UP, weight 0", true),
            ("no check", "DRAIN (agent)", true),
            ("no check", "no check", false),
            ("unchecked", "unchecked", false),
            ("in", "in", false),
            // Out before, for a reason of its own.
            ("DOWN", "DOWN", false),
            ("UP, weight 0", "UP, weight 0", false),
            ("DOWN", "UP 1/3", false),
        ] {
            assert_eq!(is_waited_for(said_before, says), waits, "{said_before} {says}");
        }
    }

    #[test]
    fn the_last_of_them_ends_the_wait() {
        let says = |which, at: u64| Some(if at < [900, 4000][which] { "DOWN" } else { "UP" });
        let (end, standings) = drive(vec![before("UP"), before("UP")], says);
        assert!((4000..4300).contains(&end), "{end}");
        assert_eq!(standings, [Standing::Sends, Standing::Sends]);
    }

    #[test]
    fn one_that_cannot_be_asked_is_not_waited_for_for_long_and_one_that_restarts_is() {
        let (end, standings) = drive(vec![before("UP"), before("UP")], |which, _| [Some("UP"), None][which]);
        assert!((5000..5300).contains(&end), "{end}");
        assert_eq!(standings[1], Standing::Unclear(Unclear::TimedOut));
        let restarts = |_, at| if (2000..5000).contains(&at) { None } else { Some("DOWN") };
        assert_eq!(drive(vec![before("UP")], restarts).0, 30_000);
    }

    #[test]
    fn one_that_never_answers_a_question_does_not_hold_up_the_end() {
        let start = Instant::now();
        let mut back = Back::new(vec![before("UP")], start);
        assert_eq!(back.step(start), Step::Ask(0, start));
        assert_eq!(back.step(start), Step::WaitUntil(start + PATIENCE));
        assert_eq!(back.step(start + PATIENCE), Step::Finish);
    }

    #[test]
    fn what_may_have_gone_out_because_of_the_drain_was_not_out_before() {
        let view = |unchanged| View {
            process: None,
            rows: vec![Row { unchanged: Some(Duration::from_secs(unchanged)), ..row("DOWN") }],
        };
        let seconds = Duration::from_secs;
        assert_eq!(Before::of(&view(0), Duration::from_millis(20)), []);
        assert_eq!(Before::of(&view(3), seconds(4)), []);
        assert!(!Before::of(&view(1), Duration::from_millis(20))[0].sent);
        assert!(!Before::of(&view(9), seconds(4))[0].sent);
        let untold = View { process: None, rows: vec![row("DOWN")] };
        assert_eq!(Before::of(&untold, seconds(1)), []);
    }

    proptest! {
        #[test]
        fn the_wait_ends_and_not_before_each_of_them_sends_or_is_silent(
            script in proptest::collection::vec(proptest::collection::vec(0_u8..3, 130), 1..4)
        ) {
            let says = |which: usize, at: u64| {
                let step = usize::try_from(at / 250).unwrap();
                [None, Some("DOWN"), Some("UP")][script[which][step] as usize]
            };
            let (end, standings) = drive(vec![before("UP"); script.len()], says);
            prop_assert!(end <= 30_000);
            if end < 30_000 {
                prop_assert!(!standings.iter().any(|standing| matches!(standing, Standing::NotYet(_))));
            }
        }
    }

    #[test]
    fn nobody_to_ask_is_nothing_to_wait_for() {
        let start = Instant::now();
        assert_eq!(Back::new(Vec::new(), start).step(start), Step::Finish);
        assert_eq!(at(start, 30_000), Back::new(Vec::new(), start).deadline());
    }
}
