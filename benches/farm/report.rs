//! The page of results: one table over all cells, then every failure by reason and phase.

use crate::load::{Failure, Kind, Reason};
use crate::results::{Cell, Phase, Restart, median};
use std::collections::BTreeMap;
use std::time::Duration;

/// Failures of a phase and a reason that are told one by one.
const TOLD: usize = 3;

const HEADS: [&str; 14] = [
    "node",
    "policy",
    "balancer",
    "scenario",
    "restarts",
    "requests",
    "failed",
    "failed per restart",
    "failed, ppm",
    "p50",
    "p99",
    "longest",
    "out of rotation",
    "stop",
];

/// A title and what to know beforehand, the results, and what they were made with, as names and values.
pub fn page(intro: &str, cells: &[Cell], made_with: &[(&str, String)]) -> String {
    let mut page = format!("{}\n\n{}\n{}", intro.trim_end(), summary(cells), legend());
    page.push_str("\n## Failures\n\n");
    if cells.iter().all(|cell| cell.tally.failures.is_empty()) {
        page.push_str("None.\n\n");
    }
    for cell in cells.iter().filter(|cell| !cell.tally.failures.is_empty()) {
        page.push_str(&failures(cell));
    }
    page.push_str("## Made with\n\n");
    page.push_str(&list(made_with.iter().map(|(name, value)| format!("{name}: {value}"))));
    page.push_str("\nHow late the load generator began its requests:\n\n");
    page.push_str(&list(cells.iter().map(lateness)));
    page
}

/// One line for each cell.
pub fn summary(cells: &[Cell]) -> String {
    let rows: Vec<_> = cells.iter().map(row).collect();
    table(&HEADS.map(str::to_owned), &rows)
}

fn legend() -> String {
    "p50, p99 and longest are latencies of complete answers on new connections, counted from the time at which the \
     request was\ndue. \"out of rotation\" is the time for which, according to the balancer, it sent the node no requests. \
     \"stop\" is the time\nuntil the page server has ended. Both are medians.\n"
        .to_owned()
}

fn row(cell: &Cell) -> Vec<String> {
    let tally = &cell.tally;
    let plain = tally.classes.iter().find(|class| class.kind == Kind::Plain);
    let latency = |quantile| {
        let class = plain.filter(|class| class.complete > 0);
        class.map_or_else(none, |class| {
            time(Duration::from_micros(class.latencies.value_at_quantile(quantile)))
        })
    };
    let middle = |duration: fn(&Restart) -> Duration| {
        median(cell.restarts.iter().map(duration).collect()).map_or_else(none, time)
    };
    vec![
        cell.stack.clone(),
        cell.policy.clone(),
        cell.balancer.clone(),
        cell.scenario.clone(),
        cell.restarts.len().to_string(),
        tally.sent().to_string(),
        tally.failed().to_string(),
        cell.failed_per_restart().map_or_else(none, few_digits),
        few_digits(cell.failed_ppm()),
        latency(0.50),
        latency(0.99),
        latency(1.0),
        middle(|restart| restart.out),
        middle(Restart::stop),
    ]
}

/// Failures of a cell: how many of which kind, and the first of each.
fn failures(cell: &Cell) -> String {
    let mut groups: BTreeMap<(Phase, Reason), Vec<&Failure>> = BTreeMap::new();
    for failure in &cell.tally.failures {
        groups.entry((cell.phase_of(failure.ended()), failure.reason)).or_default().push(failure);
    }
    let row = |((phase, reason), group): (&(Phase, Reason), &Vec<&Failure>)| {
        let kinds = Kind::ALL.into_iter().filter(|kind| group.iter().any(|failure| failure.kind == *kind));
        let kinds: Vec<_> = kinds.map(|kind| kind.to_string()).collect();
        vec![phase.to_string(), reason.to_string(), kinds.join(", "), group.len().to_string()]
    };
    let heads = ["phase in which it failed", "reason", "requests", "failed"].map(str::to_owned);
    let first = groups.values().flat_map(|group| group.iter().take(TOLD));
    format!(
        "### {}, {}, {}, {}\n\n{}\nThe first {TOLD} of each, by the time since the stop began:\n\n{}\n",
        cell.stack,
        cell.policy,
        cell.balancer,
        cell.scenario,
        table(&heads, &groups.iter().map(row).collect::<Vec<_>>()),
        list(first.map(|failure| told(cell, failure)))
    )
}

fn told(cell: &Cell, failure: &Failure) -> String {
    let took = time(failure.took);
    let connection = if failure.reused { " (reused)" } else { "" };
    let what = format!("{}{connection}, {took} after it was due: {}", failure.kind, failure.reason);
    match (cell.restart_of(failure.ended()), cell.since_stop(failure)) {
        (Some(restart), Some(since)) => {
            let phase = cell.phase_of(failure.ended());
            format!("node {}, {phase}, {:+.3} s: {what}", restart.node, since.as_secs_f64())
        }
        _ => format!("before the first restart: {what}"),
    }
}

fn lateness(cell: &Cell) -> String {
    let late = &cell.tally.late_starts;
    let [p99, max] =
        [late.value_at_quantile(0.99), late.max()].map(|micros| time(Duration::from_micros(micros)));
    format!("{}, {}, {}, {}: p99 {p99}, at most {max}", cell.stack, cell.policy, cell.balancer, cell.scenario)
}

fn none() -> String {
    "–".to_owned()
}

fn time(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 0.1 {
        format!("{:.1} ms", seconds * 1e3)
    } else if seconds < 1.0 {
        format!("{:.0} ms", seconds * 1e3)
    } else {
        format!("{seconds:.1} s")
    }
}

/// Exactly 0 is `0`; anything else shows that it is not.
fn few_digits(value: f64) -> String {
    if value == 0.0 {
        "0".to_owned()
    } else if value < 0.01 {
        format!("{value:.1e}")
    } else if value < 10.0 {
        format!("{value:.2}")
    } else {
        format!("{value:.0}")
    }
}

fn list(items: impl Iterator<Item = String>) -> String {
    items.fold(String::new(), |text, item| text + "- " + &item + "\n")
}

/// A Markdown table whose columns are aligned in the source, too.
fn table(heads: &[String], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        rows.iter()
            .map(Vec::as_slice)
            .chain([heads])
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or(0)
            .max(3)
    };
    let widths: Vec<usize> = (0..heads.len()).map(width).collect();
    let line = |row: &[String]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
    };
    let rules: Vec<String> = widths.iter().map(|width| "-".repeat(width + 2)).collect();
    let rule = format!("|{}|\n", rules.join("|"));
    rows.iter().fold(line(heads) + &rule, |text, row| text + &line(row))
}
