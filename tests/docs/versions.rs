//! One version everywhere.

use crate::page::Page;
use crate::text;

const VERSION: &str = env!("CARGO_PKG_VERSION");

#[test]
fn changelogs_and_manuals_are_of_this_version() {
    let changelog = text("CHANGELOG.md");
    let mut headings = changelog.lines().filter_map(|line| line.strip_prefix("## "));
    assert_eq!(headings.find(|heading| *heading != "Unreleased"), Some(VERSION), "CHANGELOG.md");
    let debian = text("debian/changelog");
    let newest = debian.split(['(', ')']).nth(1).unwrap();
    assert_eq!(newest.rsplit_once('-').unwrap().0, VERSION, "debian/changelog");
    for name in
        ["man/hhvm-drain.8", "man/hhvm-drain.toml.5", "man/hhvm-drain-balancers.7", "man/hhvm-drain-fleet.7"]
    {
        assert_eq!(Page::open(name).version(), VERSION, "{name}");
    }
}
