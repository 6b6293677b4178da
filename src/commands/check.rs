//! `check`: checks that the next stop will drain, and if not, says why.

use super::asking::{Asked, Running, configuration, source};
use super::confined::{confinement, needs};
use super::effective::{effective_unit, exit_status};
use super::finding::{Finding, error, good, warning};
use super::observe::{Fall, observed};
use super::password::exposure;
use super::php_fpm;
use super::stopped_first;
use super::taken_away::{graceful_wait, losses};
use super::trial::{front_end, health_url, tried_front_end};
use super::{balancing, filtered, found, in_fleet, left_running, metrics, sharing, tellers};
use crate::context::Context;
use crate::endpoint::Kind;
use crate::error::{Error, Result};
use crate::hhvm::{Hhvm, Value};
use crate::kernel::Scope;
use crate::load::Load;
use crate::page_url::PageUrl;
use crate::place::{Because, Place, names};
use crate::pool::{Member, Rights, Sight, Whereabouts};
use crate::problem::{Problem, Severity};
use crate::settings::Settings;
use crate::sockets;
use crate::systemd;
use crate::text::seconds;
use crate::unit::{Activity, Unit};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long HHVM may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// What `check` is to do with the front end.
pub(super) enum Front<'a> {
    /// Nothing.
    Unasked,
    /// Request what the load balancer requests.
    Asked(&'a PageUrl),
    /// Also take the node out for a moment, to see the answer change.
    Tried(&'a PageUrl),
}

/// Which lines are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// All of them.
    All,
    /// Errors and warnings.
    WhatIsWrong,
}

/// Runs the command.
pub(super) fn run(
    context: &Context,
    settings: &Settings,
    problems: Vec<Problem>,
    front: &Front,
    observe: Option<Duration>,
    shown: Shown,
) -> Result<()> {
    let mistakes = problems.len();
    let mut findings: Vec<Finding> = problems.into_iter().map(Finding::from).collect();
    if findings.is_empty() {
        findings.push(good("settings: no mistakes"));
    }
    let member = Member::new(context, &settings.health_files);
    findings.extend(health_files(context, &member));
    findings.extend(state(&member));
    let unit = systemd::unit(&context.unit);
    findings.extend(tellers::findings(context, unit.as_ref()));
    let running = Running::of(context, unit.as_ref());
    let hhvm = running
        .main
        .process()
        .and_then(|process| configuration(context, process, unit.as_ref(), Instant::now() + PATIENCE));
    findings.extend(hhvm.iter().flat_map(found::findings));
    findings.extend(match settings.kind {
        Kind::Hhvm => load(context, settings, hhvm.as_ref(), unit.as_ref(), &running.scope),
        Kind::PhpFpm => {
            let whose = (running.main.process(), &running.scope);
            php_fpm::findings(context, settings, whose, unit.as_ref())
        }
    });
    findings.extend(hhvm.as_ref().zip(unit.as_ref()).and_then(|(hhvm, unit)| exit_status(hhvm, unit)));
    findings.extend(match &unit {
        Some(unit) => judged(context, settings, unit, hhvm.as_ref()),
        None => vec![warning("unit: systemctl does not work here, so the unit is not checked")],
    });
    findings.extend(unit.as_ref().and_then(|unit| left_running::finding(context, unit, &running)));
    findings.extend(sharing::finding(context, settings));
    findings.extend(settings.health_url.as_ref().map(health_url));
    let said = balancing::asked(context, settings, &running.scope);
    findings.extend(balancing::findings(context, settings, &said));
    findings.extend(in_fleet::findings(context, settings));
    findings.extend(match front {
        Front::Unasked => Vec::new(),
        Front::Asked(url) => front_end(url),
        Front::Tried(url) => tried_front_end(context, settings, url, &running.scope),
    });
    let fall = Fall::of(&said);
    findings.extend(observe.into_iter().flat_map(|time| observed(context, settings, time, &fall)));
    if shown == Shown::WhatIsWrong {
        let unreachable = said.iter().filter(|said| said.view.is_err()).count();
        metrics::publish_check(context, &findings, mistakes, unreachable);
    }
    findings.extend(metrics::finding(context, settings));
    let mut out = std::io::stdout();
    for finding in findings.iter().filter(|finding| shown == Shown::All || finding.severity.is_some()) {
        writeln!(out, "{finding}").map_err(Error::Output)?;
    }
    match findings.iter().filter(|finding| finding.severity == Some(Severity::Error)).count() {
        0 => Ok(()),
        errors => Err(Error::CheckFailed(errors)),
    }
}

/// The unit, and how it suits the drain.
fn judged(context: &Context, settings: &Settings, unit: &Unit, hhvm: Option<&Hhvm>) -> Vec<Finding> {
    let name = context.unit.as_str();
    let mut findings = effective_unit(unit, settings, name);
    if unit.is_loaded {
        findings.extend(confinement(unit, &needs(context, settings), name));
        findings.extend(filtered::findings(unit, settings, name));
        findings.extend(losses(unit, &systemd::own(unit, &context.root), name));
        findings.extend(hhvm.and_then(|hhvm| graceful_wait(hhvm, unit, settings, name)));
        findings.extend(stopped_first::followers(unit, systemd::followers(unit).as_deref()));
        findings.extend(stopped_first::companions(unit, &systemd::leaders(unit).unwrap_or_default()));
    }
    findings
}

