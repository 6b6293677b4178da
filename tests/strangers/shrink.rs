//! From a draw that fails to the smallest that fails in the same way.

use crate::draw::Draw;

/// Makes dimensions plain, many at once at first, for as long as `fails` holds; few hosts are needed if little matters.
pub fn smallest(draw: &Draw, mut fails: impl FnMut(&Draw) -> bool) -> Draw {
    let mut smallest = draw.clone();
    let mut at_once = smallest.oddities().len().div_ceil(2);
    while at_once > 0 {
        let mut from = 0;
        while from < smallest.oddities().len() {
            let mut candidate = smallest.clone();
            smallest
                .oddities()
                .iter()
                .skip(from)
                .take(at_once)
                .for_each(|dimension| dimension.plain(&mut candidate));
            let candidate = candidate.settled();
            let is_smaller = candidate.oddities().len() < smallest.oddities().len();
            if is_smaller && fails(&candidate) {
                smallest = candidate;
            } else {
                from += at_once;
            }
        }
        at_once /= 2;
    }
    smallest
}
