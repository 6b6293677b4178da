//! PHP-FPM instead of HHVM: which pools are asked, and what `check` says of each.

use super::finding::{Finding, error, good, warning};
use super::unit_load::unit_load;
use crate::context::Context;
use crate::discover;
use crate::endpoint::{Address, Endpoint, Kind, Target, Wanted};
use crate::kernel::{Host, Scope};
use crate::load::Unknown;
use crate::locate::Configured;
use crate::php_fpm::{Fault, Reading, Reason, Way};
use crate::probe::{Answer, Gauge, Keys, Pools, Which};
use crate::problem::{Location, Problem};
use crate::process::Process;
use crate::settings::Settings;
use crate::sockets::{Name, Place};
use crate::text::seconds;
use crate::unit::{Activity, Unit};
use std::time::{Duration, Instant};

/// For so long PHP-FPM may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// For so long its files may take.
const FILES_TIME: Duration = Duration::from_millis(500);

/// The pools of the processes in `scope`, as the setting wants them.
pub(super) fn pools(context: &Context, settings: &Settings, scope: &Scope) -> Pools {
    let which = match &settings.endpoint {
        Endpoint::Auto => Which::All,
        Endpoint::Sockets => Which::AllByConnections,
        Endpoint::At(targets) => {
            let page = |target: &Target| -> (Target, Box<dyn Gauge + Send>) {
                let known = (scope.clone(), Configured::default(), Keys::default());
                let load = unit_load(context, settings, Wanted::At(target.clone()), known);
                (target.clone(), Box::new(load))
            };
            Which::These(targets.iter().map(page).collect())
        }
    };
    Pools::new(scope.clone(), Host::below(&context.root), which)
}

/// What is wrong with the files of `process`, unless nobody reads them.
pub(super) fn problems(context: &Context, settings: &Settings, process: Option<&Process>) -> Vec<Problem> {
    if settings.endpoint != Endpoint::Auto {
        return Vec::new();
    }
    let deadline = Instant::now() + FILES_TIME;
    let found = discover::php_fpm(process.map(Process::pid), &context.root.join("/proc"), deadline);
    found.into_iter().flat_map(|configuration| configuration.faults).map(problem).collect()
}

fn problem(fault: Fault) -> Problem {
    let location = match fault.line {
        Some(line) => Location::Line(fault.file, line),
        None => Location::Path(fault.file),
    };
    Problem::warning(location, format!("{}; what the kernel shows counts instead", fault.what))
}

/// What `check` says of the pools of `process`, and of the others in `scope`; `unit` is what systemd says of it.
pub(super) fn findings(
    context: &Context,
    settings: &Settings,
    (process, scope): (Option<&Process>, &Scope),
    unit: Option<&Unit>,
) -> Vec<Finding> {
    if unit.is_some_and(|unit| unit.activity != Activity::Active) {
        return vec![warning("endpoint: PHP-FPM is not running, so its answer is not checked")];
    }
    let mut findings: Vec<Finding> =
        problems(context, settings, process).into_iter().map(Finding::from).collect();
    let mut pools = pools(context, settings, scope);
    match pools.each(Instant::now() + PATIENCE) {
        Ok(answers) => findings.extend(answers.iter().map(|answer| told(answer, settings))),
        Err(why) => findings.push(unknown(&why.of(Kind::PhpFpm, None), settings)),
    }
    findings.extend(absent(&pools));
    if let Endpoint::At(targets) = &settings.endpoint {
        findings.extend(not_asked(context, targets, scope));
    }
    findings
}

fn unknown(why: &Unknown, settings: &Settings) -> Finding {
    let timeout = seconds(settings.timeout);
    error(format!(
        "endpoint: the load is unknown ({why}), so every stop takes the whole timeout of {timeout}"
    ))
}

fn told(answer: &Answer, settings: &Settings) -> Finding {
    let name = &answer.name;
    let load = match &answer.load {
        Ok(load) => load,
        Err(why) => return unknown(&why.clone().of(Kind::PhpFpm, Some(name)), settings),
    };
    let Some(Reading { place, way, pool }) = &answer.reading else {
        return good(format!("endpoint: {name} answers, load {load}"));
    };
    let name = if pool.is_some() { format!("{name} ({place})") } else { name.clone() };
    let counted = format!("its connections are counted, load {load}");
    match way {
        Way::Page { at, path } if at == place => {
            good(format!("endpoint: {name}: {path} answers, load {load}"))
        }
        Way::Page { at, path } => good(format!("endpoint: {name}: {path} at {at} answers, load {load}")),
        Way::Connections(Reason::NoPage(spot)) => warning(format!(
            "endpoint: {name} has no status page, so {counted}; set pm.status_path for it ({spot}) for a load that \
             PHP-FPM itself tells"
        )),
        Way::Connections(Reason::NotAllowed(spot)) => warning(format!(
            "endpoint: {name} does not let this host ask for its status page, so {counted}; add 127.0.0.1 to its \
             listen.allowed_clients ({spot})"
        )),
        Way::Connections(Reason::NoListener(spot)) => warning(format!(
            "endpoint: {name}: nobody listens at its pm.status_listen ({spot}), so {counted}; restart PHP-FPM"
        )),
        Way::Connections(Reason::Unnamed) => warning(format!(
            "endpoint: PHP-FPM listens at {place}, of which its files say nothing, so {counted}"
        )),
    }
}

/// Pools that the files have, and the kernel has not.
fn absent(pools: &Pools) -> Vec<Finding> {
    let absent = pools.found().map(|(_, survey)| &survey.absent[..]).unwrap_or_default();
    let finding = |(name, spot, listen): &(_, _, _)| {
        warning(format!(
            "endpoint: pool {name} ({spot}) does not run: nobody listens at {listen}; reload or restart PHP-FPM"
        ))
    };
    absent.iter().map(finding).collect()
}

/// Pools that no endpoint asks.
fn not_asked(context: &Context, targets: &[Target], scope: &Scope) -> Vec<Finding> {
    let mut pools = Pools::new(scope.clone(), Host::below(&context.root), Which::All);
    let answers = pools.each(Instant::now() + PATIENCE).unwrap_or_default();
    let readings = answers.iter().filter_map(|answer| Some((answer, answer.reading.as_ref()?)));
    let finding = |(answer, reading): (&Answer, &Reading)| {
        let asked = |target: &Target| match &reading.way {
            Way::Page { at, .. } => is_at(target, at) || is_at(target, &reading.place),
            Way::Connections(_) => is_at(target, &reading.place),
        };
        let place = &reading.place;
        (!targets.iter().any(asked)).then(|| {
            warning(format!(
                "endpoint: {} ({place}) is not asked, so a stop cuts off what is in flight there; set endpoint = \"auto\", \
                 or name its status page, too",
                answer.name
            ))
        })
    };
    readings.filter_map(finding).collect()
}

/// Whether a question to `target` may come in at `place`; through a web server it may come in anywhere.
fn is_at(target: &Target, place: &Place) -> bool {
    match (&target.address, place) {
        (Address::Tcp(_, port), Place::Tcp(at)) => *port == at.port(),
        (Address::Unix(path), Place::Unix(Name::Path(at))) => path == at,
        _ => false,
    }
}
