//! `stop`: takes the node out, and returns when HHVM may be stopped.

use super::{find_main, find_main_by_name, wait_for_zero};
use crate::context::{Caller, Context};
use crate::drain::Outcome;
use crate::error::Result;
use crate::load::{Load, Unknown};
use crate::message::Message;
use crate::pool::{DrainLock, LastDrain, Member, Store, Wish};
use crate::problem::Problem;
use crate::process::Main;
use crate::progress::last_line;
use crate::report::Reporter;
use crate::settings::Settings;
use crate::systemd::host_is_stopping;
use crate::terminate::terminate;
use crate::wait::{Ending, Signals};
use std::time::{Duration, Instant};

/// Runs the command. All that can fail but the wait itself is told, and does not end the drain.
///
/// With `shutdown` it runs in a unit of its own, which is stopped before HHVM and its web server are, and does nothing
/// unless the host is going down.
pub fn run(context: &Context, settings: &Settings, problems: Vec<Problem>, shutdown: bool) -> Result<()> {
    let started = Instant::now();
    if shutdown && !host_is_stopping() {
        return Ok(());
    }
    let signals = Signals::take_over()?;
    let main = if shutdown { find_main_by_name(context) } else { find_main(context) };
    let mut member = Member::new(context, &settings.health_files);
    let _draining = DrainLock::take(member.store());
    let depooled = main.process().map(|_| member.depool(&Wish::drain()));
    let reporter = Reporter::start(context);
    reporter.tell_all(problems.into_iter().map(Message::Setting));
    let ending = match depooled {
        None => not_running(),
        Some(depooled) => {
            reporter.tell_all(depooled.messages);
            let watched = (main.process(), &signals, &reporter);
            wait_for_zero(context, settings, &mut member, watched, (started, depooled.out))?
        }
    };
    conclude(member.store(), &reporter, &ending);
    if let (Main::OfCgroup(processes), Caller::StopHook, false) = (&main, Caller::of(&context.env), shutdown)
    {
        terminate(processes, &signals, &reporter)?;
        reporter.status(last_line(&ending), Duration::ZERO);
    }
    if Caller::of(&context.env) == Caller::Person && ending.outcome != Outcome::NotRunning {
        reporter.tell(Message::LeftOut(
            "it was not systemd that called; hhvm-drain pool puts it back".to_owned(),
        ));
    }
    reporter.flush();
    Ok(())
}

fn not_running() -> Ending {
    Ending { outcome: Outcome::NotRunning, load: Load::Unknown(Unknown::NotAsked), elapsed: Duration::ZERO }
}

/// Tells how it ended, to people, systemd and the next `status`.
fn conclude(store: &Store, reporter: &Reporter, ending: &Ending) {
    reporter.tell(Message::Finished {
        outcome: ending.outcome.clone(),
        load: ending.load.clone(),
        elapsed: ending.elapsed,
    });
    reporter.status(last_line(ending), Duration::ZERO);
    let load = match ending.load {
        Load::Known(load) => Some(load),
        Load::Unknown(_) => None,
    };
    store.note_last_drain(&LastDrain {
        outcome: ending.outcome.name().to_owned(),
        load,
        seconds: ending.elapsed.as_secs(),
        at: store.now().at,
    });
}
