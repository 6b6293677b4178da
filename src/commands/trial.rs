//! `check --url`: asks the front end what the load balancer asks it, and, if the operator allows a trial, whether the
//! answer changes when the health file is away.

use super::check::{Finding, error, good, warning};
use crate::context::Context;
use crate::endpoint::{Endpoint, Target};
use crate::load::http::Http;
use crate::load::{Client, Unknown};
use crate::pool::{DrainLock, Member, Out, Wish};
use crate::settings::Settings;
use crate::text::seconds;
use crate::wait::{Signals, pause};
use std::time::{Duration, Instant};

/// For so long one answer may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// For so long a front end may go on answering from a cache.
const TRIAL: Duration = Duration::from_secs(5);
/// Between two questions of a trial.
const INTERVAL: Duration = Duration::from_millis(100);
/// The status of an answer is what counts.
const BODY_MAX: usize = 64;

/// What the load balancer sees at `url`, before and, with `trial`, after the health file is taken away.
pub(super) fn front_end(context: &Context, settings: &Settings, url: &str, trial: bool) -> Vec<Finding> {
    let (url, query) = url.split_once('?').unwrap_or((url, ""));
    let target = match parse(url) {
        Ok(target) => target,
        Err(message) => return vec![error(format!("url: {message}"))],
    };
    let mut client = Http::new(&target.address);
    let mut ask =
        || client.get(&target.path, query, BODY_MAX, Instant::now() + PATIENCE).map(|reply| reply.status);
    let before = ask();
    let mut findings = vec![match &before {
        Ok(status) if is_up(*status) => {
            good(format!("url: {target} answers {status}: the load balancer sends requests here"))
        }
        Ok(status) => {
            error(format!("url: {target} answers {status}: the load balancer sends no requests here"))
        }
        Err(why) => error(format!("url: {target} cannot be asked ({why})")),
    }];
    if trial && before.is_ok_and(is_up) {
        findings.push(try_out(context, settings, &mut ask));
    }
    findings
}

/// A load balancer takes 2xx and 3xx for a node that is up (`option httpchk`, for one).
fn is_up(status: u16) -> bool {
    (200..400).contains(&status)
}

/// A URL without a port means port 80.
fn parse(url: &str) -> Result<Target, String> {
    let with_port = url.strip_prefix("http://").and_then(|rest| {
        let (authority, path) = rest.split_once('/')?;
        let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| !port.ends_with(']'));
        Some(format!("http://{authority}{}/{path}", if has_port { "" } else { ":80" }))
    });
    match with_port.as_deref().unwrap_or(url).parse() {
        Ok(Endpoint::At(target)) if url.starts_with("http://") => Ok(target),
        _ => Err(format!("\"{}\" is not like http://HOST/status.php", crate::text::quote(url))),
    }
}

/// Takes the node out as a drain does, so that whatever happens the next hook of the unit puts it back, and puts it back.
fn try_out(
    context: &Context,
    settings: &Settings,
    ask: &mut impl FnMut() -> Result<u16, Unknown>,
) -> Finding {
    let signals = match Signals::take_over() {
        Ok(signals) => signals,
        Err(why) => return error(format!("trial: {why}")),
    };
    let mut member = Member::new(context, &settings.health_files);
    let Some(_draining) = DrainLock::take(member.store()) else {
        return error("trial: a stop is going on, or the lock in /run cannot be made; run as root, later");
    };
    if !matches!(member.store().record(), Ok(None)) {
        return error("trial: the node is out already, see status");
    }
    let depooled = member.depool(&Wish::drain());
    let began = Instant::now();
    let finding = match depooled.out {
        Out::For(_) => watch(&signals, began, ask),
        Out::Not => error("trial: the health file could not be moved away"),
    };
    match member.undo_drain(&mut Vec::new()) {
        Ok(()) => finding,
        Err(why) => error(format!("trial: {why}; run hhvm-drain pool")),
    }
}

/// Asks until the answer changes.
fn watch(signals: &Signals, began: Instant, ask: &mut impl FnMut() -> Result<u16, Unknown>) -> Finding {
    loop {
        let after = ask();
        let took = began.elapsed();
        match after {
            Ok(status) if !is_up(status) => {
                let time = seconds(took);
                return good(format!("trial: without the health file the answer is {status}, after {time}"));
            }
            Err(why) => {
                return warning(format!("trial: without the health file there is no answer ({why})"));
            }
            Ok(status) if took >= TRIAL => {
                return error(format!(
                    "trial: the answer is still {status} {} after the health file is gone, so the load balancer does \
                     not notice; a front controller (try_files), an error page or a cache answers in its place",
                    seconds(took)
                ));
            }
            Ok(_) => {}
        }
        if pause(signals, INTERVAL) {
            return warning("trial: interrupted");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_needs_no_port_and_nothing_but_http_is_asked() {
        for (url, expected) in [
            ("http://localhost/status.php", "http://localhost:80/status.php"),
            ("http://[::1]/status.php", "http://[::1]:80/status.php"),
            ("http://[::1]:8080/a/status.php", "http://[::1]:8080/a/status.php"),
        ] {
            assert_eq!(parse(url).map(|target| target.to_string()).as_deref(), Ok(expected));
        }
        for url in ["auto", "status.php", "https://x/status.php", "fastcgi://h:1/x", "http://x"] {
            assert!(parse(url).is_err(), "{url}");
        }
    }
}
