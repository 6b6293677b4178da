//! Puts things in order, by one sort for all types. The standard library's comes to four kilobytes of the program for each type,
//! and collecting into a map sorts, too; here are a dozen of them, and none is in a hurry.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::mem::replace;

/// As `slice::sort`: those that are equal stay as they were.
pub fn sort<T: Ord>(items: &mut [T]) {
    sort_by(items, T::cmp);
}

/// As `slice::sort_by_key`.
pub fn sort_by_key<T, K: Ord>(items: &mut [T], key: impl Fn(&T) -> K) {
    sort_by(items, |one, other| key(one).cmp(&key(other)));
}

/// As `slice::sort_by`.
pub fn sort_by<T>(items: &mut [T], compare: impl Fn(&T, &T) -> Ordering) {
    let mut wanted = places(items.len(), &|one, other| compare(&items[one], &items[other]));
    // Each place that is not filled yet begins a ring of items that move one on.
    for start in 0..wanted.len() {
        let mut place = start;
        loop {
            let from = replace(&mut wanted[place], place);
            if from == start {
                break;
            }
            items.swap(place, from);
            place = from;
        }
    }
}

/// For each place in order, where the item is that belongs there.
fn places(length: usize, compare: &dyn Fn(usize, usize) -> Ordering) -> Vec<usize> {
    let mut places: Vec<usize> = (0..length).collect();
    places.sort_by(|one, other| compare(*one, *other));
    places
}

/// A map of these.
#[must_use]
pub fn map<K: Ord, V>(items: impl IntoIterator<Item = (K, V)>) -> BTreeMap<K, V> {
    let mut map = BTreeMap::new();
    map.extend(items);
    map
}

/// A set of these.
#[must_use]
pub fn set<T: Ord>(items: impl IntoIterator<Item = T>) -> BTreeSet<T> {
    let mut set = BTreeSet::new();
    set.extend(items);
    set
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_order_is_the_standard_librarys(items in proptest::collection::vec((0_u8..9, 0_u8..9), 0..60)) {
            let (mut sorted, mut by_key) = (items.clone(), items.clone());
            sorted.sort_unstable();
            by_key.sort_by_key(|(first, _)| *first);
            let (mut ours, mut ours_by_key) = (items.clone(), items.clone());
            sort(&mut ours);
            sort_by_key(&mut ours_by_key, |(first, _)| *first);
            prop_assert_eq!((ours, ours_by_key), (sorted, by_key));
            prop_assert_eq!(map(items.clone()), items.iter().copied().collect());
            prop_assert_eq!(set(items.clone()), items.into_iter().collect());
        }
    }
}
