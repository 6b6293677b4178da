//! Decides how long the agent says goodbye: HAProxy keeps its last answer for ever, so before the agent goes for good,
//! whoever may have been told to send nothing has to hear that it may.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// So many balancers are told apart; no node has more.
const ASKERS_MAX: usize = 64;
/// HAProxy asks each 2 s unless `agent-inter` says otherwise (configuration.txt), and every balancer once for each of
/// its backends.
const AT_LEAST: Duration = Duration::from_secs(10);
/// A stop that takes longer helps nobody.
const AT_MOST: Duration = Duration::from_secs(60);
/// A balancer that asks for several backends, spread over its interval, seems to ask that much oftener.
const ROUNDS: u32 = 4;

/// Who has asked, how often, and what was answered.
#[derive(Debug)]
pub struct Askers {
    last_asked: VecDeque<(Option<IpAddr>, Instant)>,
    longest_gap: Duration,
    /// When something else than "send" was answered for the last time, or may have been.
    last_other: Instant,
}

impl Askers {
    /// Nobody yet, from `now` on. What an agent before this one answered is not known.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self { last_asked: VecDeque::new(), longest_gap: Duration::ZERO, last_other: now }
    }

    /// Somebody has asked, over a network or not, and was told to send or something else.
    pub fn note(&mut self, who: Option<IpAddr>, at: Instant, may_send: bool) {
        if !may_send {
            self.last_other = at;
        }
        let known = self.last_asked.iter().position(|(other, _)| *other == who);
        if let Some((_, last)) = known.and_then(|known| self.last_asked.remove(known)) {
            let gap = at.saturating_duration_since(last);
            self.longest_gap = self.longest_gap.max(gap.min(AT_MOST));
        }
        if self.last_asked.len() >= ASKERS_MAX {
            self.last_asked.pop_front();
        }
        self.last_asked.push_back((who, at));
    }

    /// Until when everybody who asks has to be told to send, if the agent is to go at `now`; none if it may go at once.
    #[must_use]
    pub fn stay_until(&self, now: Instant) -> Option<Instant> {
        let round = (self.longest_gap * ROUNDS).clamp(AT_LEAST, AT_MOST);
        let is_recent = |at: Instant| now.saturating_duration_since(at) < round;
        let somebody_asks = self.last_asked.back().is_some_and(|(_, at)| is_recent(*at));
        (somebody_asks && is_recent(self.last_other)).then(|| now + round)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn balancer(number: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, number])
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// Balancers that ask each so many seconds, for two minutes; the last answers before the end are not "send".
    fn asked(every: &[u64], others_before_the_end: u64) -> (Askers, Instant) {
        let start = Instant::now();
        let mut askers = Askers::new(start);
        for second in 0..=120 {
            for (number, every) in (1..).zip(every) {
                if second % every == 0 {
                    let may_send = second + others_before_the_end <= 120;
                    askers.note(Some(balancer(number)), start + seconds(second), may_send);
                }
            }
        }
        (askers, start + seconds(120))
    }

    #[test]
    fn nobody_who_asks_is_no_reason_to_stay() {
        let now = Instant::now();
        assert_eq!(Askers::new(now).stay_until(now), None);
        let (askers, end) = asked(&[2], 60);
        assert_eq!(askers.stay_until(end + seconds(30)), None, "they have gone");
    }

    #[test]
    fn whoever_has_heard_it_for_a_while_need_not_hear_it_again() {
        let (askers, end) = asked(&[2, 5], 0);
        assert_eq!(askers.stay_until(end), None);
    }

    #[test]
    fn an_agent_that_is_new_does_not_know_what_was_answered_before() {
        let now = Instant::now();
        let mut askers = Askers::new(now);
        askers.note(Some(balancer(1)), now + seconds(1), true);
        assert_eq!(askers.stay_until(now + seconds(2)), Some(now + seconds(12)));
    }

    #[test]
    fn it_stays_as_long_as_the_slowest_needs_to_hear_it_and_never_over_a_minute() {
        for (every, expected) in [(&[2][..], 10), (&[1, 5], 20), (&[2, 12], 48), (&[40], 60)] {
            let (askers, end) = asked(every, 60);
            assert_eq!(askers.stay_until(end), Some(end + seconds(expected)), "{every:?}");
        }
    }

    #[test]
    fn a_flood_of_askers_is_forgotten_from_its_beginning() {
        let now = Instant::now();
        let mut askers = Askers::new(now);
        for number in 0..1000_u32 {
            askers.note(Some(IpAddr::from(number.to_be_bytes())), now, false);
        }
        assert_eq!(askers.last_asked.len(), ASKERS_MAX);
    }
}
