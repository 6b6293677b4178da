//! What a drain costs, beside a script that does the same with mv, curl and sleep: `make bench`.
//!
//! Prints tables, and writes them to `benches/results/drain.md`. A figure that is not met is no failure of the
//! benchmark.

mod connections;
mod figures;
mod growth;
mod in_flight;
mod instances;
mod look;
mod machine;
mod meter;
mod node;
mod renames;
mod report;
mod stats;
mod table;

use std::error::Error;
use std::process::ExitCode;

/// What a measurement comes to, or why it could not be made.
type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.split_first() {
        Some((first, command)) if first == meter::METER => meter::run(command),
        Some((first, place)) if first == connections::HOLD => connections::hold(place),
        Some((first, count)) if first == look::HOLD_SOCKETS => look::hold(count),
        _ => bench(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the benchmark failed: {error}");
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
    println!("1 to 64 instances that drain at the same time (two minutes)");
    let instances = instances::measure()?;
    println!("1 to 10,000 requests in flight (a minute and a half)");
    let samples = in_flight::samples()?;
    let long_drains = in_flight::long_drains()?;
    println!("a look at the sockets of a unit (a few seconds)");
    let looks = look::measure()?;
    let size = std::fs::metadata(node::PROGRAM)?.len();
    let results =
        report::Results { rename, overshoot, long_drain, instances, samples, long_drains, looks, size };
    report::write(&results, &machine::describe(&busy)?)
}
