//! Decides since when the load balancer can know that the node is out, from the answers of the front end on this host
//! for the health file.
//!
//! A front end can go on answering for a while, because of opcache or `open_file_cache`. Each worker can have its own
//! cache, so the last 200 can come after the first 404.

use std::time::{Duration, Instant};

/// How often it is asked.
const INTERVAL: Duration = Duration::from_millis(250);

/// What its answers show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Noticed {
    /// There was no answer yet.
    Unanswered,
    /// It may have said "up" until then; never at all, if the node was out before.
    Since(Option<Instant>),
    /// It did not stop in time, so its answers mean nothing.
    Never,
}

/// The front end's answers in one drain.
#[derive(Debug, Clone)]
pub struct Notice {
    noticed: Noticed,
    last_up: Option<Instant>,
    is_up: bool,
    /// After this there is no time left to wait for min-drain.
    give_up: Instant,
    asked: Option<Instant>,
    next: Instant,
}

impl Notice {
    /// A front end that is asked from `started` on, and believed if it stops before `give_up`.
    #[must_use]
    pub fn new(started: Instant, give_up: Instant) -> Self {
        Self {
            noticed: Noticed::Unanswered,
            last_up: None,
            is_up: false,
            give_up,
            asked: None,
            next: started,
        }
    }

    /// Takes the answer to a question of `asked`: whether a load balancer would take it for "up".
    pub fn answered(&mut self, asked: Instant, is_up: bool) {
        self.asked = None;
        self.next = asked + INTERVAL;
        // The load balancer may have asked between an "up" and the first answer that is none.
        if is_up || self.is_up {
            self.last_up = Some(self.last_up.map_or(asked, |last| last.max(asked)));
        }
        self.is_up = is_up;
        if self.noticed != Noticed::Never {
            self.noticed = Noticed::Since(self.last_up);
        }
    }

    /// The node has been taken out anew at `now`.
    pub fn begin_anew(&mut self, now: Instant) {
        self.last_up = Some(now);
        if self.noticed != Noticed::Never {
            self.noticed = Noticed::Unanswered;
        }
    }

    /// Until when it may have said "up", if its answers mean something.
    #[must_use]
    pub fn last_up(&self) -> Option<Instant> {
        self.last_up.filter(|_| self.noticed != Noticed::Never)
    }

    /// What was known at the last judgement.
    #[must_use]
    pub fn noticed(&self) -> Noticed {
        self.noticed
    }

    /// What is known at `now`.
    pub fn judge(&mut self, now: Instant) -> Noticed {
        let is_quiet = matches!(self.noticed, Noticed::Since(_)) && !self.is_up;
        if now >= self.give_up && !is_quiet {
            self.noticed = Noticed::Never;
        }
        self.noticed
    }

    /// When to ask next; none while a question is out, or when no answer would change anything.
    pub fn question(&mut self, now: Instant) -> Option<Instant> {
        if self.asked.is_some() || self.noticed == Noticed::Never {
            return None;
        }
        let at = self.next.max(now);
        self.asked = Some(at);
        Some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers at these milliseconds, and what is known at the end of them.
    fn known(answers: &[(u64, bool)], at: u64) -> (Noticed, Instant) {
        let start = Instant::now();
        let after = |ms| start + Duration::from_millis(ms);
        let mut notice = Notice::new(start, after(20_000));
        for (ms, is_up) in answers {
            notice.answered(after(*ms), *is_up);
        }
        (notice.judge(after(at)), start)
    }

    #[test]
    fn the_last_up_counts_however_many_answers_are_down_in_between() {
        let (noticed, start) = known(&[(0, true), (200, false), (11_700, true), (12_000, false)], 12_000);
        // Until then the load balancer may have been told so.
        assert_eq!(noticed, Noticed::Since(Some(start + Duration::from_secs(12))));
    }

    #[test]
    fn one_that_never_stops_means_nothing_and_one_that_never_answers_neither() {
        assert_eq!(known(&[(0, true), (19_900, true)], 20_000).0, Noticed::Never);
        assert_eq!(known(&[], 20_000).0, Noticed::Never);
        assert_eq!(known(&[], 19_999).0, Noticed::Unanswered);
    }

    #[test]
    fn one_that_was_quiet_in_time_is_believed_later_too() {
        assert_eq!(known(&[(0, false)], 25_000).0, Noticed::Since(None));
    }

    #[test]
    fn there_is_one_question_at_a_time() {
        let start = Instant::now();
        let mut notice = Notice::new(start, start + Duration::from_secs(20));
        assert_eq!(notice.question(start), Some(start));
        assert_eq!(notice.question(start), None);
        notice.answered(start, true);
        assert_eq!(notice.question(start), Some(start + INTERVAL));
    }
}
