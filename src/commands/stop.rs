//! `stop`: takes the node out, and returns when HHVM may be stopped.

use super::asking::Running;
use super::session::Session;
use crate::context::{Caller, Context};
use crate::endpoint::Kind;
use crate::error::Result;
use crate::load::{Load, Unknown};
use crate::message::Message;
use crate::outcome::{Balancers, Ending, FrontEnd, Outcome};
use crate::pool::{Depooled, DrainLock, LastDrain, Member, Wish};
use crate::problem::Problem;
use crate::process::Main;
use crate::settings::Settings;
use crate::systemd::host_is_stopping;
use crate::terminate::terminate;
use crate::wait::Signals;
use std::time::{Duration, Instant};

/// Runs the command. All that can fail but the wait itself is told, and does not end the drain.
///
/// The shutdown unit's call does nothing unless the host is going down.
pub(super) fn run(context: &Context, settings: &Settings, problems: Vec<Problem>) -> Result<()> {
    let started = Instant::now();
    if context.caller == Caller::ShutdownUnit && !host_is_stopping() {
        return Ok(());
    }
    let signals = Signals::take_over()?;
    let running = Running::find(context);
    let mut member = Member::new(context, &settings.health_files);
    let _draining = DrainLock::take(member.store());
    // Before anything that takes time, the threads that tell of it among that.
    let depooled = running.main.process().map(|_| member.depool(&Wish::drain()));
    let session = Session::start(context, settings, signals);
    session.tell_problems(problems);
    let ending = match depooled {
        None => not_running(settings.kind),
        Some(depooled) => session.drain(&mut member, &running, depooled, started)?,
    };
    session.conclude(&member, &ending);
    if let (Main::LeftToUs(processes), Caller::StopHook) = (&running.main, context.caller) {
        terminate(processes, &session.signals, &session.reporter)?;
        session.reporter.status(ending.status_line(), Duration::ZERO);
    }
    if context.caller == Caller::Person && ending.outcome != Outcome::NotRunning {
        session.reporter.tell(Message::LeftOut(
            "stop was not called by systemd; to put it back, run hhvm-drain pool".to_owned(),
        ));
    }
    session.reporter.flush();
    Ok(())
}

fn not_running(server: Kind) -> Ending {
    Ending {
        server,
        outcome: Outcome::NotRunning,
        load: Load::Unknown(Unknown::NotAsked),
        elapsed: Duration::ZERO,
        front_end: FrontEnd::NotAsked,
        balancers: Balancers::NotAsked,
    }
}

impl Session<'_> {
    fn drain(
        &self,
        member: &mut Member,
        running: &Running,
        depooled: Depooled,
        started: Instant,
    ) -> Result<Ending> {
        self.reporter.tell_all(depooled.messages);
        self.wait_for_zero(member, running, started, depooled.out)
    }

    /// Tells how it ended, to people, systemd and the next `status`.
    fn conclude(&self, member: &Member, ending: &Ending) {
        if let (FrontEnd::StillUp, Some(url)) = (ending.front_end, &self.settings.health_url) {
            self.reporter.tell(Message::FrontEndStillUp(url.to_string()));
        }
        self.reporter.tell(Message::Finished(ending.clone()));
        self.reporter.status(ending.status_line(), Duration::ZERO);
        let load = match ending.load {
            Load::Known(load) => Some(load),
            Load::Unknown(_) => None,
        };
        member.store().note_last_drain(&LastDrain {
            outcome: ending.outcome.clone(),
            load,
            seconds: ending.elapsed.as_secs(),
            at: member.store().now().at,
            front_end: ending.front_end,
            balancers: ending.balancers,
        });
    }
}
