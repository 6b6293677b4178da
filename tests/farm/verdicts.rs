//! What is wrong with results, and what is not.

use crate::results::{Cell, Expected};
use crate::sample::{cell, ms, restart};
use crate::verdict::complaints;
use std::time::Instant;

fn judged(expected: Expected, failed: usize) -> Vec<String> {
    let began = Instant::now();
    let failed = vec![ms(1_000); failed];
    let cell = cell("ours", "default", began, vec![restart(0, began)], &failed);
    complaints(&[Cell { expected, ..cell }])
}

#[test]
fn a_failure_where_none_may_be() {
    assert_eq!(judged(Expected::NoFailure, 0), Vec::<String>::new());
    let complaints = judged(Expected::NoFailure, 1);
    assert!(complaints[0].contains("1 of 101 requests failed: none may fail"), "{complaints:?}");
}

#[test]
fn a_farm_that_is_blind() {
    assert_eq!(judged(Expected::Failures, 1), Vec::<String>::new());
    let complaints = judged(Expected::Failures, 0);
    assert!(complaints[0].contains("sees none"), "{complaints:?}");
    for failed in [0, 1] {
        assert_eq!(judged(Expected::Anything, failed), Vec::<String>::new());
    }
}

#[test]
fn a_machine_that_is_too_busy() {
    let began = Instant::now();
    let mut late = cell("ours", "default", began, vec![restart(0, began)], &[]);
    late.tally.late_starts.record_n(900_000, 10).unwrap();
    let complaints = complaints(&[late]);
    assert!(complaints[0].contains("too busy"), "{complaints:?}");
}