fn health_files(context: &Context, member: &Member) -> Vec<Finding> {
    let record = member.store().record().ok().flatten();
    let rights = Rights::of_process(&context.root.join("/proc"));
    let finding = |path: &Path, sight: std::io::Result<Sight>| {
        let whereabouts = match member.whereabouts(path, &sight, record.as_ref()) {
            Ok(whereabouts) => whereabouts,
            Err(why) => return error(format!("health-file: {}: {why}", path.display())),
        };
        let path = path.display();
        let sight = match (&whereabouts, sight) {
            (Whereabouts::Lost(why), _) => {
                return error(format!("health-file: {path} was moved away, and cannot be put back ({why})"));
            }
            (Whereabouts::Nowhere, _) | (_, Err(_)) => return missing(&path.to_string()),
            (_, Ok(sight)) => sight,
        };
        match (whereabouts, sight.obstacle(rights)) {
            (Whereabouts::Nowhere | Whereabouts::Lost(_), _) => missing(&path.to_string()),
            (Whereabouts::InPlace, Some(why)) => {
                error(format!("health-file: {path} cannot be moved away ({why})"))
            }
            (_, Some(why)) => error(format!("health-file: {path} cannot be moved back ({why})")),
            (Whereabouts::OnRecord | Whereabouts::ByHand, _) => warning(format!(
                "health-file: {path} is moved away, so this node is out of the pool; see hhvm-drain status, and let no \
                 deploy delete {path}* meanwhile"
            )),
            (Whereabouts::InPlace, _) if !sight.disabled.is_free() => warning(format!(
                "health-file: {path} exists, and so does {}; remove the latter if nobody needs it",
                context.root.shorten(&sight.disabled_path()).display()
            )),
            (Whereabouts::InPlace, _) => good(format!("health-file: {path} exists and can be moved away")),
        }
    };
    member.sights().map(|(path, sight)| finding(path, sight)).collect()
}

fn missing(path: &str) -> Finding {
    error(format!("health-file: there is no {path}; create it, or set health-file to the right path"))
}

fn state(member: &Member) -> Vec<Finding> {
    let mut findings = vec![match member.store().probe_writable() {
        Ok(()) => good("record: can be written"),
        Err((path, why)) => {
            error(format!("record: {} cannot be written ({why}); run as root", path.display()))
        }
    }];
    if let Err(broken) = member.store().record() {
        findings.push(error(broken.to_string()));
    }
    findings
}

fn load(
    context: &Context,
    settings: &Settings,
    hhvm: Option<&Hhvm>,
    unit: Option<&Unit>,
    scope: &Scope,
) -> Vec<Finding> {
    let Asked { mut source, problems } = source(context, settings, hhvm, scope);
    let mut findings: Vec<Finding> = problems.into_iter().map(Finding::from).collect();
    if unit.is_some_and(|unit| runs_php_fpm(&unit.program)) {
        findings.push(warning(format!(
            "endpoint: {} runs PHP-FPM, and is asked as HHVM would be; set kind = \"php-fpm\" for it in /etc/hhvm-drain.toml",
            context.unit
        )));
    }
    if let Some(name) = &settings.password_file {
        findings.extend(exposure(context, name, "password").map(Finding::from));
    }
    let running = unit.is_none_or(|unit| unit.activity == Activity::Active);
    let load = source.read(Instant::now() + PATIENCE);
    match (&load, source.place()) {
        (Load::Known(_), Some(Place::Sockets(listeners, _))) if listeners.is_empty() && running => {
            findings.push(warning(format!(
                "endpoint: no process of {} listens, so a stop waits for no request; if HHVM has been started, it runs \
                 outside of the unit's control group",
                context.unit
            )));
            return findings;
        }
        (Load::Known(_), Some(Place::Sockets(listeners, Because::NoAdminPort))) => {
            findings.push(warning(counted(listeners, hhvm)));
        }
        (_, Some(Place::FrontEnd(target))) => findings.push(good(format!(
            "endpoint: at {target} listens a front end of root's and not HHVM itself; it gets no password but that in \
             password-file"
        ))),
        _ => {}
    }
    findings.push(match load {
        Load::Known(load) => {
            let from = source.place().map(ToString::to_string).unwrap_or_default();
            good(format!("endpoint: {from} answers, load {load}"))
        }
        Load::Unknown(_) if !running => {
            warning("endpoint: HHVM is not running, so its answer is not checked")
        }
        Load::Unknown(why) => error(format!(
            "endpoint: the load is unknown ({why}), so every stop takes the whole timeout of {}",
            seconds(settings.timeout)
        )),
    });
    findings
}

/// `php-fpm`, `php-fpm8.2` and the like.
fn runs_php_fpm(program: &Path) -> bool {
    program.file_name().is_some_and(|name| name.to_string_lossy().starts_with("php-fpm"))
}

/// Why connections are counted, and what would be better.
fn counted(listeners: &[sockets::Place], hhvm: Option<&Hhvm>) -> String {
    let listeners = names(listeners);
    match hhvm.map(|hhvm| &hhvm.options.admin_port) {
        Some(Value::Set(port)) if port.value > 0 => format!(
            "endpoint: {} names the admin port {}, but HHVM does not listen there, so the connections to {listeners} \
             are counted; if the file was changed since HHVM was started, restart HHVM",
            port.origin, port.value
        ),
        Some(Value::Unknown(cause)) => format!(
            "endpoint: the admin port is unknown ({cause}), so the connections to {listeners} are counted"
        ),
        Some(Value::Set(_) | Value::Default) | None => format!(
            "endpoint: HHVM has no admin port, so the connections to {listeners} are counted; for exact numbers, set \
             hhvm.admin_server.port"
        ),
    }
}
