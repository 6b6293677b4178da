//! Finds who checks the node, from the moments at which its health file was opened: a checker leaves a comb of equal
//! gaps.
//!
//! A balancer's period is its interval plus the time that its check takes, so combs slide against each other, and no
//! window of fixed length would count them. A comb is followed tooth by tooth instead.

use crate::order;
use std::time::Duration;

/// How far a tooth may be from where it should be: what a busy machine takes until this program runs. Measured on an idle
/// one: 2.4 ms.
const TOLERANCE: Duration = Duration::from_millis(40);
/// The same as a part of the period, where that is less.
const TOLERANCE_PART: u32 = 8;
/// Nobody checks more often.
const PERIOD_MIN: Duration = Duration::from_millis(200);
/// Fewer teeth could be anything.
const TEETH_MIN: u32 = 4;
/// So many combs may be found where there are only people, on average.
const BY_CHANCE: f64 = 0.01;
/// A check in so many may be missing.
const MISSING: u32 = 6;
/// So many moments are looked at; what is more would only take time.
const MOMENTS_MAX: usize = 2000;

/// Somebody who checks the node regularly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checker {
    /// The time between two checks.
    pub period: Duration,
    /// How often it was seen.
    pub checks: u32,
}

/// What the moments come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkers {
    /// Who checks regularly, the most frequent first.
    pub regular: Vec<Checker>,
    /// How many moments belong to none of them.
    pub others: usize,
}

impl Checkers {
    /// Finds them in `moments`, sorted times since the beginning of an observation that took `length`.
    #[must_use]
    pub fn find(moments: &[Duration], length: Duration) -> Self {
        let looked_at = &moments[..moments.len().min(MOMENTS_MAX)];
        let length = if looked_at.len() < moments.len() { looked_at[MOMENTS_MAX - 1] } else { length };
        let mut search = Search { moments: looked_at, is_taken: vec![false; looked_at.len()], length };
        let mut regular = Vec::new();
        // Among fewer moments that are left, a comb with few teeth is no longer likely to be chance.
        loop {
            let found = regular.len();
            for first in 0..looked_at.len() {
                regular.extend(search.take_best_comb(first));
            }
            if regular.len() == found {
                break;
            }
        }
        order::sort_by_key(&mut regular, |checker| checker.period);
        let others = search.left() + moments.len() - looked_at.len();
        Self { regular, others }
    }

    /// The longest period, if somebody checks regularly.
    #[must_use]
    pub fn longest(&self) -> Option<Duration> {
        self.regular.iter().map(|checker| checker.period).max()
    }
}

/// How long it takes until every checker has noticed that the file is gone, in full seconds: each needs `fall` failed
/// checks, and the first comes an interval after the last good one.
#[must_use]
pub fn time_to_notice(longest: Duration, fall: u32) -> Duration {
    let time = (longest * (fall + 1)).as_secs_f64();
    // A period is a little longer than the interval.
    Duration::from_secs_f64((time - 0.1).ceil().max(1.0))
}

/// Moments with equal gaps, from the beginning of the observation to its end.
struct Comb {
    /// Those that belong to no other comb, by their numbers.
    own: Vec<usize>,
    period: Duration,
}

/// The moments, and which of them belong to a comb already. Two checks in the same instant are one moment, so such a one
/// can be a tooth of a second comb, too.
struct Search<'a> {
    moments: &'a [Duration],
    is_taken: Vec<bool>,
    length: Duration,
}

