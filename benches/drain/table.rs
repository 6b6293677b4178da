//! Tables in Markdown, and numbers as they stand there.

use crate::stats::{Times, millis};
use std::fmt;
use std::time::Duration;

/// Columns are aligned in the source, too.
pub struct Table {
    heads: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new(heads: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { heads: heads.into_iter().map(Into::into).collect(), rows: Vec::new() }
    }

    /// Appends a row; what it has not is left empty.
    pub fn row(&mut self, figure: &str, cells: impl IntoIterator<Item = String>) {
        let mut row: Vec<String> = [figure.to_owned()].into_iter().chain(cells).collect();
        row.resize(self.heads.len(), String::new());
        self.rows.push(row);
    }

    /// Appends a row that ends in what is wanted, and whether it is met.
    pub fn judged(&mut self, figure: &str, cells: impl IntoIterator<Item = String>, wanted: &str, met: bool) {
        let verdict = [wanted, if met { "yes" } else { "NO" }].map(str::to_owned);
        self.row(figure, cells.into_iter().chain(verdict));
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = || self.rows.iter().chain([&self.heads]);
        let width = |column: usize| rows().map(|row| row[column].chars().count()).max().unwrap_or(0).max(3);
        let widths: Vec<usize> = (0..self.heads.len()).map(width).collect();
        let line = |row: &Vec<String>| {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
            format!("| {} |", cells.collect::<Vec<_>>().join(" | "))
        };
        writeln!(f, "{}", line(&self.heads))?;
        let rules: Vec<String> = widths.iter().map(|width| "-".repeat(width + 2)).collect();
        writeln!(f, "|{}|", rules.join("|"))?;
        self.rows.iter().try_for_each(|row| writeln!(f, "{}", line(row)))
    }
}

pub fn p99(times: &Times) -> String {
    fine(times.percentile(99))
}

pub fn ms(time: Duration) -> String {
    format!("{:.0} ms", millis(time))
}

pub fn fine(time: Duration) -> String {
    format!("{:.1} ms", millis(time))
}

pub fn share(ours: Duration, script: Duration) -> String {
    format!("{:.3}", ours.as_secs_f64() / script.as_secs_f64())
}

pub fn mebibytes(bytes: u64) -> String {
    let hundredths = bytes * 100 / (1 << 20);
    format!("{}.{:02} MiB", hundredths / 100, hundredths % 100)
}
