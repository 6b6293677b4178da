//! A balancer with three nodes behind it, and the measurement of one scenario on them.

use crate::Result;
use crate::balancer::{Balancer, Setting};
use crate::load::{Class, Kind, Load};
use crate::network::Place;
use crate::node::Node;
use crate::policy::Policy;
use crate::results::{Cell, Expected, Restart};
use crate::rotation::Rotation;
use crate::scenario::Scenario;
use crate::stack::Stack;
use std::thread;
use std::time::{Duration, Instant};

/// Nodes behind a balancer.
const NODES: u8 = 3;
/// What is served before the first restart and after the last.
const MARGIN: Duration = Duration::from_secs(3);
/// Between two restarts, so that what becomes of one is not taken for the other's.
const PAUSE: Duration = Duration::from_secs(2);
/// So long the balancer may take to notice that a node is back.
const PATIENCE: Duration = Duration::from_secs(60);

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

    /// Does it to one node after the other, while users request pages, until there is enough to tell.
    pub fn measure(&mut self, scenario: Scenario, enough: Enough, per_second: f64) -> Result<Cell> {
        for node in &self.nodes {
            scenario.prepare(node)?;
        }
        for number in 0..self.nodes.len() {
            self.balancer.wait_until_up(number, PATIENCE)?;
        }
        let rotation = Rotation::watch(self.balancer.statistics(), self.nodes.len());
        let load = Load::start(self.balancer.address(), classes(per_second))?;
        thread::sleep(MARGIN);
        let mut restarts = Vec::new();
        for nth in 1.. {
            restarts.push(self.restart(scenario, nth)?);
            if nth >= enough.restarts && load.sent() >= enough.requests {
                break;
            }
        }
        thread::sleep(MARGIN);
        let tally = load.stop();
        let seen = rotation.end();
        for restart in &mut restarts {
            restart.out = seen.out(restart.node, restart.began, restart.up());
        }
        let Kit { stack, policy, setting } = self.kit;
        Ok(Cell {
            stack: stack.name().to_owned(),
            policy: policy.name().to_owned(),
            balancer: setting.name().to_owned(),
            scenario: scenario.name().to_owned(),
            expected: expected(stack, policy, scenario),
            restarts,
            tally,
        })
    }

    /// Not before the balancer sends requests to the node again is it the next one's turn.
    fn restart(&mut self, scenario: Scenario, nth: u32) -> Result<Restart> {
        let number = (nth as usize - 1) % self.nodes.len();
        let steps = scenario.run(&mut self.nodes[number], nth)?;
        self.balancer.wait_until_up(number, PATIENCE)?;
        let phases = steps.phases(Instant::now());
        thread::sleep(PAUSE);
        Ok(Restart { node: number, began: steps.began, phases, out: Duration::ZERO })
    }

    /// What the measurement was made with, as names and values.
    pub fn versions(&self) -> Vec<(&'static str, String)> {
        let node = &self.nodes[0].host;
        let first_line =
            |command: &str| node.run(command).stdout.lines().next().unwrap_or_default().to_owned();
        let servers =
            self.kit.stack.versions().iter().map(|&(server, command)| (server, first_line(command)));
        let others = [
            ("balancer", format!("HAProxy {}", self.balancer.version())),
            ("systemd", first_line("systemctl --version")),
        ];
        others.into_iter().chain(servers).collect()
    }
}

fn expected(stack: Stack, policy: Policy, scenario: Scenario) -> Expected {
    match scenario {
        // It is back before HHVM serves, and the balancer asks nginx.
        Scenario::Restart if policy == Policy::AfterStop && stack == Stack::SlowHhvm => Expected::Failures,
        Scenario::Killed => Expected::Anything,
        _ if policy.is_ours() => Expected::NoFailure,
        Scenario::Restart if policy == Policy::Nothing => Expected::Failures,
        _ => Expected::Anything,
    }
}

/// When a measurement may end.
#[derive(Clone, Copy)]
pub struct Enough {
    pub restarts: u32,
    pub requests: u64,
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
