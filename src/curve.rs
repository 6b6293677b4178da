//! The load over the time of a drain, in a few points however long it takes.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Most points.
pub const POINTS_MAX: usize = 60;
/// The time between two points at first, in milliseconds.
const STEP_MS: u64 = 250;

/// A load at equal intervals; none where it was not known. Where there would be more than [`POINTS_MAX`] points, two become
/// one, of the higher load.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Curve {
    /// The time between two points, in milliseconds.
    pub step_ms: u64,
    /// The highest load between a point and the next.
    pub points: Vec<Option<u64>>,
}

impl Default for Curve {
    fn default() -> Self {
        Self { step_ms: STEP_MS, points: Vec::new() }
    }
}

impl Curve {
    /// Adds what was seen `after` so much time; of a time without any, the load before counts.
    pub fn add(&mut self, after: Duration, load: Option<u64>) {
        let millis = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
        while self.place(millis) >= POINTS_MAX {
            self.points = self.points.chunks(2).map(|pair| pair.iter().copied().max().flatten()).collect();
            self.step_ms = self.step_ms.saturating_mul(2);
        }
        let place = self.place(millis);
        let last = self.points.last().copied().flatten();
        while self.points.len() < place {
            self.points.push(last);
        }
        match self.points.get_mut(place) {
            Some(point) => *point = (*point).max(load),
            None => self.points.push(load),
        }
    }

    /// The number of the point at that time.
    fn place(&self, millis: u64) -> usize {
        usize::try_from(millis / self.step_ms.max(1)).unwrap_or(usize::MAX)
    }

    /// A line of so many characters at most, the highest load as the highest one, zero as the lowest, and a gap where the load
    /// was not known. Plain ASCII on request.
    #[must_use]
    pub fn sparkline(&self, width: usize, characters: Characters) -> String {
        let marks: &[char] = match characters {
            Characters::Unicode => &['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'],
            Characters::Ascii => &['_', '.', '-', '=', '+', '*', '#', '@'],
        };
        let each = self.points.len().div_ceil(width.max(1)).max(1);
        let points: Vec<_> =
            self.points.chunks(each).map(|points| points.iter().copied().max().flatten()).collect();
        let highest = points.iter().flatten().copied().max().unwrap_or(0).max(1);
        let steps = marks.len() as u64 - 1;
        let mark = |load: u64| {
            // One request of thousands is not none.
            let level = u128::from(load) * u128::from(steps) / u128::from(highest);
            marks[usize::try_from(level).unwrap_or(0).max(usize::from(load > 0)).min(marks.len() - 1)]
        };
        points.into_iter().map(|point| point.map_or(' ', mark)).collect()
    }
}

/// What can be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Characters {
    /// All.
    Unicode,
    /// Those of ASCII.
    Ascii,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn curve(seen: &[(u64, Option<u64>)]) -> Curve {
        let mut curve = Curve::default();
        for (after, load) in seen {
            curve.add(Duration::from_millis(*after), *load);
        }
        curve
    }

    #[test]
    fn what_nobody_has_looked_at_is_as_it_was_before() {
        let curve = curve(&[(0, Some(9)), (100, Some(7)), (1100, Some(3)), (1200, None), (1300, None)]);
        assert_eq!(curve.points, [Some(9), Some(9), Some(9), Some(9), Some(3), None]);
    }

    #[test]
    fn a_long_drain_has_no_more_points_and_keeps_its_peak() {
        let mut seen: Vec<_> = (0..3000).map(|second| (second * 1000, Some(2))).collect();
        seen[1234].1 = Some(50);
        let curve = curve(&seen);
        assert!((POINTS_MAX / 2..=POINTS_MAX).contains(&curve.points.len()), "{curve:?}");
        assert_eq!(curve.points.iter().filter(|point| **point == Some(50)).count(), 1, "{curve:?}");
    }

    #[test]
    fn a_sparkline_tells_none_from_few_and_few_from_unknown() {
        let curve =
            curve(&[(0, Some(8000)), (250, Some(4000)), (500, Some(1)), (750, None), (1000, Some(0))]);
        assert_eq!(curve.sparkline(10, Characters::Unicode), "█▄▂ ▁");
        assert_eq!(curve.sparkline(10, Characters::Ascii), "@=. _");
        assert_eq!(curve.sparkline(2, Characters::Ascii), "@_");
        assert_eq!(Curve::default().sparkline(10, Characters::Ascii), "");
    }

    proptest! {
        #[test]
        fn whatever_is_seen_it_stays_small(seen: Vec<(u64, Option<u64>)>, width in 0_usize..200) {
            let curve = curve(&seen);
            prop_assert!(curve.points.len() <= POINTS_MAX);
            prop_assert!(curve.sparkline(width, Characters::Ascii).len() <= width.max(1));
            prop_assert!(curve.sparkline(width, Characters::Ascii).is_ascii());
        }
    }
}
