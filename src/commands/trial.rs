//! `check --url`: requests from the front end what the load balancer requests. If the operator allows a trial, checks
//! that the answer changes when the health file is moved away.

use super::finding::{Finding, error, good, warning};
use super::neighbours::neighbours;
use super::noticed::Trial;
use crate::context::Context;
use crate::kernel::Scope;
use crate::load::Unknown;
use crate::page_url::PageUrl;
use crate::pool::{DrainLock, Member, Out, Own, Wish};
use crate::probe::front_end::{FrontEnd, is_up};
use crate::settings::Settings;
use crate::text::seconds;
use crate::wait::{Signals, pause};
use std::time::{Duration, Instant};

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a front end may go on answering from a cache.
const TRIAL: Duration = Duration::from_secs(5);
/// Time between two requests of a trial.
const INTERVAL: Duration = Duration::from_millis(100);

/// What the load balancer sees at `url`.
pub(super) fn front_end(url: &PageUrl) -> Vec<Finding> {
    vec![judge(url, &FrontEnd::at(url).status(Instant::now() + PATIENCE))]
}

/// Whether the answers of the front end on this host show that the health file is gone.
pub(super) fn health_url(url: &PageUrl) -> Finding {
    let status = |url| FrontEnd::at(url).status(Instant::now() + PATIENCE);
    let no_such_file = url.without_such_a_file();
    match (status(url), status(&no_such_file)) {
        (Ok(here @ 200..=299), Ok(gone)) if !is_up(gone) => {
            good(format!("health-url: {url} answers {here}, and {gone} for a file that does not exist"))
        }
        (Ok(200..=299), Ok(gone)) => error(format!(
            "health-url: {no_such_file} answers {gone}, though there is no such file, so a drain cannot tell when the health \
             file is gone; look for a front controller or an error page, or set another URL"
        )),
        (Ok(200..=299), Err(why)) => {
            error(format!("health-url: the request to {no_such_file} failed ({why})"))
        }
        (Ok(here), _) => error(format!(
            "health-url: {url} answers {here}, not 2xx; set the URL at which this host's front end serves the health file"
        )),
        (Err(why), _) => error(format!("health-url: the request to {url} failed ({why})")),
    }
}

/// What the load balancer sees at `url` before and after the health file is taken away.
pub(super) fn tried_front_end(
    context: &Context,
    settings: &Settings,
    url: &PageUrl,
    scope: &Scope,
) -> Vec<Finding> {
    let mut front_end = FrontEnd::at(url);
    let before = front_end.status(Instant::now() + PATIENCE);
    let mut findings = vec![judge(url, &before)];
    if before.is_ok_and(is_up) {
        findings.extend(try_out(context, settings, &mut front_end, scope));
    }
    findings
}

fn judge(url: &PageUrl, answer: &Result<u16, Unknown>) -> Finding {
    match answer {
        Ok(status) if is_up(*status) => {
            good(format!("url: {url} answers {status}: the load balancer sends requests here"))
        }
        Ok(status) => error(format!("url: {url} answers {status}: the load balancer sends no requests here")),
        Err(why) => error(format!("url: the request to {url} failed ({why})")),
    }
}

/// Takes the node out as a drain does, so that whatever happens the next hook of the unit puts it back, and puts it back.
fn try_out(context: &Context, settings: &Settings, front_end: &mut FrontEnd, scope: &Scope) -> Vec<Finding> {
    let signals = Signals::take_over();
    let mut member = Member::new(context, &settings.health_files);
    let Some(_draining) = DrainLock::take(member.store()) else {
        return vec![error(
            "trial: a stop is in progress, or the lock in /run cannot be taken; run as root, or try again later",
        )];
    };
    if !matches!(member.store().record(), Ok(None)) {
        return vec![error("trial: the node is already out of the pool; see hhvm-drain status")];
    }
    let mut balancers = Trial::begin(context, settings, scope, &signals);
    let depooled = member.depool(&Wish::drain());
    let began = Instant::now();
    let finding = match depooled.out {
        Out::For(_) => watch(&signals, began, front_end),
        Out::Not => error("trial: the health file could not be moved away"),
    };
    let is_noticed = finding.severity.is_none();
    if is_noticed {
        balancers.wait_until_out(began);
    }
    match member.undo_drain(Own::Ready, &neighbours(&member), &mut Vec::new()) {
        Ok(_left) if is_noticed => {
            std::iter::once(finding).chain(balancers.wait_until_back(Instant::now())).collect()
        }
        Ok(_left) => vec![finding],
        Err(why) => vec![error(format!("trial: {why}; run hhvm-drain pool"))],
    }
}

/// Asks until the answer changes.
fn watch(signals: &Signals, began: Instant, front_end: &mut FrontEnd) -> Finding {
    loop {
        let after = front_end.status(Instant::now() + PATIENCE);
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
                    "trial: the answer is still {status}, {} after the health file was moved away, so the load balancer would \
                     not notice; a front controller (try_files), an error page or a cache answers instead of the file",
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
