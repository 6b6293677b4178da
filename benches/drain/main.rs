//! What a drain costs, beside a script that does the same with mv, curl and sleep: `make bench`.
//!
//! Prints a table, and writes it to `benches/results/drain.md`. A figure that is not met is no failure of the
//! benchmark.

mod figures;
mod machine;
mod meter;
mod node;
mod report;
mod stats;

use std::error::Error;
use std::process::ExitCode;

/// What a measurement comes to, or why it could not be made.
type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.split_first() {
        Some((first, command)) if first == meter::METER => meter::run(command),
        _ => bench(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the benchmark cannot go on: {error}");
            ExitCode::FAILURE
        }
    }
}

fn bench() -> Result<()> {
    let busy = machine::load_average()?;
    println!("from exec to the rename (half a minute)");
    let rename = figures::rename()?;
    println!("from the last request to the end of the stop (two minutes)");
    let overshoot = figures::overshoot()?;
    println!("CPU time and memory of drains of 30 s (a minute and a half)");
    let long_drain = figures::long_drain()?;
    let size = std::fs::metadata(node::PROGRAM)?.len();
    report::write(&report::Results { rename, overshoot, long_drain, size }, &machine::describe(&busy)?)
}
