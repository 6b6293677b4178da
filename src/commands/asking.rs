//! Finds out which process is HHVM, and where its load can be read.

use super::password::read_password;
use crate::context::{Caller, Context};
use crate::discover;
use crate::endpoint::Endpoint;
use crate::hhvm::Hhvm;
use crate::locate::{Basis, locate};
use crate::probe::Source;
use crate::problem::Problem;
use crate::process::{Main, Process};
use crate::settings::Settings;
use crate::systemd;
use crate::unit::Unit;

/// Where the load is read, as the settings and the running HHVM say.
pub(super) struct Asked {
    pub(super) source: Source,
    pub(super) basis: Basis,
    /// What is wrong with the password file, or with HHVM's own files.
    pub(super) problems: Vec<Problem>,
}

/// Finds out where the load of `process` is read.
pub(super) fn source_of(context: &Context, settings: &Settings, process: Option<&Process>) -> Asked {
    let hhvm = process
        .filter(|_| !matches!(settings.endpoint, Endpoint::At(_)))
        .and_then(|main| configuration(context, main));
    let mut asked = source(context, settings, hhvm.as_ref());
    asked.problems.extend(hhvm.iter().flat_map(Hhvm::problems));
    asked
}

/// What the running HHVM says of itself.
pub(super) fn configuration(context: &Context, process: &Process) -> Option<Hhvm> {
    discover::hhvm(process.pid(), &context.root.join("/proc"))
}

/// [`source_of`], for what is known of HHVM already, and its problems.
pub(super) fn source(context: &Context, settings: &Settings, hhvm: Option<&Hhvm>) -> Asked {
    let located = locate(&settings.endpoint, hhvm);
    let (password, problems) =
        match settings.password_file.as_deref().map(|name| read_password(context, name)) {
            None => (located.password, Vec::new()),
            Some(Ok(password)) => (Some(password), Vec::new()),
            Some(Err(problem)) => (None, vec![problem]),
        };
    Asked {
        source: Source::new(located.places, settings.kind, password.as_ref(), settings.threshold),
        basis: located.basis,
        problems,
    }
}

/// HHVM, as a hook or a person finds it.
pub(super) fn main_process(context: &Context) -> Main {
    match context.caller {
        Caller::StopHook => Main::of_stop_hook(context),
        Caller::StartHook | Caller::ShutdownUnit | Caller::RepoolUnit | Caller::Person => {
            main_of(context, systemd::unit(&context.unit).as_ref())
        }
    }
}

/// HHVM, from what systemd has said of its unit.
pub(super) fn main_of(context: &Context, unit: Option<&Unit>) -> Main {
    unit.map_or(Main::Gone, |unit| Main::of_unit(context, unit))
}
