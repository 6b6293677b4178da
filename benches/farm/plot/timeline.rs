//! Failed requests against the time since the stop began, a panel for each policy.

use super::{Axis, FONT, GRID, PALETTE, Result, TEXT, failed, grouped, restarts, shade, short};
use crate::results::{Cell, Phase, as_f64, median};
use plotters::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

const WIDTH: u32 = 1000;
const HEAD: u32 = 64;
const PANEL: u32 = 120;
/// Below a panel; the last one has the foot in its place.
const TICKS: u32 = 10;
const FOOT: u32 = 44;
/// Left and right of all panels.
const LEFT: u32 = 60;
const RIGHT: u32 = 20;
const BIN: Duration = Duration::from_millis(100);

/// A policy: what its restarts typically look like, and when requests failed.
struct Panel {
    title: String,
    phases: Vec<(Phase, f64, f64)>,
    /// Failures by the number of the bin.
    bins: BTreeMap<u64, u64>,
}

impl Panel {
    fn new(policy: &str, cells: &[&Cell]) -> Self {
        let count = restarts(cells);
        let title = format!("{policy} ({count} restarts, failed requests: {})", short(failed(cells)));
        let phases = Phase::ALL.into_iter().filter_map(|phase| {
            let typical = |end: fn(&(Phase, Duration, Duration)) -> Duration| {
                median(spans(cells, phase).iter().map(end).collect()).map(|time| time.as_secs_f64())
            };
            Some((phase, typical(|span| span.1)?, typical(|span| span.2)?))
        });
        let mut bins = BTreeMap::new();
        for cell in cells {
            for since in cell.tally.failures.iter().filter_map(|failure| cell.since_stop(failure)) {
                let bin = since.as_millis() / BIN.as_millis();
                *bins.entry(u64::try_from(bin).unwrap_or(u64::MAX)).or_default() += 1;
            }
        }
        Self { title, phases: phases.filter(|(phase, ..)| *phase != Phase::Pooled).collect(), bins }
    }

    fn end(&self) -> f64 {
        let last_bin = self.bins.keys().next_back().map_or(0.0, |&bin| as_f64(bin + 1) * BIN.as_secs_f64());
        self.phases.iter().map(|&(.., until)| until).fold(last_bin, f64::max)
    }
}

/// A phase in each restart that has it, since the stop began.
fn spans(cells: &[&Cell], phase: Phase) -> Vec<(Phase, Duration, Duration)> {
    let restarts = cells.iter().flat_map(|cell| &cell.restarts);
    restarts
        .filter_map(|restart| {
            let mut found = restart.phases.iter().filter(|(other, ..)| *other == phase);
            let &(_, from, until) = found.next()?;
            let until = found.next_back().map_or(until, |&(.., until)| until);
            let since = |instant| restart.began.max(instant) - restart.began;
            Some((phase, since(from), since(until)))
        })
        .collect()
}

/// An SVG.
pub fn failed_over_time(cells: &[Cell]) -> Result<String> {
    let panels: Vec<_> =
        grouped(cells, |cell| &cell.policy).iter().map(|(policy, cells)| Panel::new(policy, cells)).collect();
    let end = panels.iter().map(Panel::end).fold(1.0, f64::max) * 1.02;
    let most = panels.iter().flat_map(|panel| panel.bins.values()).max();
    let axis = Axis::new(1.0, as_f64(most.copied().unwrap_or(0)));
    let mut svg = String::new();
    let height = HEAD + FOOT + PANEL * u32::try_from(panels.len())?;
    {
        let root = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        root.fill(&WHITE)?;
        let (head, rest) = root.split_vertically(HEAD);
        legend(&head)?;
        let mut rest = rest;
        for (number, panel) in panels.iter().enumerate() {
            let last = number + 1 == panels.len();
            let (area, below) = rest.split_vertically(if last { PANEL - TICKS + FOOT } else { PANEL });
            draw(panel, &area, end, axis, last)?;
            rest = below;
        }
        root.present()?;
    }
    Ok(svg)
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

fn legend(area: &Area) -> Result<()> {
    let style = TextStyle::from((FONT, 15)).color(&TEXT);
    area.draw_text(
        "Failed requests per 100 ms, all restarts of a policy added up (logarithmic above 1)",
        &style,
        (60, 10),
    )?;
    let named = TextStyle::from((FONT, 13)).color(&TEXT);
    let mut left = 60;
    for phase in Phase::ALL.into_iter().filter(|phase| *phase != Phase::Pooled) {
        let (top, side) = (38, 14);
        let swatch = [(left, top), (left + side, top + side)];
        area.draw(&Rectangle::new(swatch, shade(phase).filled()))?;
        area.draw(&Rectangle::new(swatch, TEXT.stroke_width(1)))?;
        let name = phase.to_string();
        area.draw_text(&name, &named, (left + side + 6, top))?;
        left += side + 36 + 7 * i32::try_from(name.len())?;
    }
    Ok(())
}

fn draw(panel: &Panel, area: &Area, end: f64, axis: Axis, last: bool) -> Result<()> {
    let mut chart = ChartBuilder::on(area)
        .caption(&panel.title, (FONT, 14).into_font().color(&TEXT))
        .margin_right(RIGHT)
        .y_label_area_size(LEFT)
        .x_label_area_size(if last { FOOT } else { TICKS })
        .build_cartesian_2d(0.0..end, axis)?;
    let shades = panel
        .phases
        .iter()
        .map(|&(phase, from, until)| Rectangle::new([(from, 0.0), (until, axis.max)], shade(phase).filled()));
    chart.draw_series(shades)?;
    let seconds = |time: &f64| if last { format!("{time:.0}") } else { String::new() };
    let mut mesh = chart.configure_mesh();
    mesh.disable_x_mesh()
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .axis_style(TEXT)
        .x_labels(12)
        .x_label_formatter(&seconds)
        .y_label_formatter(&|count| short(*count))
        .label_style((FONT, 12).into_font().color(&TEXT));
    if last {
        mesh.x_desc("seconds since the stop began").axis_desc_style((FONT, 14).into_font().color(&TEXT));
    }
    mesh.draw()?;
    let pixel = end / f64::from(WIDTH - LEFT - RIGHT);
    let width = BIN.as_secs_f64().max(1.5 * pixel);
    let bins = panel.bins.iter().map(|(&bin, &count)| {
        let from = as_f64(bin) * BIN.as_secs_f64();
        Rectangle::new([(from, 0.0), (from + width, as_f64(count))], PALETTE[5].filled())
    });
    chart.draw_series(bins)?;
    Ok(())
}
