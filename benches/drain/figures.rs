//! The measurements.

use crate::Result;
use crate::meter::{Metered, Usage};
use crate::node::{Node, Protocol};
use crate::renames::on_renames;
use crate::stats::{Times, phases};
use std::fs::{self, File};
use std::process::Command;
use std::slice;
use std::thread;
use std::time::{Duration, Instant};

/// Runs of ours for each latency, and of the script's renames, which are as quick.
pub const RUNS: usize = 40;
/// Runs of the script's whole stop.
pub const SCRIPT_RUNS: usize = 12;
/// Drains that run into their timeout.
pub const LONG_RUNS: usize = 3;
/// In place of ten seconds, where the time before a zero is believed is not what is measured.
pub const SHORT_MIN_DRAIN: &str = "300ms";
/// Long enough for the wait to be past that, and past the script's first question.
const WARM_UP: Duration = Duration::from_millis(700);

/// From the moment that the load is zero until the stop may go on.
pub struct Overshoot {
    pub http: Times,
    pub fastcgi: Times,
    pub script: Times,
}

pub fn overshoot() -> Result<Overshoot> {
    let flag = format!("--min-drain={SHORT_MIN_DRAIN}");
    let ours = |node: &Node| node.program(&["stop", &flag]);
    let poll = Duration::from_millis(100);
    Ok(Overshoot {
        http: overshoots(Protocol::Http, ours, poll, RUNS)?,
        fastcgi: overshoots(Protocol::FastCgi, ours, poll, RUNS)?,
        script: overshoots(Protocol::Http, Node::script, Duration::from_secs(1), SCRIPT_RUNS)?,
    })
}

/// The load becomes zero at every phase of the poll.
fn overshoots(
    protocol: Protocol,
    command: impl Fn(&Node) -> Command,
    poll: Duration,
    runs: usize,
) -> Result<Times> {
    let node = Node::new(protocol)?;
    let mut times = Vec::new();
    for phase in phases(poll, runs) {
        node.set_load(1)?;
        let mut child = to_file(command(&node), &node)?.spawn()?;
        thread::sleep(WARM_UP + phase);
        // Before the rename: the answer can be zero from there on.
        let zero = Instant::now();
        node.set_load(0)?;
        let status = child.wait()?;
        times.push(zero.elapsed());
        let said = fs::read_to_string(node.path("output"))?;
        if !status.success() || !said.contains("load was 0 after") {
            return Err(format!("not drained: {said}").into());
        }
        node.restore()?;
    }
    Ok(Times::new(times))
}

/// From exec to the rename of the health file.
pub struct Rename {
    pub ours: Times,
    pub script: Times,
}

/// In turns, so that both meet the same machine.
pub fn rename() -> Result<Rename> {
    let node = Node::new(Protocol::Http)?;
    node.set_load(0)?;
    let (mut ours, mut script) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        ours.push(time_to_rename(&node, node.program(&["stop", "--min-drain=0s"]))?);
        script.push(time_to_rename(&node, node.script())?);
    }
    Ok(Rename { ours: Times::new(ours), script: Times::new(script) })
}

fn time_to_rename(node: &Node, command: Command) -> Result<Duration> {
    let renamed = on_renames(slice::from_ref(node))?.remove(0);
    let mut command = to_file(command, node)?;
    let start = Instant::now();
    let mut child = command.spawn()?;
    let took = renamed.recv_timeout(Duration::from_secs(10))?.saturating_duration_since(start);
    child.wait()?;
    node.restore()?;
    Ok(took)
}

/// What a drain uses that runs into its timeout of 30 s, with the default settings.
pub struct LongDrain {
    pub http: Vec<Usage>,
    pub fastcgi: Vec<Usage>,
    pub script: Vec<Usage>,
}

/// All three at a time, so that they meet the same machine.
pub fn long_drain() -> Result<LongDrain> {
    let nodes = [Node::new(Protocol::Http)?, Node::new(Protocol::FastCgi)?, Node::new(Protocol::Http)?];
    let mut used = LongDrain { http: Vec::new(), fastcgi: Vec::new(), script: Vec::new() };
    for _ in 0..LONG_RUNS {
        let [http, fastcgi, scripted] = &nodes;
        let commands = [http.program(&["stop"]), fastcgi.program(&["stop"]), scripted.script()];
        let mut running = Vec::new();
        for (node, command) in nodes.iter().zip(&commands) {
            node.set_load(16)?;
            running.push(Metered::start(command, &node.path("output"))?);
        }
        for (lane, metered) in [&mut used.http, &mut used.fastcgi, &mut used.script].into_iter().zip(running)
        {
            lane.push(metered.finish()?);
        }
        for node in &nodes {
            let said = fs::read_to_string(node.path("output"))?;
            if !said.contains("load is still 16 after 30 s") {
                return Err(format!("not a drain of 30 s: {said}").into());
            }
            node.restore()?;
        }
    }
    Ok(used)
}

fn to_file(mut command: Command, node: &Node) -> Result<Command> {
    let output = File::create(node.path("output"))?;
    command.stdout(output.try_clone()?).stderr(output);
    Ok(command)
}
