//! `depool` and `pool`: what an operator decides lasts across restarts and reboots.

use super::asking::Running;
use super::giving_back;
use super::neighbours::neighbours;
use super::session::Session;
use crate::context::{Context, operator as named};
use crate::error::{Error, Result};
use crate::load::Load;
use crate::message::Message;
use crate::outcome::Outcome;
use crate::pool::{By, Member, Out, Record, Why, Wish};
use crate::problem::Problem;
use crate::settings::Settings;
use crate::wait::Signals;
use std::time::Instant;

/// What an operator asks for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) reason: Option<&'a str>,
    /// Until no request is in flight.
    pub(super) wait: bool,
    /// Also if it is not this node's turn.
    pub(super) force: bool,
}

/// Takes the node out until `pool`.
pub(super) fn depool(
    context: &Context,
    settings: &Settings,
    problems: Vec<Problem>,
    asked: Asked<'_>,
) -> Result<()> {
    let Asked { reason, wait, force } = asked;
    let started = Instant::now();
    let signals = Signals::take_over();
    let mut member = Member::new(context, &settings.health_files);
    let who = named(&context.env).map(str::to_owned);
    let out_of_turn = giving_back::take_for_operator(context, settings, &member, &problems, reason, force)?;
    member.store().forget_away();
    let depooled = member.depool(&Wish { by: By::Operator, who, reason: reason.map(str::to_owned) });
    let session = Session::start(context, settings, signals);
    session.tell_problems(problems);
    session.reporter.tell_all(depooled.messages);
    session.reporter.tell_all(out_of_turn.map(Message::OutOfTurn));
    let result = match depooled.out {
        Out::Not => Err(Error::NotDepooled),
        // The load balancer may still be answered from a file that is left.
        Out::For(_) if member.any_in_place() => Err(Error::NotDepooled),
        Out::For(_) if may_go_back(&member) => Err(Error::NotKept),
        Out::For(_) if wait => session.wait_until_drained(&mut member, started, depooled.out),
        Out::For(_) => Ok(()),
    };
    if matches!(result, Err(Error::NotDepooled)) {
        session.give_back_as_operator(&member);
    }
    session.reporter.flush();
    result
}

/// Whether the next hook may take the node's absence for a drain's, and put it back. Without a record it was moved by hand.
fn may_go_back(member: &Member) -> bool {
    !matches!(member.store().record(), Ok(None | Some(Record { by: By::Operator, .. })))
}

impl Session<'_> {
    fn see_to_balancers(&self, member: &Member, wait: bool) {
        match (self.settings.balancers.is_empty(), wait) {
            (true, true) => self.reporter.tell(Message::Trouble(
                "no balancer is set, so it is not known when requests come again; not waiting for them"
                    .to_owned(),
            )),
            (false, true) => self.wait_for_balancers(member, &Running::find(self.context)),
            (true, false) => member.store().forget_away(),
            (false, false) => {}
        }
    }

    fn wait_until_drained(&self, member: &mut Member, started: Instant, out: Out) -> Result<()> {
        member.let_come_back();
        let (began, running) = (member.store().now(), Running::find(self.context));
        let ending = self.wait_for_zero(member, &running, started, out);
        self.note(member, &ending, Why::Operator, began);
        member.store().note_away(self.said_before(&ending));
        member.store().publish();
        match (&ending.outcome, &ending.load) {
            (Outcome::Drained, Load::Known(_)) | (Outcome::HhvmEnded | Outcome::NotRunning, _) => Ok(()),
            _ => Err(Error::NotDrained(ending.status_line())),
        }
    }
}

/// Puts the node back.
///
/// With `wait`, waits until the load balancers send requests here again, for at most [`crate::back::BACK_MAX`].
pub(super) fn pool(context: &Context, settings: &Settings, wait: bool) -> Result<()> {
    let member = Member::new(context, &settings.health_files);
    let session = Session::start(context, settings, Signals::take_over());
    let mut messages = Vec::new();
    let result = member.pool(&neighbours(&member), &mut messages);
    session.reporter.tell_all(messages);
    if result.is_ok() {
        member.store().note_back();
        session.see_to_balancers(&member, wait);
        session.give_back_as_operator(&member);
    }
    session.reporter.flush();
    result
}
