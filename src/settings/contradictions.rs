//! Settings that are valid, but contradict each other.

use super::table::Settings;
use crate::text::seconds;

impl Settings {
    /// Settings that contradict each other: allowed, but hardly intended.
    #[must_use]
    pub fn contradictions(&self) -> Vec<String> {
        let mut found = Vec::new();
        if self.min_drain >= self.timeout {
            found.push(format!(
                "min-drain ({}) is not shorter than timeout ({}), so every drain times out; \
                 raise timeout",
                seconds(self.min_drain),
                seconds(self.timeout),
            ));
        }
        found
    }
}
