//! When each request is due.

use std::time::{Duration, Instant};

/// Arrivals of several classes, in the order of time.
pub struct Schedule {
    began: Instant,
    classes: Vec<Arrivals>,
}

struct Arrivals {
    per_second: f64,
    taken: u32,
    due: Instant,
}

impl Schedule {
    /// None if there is no class, or a rate that is not above 0.
    pub fn new(began: Instant, rates: impl Iterator<Item = f64>) -> Option<Self> {
        let classes: Vec<_> = rates.map(|per_second| Arrivals { per_second, taken: 0, due: began }).collect();
        let valid = classes.iter().all(|class| class.per_second.is_finite() && class.per_second > 0.0);
        (valid && !classes.is_empty()).then_some(Self { began, classes })
    }

    /// When the next request is due.
    pub fn due(&self) -> Instant {
        self.classes.iter().map(|class| class.due).min().unwrap_or(self.began)
    }

    /// The next request if it is due, by the number of its class and its instant.
    pub fn take(&mut self, now: Instant) -> Option<(usize, Instant)> {
        let (number, class) = self.classes.iter_mut().enumerate().min_by_key(|(_, class)| class.due)?;
        let due = class.due;
        if due > now {
            return None;
        }
        class.taken += 1;
        class.due = self.began + Duration::from_secs_f64(f64::from(class.taken) / class.per_second);
        Some((number, due))
    }
}
