//! The page of results, as it is read.

use crate::report::page;
use crate::sample::{cell, ms, restart};
use std::time::Instant;

fn written() -> String {
    let began = Instant::now();
    let restarts = || vec![restart(0, began + ms(10_000)), restart(2, began + ms(50_000))];
    let failed: Vec<_> = (0..7).map(|number| ms(70_500 + 100 * number)).chain([ms(5_000)]).collect();
    let cells = [
        cell("plain restart", "default", began, restarts(), &failed),
        cell("hhvm-drain", "default", began, restarts(), &[]),
    ];
    page("# Restarts\n\nWritten by a test.\n", &cells, &[("kernel", "6.1".into())])
}

#[test]
fn the_table() {
    let page = written();
    let rows: Vec<Vec<&str>> = page
        .lines()
        .skip(4)
        .take(4)
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    let columns = |row: &[&str]| row[4..].join(" / ");
    assert_eq!(
        columns(&rows[0]),
        "restarts / requests / failed / failed per restart / failed, ppm / p50 / p99 / longest / out of rotation / stop"
    );
    assert_eq!(&rows[2][..4], ["nginx, HHVM", "plain restart", "default", "restart"]);
    assert_eq!(
        columns(&rows[2]),
        "2 / 108 / 8 / 4.00 / 74074 / 5.0 ms / 40.0 ms / 40.0 ms / 28.0 s / 22.0 s"
    );
    assert_eq!(columns(&rows[3]), "2 / 100 / 0 / 0 / 0 / 5.0 ms / 40.0 ms / 40.0 ms / 28.0 s / 22.0 s");
}

#[test]
fn failures_by_phase_and_reason() {
    let page = written();
    let (_, failures) = page.split_once("## Failures").unwrap();
    assert!(!failures.contains("### nginx, HHVM, hhvm-drain"), "{failures}");
    let rows: Vec<_> =
        failures.lines().filter(|line| line.starts_with('|') && line.contains("503")).collect();
    let words = |row: &str| row.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(words(rows[0]), "| pooled | 503 from the balancer | plain | 1 |");
    assert_eq!(words(rows[1]), "| stopping | 503 from the balancer | plain | 7 |");
    let told = "- node 2, stopping, +20.504 s: plain, 4.0 ms after it was due: 503 from the balancer\n";
    assert!(failures.contains(told), "{failures}");
    assert_eq!(failures.matches("after it was due").count(), 1 + 3);
}

#[test]
fn what_it_was_made_with() {
    let page = written();
    assert!(page.contains("- kernel: 6.1\n"), "{page}");
    assert!(
        page.contains("- nginx, HHVM, hhvm-drain, default, restart: p99 0.7 ms, at most 0.7 ms\n"),
        "{page}"
    );
}

#[test]
fn no_failures_at_all() {
    let began = Instant::now();
    let page = page("# Restarts", &[cell("ours", "default", began, vec![restart(0, began)], &[])], &[]);
    assert!(page.contains("## Failures\n\nNone.\n"), "{page}");
}
