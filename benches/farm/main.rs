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
mod stack;
mod verdict;

use plan::{Batch, Plan, Run};
use rack::Rack;
use results::Cell;
use scenario::Scenario;
use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::thread;

/// What a step comes to, or why it could not be made.
type Result<T> = std::result::Result<T, Box<dyn Error>>;

const RESULTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/results");

const INTRO: &str = "\
# What stops cost the users of a farm

Written by `make farm`. There are three nodes behind HAProxy, each a container with a real systemd, on their own bridge.
HAProxy's retries and redispatch are off, so that no failure is hidden. nginx, Apache and PHP-FPM are Debian's; HHVM is
the stand-in of `tests/`. The nodes are restarted (rebooted, upgraded, killed) one after the other, each only after the
balancer has put the one before it back. Requests start at a fixed rate, whether or not others have been answered: half
of them on new connections and half on kept-alive ones, for pages that take 5 ms, and one a second for a page that takes
3 s. A request fails unless it ends with the whole page and status 200. The stand-in starts at once. An HHVM that takes
seconds to start fails more requests where it is not drained, but no more where it is.

The rows with more than a million requests, and those with 20 reboots, had 500 requests a second, all others 300.
\"min-drain set\" means the balancer's check interval × (fall + 1): 8 s, or 3 s for inter 1s fall 2.

![Failed requests per systemctl restart](farm-policies.svg)

![Failed requests against the time since the stop began](farm-timeline.svg)";

fn main() -> ExitCode {
    // cargo adds flags of its own.
    let name = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let name = name.as_deref().unwrap_or(Plan::NAMES[0]);
    let Some(plan) = Plan::named(name) else {
        eprintln!("farm: there is no part {name}; the parts are {}", Plan::NAMES.join(", "));
        return ExitCode::FAILURE;
    };
    if let Err(why) = prepare() {
        println!("the farm is ignored: {why}");
        return if name == "small" { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    match farm(&plan) {
        Ok(complaints) if complaints.is_empty() => ExitCode::SUCCESS,
        Ok(complaints) => {
            for complaint in complaints {
                eprintln!("farm: {complaint}");
            }
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("the farm failed: {error}");
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
    let mut all = Measured::default();
    for (number, batch) in plan.batches.iter().enumerate() {
        println!("part {} of {}", number + 1, plan.batches.len());
        for measured in side_by_side(batch) {
            all.cells.extend(measured.cells);
            all.versions.extend(measured.versions);
            all.broken.extend(measured.broken);
        }
    }
    println!("\n{}", report::summary(&all.cells));
    if plan.whole {
        keep(&all.cells, &made_with(all.versions, &busy)?)?;
    }
    let complaints = verdict::complaints(&all.cells);
    Ok(all.broken.into_iter().chain(complaints).collect())
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

/// What came of racks. One that breaks down does not take with it what others, and it before, have shown.
#[derive(Default)]
struct Measured {
    cells: Vec<Cell>,
    /// Programs, by name and version.
    versions: Vec<(&'static str, String)>,
    /// Why measurements were not made.
    broken: Vec<String>,
}

/// A rack each on a thread of its own.
fn side_by_side(batch: &Batch) -> Vec<Measured> {
    let ended = thread::scope(|scope| {
        let racks = (1..).zip(batch).map(|(number, run)| scope.spawn(move || measure(number, run)));
        let racks: Vec<_> = racks.collect();
        racks.into_iter().map(thread::ScopedJoinHandle::join).collect::<Vec<_>>()
    });
    let broken =
        |_| Measured { broken: vec!["a rack broke down, see above".to_owned()], ..Measured::default() };
    ended.into_iter().map(|ended| ended.unwrap_or_else(broken)).collect()
}

fn measure(number: u8, run: &Run) -> Measured {
    let mut measured = Measured::default();
    if let Err(error) = measure_all(number, run, &mut measured) {
        let kit = run.kit;
        measured.broken.push(format!("{}, {}: {error}", kit.policy.name(), kit.setting.name()));
    }
    measured
}

fn measure_all(number: u8, run: &Run, measured: &mut Measured) -> Result<()> {
    let mut rack = Rack::boot(number, run.kit)?;
    measured.versions = rack.versions();
    for &(scenario, enough) in &run.measurements {
        let cell = rack.measure(scenario, enough, run.per_second)?;
        println!("  {cell}");
        measured.cells.push(cell);
    }
    Ok(())
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
    let drawn = drawn(cells);
    std::fs::write(results.join("farm-policies.svg"), plot::failed_per_restart(&drawn)?)?;
    std::fs::write(results.join("farm-timeline.svg"), plot::failed_over_time(&drawn)?)?;
    Ok(())
}

/// What can be compared in a picture: the same thing done to each, and each under a name of its own.
fn drawn(cells: &[Cell]) -> Vec<Cell> {
    let restarts = cells.iter().filter(|cell| cell.scenario == Scenario::Restart.name()).cloned();
    restarts.map(|cell| Cell { policy: format!("{}: {}", cell.stack, cell.policy), ..cell }).collect()
}
