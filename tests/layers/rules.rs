//! What holds for imports: no circle, and the layers.

use crate::imports::Imports;
use std::collections::{BTreeMap, BTreeSet};

/// Groups of files that import each other, round about or straight.
pub fn circles(imports: &Imports) -> Vec<BTreeSet<String>> {
    let reached: BTreeMap<&String, BTreeSet<&String>> =
        imports.keys().map(|file| (file, reachable(imports, file))).collect();
    let mut circles = BTreeSet::new();
    for (file, others) in &reached {
        if others.contains(file) {
            let is_mutual = |other: &&&String| reached.get(**other).is_some_and(|back| back.contains(file));
            circles.insert(others.iter().filter(is_mutual).map(|other| (*other).clone()).collect());
        }
    }
    circles.into_iter().collect()
}

/// What a file imports, and what those import, and so on.
fn reachable<'a>(imports: &'a Imports, file: &'a str) -> BTreeSet<&'a String> {
    let (mut found, mut left) = (BTreeSet::new(), vec![file]);
    while let Some(file) = left.pop() {
        for next in imports.get(file).into_iter().flatten() {
            if found.insert(next) {
                left.push(next);
            }
        }
    }
    found
}

/// A layer's name; decisions and effects are rivals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    rank: usize,
    name: String,
}

/// The layers, as a list in the documentation of `src/lib.rs` has them.
pub struct Layers(BTreeMap<String, Layer>);

impl Layers {
    /// Reads `//! 1. NAME: [`MODULE`], …`, each with the lines that go on with it.
    pub fn read(lib: &str) -> Self {
        let lines = lib.lines().filter_map(|line| line.strip_prefix("//! "));
        let (mut layer, mut modules) = (None, BTreeMap::new());
        for line in lines {
            if let Some((rank, rest)) = line.split_once(". ")
                && let Ok(rank) = rank.parse()
                && let Some((name, _)) = rest.split_once(':')
            {
                layer = Some(Layer { rank, name: name.to_owned() });
            } else if !line.starts_with("   ") {
                layer = None;
            }
            let Some(layer) = &layer else { continue };
            for module in line.split('`').skip(1).step_by(2) {
                let before = modules.insert(module.to_owned(), layer.clone());
                assert_eq!(before, None, "{module} is in two layers");
            }
        }
        Self(modules)
    }

    pub fn modules(&self) -> impl Iterator<Item = &String> {
        self.0.keys()
    }

    /// The layer of a module: its own, or that of the nearest one above it.
    pub fn of(&self, module: &str) -> Option<&Layer> {
        let above = || self.of(module.rsplit_once("::")?.0);
        self.0.get(module).or_else(above)
    }

    /// The imports that are not allowed, a line each.
    pub fn violations(&self, imports: &Imports) -> Vec<String> {
        let mut wrong = Vec::new();
        for (from, to) in imports.iter().flat_map(|(from, all)| all.iter().map(move |to| (from, to))) {
            let (Some(upper), Some(lower)) = (self.of(from), self.of(to)) else { continue };
            let rivals = upper.name == "decisions" && lower.name == "effects";
            if upper.rank > lower.rank || rivals {
                wrong.push(format!("{from} ({}) imports from {to} ({})", upper.name, lower.name));
            }
        }
        wrong
    }
}
