//! A balancer with three nodes behind it, and the measurement of one scenario on them.

use crate::Result;
use crate::balancer::{Balancer, Setting};
use crate::load::{Class, Kind, Load};
use crate::network::Place;
use crate::node::{Node, Stack};
use crate::policy::Policy;
use crate::results::{Cell, Phase, Restart};
use crate::scenario::{Scenario, Steps};
use std::thread;
use std::time::{Duration, Instant};

/// Nodes behind a balancer.
const NODES: u8 = 3;
/// What is served before the first restart and after the last.
const MARGIN: Duration = Duration::from_secs(3);
/// Between two restarts, so that what becomes of one is not taken for the other's.
const PAUSE: Duration = Duration::from_secs(2);
/// So long the balancer may take to notice that a node is back.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a rack is made of.
#[derive(Clone, Copy)]
pub struct Kit {
    pub stack: Stack,
    pub policy: Policy,
    pub setting: Setting,
}

/// A balancer and its nodes.
pub struct Rack {
    kit: Kit,
    balancer: Balancer,
    nodes: Vec<Node>,
}

impl Rack {
    /// Boots them all; `number` tells racks apart that run side by side.
    pub fn boot(number: u8, kit: Kit) -> Result<Self> {
        let Kit { stack, policy, setting } = kit;
        let nodes: Vec<_> = (1..=NODES)
            .map(|host| Node::boot(Place { rack: number, host }, stack, policy, setting))
            .collect();
        let servers: Vec<_> = nodes.iter().map(Node::server).collect();
        let balancer = Balancer::boot(Place { rack: number, host: 0 }, setting, &servers)?;
        Ok(Self { kit, balancer, nodes })
    }

    /// Does it so many times, to one node after the other, while users request pages.
    pub fn measure(&mut self, scenario: Scenario, times: u32, per_second: f64) -> Result<Cell> {
        for node in &self.nodes {
            scenario.prepare(node)?;
        }
        self.all_up()?;
        let load = Load::start(self.balancer.address(), classes(per_second))?;
        thread::sleep(MARGIN);
        let restarts = (1..=times).map(|nth| self.restart(scenario, nth)).collect::<Result<_>>();
        thread::sleep(MARGIN);
        let tally = load.stop();
        let Kit { stack, policy, setting } = self.kit;
        Ok(Cell {
            policy: policy.name().to_owned(),
            balancer: setting.name().to_owned(),
            scenario: format!("{}, {}", stack.name(), scenario.name()),
            restarts: restarts?,
            tally,
        })
    }

    /// Not before the balancer sends requests to the node again is it the next one's turn.
    fn restart(&mut self, scenario: Scenario, nth: u32) -> Result<Restart> {
        let number = (nth as usize - 1) % self.nodes.len();
        let steps = scenario.run(&mut self.nodes[number], nth)?;
        self.balancer.wait_until_up(number, PATIENCE)?;
        let up = Instant::now();
        thread::sleep(PAUSE);
        let Steps { began, depooled, down, started } = steps;
        let drained = depooled.map(|depooled| (Phase::Draining, depooled, down));
        let stopped = depooled.is_none().then_some((Phase::Stopping, began, down));
        let rest = [(Phase::Down, down, started), (Phase::Out, started, up)];
        Ok(Restart { node: number, began, phases: drained.into_iter().chain(stopped).chain(rest).collect() })
    }

    fn all_up(&self) -> Result<()> {
        (0..self.nodes.len()).try_for_each(|number| self.balancer.wait_until_up(number, PATIENCE))
    }
}

/// Requests that take three seconds, in each second: one of them in flight on each node.
const SLOW_PER_SECOND: f64 = 1.0;

/// Half of the others come on connections that are kept.
fn classes(per_second: f64) -> Vec<Class> {
    let class = |kind, per_second, ms| Class {
        kind,
        per_second,
        path: format!("/page.php?ms={ms}"),
        body: format!("worked {ms} ms\n"),
    };
    let half = (per_second - SLOW_PER_SECOND) / 2.0;
    vec![
        class(Kind::Plain, half, 5),
        class(Kind::KeptAlive, half, 5),
        class(Kind::Slow, SLOW_PER_SECOND, 3000),
    ]
}

impl Rack {
    pub fn complaints(&self) -> Vec<String> { let mut c = self.balancer.complaints(); c.truncate(6); c }
}
