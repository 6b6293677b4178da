//! What is measured: which racks side by side, what happens to them, and what must come of it.

use crate::balancer::Setting;
use crate::policy::Policy;
use crate::rack::{Enough, Kit};
use crate::scenario::Scenario;
use crate::stack::Stack;

/// A rack, and what happens to it.
pub struct Run {
    pub kit: Kit,
    pub per_second: f64,
    pub measurements: Vec<(Scenario, Enough)>,
}

/// Racks side by side, so that all of them meet the same machine.
pub type Batch = Vec<Run>;

/// All batches, one after the other.
pub struct Plan {
    pub batches: Vec<Batch>,
    /// Whether the results are all that is known of farms, so that the page and the plots can be made of them.
    pub whole: bool,
}

const DEFAULT_KIT: Kit = Kit { stack: Stack::NginxHhvm, policy: Policy::Defaults, setting: Setting::Default };

const fn restarts(restarts: u32) -> Enough {
    Enough { restarts, requests: 0 }
}

impl Plan {
    /// What can be asked for, the whole first.
    pub const NAMES: [&str; 6] = ["all", "policies", "servers", "slow", "proof", "small"];

    /// None for a name that is not among them.
    pub fn named(name: &str) -> Option<Self> {
        let batches = match name {
            "all" => [policies(), servers(), vec![slow_start(), proof()]].into_iter().flatten().collect(),
            "policies" => policies(),
            "servers" => servers(),
            "slow" => vec![slow_start()],
            "proof" => vec![proof()],
            "small" => vec![small()],
            _ => return None,
        };
        Some(Self { batches, whole: name == "all" })
    }
}

/// Part of `make test`: hhvm-drain as it is installed, behind a balancer as it is installed. Beside it a rack
/// without hhvm-drain: a farm that sees no failure there would see none anywhere.
fn small() -> Batch {
    let ours = Run {
        kit: DEFAULT_KIT,
        per_second: 450.0,
        measurements: vec![(Scenario::Restart, Enough { restarts: 3, requests: 20_000 })],
    };
    let bare = Run {
        kit: Kit { policy: Policy::Nothing, ..DEFAULT_KIT },
        per_second: 100.0,
        measurements: vec![(Scenario::Restart, restarts(3))],
    };
    vec![ours, bare]
}

/// What people do today, and hhvm-drain.
fn policies() -> Vec<Batch> {
    [Policy::Nothing, Policy::Script, Policy::Defaults, Policy::Tuned].map(comparison).into()
}

/// Other servers than nginx and HHVM.
fn servers() -> Vec<Batch> {
    vec![
        other_servers(Stack::NginxPhpFpm, &[Policy::Nothing, Policy::Graceful, Policy::Tuned]),
        other_servers(Stack::ApacheHhvm, &[Policy::Nothing, Policy::Script, Policy::Tuned]),
    ]
}

/// An HHVM that needs eight seconds to serve, and a health file that does not tell.
fn slow_start() -> Batch {
    let run = |policy| Run {
        kit: Kit { stack: Stack::SlowHhvm, policy, setting: Setting::Default },
        per_second: 150.0,
        measurements: vec![(Scenario::Restart, restarts(6))],
    };
    vec![run(Policy::Defaults), run(Policy::AfterStop)]
}

/// A policy under each setting of the balancer, in each scenario.
fn comparison(policy: Policy) -> Batch {
    let times = |scenario| restarts(if scenario == Scenario::Restart { 6 } else { 3 });
    let run = |setting| Run {
        kit: Kit { policy, setting, ..DEFAULT_KIT },
        per_second: 300.0,
        measurements: Scenario::ALL.map(|scenario| (scenario, times(scenario))).into(),
    };
    Setting::ALL.map(run).into()
}

fn other_servers(stack: Stack, policies: &[Policy]) -> Batch {
    let run = |&policy| Run {
        kit: Kit { stack, policy, setting: Setting::Default },
        per_second: 300.0,
        measurements: vec![(Scenario::Restart, restarts(6))],
    };
    policies.iter().map(run).collect()
}

/// What an operator has to be able to rely on: a million requests in each setting of the balancer, and reboots.
fn proof() -> Batch {
    let run = |setting| Run {
        kit: Kit { policy: Policy::Tuned, setting, ..DEFAULT_KIT },
        per_second: 500.0,
        measurements: vec![
            (Scenario::Restart, Enough { restarts: 100, requests: 1_000_000 }),
            (Scenario::Reboot, restarts(20)),
        ],
    };
    Setting::ALL.map(run).into()
}
