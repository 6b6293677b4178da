//! The settings: their names, their defaults, and the one parser of their values.
//!
//! A setting has one name everywhere: the key in the files, the long flag, the variable `HHVM_DRAIN_…`.

mod file;
mod layers;
mod value;

pub use file::Position;
pub use layers::{FILE, Flags, load};

use crate::endpoint::Endpoint;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

/// The name of a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// What the load balancer requests.
    HealthFile,
    /// Where the load is read.
    Endpoint,
    /// What answers there.
    Kind,
    /// File with the admin password.
    PasswordFile,
    /// Time after depooling in which a zero is not believed.
    MinDrain,
    /// Cap on the whole wait.
    Timeout,
    /// Time between two probes.
    PollInterval,
    /// Zeros in a row.
    ZeroSamples,
    /// Load that counts as zero.
    Threshold,
    /// When the node goes back into the pool.
    Repool,
}

impl Key {
    /// All keys, in the order of the manual.
    pub const ALL: [Self; 10] = [
        Self::HealthFile,
        Self::Endpoint,
        Self::Kind,
        Self::PasswordFile,
        Self::MinDrain,
        Self::Timeout,
        Self::PollInterval,
        Self::ZeroSamples,
        Self::Threshold,
        Self::Repool,
    ];

    /// The name in the files, and of the long flag.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::HealthFile => "health-file",
            Self::Endpoint => "endpoint",
            Self::Kind => "kind",
            Self::PasswordFile => "password-file",
            Self::MinDrain => "min-drain",
            Self::Timeout => "timeout",
            Self::PollInterval => "poll-interval",
            Self::ZeroSamples => "zero-samples",
            Self::Threshold => "threshold",
            Self::Repool => "repool",
        }
    }

    /// The name of the environment variable.
    #[must_use]
    pub fn variable(self) -> String {
        format!("{VARIABLE_PREFIX}{}", self.name().to_uppercase().replace('-', "_"))
    }

    /// The key called `name`.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|key| key.name() == name)
    }
}

/// What all variables of the program begin with.
pub const VARIABLE_PREFIX: &str = "HHVM_DRAIN_";

/// When a node that the drain took out goes back into the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repool {
    /// As soon as HHVM has stopped; the load balancer then sees HHVM itself.
    AfterStop,
    /// Only once the new HHVM answers.
    WhenHealthy,
    /// Only by `hhvm-drain pool`.
    Never,
}

/// What answers at the endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// HHVM's admin port.
    Hhvm,
    /// The status page of PHP-FPM (`pm.status_path`).
    PhpFpm,
}

/// The checked settings of one unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The files that are renamed, absolute, without the root.
    pub health_files: Vec<PathBuf>,
    /// Where the load is read.
    pub endpoint: Endpoint,
    /// What answers there.
    pub kind: Kind,
    /// File with the admin password, absolute, without the root.
    pub password_file: Option<PathBuf>,
    /// Time after depooling in which a zero is not believed.
    pub min_drain: Duration,
    /// Cap on the whole wait.
    pub timeout: Duration,
    /// Time between two probes.
    pub poll_interval: Duration,
    /// Zeros in a row, all after `min_drain`.
    pub zero_samples: NonZeroU32,
    /// Load that counts as zero.
    pub threshold: u64,
    /// When the node goes back.
    pub repool: Repool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            health_files: vec![PathBuf::from("/var/www/status.php")],
            endpoint: Endpoint::Auto,
            kind: Kind::Hhvm,
            password_file: None,
            min_drain: Duration::from_secs(10),
            timeout: Duration::from_secs(30),
            poll_interval: Duration::from_millis(100),
            zero_samples: NonZeroU32::MIN.saturating_add(2),
            threshold: 0,
            repool: Repool::AfterStop,
        }
    }
}

impl Settings {
    /// Sets `key` from text; only `health-file` takes more than one value.
    ///
    /// # Errors
    /// What is wrong with the value and what would be right, without the key's name.
    pub fn set(&mut self, key: Key, values: &[&str]) -> Result<(), String> {
        if key == Key::HealthFile {
            self.health_files = value::health_files(values)?;
            return Ok(());
        }
        let [value] = values else { return Err("takes one value".to_owned()) };
        match key {
            Key::HealthFile => {}
            Key::Endpoint => self.endpoint = value.parse()?,
            Key::Kind => self.kind = value::kind(value)?,
            Key::PasswordFile => self.password_file = Some(value::absolute(value)?),
            Key::MinDrain => self.min_drain = value::duration(value)?,
            Key::Timeout => self.timeout = value::duration(value)?,
            Key::PollInterval => self.poll_interval = value::poll_interval(value)?,
            Key::ZeroSamples => self.zero_samples = value::zero_samples(value)?,
            Key::Threshold => self.threshold = value::threshold(value)?,
            Key::Repool => self.repool = value::repool(value)?,
        }
        Ok(())
    }

    /// What is allowed but hardly meant: settings that contradict each other.
    #[must_use]
    pub fn contradictions(&self) -> Vec<String> {
        let mut found = Vec::new();
        if self.min_drain >= self.timeout {
            found.push(format!(
                "min-drain ({}) is not shorter than timeout ({}), so every drain runs into its timeout; \
                 raise timeout",
                crate::text::seconds(self.min_drain),
                crate::text::seconds(self.timeout),
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

#[cfg(any(test, fuzzing))]
#[path = "../../tests/fuzz/properties/settings.rs"]
pub mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_takes_a_value_that_its_manual_shows() {
        let mut settings = Settings::default();
        for (key, value) in [
            (Key::HealthFile, "/srv/www/status.php"),
            (Key::Endpoint, "http://127.0.0.1:9001/check-load"),
            (Key::Kind, "php-fpm"),
            (Key::PasswordFile, "/etc/hhvm-drain.password"),
            (Key::MinDrain, "6s"),
            (Key::Timeout, "3min"),
            (Key::PollInterval, "250ms"),
            (Key::ZeroSamples, "5"),
            (Key::Threshold, "1"),
            (Key::Repool, "when-healthy"),
        ] {
            let before = settings.clone();
            settings.set(key, &[value]).unwrap();
            assert_ne!(settings, before, "{} changes nothing", key.name());
        }
        assert_eq!(settings.timeout, Duration::from_secs(180));
    }

    #[test]
    fn a_wrong_value_says_what_is_right_and_changes_nothing() {
        let mut settings = Settings::default();
        for (key, value, part) in [
            (Key::Timeout, "30", "a number and a unit"),
            (Key::Timeout, "-5s", "a number and a unit"),
            (Key::Timeout, "25h", "at most 24h"),
            (Key::PollInterval, "1ms", "between"),
            (Key::ZeroSamples, "0", "from 1 up"),
            (Key::Threshold, "-1", "from 0 up"),
            (Key::Repool, "always", "after-stop"),
            (Key::Kind, "apache", "php-fpm"),
            (Key::HealthFile, "status.php", "absolute"),
            (Key::HealthFile, "/var/www/", "a file"),
            (Key::Endpoint, "ftp://x", "fastcgi://"),
        ] {
            let message = settings.set(key, &[value]).unwrap_err();
            assert!(message.contains(part), "{}: {message}", key.name());
        }
        assert_eq!(settings, Settings::default());
    }
}
