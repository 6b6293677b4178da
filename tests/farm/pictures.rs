//! The plots: what they say in words, and that 0 is drawn as 0. `farm-*.svg` in the target directory's `tmp` are for the eye.

use crate::plot::{failed_over_time, failed_per_restart};
use crate::results::Cell;
use crate::sample::{cell, ms, restart};
use std::fs;
use std::time::{Duration, Instant};

fn cells() -> Vec<Cell> {
    let began = Instant::now();
    let failing = |count: u64, from: u64, width: u64| -> Vec<Duration> {
        (0..count).map(|number| ms(from + number * width / count)).collect()
    };
    let run = |policy, balancer, failed: &[Duration]| {
        cell(policy, balancer, began, vec![restart(0, began), restart(1, began + ms(60_000))], failed)
    };
    vec![
        run("plain restart", "default", &failing(900, 20_000, 5_000)),
        run("plain restart", "retries", &failing(9, 20_000, 3_000)),
        run("script with sleep", "default", &failing(1, 21_000, 1)),
        run("script with sleep", "retries", &[]),
        run("hhvm-drain", "default", &[]),
        run("hhvm-drain", "retries", &[]),
    ]
}

/// The texts of a picture, in its order.
fn texts(svg: &str) -> Vec<&str> {
    let elements = svg.split("<text").skip(1);
    elements
        .map(|element| element.split_once('>').unwrap().1.split_once("</text>").unwrap().0.trim())
        .collect()
}

fn save(name: &str, svg: &str) {
    fs::write(format!("{}/farm-{name}.svg", env!("CARGO_TARGET_TMPDIR")), svg).unwrap();
}

#[test]
fn a_panel_for_each_policy() {
    let svg = failed_over_time(&cells()).unwrap();
    save("timeline", &svg);
    let texts = texts(&svg);
    for title in [
        "plain restart (4 restarts, failed requests: 909)",
        "script with sleep (4 restarts, failed requests: 1)",
        "hhvm-drain (4 restarts, failed requests: 0)",
        "seconds since the stop began",
        "draining",
        "out, waiting for the balancer",
    ] {
        assert!(texts.contains(&title), "no {title:?} in {texts:?}");
    }
}

#[test]
fn a_bar_for_each_policy_and_balancer() {
    let svg = failed_per_restart(&cells()).unwrap();
    save("bars", &svg);
    let texts = texts(&svg);
    for text in [
        "plain restart, default",
        "450",
        "4.5",
        "script with sleep, default",
        "0.5",
        "hhvm-drain, retries",
        "0",
    ] {
        assert!(texts.contains(&text), "no {text:?} in {texts:?}");
    }
    assert_eq!(svg.matches("width=\"0\"").count(), 3, "bars without failures have no length");
}

#[test]
fn a_single_cell_and_none() {
    let one = &cells()[5..];
    assert!(texts(&failed_per_restart(one).unwrap()).contains(&"hhvm-drain, retries"));
    assert!(failed_over_time(one).unwrap().contains("hhvm-drain (2 restarts, failed requests: 0)"));
    assert!(failed_per_restart(&[]).is_ok() && failed_over_time(&[]).is_ok());
}
