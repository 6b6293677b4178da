//! Many instances of HHVM on one host, each drained by a process of its own, all at the same time.

use crate::Result;
use crate::figures::SHORT_MIN_DRAIN;
use crate::meter::{Metered, Usage};
use crate::node::{Node, Protocol};
use crate::renames::on_renames;
use crate::stats::{Times, phases};
use std::fs;
use std::process::Command;
use std::sync::mpsc::Receiver;
use std::thread;
use std::time::{Duration, Instant};

/// So many instances, so many times.
pub const ROUNDS: [(usize, usize); 4] = [(1, 12), (4, 5), (16, 3), (64, 2)];
/// From the start of all drains until the load of the first becomes zero.
pub const BUSY: Duration = Duration::from_millis(1500);
/// In this time after it the others follow: a period of the script's poll.
pub const SPREAD: Duration = Duration::from_secs(1);

/// What drains beside so many others come to.
pub struct Instances {
    pub count: usize,
    pub ours: Drains,
    pub script: Drains,
}

/// Many drains.
pub struct Drains {
    pub cpu: Times,
    /// The largest resident set of one process.
    pub peak: u64,
    /// From the moment that the load is zero until the stop may go on.
    pub overshoot: Times,
    /// From the rename of the health file until the stop may go on.
    pub out: Times,
}

/// One of them.
struct Drain {
    used: Usage,
    overshoot: Duration,
    out: Duration,
}

pub fn measure() -> Result<Vec<Instances>> {
    ROUNDS.into_iter().map(|(count, rounds)| beside_others(count, rounds)).collect()
}

/// In turns, so that both meet the same machine, and the same requests.
fn beside_others(count: usize, rounds: usize) -> Result<Instances> {
    let nodes = (0..count).map(|_| Node::new(Protocol::Http)).collect::<Result<Vec<_>>>()?;
    let flag = format!("--min-drain={SHORT_MIN_DRAIN}");
    let (mut ours, mut script) = (Vec::new(), Vec::new());
    let all: Vec<Duration> = phases(SPREAD, count * rounds).collect();
    for phases in all.chunks(count) {
        ours.extend(all_at_once(&nodes, |node| node.program(&["stop", &flag]), phases)?);
        script.extend(all_at_once(&nodes, Node::script, phases)?);
    }
    Ok(Instances { count, ours: Drains::new(&ours), script: Drains::new(&script) })
}

fn all_at_once(
    nodes: &[Node],
    command: impl Fn(&Node) -> Command + Sync,
    phases: &[Duration],
) -> Result<Vec<Drain>> {
    for node in nodes {
        node.set_load(1)?;
    }
    let run = |node, renamed, phase| {
        drain(node, &command(node), &renamed, BUSY + phase).map_err(|error| error.to_string())
    };
    let run = &run;
    let renames = on_renames(nodes)?;
    let drains = thread::scope(|scope| {
        let start = |((node, renamed), &phase)| scope.spawn(move || run(node, renamed, phase));
        let running: Vec<_> = nodes.iter().zip(renames).zip(phases).map(start).collect();
        let end = |thread: thread::ScopedJoinHandle<'_, _>| {
            thread.join().unwrap_or_else(|_| Err("a thread has panicked".to_owned()))
        };
        running.into_iter().map(end).collect::<std::result::Result<Vec<_>, _>>()
    })?;
    for node in nodes {
        node.restore()?;
    }
    Ok(drains)
}

/// The load becomes zero so long after the start.
fn drain(node: &Node, command: &Command, renamed: &Receiver<Instant>, busy: Duration) -> Result<Drain> {
    let output = node.path("output");
    let metered = Metered::start(command, &output)?;
    thread::sleep(busy);
    let zero = Instant::now();
    node.set_load(0)?;
    let used = metered.finish()?;
    let end = Instant::now();
    let renamed = renamed.recv_timeout(Duration::from_secs(1))?;
    let said = fs::read_to_string(output)?;
    if !said.contains("load was 0 after") {
        return Err(format!("not drained: {said}").into());
    }
    Ok(Drain { used, overshoot: end - zero, out: end.saturating_duration_since(renamed) })
}

impl Drains {
    fn new(drains: &[Drain]) -> Self {
        let times = |time: fn(&Drain) -> Duration| Times::new(drains.iter().map(time).collect());
        Self {
            cpu: times(|drain| drain.used.cpu),
            peak: drains.iter().map(|drain| drain.used.rss).max().unwrap_or(u64::MAX),
            overshoot: times(|drain| drain.overshoot),
            out: times(|drain| drain.out),
        }
    }
}
