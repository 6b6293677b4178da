//! `restore`: undoes a depool by `stop`, if `repool` allows it, and nothing else.

use super::asking::Running;
use super::giving_back::Keeper;
use super::last_words::{self, ended_silently};
use super::metrics;
use super::neighbours::neighbours;
use super::serving::{Known, Serving};
use super::session::Session;
use crate::context::{Caller, Context};
use crate::drain::Event;
use crate::endpoint::Kind;
use crate::error::{Error, Result};
use crate::message::Message;
use crate::pool::{Announcement, By, Left, Member, Own, Record, Stage, drain_in_progress};
use crate::problem::Problem;
use crate::process::Process;
use crate::repool::{Because, Decision, Moment, Wait, decide, start_patience};
use crate::settings::Settings;
use crate::systemd;
use crate::unit::Unit;
use crate::wait::{Signals, Watch, pause};
use std::time::{Duration, Instant};

/// How often the repool unit looks at a unit that is not active yet, or tries again.
const AGAIN: Duration = Duration::from_secs(1);
/// For so long HHVM may take to end that was told to by a stop command of the unit's own.
const TO_END: Duration = Duration::from_secs(5);

/// Runs the command.
pub(super) fn run(context: &Context, settings: &Settings, problems: Vec<Problem>, wait: bool) -> Result<()> {
    let member = Member::new(context, &settings.health_files);
    member.store().tidy();
    // After a boot, nothing is published of this unit yet.
    member.store().publish();
    note_stage(context, &member, wait);
    let (record, left) = (member.store().record()?, left_behind(context));
    let died = ended_silently(&member);
    let awaits = context.caller == Caller::RepoolUnit && member.store().away().is_some();
    let may_hold = context.caller == Caller::RepoolUnit && settings.fleet.fleet().is_some();
    let has_nothing = record.is_none() && left.is_none() && died.is_none() && !awaits && !may_hold;
    if has_nothing && member.sharers().is_empty() {
        return Ok(());
    }
    let session = Session::start(context, settings, Signals::take_over());
    if let Some(elapsed) = died {
        last_words::tell(&member, elapsed, &session.reporter);
    }
    let result = if record.is_none() && member.sharers().is_empty() {
        Ok(())
    } else {
        session.restore(&member, record.as_ref(), problems, wait)
    };
    if awaits {
        session.wait_for_balancers(&member, &Running::find(context));
    }
    if may_hold {
        session.give_back_turn(&member);
    }
    if let Some(process) = left {
        session.tell_unless_it_ends(&process);
    }
    session.reporter.flush();
    result
}

/// Where a hook is by itself an event of the last drain, notes when it was called.
fn note_stage(context: &Context, member: &Member, wait: bool) {
    match context.caller {
        Caller::StopHook => member.store().note_stage(Stage::Down),
        Caller::StartHook if !wait => member.store().note_stage(Stage::Starts),
        Caller::StartHook | Caller::RepoolUnit | Caller::ShutdownUnit | Caller::Person => {}
    }
}

/// HHVM, if it outlives its stop. systemd.exec(5): `$MAINPID` is set in `ExecStopPost=` while the main process lives,
/// which it does only with `KillMode=none`.
fn left_behind(context: &Context) -> Option<Process> {
    let pid = context.env.get("MAINPID").filter(|_| context.caller == Caller::StopHook)?;
    Process::open(pid.parse().ok()?, &context.root.join("/proc"))
}

