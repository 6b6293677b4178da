//! The results as pictures (SVG): when requests fail within a restart, and how many fail for each policy.

mod bars;
mod timeline;

pub use bars::failed_per_restart;
pub use timeline::failed_over_time;

use crate::results::{Cell, Phase, as_f64};
use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint};
use plotters::prelude::{RGBColor, Ranged};
use std::error::Error;
use std::ops::Range;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const FONT: &str = "sans-serif";
const TEXT: RGBColor = RGBColor(0x22, 0x22, 0x22);
const GRID: RGBColor = RGBColor(0xdd, 0xdd, 0xdd);

/// Colours of Okabe and Ito, which everybody can tell apart.
const PALETTE: [RGBColor; 6] = [
    RGBColor(0x00, 0x72, 0xb2),
    RGBColor(0xe6, 0x9f, 0x00),
    RGBColor(0x00, 0x9e, 0x73),
    RGBColor(0xcc, 0x79, 0xa7),
    RGBColor(0x56, 0xb4, 0xe9),
    RGBColor(0xd5, 0x5e, 0x00),
];

fn shade(phase: Phase) -> RGBColor {
    match phase {
        Phase::Pooled => RGBColor(0xff, 0xff, 0xff),
        Phase::Draining => RGBColor(0xcf, 0xe6, 0xf5),
        Phase::Stopping => RGBColor(0xf9, 0xd9, 0xa0),
        Phase::Down => RGBColor(0xb8, 0xb8, 0xb8),
        Phase::Starting => RGBColor(0xf6, 0xf0, 0xa8),
        Phase::Out => RGBColor(0xbf, 0xe5, 0xd6),
    }
}

/// An axis on which 0 has a place and large numbers are a decade apart.
#[derive(Clone, Copy)]
struct Axis {
    /// From here on the axis is logarithmic.
    unit: f64,
    max: f64,
}

impl Axis {
    /// Up to `max`, and a little more.
    fn new(unit: f64, max: f64) -> Self {
        Self { unit, max: max.max(unit) * 1.5 }
    }

    fn place(&self, value: f64) -> f64 {
        (value / self.unit).ln_1p()
    }
}

impl Ranged for Axis {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    #[expect(clippy::cast_possible_truncation, reason = "a pixel between two others")]
    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        let share = self.place(*value) / self.place(self.max);
        from + (share * f64::from(to - from)).round() as i32
    }

    /// 0, and each decade.
    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        let decades = std::iter::successors(Some(self.unit), |tick| Some(tick * 10.0));
        std::iter::once(0.0).chain(decades.take_while(|&tick| tick <= self.max)).collect()
    }

    fn range(&self) -> Range<f64> {
        0.0..self.max
    }
}

/// A number without digits that say nothing.
fn short(value: f64) -> String {
    let digits = if value == 0.0 || value >= 9.95 {
        0
    } else if value >= 0.095 {
        1
    } else {
        2
    };
    let text = format!("{value:.digits$}");
    if digits == 0 { text } else { text.trim_end_matches('0').trim_end_matches('.').to_owned() }
}

/// Cells that have a key in common, in the order in which the keys first occur.
fn grouped<'a>(cells: &'a [Cell], key: impl Fn(&'a Cell) -> &'a str) -> Vec<(&'a str, Vec<&'a Cell>)> {
    let mut groups: Vec<(&str, Vec<&Cell>)> = Vec::new();
    for cell in cells {
        match groups.iter_mut().find(|(name, _)| *name == key(cell)) {
            Some((_, group)) => group.push(cell),
            None => groups.push((key(cell), vec![cell])),
        }
    }
    groups
}

fn restarts(cells: &[&Cell]) -> usize {
    cells.iter().map(|cell| cell.restarts.len()).sum()
}

fn failed(cells: &[&Cell]) -> f64 {
    as_f64(cells.iter().map(|cell| cell.tally.failed()).sum())
}
