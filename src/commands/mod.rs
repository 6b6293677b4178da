//! The commands, a file each; none decides what a library module can decide.

mod check;
mod drop_in;
mod effective;
mod found;
mod operator;
mod restore;
mod status;
mod stop;
mod trial;

use crate::cli::Command;
use crate::context::{Caller, Context};
use crate::discover::Hhvm;
use crate::drain::{Drain, Limits};
use crate::endpoint::Endpoint;
use crate::error::Result;
use crate::load::Source;
use crate::locate::{Basis, locate};
use crate::message::Message;
use crate::password::Password;
use crate::pool::{Member, Out};
use crate::problem::Problem;
use crate::process::{Main, Process};
use crate::progress::Progress;
use crate::report::Reporter;
use crate::settings::Settings;
use crate::systemd::Unit;
use crate::wait::{Ending, Signals, Watch, drain};
use std::time::Instant;

/// Runs `command`.
///
/// # Errors
/// What the command could not do.
pub fn run(command: &Command, context: &Context, settings: &Settings, problems: Vec<Problem>) -> Result<()> {
    match command {
        Command::Stop { shutdown } => stop::run(context, settings, problems, *shutdown),
        Command::Restore { wait } => restore::run(context, settings, problems, *wait),
        Command::Depool { reason, wait } => {
            operator::depool(context, settings, problems, reason.as_deref(), *wait)
        }
        Command::Pool => operator::pool(context, settings),
        Command::Status { json } => status::run(context, settings, *json),
        Command::Check { url, trial } => {
            check::run(context, settings, problems, url.as_deref().map(|url| (url, *trial)))
        }
        Command::DropIn => drop_in::run(context),
    }
}

/// Where the load is read, as the settings and the running HHVM say.
struct Asked {
    source: Source,
    basis: Basis,
    /// What is wrong with the password file, or with HHVM's own files.
    problems: Vec<Problem>,
}

fn ask(context: &Context, settings: &Settings, process: Option<&Process>) -> Asked {
    let hhvm = process
        .filter(|_| !matches!(settings.endpoint, Endpoint::At(_)))
        .and_then(|main| look(context, main));
    let mut asked = ask_as(context, settings, hhvm.as_ref());
    asked.problems.extend(hhvm.iter().flat_map(Hhvm::problems));
    asked
}

/// What the running HHVM says of itself.
fn look(context: &Context, process: &Process) -> Option<Hhvm> {
    Hhvm::of_process(process.pid(), &context.root.join("/proc"))
}

/// [`ask`], for what is known of HHVM already, and its problems.
fn ask_as(context: &Context, settings: &Settings, hhvm: Option<&Hhvm>) -> Asked {
    let located = locate(&settings.endpoint, hhvm);
    let mut problems = Vec::new();
    let password = match &settings.password_file {
        None => located.password,
        Some(name) => match Password::read(&context.root.join(name), name) {
            Ok(password) => Some(password),
            Err(problem) => {
                problems.push(problem);
                None
            }
        },
    };
    Asked {
        source: Source::new(located.places, settings.kind, password.as_ref(), settings.threshold),
        basis: located.basis,
        problems,
    }
}

/// HHVM, as `ExecStop=` or a person finds it.
fn find_main(context: &Context) -> Main {
    if Caller::of(&context.env) == Caller::StopHook {
        return Main::of_stop_hook(context);
    }
    find_main_by_name(context)
}

/// HHVM, as systemd knows the unit by its name.
fn find_main_by_name(context: &Context) -> Main {
    main_of(context, Unit::ask(&context.unit).as_ref())
}

/// HHVM, from what systemd has said of its unit.
fn main_of(context: &Context, unit: Option<&Unit>) -> Main {
    unit.map_or(Main::Gone, |unit| Main::of_unit(context, unit.main_pid(), unit.get("ControlGroup")))
}

/// Waits for zero, from `started`, with a node that is out as `out` says.
fn wait_for_zero(
    context: &Context,
    settings: &Settings,
    member: &mut Member,
    (process, signals, reporter): (Option<&Process>, &Signals, &Reporter),
    (started, out): (Instant, Out),
) -> Result<Ending> {
    let asked = ask(context, settings, process);
    reporter.tell_all(asked.problems.into_iter().map(Message::Setting));
    if let Basis::NoAdminPort(listener) = &asked.basis {
        reporter.tell(Message::Counting(listener.to_string()));
    }
    let watch = Watch { signals, process, prober: None }.asking(asked.source)?;
    let depooled = match out {
        Out::For(time) => Some(started.checked_sub(time.min(settings.min_drain)).unwrap_or(started)),
        Out::Not => None,
    };
    let limits = Limits {
        min_drain: settings.min_drain,
        timeout: settings.timeout,
        poll_interval: settings.poll_interval,
        zero_samples: settings.zero_samples,
        threshold: settings.threshold,
    };
    let progress = Progress::new(reporter, settings.timeout);
    drain(Drain::new(limits, started, depooled), watch, member, progress)
}