impl Session<'_> {
    fn restore(
        &self,
        member: &Member,
        record: Option<&Record>,
        problems: Vec<Problem>,
        wait: bool,
    ) -> Result<()> {
        if let Some(record) = record
            && record.by == By::Operator
        {
            member.settle_half_moves(record);
            self.stay_out(format!("{}; to put it back, run hhvm-drain pool", record.story()));
            return Ok(());
        }
        let draining = drain_in_progress(member.store());
        match decide(self.settings.repool, Moment { caller: self.context.caller, draining, wait }) {
            Decision::BringBack => self.bring_back(member).map(drop),
            Decision::LeaveForNow => Ok(()),
            // Another unit took the node out, and tells of it.
            Decision::StayOut(_) if record.is_none() => Ok(()),
            Decision::StayOut(Because::Stopped) if self.leave_to_others(member)? => Ok(()),
            Decision::StayOut(because) => {
                self.stay_out(words(because, self.settings.kind));
                Ok(())
            }
            Decision::OnceItServes(wait) => {
                self.tell_problems(problems);
                match wait {
                    Wait::No => self.once_it_serves(member, Duration::ZERO),
                    Wait::ForTheStart => self.during_the_start(member),
                    Wait::WhileItRuns => self.after_the_start(member),
                }
            }
        }
    }

    /// A stop command of the unit's own may have told HHVM to end a moment ago. systemd waits for it anyway.
    fn tell_unless_it_ends(&self, process: &Process) {
        let mut watch = Watch::over(Some(process), &self.signals);
        if watch.next(Instant::now() + TO_END) != Event::HhvmEnded && !process.has_ended() {
            self.reporter.tell(Message::StillRuns(process.pid()));
        }
    }

    /// What runs at a start runs right before and after one another, and after the stop hook, which has said it.
    fn stay_out(&self, why: String) {
        if !matches!(self.context.caller, Caller::StartHook | Caller::RepoolUnit) {
            self.reporter.tell(Message::LeftOut(why));
        }
    }

    fn bring_back(&self, member: &Member) -> Result<Left> {
        let mut messages = Vec::new();
        let result = member.undo_drain(Own::Ready, &neighbours(member), &mut messages);
        self.reporter.tell_all(messages);
        self.note_return(member);
        result
    }

    /// From now on balancers may send; what they say of that, the repool unit waits for.
    fn note_return(&self, member: &Member) {
        if matches!(member.store().record(), Ok(None)) {
            member.store().note_back();
            metrics::write(self.context, self.settings);
            if self.settings.balancers.is_empty() {
                member.store().forget_away();
            }
        }
    }

    fn bring_back_and_say_so(&self, member: &Member) -> Result<()> {
        let server = self.settings.kind;
        let line = match self.bring_back(member)? {
            Left::Nothing => format!("Back in the pool: {server} serves"),
            Left::ToOthers | Left::Waiting(_) => {
                format!("{server} serves; another unit keeps the health file away")
            }
            Left::Files(_) => {
                format!("{server} serves; the health file could not be put back, see the journal")
            }
        };
        self.reporter.status(line, Duration::ZERO);
        Ok(())
    }

    /// `ExecStartPost=`: not for long, because units that are ordered after HHVM wait for it, and because a stop in
    /// that time would not drain.
    fn during_the_start(&self, member: &Member) -> Result<()> {
        let unit = systemd::unit(&self.context.unit);
        let limit = unit.as_ref().map(|unit| &unit.timeout_start);
        let patience = start_patience(self.settings.start_timeout, limit);
        self.reporter.status(
            format!("Waiting until {} serves before this node goes back into the pool", self.settings.kind),
            patience,
        );
        let _announced = Announcement::of_return(member.store(), Some(patience));
        self.once_it_serves_as(member, unit.as_ref(), patience)
    }

    fn once_it_serves(&self, member: &Member, patience: Duration) -> Result<()> {
        self.once_it_serves_as(member, systemd::unit(&self.context.unit).as_ref(), patience)
    }

    fn once_it_serves_as(&self, member: &Member, unit: Option<&Unit>, patience: Duration) -> Result<()> {
        let server = self.settings.kind;
        let running = Running::of(self.context, unit);
        let Some(process) = running.main.process() else {
            self.stay_out_without_a_server("is not running");
            return Ok(());
        };
        match self.wait_until_it_serves(process, &running.scope, patience, &mut Known::default()) {
            Serving::Yes => {
                member.store().note_stage(Stage::Serves);
                self.bring_back_and_say_so(member)?;
            }
            Serving::NotYet(why) => {
                self.stay_out_until_it_serves(&format!("{server} does not serve yet ({why})"));
            }
            Serving::Ended => self.stay_out_without_a_server("has ended"),
            Serving::Interrupted => {}
        }
        Ok(())
    }

    /// Tells what has to come first. The status stays, also where the start fails.
    fn stay_out_without_a_server(&self, why: &str) {
        let server = self.settings.kind;
        if self.context.caller != Caller::StartHook {
            return self.stay_out_until_it_serves(&format!("{server} {why}"));
        }
        self.reporter.status(format!("Not in the pool: {server} {why}"), Duration::ZERO);
        let line =
            format!("{server} {why}; the node goes back once a start has succeeded and {server} serves");
        self.reporter.tell(Message::LeftOut(line));
    }

    /// Tells who goes on waiting.
    fn stay_out_until_it_serves(&self, why: &str) {
        let (unit, server) = (&self.context.unit, self.settings.kind);
        let waiter = format!("hhvm-drain-repool@{unit}");
        if self.context.caller == Caller::StartHook {
            self.reporter
                .status(format!("Not in the pool yet: {waiter} waits until {server} serves"), Duration::ZERO);
            self.reporter.tell(Message::LeftOut(format!("{why}; {waiter} goes on waiting")));
        } else {
            self.reporter.tell(Message::LeftOut(format!(
                "repool is \"when-healthy\", and {why}; to put it back, run hhvm-drain pool"
            )));
        }
    }

    /// `hhvm-drain-repool@.service`: for as long as HHVM runs, or is being started, and there is something to undo.
    fn after_the_start(&self, member: &Member) -> Result<()> {
        let (mut told, mut known) = (Vec::new(), Known::default());
        let _announced = Announcement::of_return(member.store(), None);
        let mut keeper = Keeper::of(self, member);
        while is_ours(member)? || !member.sharers().is_empty() {
            let Some(serving) = self.serves_yet(&mut known) else { return Ok(()) };
            match serving {
                Serving::Interrupted => return Ok(()),
                Serving::NotYet(_) => {
                    keeper.keep();
                    continue;
                }
                Serving::Yes => {
                    member.store().note_stage(Stage::Serves);
                    self.try_to_bring_back(member, &mut told)?;
                    // What is left is another unit's, which sees to it.
                    if !is_ours(member)? {
                        return Ok(());
                    }
                }
                Serving::Ended => keeper.keep(),
            }
            if pause(&self.signals, AGAIN) {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Tells what is in the way once, however often it is tried.
    fn try_to_bring_back(&self, member: &Member, told: &mut Vec<String>) -> Result<()> {
        let mut messages = Vec::new();
        let result = member.undo_drain(Own::Ready, &neighbours(member), &mut messages).map(|_left| ());
        let lines: Vec<String> = messages.iter().map(ToString::to_string).collect();
        if lines != *told {
            self.reporter.tell_all(messages);
            *told = lines;
        }
        self.note_return(member);
        match result {
            Err(Error::NotBack) => Ok(()),
            other => other,
        }
    }
}

/// Whether a drain has taken the node out, and it is still out.
fn is_ours(member: &Member) -> Result<bool> {
    Ok(member.store().record()?.is_some_and(|record| record.by == By::Drain))
}

fn words(because: Because, server: Kind) -> String {
    match because {
        Because::Stopping => "a stop is in progress".to_owned(),
        Because::Stopped => format!("it goes back once {server} serves again (repool is \"when-healthy\")"),
        Because::Never => "repool is \"never\"; to put it back, run hhvm-drain pool".to_owned(),
    }
}
