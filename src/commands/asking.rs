//! Finds out which process is HHVM, and where its load can be read.

use super::password::read_password;
use super::php_fpm;
use super::unit_load::unit_load;
use crate::context::{Caller, Context};
use crate::discover;
use crate::endpoint::{Endpoint, Kind, Target, Wanted};
use crate::hhvm::{Hhvm, Value};
use crate::kernel::{Scope, own_cgroup};
use crate::locate::Configured;
use crate::probe::{Keys, Source, Sum};
use crate::problem::Problem;
use crate::process::{Main, Process};
use crate::settings::Settings;
use crate::systemd;
use crate::unit::Unit;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// For so long HHVM's files may take to be read.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where the load is read, as the settings and the running HHVM say.
pub(super) struct Asked {
    pub(super) source: Source,
    /// What is wrong with the password file, or with HHVM's own files.
    pub(super) problems: Vec<Problem>,
}

/// Finds out where the load of HHVM is read. Its configuration has to be read by `deadline`.
pub(super) fn source_of(
    context: &Context,
    settings: &Settings,
    running: &Running,
    deadline: Instant,
) -> Asked {
    if settings.kind == Kind::PhpFpm {
        let source = Source::only(php_fpm::pools(context, settings, &running.scope));
        return Asked { source, problems: php_fpm::problems(context, settings, running.main.process()) };
    }
    let process = running.main.process();
    let hhvm = process
        .filter(|_| !matches!(settings.endpoint, Endpoint::At(_)))
        .and_then(|main| configuration(context, main, None, deadline));
    let mut asked = source(context, settings, hhvm.as_ref(), &running.scope);
    asked.problems.extend(hhvm.iter().flat_map(Hhvm::problems));
    asked
}

/// What the running HHVM has read. systemd is asked what root named only where HHVM's user may not read it, unless it
/// has been asked already.
pub(super) fn configuration(
    context: &Context,
    process: &Process,
    unit: Option<&Unit>,
    deadline: Instant,
) -> Option<Hhvm> {
    let deadline = deadline.min(Instant::now() + PATIENCE);
    let look =
        |trusted: &[PathBuf]| discover::hhvm(process.pid(), &context.root.join("/proc"), trusted, deadline);
    let looked = look(&[])?;
    if !looked.was_refused {
        return Some(looked.hhvm);
    }
    let asked = if unit.is_none() { systemd::unit(&context.unit) } else { None };
    let named = unit.or(asked.as_ref()).map(|unit| discover::named_by_root(unit, &context.root.join("/")));
    look(&named.unwrap_or_default()).map(|looked| looked.hhvm)
}

/// [`source_of`], for what is known of HHVM already, and its problems.
pub(super) fn source(context: &Context, settings: &Settings, hhvm: Option<&Hhvm>, scope: &Scope) -> Asked {
    let mut problems = Vec::new();
    let set = settings
        .password_file
        .as_deref()
        .and_then(|name| read_password(context, name).map_err(|problem| problems.push(problem)).ok());
    let own = hhvm.map(|hhvm| hhvm.options.admin_password());
    let configured = hhvm.map(Configured::of).unwrap_or_default();
    let load = |wanted: Wanted| {
        let own = own.as_ref().and_then(Value::found).map(|found| found.value.clone());
        let keys = Keys { set: set.clone(), own };
        unit_load(context, settings, wanted, (scope.clone(), configured, keys))
    };
    let source = match &settings.endpoint {
        Endpoint::Auto => Source::only(load(Wanted::Auto)),
        Endpoint::Sockets => Source::only(load(Wanted::Sockets)),
        Endpoint::At(targets) => match &targets[..] {
            [target] => Source::only(load(Wanted::At(target.clone()))),
            targets => {
                let part = |target: &Target| (target.clone(), load(Wanted::At(target.clone())));
                Source::only(Sum::of(targets.iter().map(part).collect()))
            }
        },
    };
    Asked { source, problems }
}

/// HHVM as it runs.
pub(super) struct Running {
    pub(super) main: Main,
    /// All processes of its unit.
    pub(super) scope: Scope,
}

impl Running {
    /// HHVM, as a hook or a person finds it.
    pub(super) fn find(context: &Context) -> Self {
        match context.caller {
            Caller::StopHook => Self::in_own_cgroup(context, Main::of_stop_hook(context)),
            Caller::StartHook | Caller::ShutdownUnit | Caller::RepoolUnit | Caller::Person => {
                Self::of(context, systemd::unit(&context.unit).as_ref())
            }
        }
    }

    /// HHVM, from what systemd has said of its unit.
    pub(super) fn of(context: &Context, unit: Option<&Unit>) -> Self {
        let main = unit.map_or(Main::Gone, |unit| Main::of_unit(context, unit));
        let cgroup = unit.and_then(|unit| unit.control_group.clone());
        let scope = Scope { cgroup, main: main.process().map(Process::pid) };
        Self { main, scope }
    }

    /// A hook is in the cgroup of its unit itself.
    fn in_own_cgroup(context: &Context, main: Main) -> Self {
        let cgroup = own_cgroup(&context.root.join("/proc"));
        let scope = Scope { cgroup, main: main.process().map(Process::pid) };
        Self { main, scope }
    }
}
