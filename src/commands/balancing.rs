//! Who is asked at the load balancers, and for what.

use super::finding::{Finding, error, good, warning};
use super::password::exposure;
use crate::balancers::{Held, Reader, Wanted, ask_all, here, readers};
use crate::context::Context;
use crate::kernel::Scope;
use crate::problem::Location;
use crate::row::{Sends, Unclear, View};
use crate::settings::Settings;
use crate::settings::balancer::{Balancer, Proof};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// So many rows of one balancer are shown.
const SHOWN_MAX: usize = 8;
/// The group or others can read.
const OTHERS_READ: u32 = 0o044;

/// How long it may take to see where this node listens.
const PATIENCE: Duration = Duration::from_secs(1);

/// The readers of the balancers that are set, for the node with the unit of `scope`.
pub(super) fn balancers_of(
    context: &Context,
    settings: &Settings,
    scope: &Scope,
) -> (Vec<Box<dyn Reader + Send>>, Held) {
    let here = here(context, scope, Instant::now() + PATIENCE);
    readers(settings, &Wanted { context, named: &settings.balancer_name, here })
}

/// What each balancer that is set says of this node, beside its name.
pub(super) fn asked(context: &Context, settings: &Settings, scope: &Scope) -> Vec<Said> {
    if settings.balancers.is_empty() {
        return Vec::new();
    }
    let (readers, _held) = balancers_of(context, settings, scope);
    let names = settings.balancers.iter().map(ToString::to_string);
    names.zip(ask_all(readers)).map(|(name, view)| Said { name, view }).collect()
}

/// What one balancer says.
pub(super) struct Said {
    pub(super) name: String,
    pub(super) view: Result<View, Unclear>,
}

/// What `check` finds at the balancers: this node's rows, or why a drain will not know what they do.
pub(super) fn findings(context: &Context, settings: &Settings, said: &[Said]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = exposed(context, settings).collect();
    findings.extend(said.iter().map(finding));
    findings.extend(said.iter().filter_map(stickiness));
    findings
}

fn finding(Said { name, view }: &Said) -> Finding {
    let rows = match view {
        Ok(view) => &view.rows,
        Err(why) => {
            return warning(format!(
                "balancer: {name}: it is not known whether it sends requests here ({why}), so a drain waits for min-drain"
            ));
        }
    };
    let list: Vec<String> = rows.iter().take(SHOWN_MAX).map(ToString::to_string).collect();
    let more =
        if rows.len() > SHOWN_MAX { format!(", and {} more", rows.len() - SHOWN_MAX) } else { String::new() };
    let told = format!("balancer: {name}: {}{more}", list.join(", "));
    match rows.iter().find(|row| row.sends == Sends::Blindly) {
        Some(row) => warning(format!("{told}; {}", Unclear::NotChecked(row.id.to_string()))),
        None => good(told),
    }
}

/// Clients that stay with a server that is out, by HAProxy's cookie. Its stick tables do not show in the rows.
fn stickiness(Said { name, view }: &Said) -> Option<Finding> {
    let row = view.as_ref().ok()?.rows.iter().find(|row| row.is_sticky)?;
    Some(warning(format!(
        "balancer: {name}: clients with the cookie of {} still come here when it is out by disable-on-404 or drain, so a drain \
         waits for min-drain; only the state DOWN ends that",
        row.id
    )))
}

/// Passwords that others can read: in the settings file itself, or in a file that they name.
fn exposed<'a>(context: &'a Context, settings: &'a Settings) -> impl Iterator<Item = Finding> + 'a {
    let written = settings.balancers.iter().any(Balancer::has_written_password);
    let file = match settings.set_by.get("balancer") {
        Some(Location::File(path, _)) if written => Some(path),
        _ => None,
    };
    let readable = |path: &&PathBuf| {
        context.root.join(path).metadata().is_ok_and(|meta| meta.uid() != 0 || meta.mode() & OTHERS_READ != 0)
    };
    let written = file.filter(readable).map(|path| {
        let path = path.display();
        error(format!(
            "balancer: others can read the password in {path}; put it into a password-file, or run: chown root: {path} && \
             chmod 600 {path}"
        ))
    });
    let logins = settings.balancers.iter().filter_map(Balancer::login);
    let named = logins.filter_map(|login| match &login.password {
        Proof::File(name) => exposure(context, name, "password").map(Finding::from),
        Proof::Written(_) => None,
    });
    written.into_iter().chain(named)
}
