//! The keys of `[fleet]`, with one entry for each. Elsewhere there is only their use and their manual.

use super::member::{self, FORMS, Named};
use super::{Members, StaleAfter};
use crate::fleet::Name;
use crate::settings::value::{duration, expected, file, one};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

/// An etcd has seven members at most, if its manual is followed; more are a mistake.
const MEMBERS_MAX: usize = 16;
/// A shorter wait is none; nobody waits for longer than a day.
const WAIT: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(24 * 3600);
/// A lease shorter than this would end between two renewals.
const STALE_AFTER_MIN: Duration = Duration::from_secs(10);

/// What the keys are set to.
#[derive(Debug, Default)]
pub(super) struct Values {
    pub(super) members: Option<Members>,
    pub(super) pool: Option<Name>,
    pub(super) wait: Option<Duration>,
    pub(super) stale_after: Option<StaleAfter>,
    pub(super) user: Option<String>,
    pub(super) password_file: Option<PathBuf>,
    pub(super) ca_file: Option<PathBuf>,
    pub(super) cert_file: Option<PathBuf>,
    pub(super) key_file: Option<PathBuf>,
}

/// A key's entry in the table.
pub struct Key {
    /// Its name in the files.
    pub name: &'static str,
    /// The default as a file would give it; none if there is none.
    pub default: Option<&'static str>,
    /// Whether it takes a list.
    pub is_list: bool,
    /// Whether a wrong value leaves nobody who can be asked, or the wrong one.
    pub(in crate::settings) is_vital: bool,
    /// Parses and sets its values; an error says what would be right, without the name.
    pub(super) set: fn(&mut Values, &[&str]) -> Result<(), String>,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Key {}

impl Key {
    /// The key called `name`.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        KEYS.iter().find(|key| key.name == name)
    }
}

macro_rules! key {
    ($name:literal, $default:expr, vital: $is_vital:literal, $field:ident, $parse:expr) => {
        Key {
            name: $name,
            default: $default,
            is_list: false,
            is_vital: $is_vital,
            set: |all, values| {
                all.$field = Some(one(values, $parse)?);
                Ok(())
            },
        }
    };
}

/// Every key, in the order of the manual.
pub static KEYS: &[Key] = &[
    Key {
        name: "members",
        default: None,
        is_list: true,
        is_vital: true,
        set: |all, values| {
            all.members = Some(members(values)?);
            Ok(())
        },
    },
    key!("pool", Some("hhvm"), vital: true, pool, Name::parse),
    key!("wait", Some("30min"), vital: false, wait, wait),
    key!("stale-after", Some("15min"), vital: false, stale_after, stale_after),
    key!("user", None, vital: true, user, user),
    key!("password-file", None, vital: true, password_file, file),
    key!("ca-file", None, vital: true, ca_file, file),
    key!("cert-file", None, vital: true, cert_file, file),
    key!("key-file", None, vital: true, key_file, file),
];

fn members(values: &[&str]) -> Result<Members, String> {
    if values.is_empty() {
        return Err(format!("needs at least one of {FORMS}"));
    }
    if values.len() > MEMBERS_MAX {
        return Err(format!("has {} members, and at most {MEMBERS_MAX} can be asked", values.len()));
    }
    let mut etcd = Vec::new();
    let mut fleetlock = None;
    for value in values {
        match member::parse(value)? {
            Named::Etcd(member) if etcd.contains(&member) => return Err(format!("{member} is there twice")),
            Named::Etcd(member) => etcd.push(member),
            Named::FleetLock(member) => fleetlock = Some(member),
        }
    }
    match fleetlock {
        None => Ok(Members::Etcd(etcd)),
        Some(member) if values.len() == 1 => Ok(Members::FleetLock(member)),
        Some(_) => Err("a fleetlock+https:// member stands alone".to_owned()),
    }
}

fn wait(value: &str) -> Result<Duration, String> {
    let wait = duration(value)?;
    if WAIT.contains(&wait) { Ok(wait) } else { Err(expected(value, "1s or longer")) }
}

fn stale_after(value: &str) -> Result<StaleAfter, String> {
    if value == "never" {
        return Ok(StaleAfter::Never);
    }
    let time = duration(value).map_err(|what| format!("{what}, or \"never\""))?;
    if time >= STALE_AFTER_MIN {
        Ok(StaleAfter::Time(time))
    } else {
        Err(expected(value, "\"10s\" or longer, or \"never\""))
    }
}

/// etcd takes any name that is not empty.
fn user(value: &str) -> Result<String, String> {
    let is_name = !value.is_empty() && value.len() <= 256 && !value.chars().any(char::is_control);
    if is_name { Ok(value.to_owned()) } else { Err(expected(value, "the name of a user of etcd's")) }
}
