//! A pool, made of its section: what `fpm_conf_process_all_pools` makes of it.

use super::address::{AllowedClients, Listen};
use super::pattern::absolute;
use super::section::{Fault, Section, Spot};
use crate::text::quote;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// One pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    /// Its name, for people.
    pub name: String,
    /// Where it was begun.
    pub spot: Spot,
    /// Where its pages are served; none if that is not known.
    pub listen: Option<Listen>,
    /// Its status page, unless it has none.
    pub page: Option<Page>,
    /// The line that switches the status page on, or off.
    pub page_spot: Option<Spot>,
    /// From where it takes connections.
    pub allowed: AllowedClients,
}

/// The status page of a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Its path, `/status` in most places.
    pub path: String,
    /// Who answers.
    pub answering: Answering,
}

/// Who answers the question for the status page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answering {
    /// A process of the pool itself, which is busy with the question then.
    Pool,
    /// A process of another pool that `pm.status_listen` makes, at that address.
    Other(Listen),
}

impl Pool {
    /// Makes a pool of a section; relative paths lie below its own prefix, or below `prefix`.
    pub(super) fn of(section: &Section, prefix: &Path, faults: &mut Vec<Fault>) -> Self {
        let known = |name: &str| section.entries.get(name).and_then(|entry| entry.value.as_deref().ok());
        // An empty one counts, and makes `/path` of `path`.
        let own = match known("prefix") {
            None => prefix.to_owned(),
            Some(b"") => PathBuf::new(),
            Some(own) => below(own, prefix),
        };
        let mut address = |name: &str, prefix: &Path| {
            let entry = section.entries.get(name)?;
            let listen = Listen::read(entry.value.as_deref().ok()?, prefix);
            if listen.is_none() {
                let value = quote(&String::from_utf8_lossy(entry.value.as_deref().unwrap_or_default()));
                faults.push(Fault::at(&entry.spot, format!("{name} is \"{value}\", which is no address")));
            }
            listen
        };
        let listen = address("listen", &own);
        // The pool for the page does not inherit the prefix.
        let other = address("pm.status_listen", prefix);
        let path = known("pm.status_path").map(|path| String::from_utf8_lossy(path).into_owned());
        let page_entry =
            section.entries.get("pm.status_listen").or_else(|| section.entries.get("pm.status_path"));
        Self {
            name: quote(&String::from_utf8_lossy(&section.name)),
            spot: section.spot.clone(),
            listen,
            page: page(path, other, section.entries.contains_key("pm.status_path")),
            page_spot: page_entry.map(|entry| entry.spot.clone()),
            allowed: known("listen.allowed_clients").map(AllowedClients::read).unwrap_or_default(),
        }
    }
}

fn below(path: &[u8], prefix: &Path) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(&absolute(path, prefix)))
}

/// With `pm.status_listen` alone the path is `/`. In the pool itself a path has two characters or more.
fn page(path: Option<String>, other: Option<Listen>, is_named: bool) -> Option<Page> {
    let path = path.filter(|path| path.starts_with('/'));
    match (path, other) {
        (Some(path), Some(other)) => Some(Page { path, answering: Answering::Other(other) }),
        (None, Some(other)) if !is_named => {
            Some(Page { path: "/".to_owned(), answering: Answering::Other(other) })
        }
        (Some(path), None) if path.len() > 1 => Some(Page { path, answering: Answering::Pool }),
        _ => None,
    }
}
