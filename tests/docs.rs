//! Documentation that is written by hand says what the program does: flags, keys, defaults, commands, exit
//! statuses, outcomes, message ids and versions are the same in both, either way round.

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "docs/catalog.rs"]
mod catalog;
#[path = "docs/commands.rs"]
mod commands;
#[path = "docs/completions.rs"]
mod completions;
#[path = "docs/metrics.rs"]
mod metrics;
#[path = "docs/page.rs"]
mod page;
#[path = "docs/security.rs"]
mod security;
#[path = "docs/settings.rs"]
mod settings;
#[path = "docs/versions.rs"]
mod versions;

use std::collections::BTreeSet;
use std::path::PathBuf;

/// Fails with what is only in one of the two.
fn assert_same<L, R>(documented: L, real: R, what: &str)
where
    L: IntoIterator<Item: Into<String>>,
    R: IntoIterator<Item: Into<String>>,
{
    let documented: BTreeSet<String> = documented.into_iter().map(Into::into).collect();
    let real: BTreeSet<String> = real.into_iter().map(Into::into).collect();
    let missing: Vec<_> = real.difference(&documented).collect();
    let invented: Vec<_> = documented.difference(&real).collect();
    assert!(
        missing.is_empty() && invented.is_empty(),
        "{what}: not documented: {missing:?}; documented, but not there: {invented:?}"
    );
}

/// A file of the repository.
fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn text(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}
