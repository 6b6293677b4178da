//! Settings that are valid, but contradict each other.

use super::table::Settings;
use crate::endpoint::{Endpoint, Kind};
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
        if self.kind == Kind::PhpFpm && !matches!(self.endpoint, Endpoint::At(_)) {
            found.push(
                "kind \"php-fpm\" needs an endpoint; set it to the status page, like \
                 \"fastcgi+unix:///run/php/php8.2-fpm.sock/status\""
                    .to_owned(),
            );
        }
        found
    }
}
