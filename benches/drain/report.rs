//! The page: what was measured, what was wanted, and whether it is met.

use crate::Result;
use crate::figures::{LONG_RUNS, LongDrain, Overshoot, RUNS, Rename, SCRIPT_RUNS, SHORT_MIN_DRAIN};
use crate::growth;
use crate::in_flight::{InFlight, LongDrains};
use crate::instances::Instances;
use crate::look::{self, Look};
use crate::meter::Usage;
use crate::stats::Times;
use crate::table::{Table, fine, mebibytes, ms, p99, share};
use std::fmt::Write;
use std::time::Duration;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/results/drain.md");

const OVERSHOOT_MAX: Duration = Duration::from_millis(250);
const CPU_SHARE: u32 = 10;
const RSS_MAX: u64 = 4 << 20;
const SIZE_MAX: u64 = 2_400_000;

/// All that was measured.
pub struct Results {
    pub rename: Rename,
    pub overshoot: Overshoot,
    pub long_drain: LongDrain,
    pub instances: Vec<Instances>,
    pub samples: Vec<InFlight>,
    pub long_drains: LongDrains,
    pub looks: Vec<Look>,
    pub size: u64,
}

/// Prints the tables and writes them to their file.
pub fn write(results: &Results, machine: &[(&str, String)]) -> Result<()> {
    let one = one_instance(results);
    let many = growth::instances(&results.instances);
    let in_flight = growth::in_flight(&results.samples, &results.long_drains);
    let looks = look::table(&results.looks);
    print!("\n{one}\n{many}\n{in_flight}\n{looks}\n");
    let mut page = String::from("# What a drain costs\n\n");
    writeln!(
        page,
        "Written by `make bench`. HTTP and FastCGI are hhvm-drain, with the protocol by which it reads the load. The \
         script is\n`benches/script.sh`, which only speaks HTTP. HHVM is the stand-in of `tests/`.\n\n{one}"
    )?;
    page.push_str(&settings());
    writeln!(page, "## With more instances\n\n{many}\n{}", growth::about_instances())?;
    writeln!(
        page,
        "## With more requests in flight\n\n{in_flight}\n{}",
        growth::about_in_flight(&results.samples, &results.long_drains)
    )?;
    writeln!(page, "## A look at the sockets of a unit\n\n{looks}\n{}", look::about())?;
    page.push_str("## The machine\n\n");
    for (name, value) in machine {
        writeln!(page, "- {name}: {value}")?;
    }
    Ok(std::fs::write(FILE, page)?)
}

fn settings() -> String {
    format!(
        "The settings are the defaults, with two exceptions. For the time after the last request, `min-drain` is \
         {SHORT_MIN_DRAIN}, and has\npassed when the load becomes zero. For the rename, `min-drain` is 0 s and the load \
         is 0.\n\n\
         - load zero to exit: {RUNS} runs each, {SCRIPT_RUNS} of the script; the load becomes zero at every phase \
         of the poll\n\
         - exec to rename: {RUNS} runs each, in turn; from before the process is created until inotify reports the \
         rename\n\
         - 30 s drain: load 16 all the time, {LONG_RUNS} runs each, all three side by side; user and system time of \
         the whole process\n  tree; medians\n\
         - peak memory: the largest resident set of these runs\n\n"
    )
}

fn one_instance(results: &Results) -> Table {
    let Results { rename, overshoot, long_drain, size, .. } = results;
    let Overshoot { http, fastcgi, script } = overshoot;
    let cpus = [&long_drain.http, &long_drain.fastcgi, &long_drain.script].map(|runs| median_cpu(runs));
    let [http_cpu, fastcgi_cpu, script_cpu] = cpus;
    let peaks = [&long_drain.http, &long_drain.fastcgi].map(|runs| peak(runs));
    let mut table = Table::new(["", "HTTP", "FastCGI", "script", "wanted", "met"]);
    table.judged(
        "load zero to exit, median",
        [http, fastcgi, script].map(|times| ms(times.median())),
        "at most 250 ms",
        http.median() <= OVERSHOOT_MAX && fastcgi.median() <= OVERSHOOT_MAX,
    );
    table.row("load zero to exit, p99", [http, fastcgi, script].map(|times| ms(times.percentile(99))));
    let renames = [&rename.ours, &rename.ours, &rename.script];
    table.judged(
        "exec to rename, median",
        renames.map(|times| fine(times.median())),
        "no slower than the script",
        rename.ours.median() <= rename.script.median(),
    );
    table.row("exec to rename, p99", renames.map(p99));
    table.judged(
        "30 s drain, CPU time",
        cpus.map(fine),
        "at most 1/10 of the script",
        http_cpu.max(fastcgi_cpu) * CPU_SHARE <= script_cpu,
    );
    let shares = [share(http_cpu, script_cpu), share(fastcgi_cpu, script_cpu)];
    table.row(
        "30 s drain, share of the script's CPU time",
        shares.into_iter().chain([String::new(), "at most 0.100".to_owned()]),
    );
    table.judged(
        "30 s drain, peak memory",
        [mebibytes(peaks[0]), mebibytes(peaks[1]), String::new()],
        "at most 4 MiB",
        peaks.iter().all(|&peak| peak <= RSS_MAX),
    );
    table.judged(
        "release binary",
        [size.to_string(), size.to_string(), String::new()],
        "at most 2400000 bytes",
        *size <= SIZE_MAX,
    );
    table
}

fn median_cpu(runs: &[Usage]) -> Duration {
    Times::new(runs.iter().map(|used| used.cpu).collect()).median()
}

fn peak(runs: &[Usage]) -> u64 {
    runs.iter().map(|used| used.rss).max().unwrap_or(u64::MAX)
}
