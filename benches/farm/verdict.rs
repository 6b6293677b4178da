//! Whether the results are what was promised, and whether the farm could have told.

use crate::results::{Cell, Expected};
use std::time::Duration;

/// A generator that is later than this, in one of a hundred requests, measures the machine and not the farm.
const LATENESS_MAX: Duration = Duration::from_millis(250);

/// What is wrong; empty when all is well.
pub fn complaints(cells: &[Cell]) -> Vec<String> {
    cells.iter().flat_map(|cell| [unexpected(cell), too_busy(cell)]).flatten().collect()
}

fn unexpected(cell: &Cell) -> Option<String> {
    let failed = cell.tally.failed();
    match cell.expected {
        Expected::NoFailure if failed > 0 => Some(format!("{cell}: none may fail")),
        Expected::Failures if failed == 0 => {
            Some(format!("{cell}: a farm that sees no failure here sees none"))
        }
        _ => None,
    }
}

fn too_busy(cell: &Cell) -> Option<String> {
    let late = Duration::from_micros(cell.tally.late_starts.value_at_quantile(0.99));
    (late > LATENESS_MAX).then(|| {
        format!("{cell}: the machine is too busy to tell, requests began up to {} ms late", late.as_millis())
    })
}