impl Search<'_> {
    fn left(&self) -> usize {
        self.is_taken.iter().filter(|is_taken| !**is_taken).count()
    }

    /// Takes the teeth of the best comb that begins with the moment `first`.
    fn take_best_comb(&mut self, first: usize) -> Option<Checker> {
        if self.is_taken[first] {
            return None;
        }
        let left = self.left();
        let gap = |at: usize| self.moments[at].saturating_sub(self.moments[first]);
        let others = (first + 1..self.moments.len()).filter(|at| !self.is_taken[*at]);
        let gaps = others.map(gap).filter(|gap| *gap >= PERIOD_MIN && *gap <= self.length / (TEETH_MIN - 1));
        // Of two that are as good, the one with the shorter period.
        let combs = gaps.filter_map(|gap| self.follow(first, gap));
        let best = combs.reduce(|best, comb| if comb.own.len() > best.own.len() { comb } else { best })?;
        if self.combs_by_chance(left, &best) > BY_CHANCE {
            return None;
        }
        for tooth in &best.own {
            self.is_taken[*tooth] = true;
        }
        let checks = u32::try_from(best.own.len()).unwrap_or(u32::MAX);
        Some(Checker { period: best.period, checks })
    }

    /// How many combs like this one `left` moments would have if they came by chance: any two of them begin one, and each
    /// further tooth has to meet one.
    fn combs_by_chance(&self, left: usize, comb: &Comb) -> f64 {
        let to_f64 = |number: usize| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
        let window = 2.0 * tolerance(comb.period).as_secs_f64();
        let meets = (to_f64(left) * window / self.length.as_secs_f64()).min(1.0);
        to_f64(left).powi(2) * meets.powi(i32::try_from(comb.own.len()).unwrap_or(i32::MAX) - 2)
    }

    /// Follows a comb from its first moment to the end of the observation; none if it breaks off.
    fn follow(&self, first: usize, gap: Duration) -> Option<Comb> {
        let begin = self.moments[first];
        // What was before is a tooth of another comb, too.
        let before = (1..).map_while(|steps| begin.checked_sub(gap * steps));
        let mut before = before.filter(|at| *at > tolerance(gap));
        if before.any(|at| self.nearest(at, tolerance(gap)).is_none_or(|tooth| !self.is_taken[tooth])) {
            return None;
        }
        let (mut own, mut steps, mut missing, mut period) = (vec![first], 0_u32, 0_u32, gap);
        loop {
            let expected = begin + period * (steps + 1);
            if expected + tolerance(period) >= self.length {
                break;
            }
            steps += 1;
            match self.nearest(expected, tolerance(period)) {
                Some(tooth) => {
                    period = self.moments[tooth].saturating_sub(begin) / steps;
                    own.extend(Some(tooth).filter(|tooth| !self.is_taken[*tooth]));
                }
                None => missing += 1,
            }
            if missing > 1 + steps / MISSING {
                return None;
            }
        }
        own.dedup();
        let is_long_enough = own.len() >= TEETH_MIN as usize && missing * MISSING <= steps;
        is_long_enough.then_some(Comb { own, period })
    }

    /// The moment nearest to `expected`, if there is one so near; rather one that belongs to no comb.
    fn nearest(&self, expected: Duration, tolerance: Duration) -> Option<usize> {
        let from = self.moments.partition_point(|moment| *moment + tolerance < expected);
        let near = self.moments[from..].iter().take_while(|moment| **moment <= expected + tolerance).count();
        (from..from + near).min_by_key(|at| (self.is_taken[*at], self.moments[*at].abs_diff(expected)))
    }
}

