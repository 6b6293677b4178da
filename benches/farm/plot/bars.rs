//! Failed requests per restart, a bar for each policy and balancer setting.

use super::{Axis, FONT, GRID, PALETTE, Result, TEXT, failed, grouped, restarts, short};
use crate::results::{Cell, as_f64};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

const WIDTH: u32 = 1000;
const ROW: u32 = 26;
/// A letter, roughly.
const LETTER: u32 = 8;
/// Title above, axis below.
const FRAME: u32 = 110;
/// A mean of so few failures is as good as visible.
const UNIT: f64 = 0.1;

struct Bar {
    label: String,
    colour: RGBColor,
    mean: f64,
}

/// An SVG.
pub fn failed_per_restart(cells: &[Cell]) -> Result<String> {
    let bars = bars(cells)?;
    let axis = Axis::new(UNIT, bars.iter().map(|bar| bar.mean).fold(0.0, f64::max) * 1.5);
    let rows = u32::try_from(bars.len())?;
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (WIDTH, FRAME + ROW * rows)).into_drawing_area();
        root.fill(&WHITE)?;
        draw(&bars, &root, axis)?;
        root.present()?;
    }
    Ok(svg)
}

/// From the top to the bottom. Settings of the balancer have the same colour in all policies.
fn bars(cells: &[Cell]) -> Result<Vec<Bar>> {
    let balancers = grouped(cells, |cell| &cell.balancer);
    let mut bars = Vec::new();
    for (policy, _) in grouped(cells, |cell| &cell.policy) {
        for ((balancer, cells), colour) in balancers.iter().zip(PALETTE.iter().cycle()) {
            let cells: Vec<&Cell> = cells.iter().filter(|cell| cell.policy == policy).copied().collect();
            let restarts = restarts(&cells);
            if restarts > 0 {
                let mean = failed(&cells) / as_f64(u64::try_from(restarts)?);
                bars.push(Bar { label: format!("{policy}, {balancer}"), colour: *colour, mean });
            }
        }
    }
    // Rows count from the bottom.
    bars.reverse();
    Ok(bars)
}

fn draw(bars: &[Bar], area: &DrawingArea<SVGBackend, Shift>, axis: Axis) -> Result<()> {
    let letters = bars.iter().map(|bar| bar.label.chars().count()).max().unwrap_or(0);
    let mut chart = ChartBuilder::on(area)
        .caption("Failed requests per restart", (FONT, 17).into_font().color(&TEXT))
        .margin(10)
        .margin_right(40)
        .y_label_area_size(16 + LETTER * u32::try_from(letters)?)
        .x_label_area_size(50)
        .build_cartesian_2d(axis, 0.0..as_f64(u64::try_from(bars.len())?))?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .axis_style(TEXT)
        .disable_y_axis()
        .x_label_formatter(&|mean| short(*mean))
        .x_desc("mean number of failed requests per restart (logarithmic above 0.1)")
        .label_style((FONT, 13).into_font().color(&TEXT))
        .axis_desc_style((FONT, 14).into_font().color(&TEXT))
        .draw()?;
    let text = |side| TextStyle::from((FONT, 13)).color(&TEXT).pos(Pos::new(side, VPos::Center));
    let (name, number) = (text(HPos::Right), text(HPos::Left));
    for (row, bar) in (0_u32..).zip(bars) {
        let [below, middle, above] = [0.15, 0.5, 0.85].map(|share| f64::from(row) + share);
        let rectangle = Rectangle::new([(0.0, below), (bar.mean, above)], bar.colour.filled());
        chart.draw_series([rectangle])?;
        let begin = EmptyElement::at((0.0, middle));
        chart.draw_series([begin + Text::new(bar.label.clone(), (-8, 0), name.clone())])?;
        let end = EmptyElement::at((bar.mean, middle));
        chart.draw_series([end + Text::new(short(bar.mean), (6, 0), number.clone())])?;
    }
    Ok(())
}
