//! What the files say about a fleet, key by key, and what comes of it: nothing is guessed where a turn would be taken in
//! another fleet, or as somebody else.

use super::keys::{KEYS, Key, Values};
use super::member::Scheme;
use super::{Certificate, Fleet, Login, Members, Setting, StaleAfter};
use crate::problem::{Location, Problem};
use crate::text::seconds;
use std::collections::BTreeSet;
use std::time::Duration;

/// The keys so far.
#[derive(Debug, Default)]
pub(in crate::settings) struct Draft {
    values: Values,
    /// What has been set.
    given: BTreeSet<&'static str>,
    /// Where the table was seen last.
    at: Option<Location>,
    /// Whether something is wrong without which nobody can be asked; it was told.
    is_broken: bool,
    /// Whether there may be such a table where it cannot be seen.
    is_doubtful: bool,
}

impl Draft {
    /// The defaults.
    pub(in crate::settings) fn new() -> Self {
        let mut draft = Self::default();
        for key in KEYS {
            // The test every_default_can_be_parsed parses each of them.
            let _ = key.default.map(|default| (key.set)(&mut draft.values, &[default]));
        }
        draft
    }

    /// There is such a table.
    pub(in crate::settings) fn begin(&mut self, at: Location) {
        self.at = Some(at);
    }

    /// It may be in a file that cannot be read.
    pub(in crate::settings) fn doubt(&mut self) {
        self.is_doubtful = true;
    }

    /// Something is wrong with it as a whole, which was told.
    pub(in crate::settings) fn give_up(&mut self) {
        self.is_broken = true;
    }

    /// Sets one key; when its values are wrong, the value before stays.
    pub(in crate::settings) fn set(&mut self, key: &'static Key, values: &[&str]) -> Result<(), String> {
        let set = (key.set)(&mut self.values, values);
        match set {
            Ok(()) => drop(self.given.insert(key.name)),
            Err(_) => {
                self.is_broken |= key.is_vital && !self.given.contains(key.name);
            }
        }
        set
    }

    /// What it comes to, and what is wrong with the keys taken together.
    pub(in crate::settings) fn finish(self) -> (Setting, Vec<Problem>) {
        let Some(at) = self.at.clone().filter(|_| !self.is_broken) else {
            let is_wanted = self.is_broken || self.is_doubtful;
            return (if is_wanted { Setting::Broken } else { Setting::Unset }, Vec::new());
        };
        let mut problems = Vec::new();
        let set = match fleet(self.values, &at, &mut problems) {
            Ok(fleet) => Setting::Set(Box::new(fleet)),
            Err(what) => {
                problems.push(Problem::error(at, format!("fleet: {what}, so no turn is taken")));
                Setting::Broken
            }
        };
        (set, problems)
    }
}

fn fleet(values: Values, at: &Location, problems: &mut Vec<Problem>) -> Result<Fleet, &'static str> {
    let (Some(pool), Some(wait), Some(stale_after)) = (values.pool, values.wait, values.stale_after) else {
        return Err("a default is missing");
    };
    let login = match (values.user, values.password_file) {
        (Some(user), Some(password_file)) => Some(Login { user, password_file }),
        (None, None) => None,
        _ => return Err("user and password-file belong together"),
    };
    let certificate = match (values.cert_file, values.key_file) {
        (Some(certificate), Some(key)) => Some(Certificate { certificate, key }),
        (None, None) => None,
        _ => return Err("cert-file and key-file belong together"),
    };
    let members = values.members.ok_or("members is missing")?;
    let stale_after = within(stale_after, wait).map_err(|(instead, message)| {
        problems.push(Problem::error(at.clone(), message));
        instead
    });
    let stale_after = stale_after.unwrap_or_else(|instead| instead);
    let fleet = Fleet { members, pool, wait, stale_after, login, ca_file: values.ca_file, certificate };
    problems.extend(fleet.contradictions(at));
    Ok(fleet)
}

/// The time that is shorter than `wait`: else all stops of an hour would go on, one after another, before the slot of a node
/// that died is free.
fn within(stale_after: StaleAfter, wait: Duration) -> Result<StaleAfter, (StaleAfter, String)> {
    match stale_after {
        StaleAfter::Time(time) if time >= wait => {
            let message = format!(
                "fleet: stale-after ({}) is not shorter than wait ({}), so a stop would go on before a dead node's slot is free; \
                 {} is used",
                seconds(time),
                seconds(wait),
                seconds(wait / 2)
            );
            Err((StaleAfter::Time(wait / 2), message))
        }
        stale_after => Ok(stale_after),
    }
}

impl Fleet {
    /// What was asked for and cannot be had.
    fn contradictions(&self, at: &Location) -> Option<Problem> {
        let members = self.members.all();
        let in_the_clear = members.iter().find(|member| member.scheme == Scheme::Http);
        let error = |message: String| Some(Problem::error(at.clone(), message));
        match in_the_clear {
            _ if self.login.is_some() && matches!(self.members, Members::FleetLock(_)) => {
                error("fleet: FleetLock has no users, so user and password-file are not used".to_owned())
            }
            Some(member) if self.ca_file.is_some() || self.certificate.is_some() => error(format!(
                "fleet: {member} is asked without TLS, so no certificate is shown or checked; write https://"
            )),
            Some(member) if self.login.is_some() && !member.is_loopback() => {
                let message = format!("fleet: the password goes to {member} in the clear; write https://");
                Some(Problem::warning(at.clone(), message))
            }
            _ => None,
        }
    }
}
