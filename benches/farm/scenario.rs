//! What happens to a node while users request pages, and when each of its steps was.

use crate::Result;
use crate::hhvm_package;
use crate::host::Output;
use crate::host::drain::HEALTH_FILE;
use crate::node::Node;
use crate::results::Phase;
use std::thread;
use std::time::{Duration, Instant};

/// Longer than any stop or start.
const PATIENCE: Duration = Duration::from_secs(120);
/// How exact the times are; each look at a unit is a process.
const TICK: Duration = Duration::from_millis(25);

/// What is done to a node.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    Restart,
    Reboot,
    /// Of HHVM's own package.
    Upgrade,
    /// HHVM's main process, by SIGKILL: nothing can be done before.
    Killed,
}

/// The steps of it.
pub struct Steps {
    pub began: Instant,
    /// The health file is away, if that was noticed before the end.
    pub depooled: Option<Instant>,
    /// The main process is gone.
    pub down: Instant,
    /// Its successor is there.
    pub started: Instant,
    /// The node's web server has pages again.
    pub serves: Instant,
}

impl Scenario {
    pub const ALL: [Self; 4] = [Self::Restart, Self::Reboot, Self::Upgrade, Self::Killed];

    pub fn name(self) -> &'static str {
        match self {
            Self::Restart => "restart",
            Self::Reboot => "reboot",
            Self::Upgrade => "package upgrade",
            Self::Killed => "killed",
        }
    }

    /// What has to be on the node first.
    pub fn prepare(self, node: &Node) -> Result<()> {
        if self == Self::Upgrade {
            hhvm_package::bring(&node.host, 1)?;
            succeeded(&hhvm_package::install(&node.host).wait())?;
        }
        Ok(())
    }

    /// Does it for the `nth` time, from 1, and waits until the server is there again.
    pub fn run(self, node: &mut Node, nth: u32) -> Result<Steps> {
        let main = node.main_pid()?;
        if self == Self::Upgrade {
            hhvm_package::bring(&node.host, 1 + nth)?;
        }
        let began = Instant::now();
        let command = match self {
            Self::Restart => node.restart(),
            Self::Reboot => node.host.spawn("systemctl reboot"),
            Self::Upgrade => hhvm_package::install(&node.host),
            Self::Killed => node.kill(),
        };
        let mut depooled = None;
        wait_until("the main process is gone", || {
            if depooled.is_none() && !node.host.exists(HEALTH_FILE) {
                depooled = Some(Instant::now());
            }
            !node.has_process(main)
        })?;
        let down = Instant::now();
        if self == Self::Reboot {
            node.host.wait_until_off();
            node.host.power_on();
        } else {
            succeeded(&command.wait())?;
        }
        // A host that has booted counts its processes anew.
        let is_successor = |pid| pid != 0 && (pid != main || self == Self::Reboot);
        wait_until("it has a successor", || node.main_pid().is_ok_and(is_successor))?;
        let started = Instant::now();
        wait_until("it serves pages", || node.serves())?;
        Ok(Steps { began, depooled, down, started, serves: Instant::now() })
    }
}

impl Steps {
    /// The phases of the restart that ended when the balancer sent requests again.
    pub fn phases(&self, up: Instant) -> Vec<(Phase, Instant, Instant)> {
        let first = match self.depooled {
            Some(depooled) => (Phase::Draining, depooled, self.down),
            None => (Phase::Stopping, self.began, self.down),
        };
        let down = (Phase::Down, self.down, self.started);
        let starting = (Phase::Starting, self.started, self.serves);
        vec![first, down, starting, (Phase::Out, self.serves, up)]
    }
}

fn succeeded(output: &Output) -> Result<()> {
    if output.code == Some(0) { Ok(()) } else { Err(format!("a command failed: {output:?}").into()) }
}

fn wait_until(what: &str, mut condition: impl FnMut() -> bool) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        if Instant::now() > deadline {
            return Err(format!("waited {PATIENCE:?} in vain until {what}").into());
        }
        thread::sleep(TICK);
    }
    Ok(())
}
