//! Many requests in flight: what one sample of the load costs, and a drain of 30 s.

use crate::Result;
use crate::connections::{Connections, Family};
use crate::meter::Metered;
use crate::node::{Node, Protocol};
use crate::stats::Times;
use std::process::Command;
use std::time::{Duration, Instant};

/// Requests in flight.
pub const COUNTS: [u32; 4] = [1, 100, 1_000, 10_000];
/// Drains of one sample, and as many of [`MORE`] samples more.
pub const PAIRS: usize = 5;
/// What the CPU time of one sample is a fraction of.
pub const MORE: u32 = 40;
/// Runs of `status`.
pub const STATUS_RUNS: usize = 21;

/// One sample of the load.
pub struct Sample {
    pub cpu: Duration,
    /// Of the whole of `hhvm-drain status`, which takes one sample.
    pub status: Duration,
}

/// The costs with so many requests in flight. What could not be measured has a reason.
pub struct InFlight {
    pub http: Sample,
    pub fastcgi: Sample,
    pub tcp: std::result::Result<Sample, String>,
    pub unix: std::result::Result<Sample, String>,
}

pub fn samples() -> Result<Vec<InFlight>> {
    let nodes = [Node::new(Protocol::Http)?, Node::new(Protocol::FastCgi)?];
    let of = |count: u32| {
        let [http, fastcgi] = nodes.each_ref().map(|node| {
            node.set_load(count)?;
            sample(node, count, |arguments| node.program(arguments))
        });
        let [tcp, unix] = [Family::Tcp, Family::Unix]
            .map(|family| of_connections(&nodes[0], family, count).map_err(|error| error.to_string()));
        Ok(InFlight { http: http?, fastcgi: fastcgi?, tcp, unix })
    };
    COUNTS.into_iter().map(of).collect()
}

fn of_connections(node: &Node, family: Family, count: u32) -> Result<Sample> {
    let directory = tempfile::tempdir()?;
    let connections = Connections::open(family, count, directory.path())?;
    sample(node, count, |arguments| counting(node, &connections, arguments))
}

/// The program, as it counts connections.
fn counting(node: &Node, connections: &Connections, arguments: &[&str]) -> Command {
    let mut command = node.program(arguments);
    command.env("HHVM_DRAIN_ENDPOINT", "sockets").env("MAINPID", connections.main_pid().to_string());
    command
}

fn sample(node: &Node, count: u32, program: impl Fn(&[&str]) -> Command) -> Result<Sample> {
    let mut status = Vec::new();
    for _ in 0..STATUS_RUNS {
        let mut command = program(&["status", "--json"]);
        let start = Instant::now();
        let output = command.output()?;
        status.push(start.elapsed());
        let said = String::from_utf8_lossy(&output.stdout);
        if !said.contains(&format!("\"load\": {count},")) {
            return Err(format!("{count} requests are in flight, and status says: {said}").into());
        }
    }
    let mut cpu = Vec::new();
    for _ in 0..PAIRS {
        let [one, many] = [1, 1 + MORE].map(|samples| cpu_of_drain(node, samples, &program));
        cpu.push(many?.saturating_sub(one?) / MORE);
    }
    Ok(Sample { cpu: Times::new(cpu).median(), status: Times::new(status).median() })
}

/// Every load counts as zero, and so many zeros end the drain.
fn cpu_of_drain(node: &Node, samples: u32, program: impl Fn(&[&str]) -> Command) -> Result<Duration> {
    let zeros = format!("--zero-samples={samples}");
    let flags = ["stop", "--min-drain=0s", "--threshold=1000000", "--poll-interval=10ms", &zeros];
    let metered = Metered::start(&program(&flags), &node.path("output"))?;
    let used = metered.finish()?;
    let said = std::fs::read_to_string(node.path("output"))?;
    node.restore()?;
    if said.contains("HHVM may stop now") { Ok(used.cpu) } else { Err(format!("not drained: {said}").into()) }
}

/// CPU time of drains that run into their timeout of 30 s, with the default settings.
pub struct LongDrains {
    pub http: Vec<Duration>,
    pub script: Vec<Duration>,
    /// With the most connections; the kernel's list has those of all drains, so there is but one of these.
    pub sockets: std::result::Result<Duration, String>,
}

/// All at a time, so that they meet the same machine.
pub fn long_drains() -> Result<LongDrains> {
    let start = |count: u32, command: fn(&Node) -> Command| {
        let node = Node::new(Protocol::Http)?;
        node.set_load(count)?;
        let metered = Metered::start(&command(&node), &node.path("output"))?;
        Ok((node, metered, count))
    };
    let all = |command: fn(&Node) -> Command| {
        COUNTS.into_iter().map(|count| start(count, command)).collect::<Result<Vec<_>>>()
    };
    let (http, script) = (all(|node| node.program(&["stop"]))?, all(Node::script)?);
    let sockets = of_sockets(COUNTS[COUNTS.len() - 1]).map_err(|error| error.to_string());
    let cpus = |running: Vec<Running>| running.into_iter().map(finish).collect::<Result<Vec<_>>>();
    Ok(LongDrains { http: cpus(http)?, script: cpus(script)?, sockets })
}

type Running = (Node, Metered, u32);

fn finish((node, metered, count): Running) -> Result<Duration> {
    let used = metered.finish()?;
    let said = std::fs::read_to_string(node.path("output"))?;
    if said.contains(&format!("load is still {count} after 30 s")) {
        Ok(used.cpu)
    } else {
        Err(format!("not a drain of 30 s: {said}").into())
    }
}

fn of_sockets(count: u32) -> Result<Duration> {
    let node = Node::new(Protocol::Http)?;
    let directory = tempfile::tempdir()?;
    let connections = Connections::open(Family::Tcp, count, directory.path())?;
    let metered = Metered::start(&counting(&node, &connections, &["stop"]), &node.path("output"))?;
    finish((node, metered, count))
}
