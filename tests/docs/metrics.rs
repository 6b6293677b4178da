//! The metrics: the manual has all of them, and what the alerts and the dashboard ask for is among them.

use crate::page::Page;
use crate::{assert_same, text};
use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

/// What the program writes.
fn written() -> String {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("textfile")).unwrap();
    std::os::unix::fs::symlink("/proc", root.path().join("proc")).unwrap();
    let mut check = Command::new(env!("CARGO_BIN_EXE_hhvm-drain"));
    check.args(["check", "--quiet", "--metrics-file=/textfile/x.prom", "--root"]).arg(root.path());
    check.output().unwrap();
    fs::read_to_string(root.path().join("textfile/x.prom")).unwrap()
}

fn families() -> Vec<String> {
    let written = written();
    let types = written.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    types.map(str::to_owned).collect()
}

/// The names of ours in `text`.
fn names(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = text.split(|c| !is_part(c));
    words.filter(|word| word.starts_with("hhvm_drain_")).map(str::to_owned).collect()
}

#[test]
fn the_manual_has_every_metric() {
    let page = Page::open("man/hhvm-drain.toml.5");
    assert_same(page.names("METRICS", "Va"), families(), "METRICS in hhvm-drain.toml(5)");
}

#[test]
fn the_examples_ask_for_nothing_that_is_not_written() {
    let families: BTreeSet<String> = families().into_iter().collect();
    for name in ["alerts.yml", "alerts_test.yml", "dashboard.json"] {
        let asked = names(&text(&format!("examples/prometheus/{name}")));
        assert!(asked.len() > 3, "{name}: {asked:?}");
        let invented: Vec<_> = asked.difference(&families).collect();
        assert!(invented.is_empty(), "{name}: nobody writes {invented:?}");
    }
}

#[test]
fn every_alert_has_a_test_that_lets_it_fire() {
    let (rules, tests) =
        (text("examples/prometheus/alerts.yml"), text("examples/prometheus/alerts_test.yml"));
    let alerts = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: "));
    let fired = tests.split("alertname: ").skip(1).filter_map(|test| {
        let (name, rest) = test.split_once('\n')?;
        rest.trim_start().starts_with("exp_alerts:").then_some(name)
    });
    assert_same(fired.collect::<BTreeSet<_>>(), alerts, "alerts_test.yml");
}
