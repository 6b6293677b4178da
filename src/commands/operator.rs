//! `depool` and `pool`: an operator's wish, which outlasts restarts and reboots.

use super::{find_main, wait_for_zero};
use crate::context::Context;
use crate::drain::Outcome;
use crate::error::{Error, Result};
use crate::load::Load;
use crate::message::Message;
use crate::pool::{By, Member, Out, Wish, WriteLock, drain_in_progress};
use crate::problem::Problem;
use crate::progress::last_line;
use crate::report::Reporter;
use crate::settings::Settings;
use crate::wait::Signals;
use std::time::Instant;

/// Takes the node out until `pool`.
pub fn depool(
    context: &Context,
    settings: &Settings,
    problems: Vec<Problem>,
    reason: Option<&str>,
    wait: bool,
) -> Result<()> {
    let started = Instant::now();
    let signals = Signals::take_over()?;
    let mut member = Member::new(context, &settings.health_files);
    let env = &context.env;
    let who = ["SUDO_USER", "LOGNAME", "USER"].iter().find_map(|name| env.get(name)).map(str::to_owned);
    let depooled = member.depool(&Wish { by: By::Operator, who, reason: reason.map(str::to_owned) });
    let reporter = Reporter::start(context);
    reporter.tell_all(problems.into_iter().map(Message::Setting));
    reporter.tell_all(depooled.messages);
    let result = match depooled.out {
        Out::Not => Err(Error::NotDepooled),
        // The load balancer may still be answered from a file that is left.
        Out::For(_) if member.is_reachable() => Err(Error::NotDepooled),
        Out::For(_) if wait => {
            wait_until_drained(context, settings, &mut member, (&signals, &reporter), (started, depooled.out))
        }
        Out::For(_) => Ok(()),
    };
    reporter.flush();
    result
}

fn wait_until_drained(
    context: &Context,
    settings: &Settings,
    member: &mut Member,
    (signals, reporter): (&Signals, &Reporter),
    (started, out): (Instant, Out),
) -> Result<()> {
    member.let_come_back();
    let main = find_main(context);
    let watched = (main.process(), signals, reporter);
    let ending = wait_for_zero(context, settings, member, watched, (started, out))?;
    match (&ending.outcome, &ending.load) {
        (Outcome::Drained, Load::Known(_)) | (Outcome::HhvmEnded | Outcome::NotRunning, _) => Ok(()),
        _ => Err(Error::NotDrained(last_line(&ending))),
    }
}

/// Puts the node back.
pub fn pool(context: &Context, settings: &Settings) -> Result<()> {
    let mut member = Member::new(context, &settings.health_files);
    let reporter = Reporter::start(context);
    let mut messages = Vec::new();
    let result = WriteLock::take(member.store()).and_then(|_lock| {
        if drain_in_progress(member.store()) {
            member.pool_after_stop(&mut messages)
        } else {
            member.pool(&mut messages)
        }
    });
    reporter.tell_all(messages);
    reporter.flush();
    result
}
