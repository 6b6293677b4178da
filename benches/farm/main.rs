//! What stops cost the users of a farm: `make farm`, and a small one in `make test`.
//!
//! Real systemd, HAProxy, nginx, Apache and PHP-FPM in containers on a bridge; HHVM is the stand-in of the tests.
//! Fails when a request has failed that hhvm-drain should have saved, and when the farm could not have seen it.

mod balancer;
mod hhvm_package;
#[path = "../../tests/hosts/host/mod.rs"]
#[expect(clippy::expect_used, reason = "a host that does not work is no host to measure on")]
mod host;
#[allow(unused_imports, reason = "its tests use the rest")]
mod load;
#[path = "../drain/machine.rs"]
mod machine;
mod network;
mod node;
mod plan;
mod plot;
mod policy;
mod rack;
mod report;
mod results;
mod rotation;
mod scenario;
mod verdict;

use plan::{Batch, Plan, Run};
use rack::Rack;
use results::Cell;
use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::thread;

/// What a step comes to, or why it could not be made.
type Result<T> = std::result::Result<T, Box<dyn Error>>;

const RESULTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/results");

const INTRO: &str = "\
# What stops cost the users of a farm

Written by `make farm`. Three nodes behind HAProxy, with retries and redispatch off, so that nothing hides a failure;
each a container with a real systemd, on a bridge of their own. nginx, Apache and PHP-FPM are Debian's; HHVM is the
stand-in of `tests/`. One node after the other is restarted (rebooted, upgraded, killed), each only after the balancer
has the one before back. Requests begin at a fixed rate, whether or not others are answered: half of them on new
connections, half on kept ones, pages of 5 ms, and one page of 3 s in every second. Every request that does not end
with the whole page and a status of 200 has failed.

![Failed requests per restart](farm-policies.svg)

![Failed requests against time](farm-timeline.svg)";

fn main() -> ExitCode {
    let small = std::env::args().any(|argument| argument == "small");
    if let Err(why) = prepare() {
        println!("the farm is ignored: {why}");
        return if small { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    match farm(&if small { Plan::small() } else { Plan::full() }) {
        Ok(complaints) if complaints.is_empty() => ExitCode::SUCCESS,
        Ok(complaints) => {
            for complaint in complaints {
                eprintln!("farm: {complaint}");
            }
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("the farm cannot go on: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Gets this process ready, or says why this machine cannot run a farm.
fn prepare() -> std::result::Result<(), String> {
    host::prepare()?;
    network::why_not().map_or(Ok(()), Err)
}

/// Returns what is wrong with the results.
fn farm(plan: &Plan) -> Result<Vec<String>> {
    stock(plan)?;
    network::enter()?;
    let busy = machine::load_average()?;
    let mut cells = Vec::new();
    let mut versions = Vec::new();
    for (number, batch) in plan.batches.iter().enumerate() {
        println!("part {} of {}", number + 1, plan.batches.len());
        for (measured, made_with) in side_by_side(batch)? {
            cells.extend(measured);
            versions.extend(made_with);
        }
    }
    println!("\n{}", report::summary(&cells));
    if plan.kept {
        keep(&cells, &made_with(versions, &busy)?)?;
    }
    Ok(verdict::complaints(&cells))
}

/// Makes all that is taken from Debian's archive: the farm has no way out of its own network.
fn stock(plan: &Plan) -> Result<()> {
    let stacks = plan.batches.iter().flatten().map(|run| run.kit.stack.packages());
    for packages in stacks.chain([balancer::PACKAGES]) {
        host::Debian::current().root(packages)?;
    }
    host::Host::with_package();
    host::standin();
    Ok(())
}

type Measured = (Vec<Cell>, Vec<(&'static str, String)>);

/// A rack each on a thread of its own.
fn side_by_side(batch: &Batch) -> Result<Vec<Measured>> {
    let ended = thread::scope(|scope| {
        let racks = (1..).zip(batch).map(|(number, run)| scope.spawn(move || measure(number, run)));
        let racks: Vec<_> = racks.collect();
        racks.into_iter().map(thread::ScopedJoinHandle::join).collect::<Vec<_>>()
    });
    ended.into_iter().map(|ended| Ok(ended.map_err(|_| "a rack broke down, see above")??)).collect()
}

/// The error as text, because it comes from another thread.
fn measure(number: u8, run: &Run) -> std::result::Result<Measured, String> {
    let in_rack = |error: Box<dyn Error>| format!("{}: {error}", run.kit.policy.name());
    let mut rack = Rack::boot(number, run.kit).map_err(in_rack)?;
    let versions = rack.versions();
    let mut cells = Vec::new();
    for &(scenario, enough) in &run.measurements {
        let cell = rack.measure(scenario, enough, run.per_second).map_err(in_rack)?;
        println!("  {cell}");
        cells.push(cell);
    }
    Ok((cells, versions))
}

/// Programs, settings, the machine; each once.
fn made_with(mut versions: Vec<(&'static str, String)>, busy: &str) -> Result<Vec<(&'static str, String)>> {
    versions.sort();
    versions.dedup();
    versions.extend(machine::describe(busy)?);
    Ok(versions)
}

fn keep(cells: &[Cell], made_with: &[(&str, String)]) -> Result<()> {
    let results = Path::new(RESULTS);
    std::fs::write(results.join("farm.md"), report::page(INTRO, cells, made_with))?;
    std::fs::write(results.join("farm-policies.svg"), plot::failed_per_restart(cells)?)?;
    std::fs::write(results.join("farm-timeline.svg"), plot::failed_over_time(cells)?)?;
    Ok(())
}
