//! `depool` and `pool`: what an operator decides lasts across restarts and reboots.

use super::asking::Running;
use super::neighbours::neighbours;
use super::session::Session;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::load::Load;
use crate::outcome::Outcome;
use crate::pool::{By, Member, Out, Wish};
use crate::problem::Problem;
use crate::report::Reporter;
use crate::settings::Settings;
use crate::wait::Signals;
use std::time::Instant;

/// Takes the node out until `pool`.
pub(super) fn depool(
    context: &Context,
    settings: &Settings,
    problems: Vec<Problem>,
    reason: Option<&str>,
    wait: bool,
) -> Result<()> {
    let started = Instant::now();
    let signals = Signals::take_over();
    let mut member = Member::new(context, &settings.health_files);
    let env = &context.env;
    let who = ["SUDO_USER", "LOGNAME", "USER"].iter().find_map(|name| env.get(name)).map(str::to_owned);
    let depooled = member.depool(&Wish { by: By::Operator, who, reason: reason.map(str::to_owned) });
    let session = Session::start(context, settings, signals);
    session.tell_problems(problems);
    session.reporter.tell_all(depooled.messages);
    let result = match depooled.out {
        Out::Not => Err(Error::NotDepooled),
        // The load balancer may still be answered from a file that is left.
        Out::For(_) if member.any_in_place() => Err(Error::NotDepooled),
        Out::For(_) if wait => session.wait_until_drained(&mut member, started, depooled.out),
        Out::For(_) => Ok(()),
    };
    session.reporter.flush();
    result
}

impl Session<'_> {
    fn wait_until_drained(&self, member: &mut Member, started: Instant, out: Out) -> Result<()> {
        member.let_come_back();
        let running = Running::find(self.context);
        let ending = self.wait_for_zero(member, &running, started, out);
        match (&ending.outcome, &ending.load) {
            (Outcome::Drained, Load::Known(_)) | (Outcome::HhvmEnded | Outcome::NotRunning, _) => Ok(()),
            _ => Err(Error::NotDrained(ending.status_line())),
        }
    }
}

/// Puts the node back.
pub(super) fn pool(context: &Context, settings: &Settings) -> Result<()> {
    let member = Member::new(context, &settings.health_files);
    let reporter = Reporter::start(context);
    let mut messages = Vec::new();
    let result = member.pool(&neighbours(&member), &mut messages);
    reporter.tell_all(messages);
    reporter.flush();
    result
}
