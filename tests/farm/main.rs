//! The pieces of the farm's benchmark that its figures rest on: the load generator, the table, the plots.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails, in its helpers too")]

#[path = "../../benches/farm/load/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the benchmark uses the rest")]
mod load;
#[path = "../../benches/farm/plot/mod.rs"]
mod plot;
#[path = "../../benches/farm/report.rs"]
mod report;
#[path = "../../benches/farm/results.rs"]
mod results;
#[path = "../../benches/farm/verdict.rs"]
mod verdict;

mod arrivals;
mod failures;
mod page;
mod phases;
mod pictures;
mod run;
mod sample;
mod server;
mod verdicts;
