//! What a node was doing when a request failed.

use crate::results::{Cell, Phase, median};
use crate::sample::{cell, ms, restart};
use std::time::{Duration, Instant};

fn two_restarts() -> (Instant, Cell) {
    let began = Instant::now();
    let restarts = vec![restart(0, began + ms(10_000)), restart(1, began + ms(50_000))];
    (began, cell("ours", "default", began, restarts, &[ms(9_000), ms(71_000)]))
}

#[test]
fn a_phase_begins_with_its_first_moment_and_ends_before_the_next() {
    let (began, cell) = two_restarts();
    let phase = |at| cell.phase_of(began + ms(at));
    assert_eq!(phase(9_999), Phase::Pooled);
    assert_eq!(phase(10_000), Phase::Draining);
    assert_eq!(phase(29_999), Phase::Draining);
    assert_eq!(phase(30_000), Phase::Stopping);
    assert_eq!(phase(32_500), Phase::Down);
    assert_eq!(phase(33_000), Phase::Starting);
    assert_eq!(phase(39_999), Phase::Out);
    assert_eq!(phase(40_000), Phase::Pooled);
    assert_eq!(phase(72_000), Phase::Down);
}

#[test]
fn a_failure_belongs_to_the_restart_before_it() {
    let (began, cell) = two_restarts();
    let node = |at| cell.restart_of(began + ms(at)).map(|restart| restart.node);
    assert_eq!([node(9_999), node(10_000), node(49_000), node(50_000)], [None, Some(0), Some(0), Some(1)]);
    let since: Vec<_> = cell.tally.failures.iter().map(|failure| cell.since_stop(failure)).collect();
    assert_eq!(since, [None, Some(ms(21_004))]);
}

/// A node that is back cannot be blamed for one that is down.
#[test]
fn a_restart_that_is_going_on_comes_before_one_that_is_over() {
    let began = Instant::now();
    let mut short = restart(1, began + ms(5_000));
    short.phases.truncate(1);
    short.phases[0].2 = began + ms(6_000);
    let cell = cell("ours", "default", began, vec![restart(0, began), short], &[]);
    assert_eq!(cell.restart_of(began + ms(5_500)).unwrap().node, 1);
    assert_eq!(cell.restart_of(began + ms(21_000)).unwrap().node, 0);
    assert_eq!(cell.phase_of(began + ms(21_000)), Phase::Stopping);
}

#[test]
fn times_and_shares() {
    let (began, cell) = two_restarts();
    let mut one = restart(0, began);
    assert_eq!((one.stop(), one.up()), (ms(22_000), began + ms(30_000)));
    one.phases.insert(0, (Phase::Pooled, began.checked_sub(ms(1_000)).unwrap(), began));
    assert_eq!((one.stop(), one.up()), (ms(22_000), began + ms(30_000)));
    one.phases.clear();
    assert_eq!((one.stop(), one.up()), (Duration::ZERO, began));
    assert_eq!(cell.failed_per_restart(), Some(1.0));
    assert!((cell.failed_ppm() - 2e6 / 102.0).abs() < 1e-6);
    assert_eq!(median(vec![ms(3), ms(1), ms(2), ms(9)]), Some(ms(2)));
    assert_eq!(median(vec![]), None);
}
