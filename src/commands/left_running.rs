//! Judges whether systemd's stop ends the process that serves, where `KillMode=process` spares all but the main one.

use super::asking::Running;
use super::finding::{Finding, error};
use crate::context::Context;
use crate::kernel::{Host, listeners};
use crate::process::NAME;
use crate::sockets::Listener;
use crate::unit::{KillMode, Lifetime, Unit};
use std::time::{Duration, Instant};

/// So long the look at the unit's listeners may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is left running after a stop, with the line that ends it.
pub(super) fn finding(context: &Context, unit: &Unit, running: &Running) -> Option<Finding> {
    if unit.kill_mode != KillMode::MainOnly {
        return None;
    }
    let found = listeners(&running.scope, &Host::below(&context.root), Instant::now() + PATIENCE).ok()?;
    let name = &context.unit;
    outlives(unit, &found).then(|| {
        error(format!(
            "unit: KillMode=process, and the main process is not the one that listens, so the server is still running after \
             a stop; set KillMode=mixed with systemctl edit {name}"
        ))
    })
}

/// Where systemd knows no main process, this program ends HHVM itself. After the first process of a oneshot unit it ends
/// what it knows by its name.
fn outlives(unit: &Unit, listeners: &[Listener]) -> bool {
    let mut holders = listeners.iter().flat_map(|listener| &listener.holders).map(|holder| &holder.process);
    let is_spared = match unit.main_pid {
        Some(main) => !holders.any(|process| process.pid == main),
        None => unit.lifetime == Lifetime::Oneshot && !holders.any(|process| process.name == NAME),
    };
    is_spared && !listeners.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sockets::{Holder, Place, Process};

    fn listener(pids: &[i32]) -> Listener {
        let process = |pid| Process { pid, started: 1, parent: 1, name: "hhvm".to_owned() };
        let holders = pids.iter().map(|&pid| Holder { process: process(pid), descriptor: 3, inode: 7 });
        let place = Place::Tcp("127.0.0.1:9000".parse().unwrap());
        Listener { place, inside: 1, file: None, holders: holders.collect() }
    }

    fn unit(main_pid: Option<i32>, lifetime: Lifetime) -> Unit {
        Unit { main_pid, lifetime, ..Unit::default() }
    }

    #[test]
    fn only_a_server_that_is_not_the_known_main_process_is_left() {
        for (main_pid, lifetime, holders, expected) in [
            (Some(5), Lifetime::Lasting, &[5, 6][..], false),
            (Some(5), Lifetime::Lasting, &[6], true),
            (None, Lifetime::Oneshot, &[6], false),
            (None, Lifetime::Lasting, &[6], false),
        ] {
            let found = outlives(&unit(main_pid, lifetime), &[listener(holders)]);
            assert_eq!(found, expected, "{main_pid:?} {holders:?}");
        }
        assert!(!outlives(&unit(Some(5), Lifetime::Lasting), &[]), "nobody listens");
        let mut renamed = listener(&[6]);
        renamed.holders[0].process.name = "web".to_owned();
        assert!(outlives(&unit(None, Lifetime::Oneshot), &[renamed]), "nobody ends it");
    }
}