fn tolerance(period: Duration) -> Duration {
    TOLERANCE.min(period / TOLERANCE_PART)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::time::{ClockId, clock_gettime};
    use proptest::prelude::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// The moments of checkers with these periods and phases, all in milliseconds, each up to `jitter` late.
    fn moments(checkers: &[(u64, u64)], length: Duration, jitter: &mut impl FnMut() -> u64) -> Vec<Duration> {
        let mut moments: Vec<Duration> = checkers
            .iter()
            .flat_map(|(period, phase)| {
                (0..).map(move |n| ms(phase + n * period)).take_while(|at| *at < length)
            })
            .collect();
        for moment in &mut moments {
            *moment += ms(jitter());
        }
        moments.sort();
        moments
    }

    /// In milliseconds, up to the next 20.
    fn periods(found: &Checkers) -> Vec<u64> {
        let rounded =
            |checker: &Checker| u64::try_from(checker.period.as_millis()).unwrap().div_ceil(20) * 20;
        found.regular.iter().map(rounded).collect()
    }

    #[test]
    fn three_checkers_on_one_file_are_told_apart() {
        // As measured: two balancers each 2 s, a third each 5 s, 2 ms late at times.
        let mut late = [0, 2, 1, 0, 1, 2].into_iter().cycle();
        let seen =
            moments(&[(2004, 300), (2003, 1170), (5002, 820)], ms(45_000), &mut || late.next().unwrap());
        let found = Checkers::find(&seen, ms(45_000));
        assert_eq!((periods(&found), found.others), (vec![2020, 2020, 5020], 0), "{found:?}");
        assert_eq!(found.longest().map(|period| time_to_notice(period, 3)), Some(Duration::from_secs(20)));
    }

    #[test]
    fn a_person_among_them_is_nobody_regular() {
        let mut seen = moments(&[(2000, 100)], ms(30_000), &mut || 0);
        seen.extend([ms(3_333), ms(4_200), ms(17_777)]);
        seen.sort();
        let found = Checkers::find(&seen, ms(30_000));
        assert_eq!((periods(&found), found.others), (vec![2000], 3), "{found:?}");
    }

    #[test]
    fn too_few_moments_are_no_rhythm() {
        for seen in [&[][..], &[ms(10)], &[ms(10), ms(2010), ms(4010)]] {
            let found = Checkers::find(seen, ms(6_000));
            assert_eq!((found.regular.len(), found.others), (0, seen.len()));
        }
        assert_eq!(Checkers::find(&[], ms(0)).longest(), None);
    }

    #[test]
    fn a_checker_that_begins_or_ends_in_between_is_not_taken_for_one_that_goes_on() {
        let all = moments(&[(1000, 0)], ms(30_000), &mut || 0);
        for seen in [&all[15..], &all[..15]] {
            assert_eq!(Checkers::find(seen, ms(30_000)).regular, [], "{seen:?}");
        }
    }

    #[test]
    fn two_that_meet_at_times_are_still_two() {
        let mut seen = moments(&[(400, 100), (900, 100)], ms(9_000), &mut || 0);
        seen.dedup();
        let found = Checkers::find(&seen, ms(9_000));
        assert_eq!((periods(&found), found.others), (vec![400, 900], 0), "{found:?}");
    }

    #[test]
    fn a_slow_checker_is_found_among_quick_ones() {
        let seen = moments(&[(2001, 900), (2003, 1150), (10_002, 300)], ms(60_000), &mut || 0);
        let found = Checkers::find(&seen, ms(60_000));
        assert_eq!((periods(&found), found.others), (vec![2020, 2020, 10_020], 0), "{found:?}");
    }

    #[test]
    fn a_flood_takes_no_time_to_speak_of() {
        let mut state = 1_u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            state >> 33
        };
        let mut seen: Vec<Duration> = (0..5000).map(|_| ms(random() % 600_000)).collect();
        seen.sort();
        // Whatever else the machine does, this thread has no more to do.
        let clock = || Duration::from(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap());
        let start = clock();
        let found = Checkers::find(&seen, ms(600_000));
        let work = clock().saturating_sub(start);
        assert!(work > Duration::ZERO && work < Duration::from_secs(20), "{work:?}");
        assert_eq!(found.regular, []);
    }

    #[test]
    fn min_drain_is_in_full_seconds_and_never_none() {
        for (longest, fall, expected) in
            [(ms(2004), 3, 8), (ms(5002), 2, 15), (ms(250), 3, 1), (ms(200), 1, 1)]
        {
            assert_eq!(time_to_notice(longest, fall), Duration::from_secs(expected), "{longest:?}");
        }
    }

    proptest! {
        #[test]
        fn every_checker_is_found_whatever_its_period_and_phase(
            period in 300_u64..9_000, phase in 0_u64..9_000, late in proptest::collection::vec(0_u64..3, 7),
        ) {
            let mut late = late.into_iter().cycle();
            let length = ms(period * 10);
            let seen = moments(&[(period, phase % period)], length, &mut || late.next().unwrap());
            let found = Checkers::find(&seen, length);
            prop_assert_eq!(found.regular.len(), 1, "{:?}", &found);
            prop_assert!(found.regular[0].period.abs_diff(ms(period)) <= ms(2), "{:?}", &found);
        }

        #[test]
        fn every_moment_is_counted_once(mut seen in proptest::collection::vec(0_u64..20_000, 0..80)) {
            seen.sort_unstable();
            let seen: Vec<Duration> = seen.into_iter().map(ms).collect();
            let found = Checkers::find(&seen, ms(20_000));
            let regular: u32 = found.regular.iter().map(|checker| checker.checks).sum();
            prop_assert_eq!(regular as usize + found.others, seen.len());
        }
    }
}
