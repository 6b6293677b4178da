//! `check`: checks that the next stop will drain, and if not, says why.

use super::asking::{Asked, configuration, main_of, source};
use super::effective::{effective_unit, exit_status};
use super::finding::{Finding, error, good, warning};
use super::found;
use super::password::exposure;
use super::trial::{front_end, health_url, tried_front_end};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::hhvm::Hhvm;
use crate::load::Load;
use crate::locate::Basis;
use crate::page_url::PageUrl;
use crate::pool::{Member, Sight, Whereabouts};
use crate::problem::{Problem, Severity};
use crate::settings::Settings;
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

/// Runs the command.
pub(super) fn run(
    context: &Context,
    settings: &Settings,
    problems: Vec<Problem>,
    front: &Front,
) -> Result<()> {
    let mut findings: Vec<Finding> = problems.into_iter().map(Finding::from).collect();
    if findings.is_empty() {
        findings.push(good("settings: no mistakes"));
    }
    let member = Member::new(context, &settings.health_files);
    findings.extend(health_files(context, &member));
    findings.extend(state(&member));
    let unit = systemd::unit(&context.unit);
    let hhvm = main_of(context, unit.as_ref()).process().and_then(|process| configuration(context, process));
    findings.extend(hhvm.iter().flat_map(found::findings));
    findings.extend(load(context, settings, hhvm.as_ref(), unit.as_ref()));
    findings.extend(hhvm.as_ref().zip(unit.as_ref()).and_then(|(hhvm, unit)| exit_status(hhvm, unit)));
    findings.extend(match &unit {
        Some(unit) => effective_unit(unit, settings, context.unit.as_str()),
        None => vec![warning("unit: systemctl does not work here, so the unit is not checked")],
    });
    findings.extend(settings.health_url.as_ref().map(health_url));
    findings.extend(match front {
        Front::Unasked => Vec::new(),
        Front::Asked(url) => front_end(url),
        Front::Tried(url) => tried_front_end(context, settings, url),
    });
    let mut out = std::io::stdout();
    for finding in &findings {
        writeln!(out, "{finding}").map_err(Error::Output)?;
    }
    match findings.iter().filter(|finding| finding.severity == Some(Severity::Error)).count() {
        0 => Ok(()),
        errors => Err(Error::CheckFailed(errors)),
    }
}

fn health_files(context: &Context, member: &Member) -> Vec<Finding> {
    let record = member.store().record().ok().flatten();
    let finding = |path: &Path, sight: std::io::Result<Sight>| {
        let path = path.display();
        let sight = match sight {
            Ok(sight) => sight,
            Err(why) if why.kind() == std::io::ErrorKind::NotFound => return missing(&path.to_string()),
            Err(why) => return error(format!("health-file: {path}: {why}")),
        };
        match (member.whereabouts(&sight, record.as_ref()), sight.directory.writable()) {
            (Whereabouts::Nowhere, _) => missing(&path.to_string()),
            (_, Err(why)) => error(format!("health-file: {path} cannot be moved away ({why})")),
            (Whereabouts::OnRecord | Whereabouts::ByHand, _) => warning(format!(
                "health-file: {path} is moved away, so this node is out of the pool; see hhvm-drain status"
            )),
            (Whereabouts::InPlace, _) if sight.disabled.is_some() => warning(format!(
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

fn load(context: &Context, settings: &Settings, hhvm: Option<&Hhvm>, unit: Option<&Unit>) -> Vec<Finding> {
    let Asked { mut source, basis, problems } = source(context, settings, hhvm);
    let mut findings: Vec<Finding> = problems.into_iter().map(Finding::from).collect();
    findings.extend(on_what(&basis));
    if let Some(name) = &settings.password_file {
        findings.extend(exposure(context, name).map(Finding::from));
    }
    let running = unit.is_none_or(|unit| unit.activity == Activity::Active);
    findings.push(match source.read(Instant::now() + PATIENCE) {
        Load::Known(load) => {
            let from = source.settled().map(ToString::to_string).unwrap_or_default();
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

/// Why this endpoint was chosen, unless a setting or HHVM's configuration names it, which are shown elsewhere.
fn on_what(basis: &Basis) -> Option<Finding> {
    match basis {
        Basis::Setting | Basis::Configuration => None,
        Basis::NoAdminPort(listener) => Some(warning(format!(
            "endpoint: HHVM has no admin port, so the connections to {listener} are counted; for exact numbers, set \
             hhvm.admin_server.port",
        ))),
        Basis::Guess => Some(warning("endpoint: cannot inspect HHVM; trying port 9001")),
    }
}
