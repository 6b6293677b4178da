//! The table: what was measured, what was wanted, and whether it is met.

use crate::Result;
use crate::figures::{LONG_RUNS, LongDrain, Overshoot, RUNS, Rename, SCRIPT_RUNS, SHORT_MIN_DRAIN};
use crate::meter::Usage;
use crate::stats::{Times, millis};
use std::fmt::Write;
use std::time::Duration;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/results/drain.md");

const OVERSHOOT_MAX: Duration = Duration::from_millis(250);
const CPU_SHARE: u32 = 10;
const RSS_MAX: u64 = 4 << 20;
const SIZE_MAX: u64 = 1_200_000;

/// All that was measured.
pub struct Results {
    pub rename: Rename,
    pub overshoot: Overshoot,
    pub long_drain: LongDrain,
    pub size: u64,
}

/// Figure, ours over HTTP, ours over FastCGI, the script, what is wanted, whether it is met.
type Row = [String; 6];

/// Prints the table and writes it to its file.
pub fn write(results: &Results, machine: &[(&str, String)]) -> Result<()> {
    let heads = ["", "HTTP", "FastCGI", "script", "wanted", "met"].map(str::to_owned);
    let table = table(&heads, &rows(results))?;
    print!("\n{table}\n");
    let mut page = String::from("# What a drain costs\n\n");
    writeln!(
        page,
        "Written by `make bench`. HTTP and FastCGI are hhvm-drain, by the protocol in which it asks for the load; the \
         script is\n`benches/script.sh`, which can only speak HTTP. HHVM is the stand-in of `tests/`.\n\n{table}"
    )?;
    page.push_str(&settings());
    for (name, value) in machine {
        writeln!(page, "- {name}: {value}")?;
    }
    Ok(std::fs::write(FILE, page)?)
}

fn settings() -> String {
    format!(
        "The settings are the defaults. Only where the time after the last request is measured, `min-drain` is \
         {SHORT_MIN_DRAIN}, and it has\npassed when the load becomes zero; for the rename it is 0 s, and so is the \
         load.\n\n\
         - load zero to exit: {RUNS} runs each, {SCRIPT_RUNS} of the script; the load becomes zero at every phase \
         of the poll\n\
         - exec to rename: {RUNS} runs each, in turns; from before the process is made until inotify tells of it\n\
         - 30 s drain: load 16 all the time, {LONG_RUNS} runs each, all three side by side; user and system time of \
         the whole process\n  tree; medians\n\
         - peak memory: the largest resident set of these runs\n\n"
    )
}

fn rows(results: &Results) -> Vec<Row> {
    let Results { rename, overshoot, long_drain, size } = results;
    let Overshoot { http, fastcgi, script } = overshoot;
    let cpus = [&long_drain.http, &long_drain.fastcgi, &long_drain.script].map(|runs| median_cpu(runs));
    let [http_cpu, fastcgi_cpu, script_cpu] = cpus;
    let peaks = [&long_drain.http, &long_drain.fastcgi].map(|runs| peak(runs));
    vec![
        row(
            "load zero to exit, median",
            [http, fastcgi, script].map(|times| ms(times.median())),
            "at most 250 ms",
            Some(http.median() <= OVERSHOOT_MAX && fastcgi.median() <= OVERSHOOT_MAX),
        ),
        row(
            "load zero to exit, p99",
            [http, fastcgi, script].map(|times| ms(times.percentile(99))),
            "",
            None,
        ),
        row(
            "exec to rename, median",
            [&rename.ours, &rename.ours, &rename.script].map(|times| fine(times.median())),
            "no slower than the script",
            Some(rename.ours.median() <= rename.script.median()),
        ),
        row("exec to rename, p99", [&rename.ours, &rename.ours, &rename.script].map(p99), "", None),
        row(
            "30 s drain, CPU time",
            cpus.map(fine),
            "at most 1/10 of the script",
            Some(http_cpu.max(fastcgi_cpu) * CPU_SHARE <= script_cpu),
        ),
        row(
            "30 s drain, share of the script's CPU time",
            [share(http_cpu, script_cpu), share(fastcgi_cpu, script_cpu), String::new()],
            "at most 0.100",
            None,
        ),
        row(
            "30 s drain, peak memory",
            [mebibytes(peaks[0]), mebibytes(peaks[1]), String::new()],
            "at most 4 MiB",
            Some(peaks.iter().all(|&peak| peak <= RSS_MAX)),
        ),
        row(
            "release binary",
            [size.to_string(), size.to_string(), String::new()],
            "at most 1200000 bytes",
            Some(*size <= SIZE_MAX),
        ),
    ]
}

fn row(figure: &str, [http, fastcgi, script]: [String; 3], wanted: &str, met: Option<bool>) -> Row {
    let met = met.map_or("", |met| if met { "yes" } else { "NO" });
    [figure.to_owned(), http, fastcgi, script, wanted.to_owned(), met.to_owned()]
}

fn median_cpu(runs: &[Usage]) -> Duration {
    Times::new(runs.iter().map(|used| used.cpu).collect()).median()
}

fn peak(runs: &[Usage]) -> u64 {
    runs.iter().map(|used| used.rss).max().unwrap_or(u64::MAX)
}

fn p99(times: &Times) -> String {
    fine(times.percentile(99))
}

fn ms(time: Duration) -> String {
    format!("{:.0} ms", millis(time))
}

fn fine(time: Duration) -> String {
    format!("{:.1} ms", millis(time))
}

fn share(ours: Duration, script: Duration) -> String {
    format!("{:.3}", ours.as_secs_f64() / script.as_secs_f64())
}

fn mebibytes(bytes: u64) -> String {
    let hundredths = bytes * 100 / (1 << 20);
    format!("{}.{:02} MiB", hundredths / 100, hundredths % 100)
}

/// A Markdown table whose columns are aligned in the source, too.
fn table(heads: &Row, rows: &[Row]) -> Result<String> {
    let widths: Vec<usize> = (0..heads.len())
        .map(|column| {
            rows.iter().chain([heads]).map(|row| row[column].chars().count()).max().unwrap_or(0).max(3)
        })
        .collect();
    let mut text = String::new();
    let line = |row: &Row| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        format!("| {} |", cells.collect::<Vec<_>>().join(" | "))
    };
    writeln!(text, "{}", line(heads))?;
    let rules: Vec<String> = widths.iter().map(|width| "-".repeat(width + 2)).collect();
    writeln!(text, "|{}|", rules.join("|"))?;
    for row in rows {
        writeln!(text, "{}", line(row))?;
    }
    Ok(text)
}
