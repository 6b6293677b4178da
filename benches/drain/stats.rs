//! Numbers out of many runs.

use std::time::Duration;

/// Times of many runs, sorted.
pub struct Times(Vec<Duration>);

impl Times {
    pub fn new(mut times: Vec<Duration>) -> Self {
        times.sort();
        Self(times)
    }

    pub fn median(&self) -> Duration {
        self.percentile(50)
    }

    /// The smallest time that so many of a hundred runs do not exceed (nearest rank).
    pub fn percentile(&self, percent: usize) -> Duration {
        let rank = (self.0.len() * percent).div_ceil(100).max(1);
        self.0.get(rank - 1).copied().unwrap_or_default()
    }
}

/// Spreads `count` runs evenly over a period, in an order that has nothing to do with it (golden ratio).
pub fn phases(period: Duration, count: usize) -> impl Iterator<Item = Duration> {
    const GOLDEN: f64 = 0.618_033_988_749_895;
    let mut phase = f64::from(std::process::id() % 997) / 997.0;
    std::iter::repeat_with(move || {
        phase = (phase + GOLDEN).fract();
        period.mul_f64(phase)
    })
    .take(count)
}

pub fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
