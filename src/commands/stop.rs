//! `stop`: takes the node out, and returns when HHVM may be stopped.

use super::asking::Running;
use super::session::Session;
use super::turn::Went;
use crate::clock::Stamp;
use crate::context::{Caller, Context};
use crate::endpoint::Kind;
use crate::load::{Load, Unknown};
use crate::message::Message;
use crate::outcome::{Balancers, Ending, FrontEnd, Outcome};
use crate::pool::{Depooled, DrainLock, Member, Out, Why, Wish};
use crate::problem::Problem;
use crate::process::Main;
use crate::settings::Settings;
use crate::settings::fleet::Setting;
use crate::systemd::{self, host_is_stopping};
use crate::terminate::terminate;
use crate::unit::KillMode;
use crate::wait::Signals;
use std::time::{Duration, Instant};

/// Runs the command. All that can fail is told, and does not end the drain.
///
/// The shutdown unit's call does nothing unless the host is going down.
pub(super) fn run(context: &Context, settings: &Settings, problems: Vec<Problem>) {
    let started = Instant::now();
    if context.caller == Caller::ShutdownUnit && !host_is_stopping() {
        return;
    }
    let signals = Signals::take_over();
    let running = Running::find(context);
    let mut member = Member::new(context, &settings.health_files);
    let _draining = DrainLock::take(member.store());
    // Before anything that takes time, the threads that tell of it among that. Only in a fleet there is something to wait for.
    let depooled = if settings.fleet == Setting::Unset { depool(&mut member, &running) } else { None };
    let session = Session::start(context, settings, signals);
    session.tell_problems(problems);
    let began = member.store().now();
    let ending = match depooled {
        Some(depooled) => session.drain(&mut member, &running, depooled, started),
        None => session.take_turn_and_drain(&mut member, &running, started),
    };
    session.conclude(&member, &ending, began);
    if let Main::LeftToUs(main, followers) = &to_be_stopped(context, running.main) {
        terminate(main, followers, &session.signals, &session.reporter);
        session.reporter.status(ending.status_line(), Duration::ZERO);
    }
    if context.caller == Caller::Person && ending.outcome != Outcome::NotRunning {
        session.reporter.tell(Message::LeftOut(
            "stop was not called by systemd; to put it back, run hhvm-drain pool".to_owned(),
        ));
    }
    session.reporter.flush();
}

/// HHVM, as it is left to this program or to systemd. Where the first process of the unit has ended, its `KillMode=`
/// tells to whom.
fn to_be_stopped(context: &Context, main: Main) -> Main {
    let is_left_over = matches!(main, Main::LeftToSystemd(_)) && context.env.get("EXIT_CODE").is_some();
    match context.caller {
        Caller::StopHook if !is_left_over => main,
        Caller::StopHook
            if systemd::unit(&context.unit).is_some_and(|unit| unit.kill_mode == KillMode::MainOnly) =>
        {
            Main::left_by_the_first(context)
        }
        _ => Main::Gone,
    }
}

/// Takes the node out, if HHVM runs.
fn depool(member: &mut Member, running: &Running) -> Option<Depooled> {
    running.main.process().map(|_| {
        member.store().note_begin();
        member.depool(&Wish::drain())
    })
}

/// The end of a stop for which nothing was moved.
fn untouched(server: Kind, outcome: Outcome, elapsed: Duration) -> Ending {
    Ending {
        server,
        outcome,
        load: Load::Unknown(Unknown::NotAsked),
        elapsed,
        front_end: FrontEnd::NotAsked,
        balancers: Balancers::NotAsked,
        before: Vec::new(),
        course: None,
        turn: None,
    }
}

impl Session<'_> {
    /// The same in a fleet: in the pool, until it is this node's turn.
    fn take_turn_and_drain(&self, member: &mut Member, running: &Running, started: Instant) -> Ending {
        let untouched = |outcome| untouched(self.settings.kind, outcome, started.elapsed());
        match running.main {
            Main::Hidden => return self.wait_in_the_pool(member, running, started),
            Main::Gone => return untouched(Outcome::NotRunning),
            Main::LeftToSystemd(_) | Main::LeftToUs(..) => {}
        }
        match self.wait_for_turn(member, running, started) {
            Went::On => {}
            Went::HhvmEnded => return untouched(Outcome::HhvmEnded),
            Went::Interrupted => return untouched(Outcome::Interrupted),
        }
        let begun = Instant::now();
        let turn = Some(begun.saturating_duration_since(started));
        match depool(member, running) {
            Some(depooled) => Ending { turn, ..self.drain(member, running, depooled, begun) },
            None => untouched(Outcome::NotRunning),
        }
    }

    fn drain(&self, member: &mut Member, running: &Running, depooled: Depooled, started: Instant) -> Ending {
        self.reporter.tell_all(depooled.messages);
        self.wait_for_zero(member, running, started, depooled.out)
    }

    /// Where HHVM cannot be seen, neither can the other hooks see the record that would be written here, and nothing would
    /// put the node back.
    fn wait_in_the_pool(&self, member: &mut Member, running: &Running, started: Instant) -> Ending {
        let (server, unit) = (self.settings.kind, &self.context.unit);
        self.reporter.tell(Message::Trouble(format!(
            "{unit} has a root of its own without /proc, so the load of {server} is unknown, and this node stays in its \
             pool; run hhvm-drain check, which says what to change in the unit"
        )));
        self.wait_for_zero(member, running, started, Out::Not)
    }

    /// Tells how it ended, to people, systemd and the next `status`.
    fn conclude(&self, member: &Member, ending: &Ending, began: Stamp) {
        if let (FrontEnd::StillUp, Some(url)) = (ending.front_end, &self.settings.health_url) {
            self.reporter.tell(Message::FrontEndStillUp(url.to_string()));
        }
        self.reporter.tell(Message::Finished(ending.clone()));
        self.reporter.status(ending.status_line(), Duration::ZERO);
        self.note(member, ending, self.why(), began);
        if ending.outcome != Outcome::NotRunning {
            member.store().note_away(self.said_before(ending));
        }
        member.store().note_end();
        member.store().publish();
    }
    /// What systemd does with the unit afterwards, the next hooks see.
    fn why(&self) -> Why {
        match self.context.caller {
            Caller::StopHook => Why::Stop,
            Caller::ShutdownUnit => Why::Shutdown,
            Caller::StartHook | Caller::RepoolUnit | Caller::Person => Why::Operator,
        }
    }
}
