//! How the values of settings are read. Each error says what is expected.

use crate::endpoint::Kind;
use crate::page_url::PageUrl;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

/// The longest duration that is accepted; a longer one is a typing error.
const DURATION_MAX: Duration = Duration::from_secs(24 * 3600);
/// A shorter interval would only load the one worker of HHVM's admin server.
const POLL_MIN: Duration = Duration::from_millis(10);
/// A longer interval would miss the zero by too much.
const POLL_MAX: Duration = Duration::from_secs(10);

/// The one value there must be.
pub(super) fn one<T>(values: &[&str], parse: fn(&str) -> Result<T, String>) -> Result<T, String> {
    match values {
        [value] => parse(value),
        _ => Err("takes one value".to_owned()),
    }
}

/// One value, or none where the setting is off by default.
pub(super) fn optional<T>(
    values: &[&str],
    parse: fn(&str) -> Result<T, String>,
) -> Result<Option<T>, String> {
    if values.is_empty() { Ok(None) } else { one(values, parse).map(Some) }
}

/// One value or more.
pub(super) fn list<T>(values: &[&str], parse: fn(&str) -> Result<T, String>) -> Result<Vec<T>, String> {
    if values.is_empty() {
        return Err("needs at least one value".to_owned());
    }
    values.iter().map(|value| parse(value)).collect()
}

/// Values that are judged together.
pub(super) fn whole<T>(values: &[&str], parse: fn(&[&str]) -> Result<T, String>) -> Result<T, String> {
    parse(values)
}

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

pub(super) fn expected(value: &str, what: &str) -> String {
    format!("\"{}\" is not {what}", crate::text::quote(value))
}

pub(super) fn absolute(value: &str) -> Result<PathBuf, String> {
    if value.starts_with('/') { Ok(PathBuf::from(value)) } else { Err(expected(value, "an absolute path")) }
}

pub(super) fn file(value: &str) -> Result<PathBuf, String> {
    let path = absolute(value)?;
    let names_a_file = path.file_name().is_some() && !value.ends_with('/');
    if names_a_file { Ok(path) } else { Err(expected(value, "the path of a file")) }
}

/// The textfile collector of `node_exporter` reads no other.
pub(super) fn metrics(value: &str) -> Result<PathBuf, String> {
    let path = file(value)?;
    if path.extension().is_some_and(|extension| extension == "prom") {
        Ok(path)
    } else {
        Err(expected(value, "the path of a file that ends in .prom"))
    }
}

pub(super) fn page_url(value: &str) -> Result<PageUrl, String> {
    value.parse().map_err(|what: String| format!("\"{}\" is {what}", crate::text::quote(value)))
}

pub(super) fn duration(value: &str) -> Result<Duration, String> {
    let parsed = humantime::parse_duration(value)
        .map_err(|_| expected(value, "a duration; write a number and a unit, like \"30s\" or \"3min\""))?;
    if parsed > DURATION_MAX {
        return Err(format!("\"{}\" is longer than 24h", crate::text::quote(value)));
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
        _ => Err(expected(value, "\"hhvm\" or \"php-fpm\"")),
    }
}

pub(super) fn repool(value: &str) -> Result<Repool, String> {
    match value {
        "after-stop" => Ok(Repool::AfterStop),
        "when-healthy" => Ok(Repool::WhenHealthy),
        "never" => Ok(Repool::Never),
        _ => Err(expected(value, "\"after-stop\", \"when-healthy\" or \"never\"")),
    }
}

pub(super) fn zero_samples(value: &str) -> Result<NonZeroU32, String> {
    value.parse().map_err(|_| expected(value, "a whole number of 1 or more"))
}

pub(super) fn threshold(value: &str) -> Result<u64, String> {
    value.parse().map_err(|_| expected(value, "a whole number of 0 or more"))
}
