//! The forms of the settings' values; each error says what would be right.

use super::{Kind, Repool};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Longest time that any duration may have; more is a slip of the pen.
const DURATION_MAX: Duration = Duration::from_secs(24 * 3600);
/// A shorter interval would only load the one worker of HHVM's admin server.
const POLL_MIN: Duration = Duration::from_millis(10);
/// A longer interval would miss the zero by too much.
const POLL_MAX: Duration = Duration::from_secs(10);

fn expected(value: &str, what: &str) -> String {
    format!("\"{}\" is not {what}", crate::text::quote(value))
}

pub(super) fn absolute(value: &str) -> Result<PathBuf, String> {
    if value.starts_with('/') { Ok(PathBuf::from(value)) } else { Err(expected(value, "an absolute path")) }
}

pub(super) fn health_files(values: &[&str]) -> Result<Vec<PathBuf>, String> {
    if values.is_empty() {
        return Err("names no file".to_owned());
    }
    let file = |value: &&str| {
        let path = absolute(value)?;
        let names_a_file = Path::new(value).file_name().is_some() && !value.ends_with('/');
        if names_a_file { Ok(path) } else { Err(expected(value, "the path of a file")) }
    };
    values.iter().map(file).collect()
}

pub(super) fn duration(value: &str) -> Result<Duration, String> {
    let parsed = humantime::parse_duration(value)
        .map_err(|_| expected(value, "a duration; write a number and a unit, like \"30s\" or \"3min\""))?;
    if parsed > DURATION_MAX {
        return Err(expected(value, "at most 24h"));
    }
    Ok(parsed)
}

pub(super) fn poll_interval(value: &str) -> Result<Duration, String> {
    let parsed = duration(value)?;
    if (POLL_MIN..=POLL_MAX).contains(&parsed) {
        Ok(parsed)
    } else {
        Err(expected(value, "between \"10ms\" and \"10s\""))
    }
}

pub(super) fn kind(value: &str) -> Result<Kind, String> {
    match value {
        "hhvm" => Ok(Kind::Hhvm),
        "php-fpm" => Ok(Kind::PhpFpm),
        _ => Err(expected(value, "one of \"hhvm\", \"php-fpm\"")),
    }
}

pub(super) fn repool(value: &str) -> Result<Repool, String> {
    match value {
        "after-stop" => Ok(Repool::AfterStop),
        "when-healthy" => Ok(Repool::WhenHealthy),
        "never" => Ok(Repool::Never),
        _ => Err(expected(value, "one of \"after-stop\", \"when-healthy\", \"never\"")),
    }
}

pub(super) fn zero_samples(value: &str) -> Result<NonZeroU32, String> {
    value.parse().map_err(|_| expected(value, "a number from 1 up"))
}

pub(super) fn threshold(value: &str) -> Result<u64, String> {
    value.parse().map_err(|_| expected(value, "a number from 0 up"))
}
