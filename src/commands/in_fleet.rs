//! What `check` finds out about this node's fleet: whether the next stop will get its turn.

use super::finding::{Finding, error, good, warning};
use super::password::exposure;
use crate::context::Context;
use crate::etcd::{Etcd, State};
use crate::fleet::{Engine, Holder, Look, Slots, Snapshot};
use crate::node::Node;
use crate::queue::{oddities, slots};
use crate::settings::Settings;
use crate::settings::fleet::{Fleet, Member, Members};

/// Each series, and the first version of it that lets nobody renew a lease who may not (CVE-2026-33413).
const GUARDS_LEASES: [([u32; 2], u32); 3] = [([3, 4], 42), ([3, 5], 28), ([3, 6], 9)];

/// The findings; none if this node is in no fleet. Mistakes of the settings are told already.
pub(super) fn findings(context: &Context, settings: &Settings) -> Vec<Finding> {
    let Some(fleet) = settings.fleet.fleet() else { return Vec::new() };
    let mut findings = exposed(context, fleet);
    let node = match Node::here(&context.root) {
        Ok(node) => node,
        Err(why) => return vec![error(format!("fleet: {why}; no turn is taken"))],
    };
    if let Members::FleetLock(server) = &fleet.members {
        findings.push(error(format!(
            "fleet: {server}: this version cannot take turns at a FleetLock server; use etcd"
        )));
        return findings;
    }
    match Etcd::new(&context.root, fleet, &node.name) {
        Ok(mut etcd) => findings.extend(at(&mut etcd, fleet, &node)),
        Err(why) => findings.push(error(format!("fleet: {why}; no turn is taken"))),
    }
    findings
}

/// Secrets that others can read.
fn exposed(context: &Context, fleet: &Fleet) -> Vec<Finding> {
    let password = fleet.login.iter().map(|login| (&login.password_file, "password"));
    let key = fleet.certificate.iter().map(|own| (&own.key, "key"));
    password.chain(key).filter_map(|(file, what)| exposure(context, file, what).map(Finding::from)).collect()
}

fn at(etcd: &mut Etcd, fleet: &Fleet, node: &Node) -> Vec<Finding> {
    let seen = etcd.examine();
    let is_anybody_there = seen.iter().any(|(_, state)| state.is_ok());
    let mut findings: Vec<Finding> = seen.iter().map(|(url, state)| member(url, state)).collect();
    if !is_anybody_there {
        findings.push(error("fleet: no member of etcd answers, so a stop goes on without its turn"));
        return findings;
    }
    if let Err(why) = etcd.may_write(&node.name) {
        let prefix = etcd.prefix();
        findings.push(error(format!(
            "fleet: this node may not read and write {prefix} at etcd: {why}; no turn is taken"
        )));
        return findings;
    }
    findings.extend(open_door(etcd, fleet, &seen));
    match etcd.look(Look::Whole) {
        Ok(snapshot) => findings.extend(keys(&snapshot, fleet, node)),
        Err(why) => findings.push(error(format!("fleet: etcd cannot be read: {why}"))),
    }
    findings
}

fn member(url: &str, state: &Result<State, String>) -> Finding {
    match state {
        Ok(State { version, has_leader: true }) => good(format!("fleet: {url} is etcd {version}")),
        Ok(State { version, has_leader: false }) => {
            warning(format!("fleet: {url} is etcd {version}, and knows no leader, so it can write nothing"))
        }
        Err(why) => warning(format!("fleet: {url} does not answer: {why}")),
    }
}

/// Who else could write the fleet's keys.
fn open_door(etcd: &Etcd, fleet: &Fleet, seen: &[(String, Result<State, String>)]) -> Option<Finding> {
    if fleet.certificate.is_some() || fleet.members.all().iter().all(Member::is_loopback) {
        return None;
    }
    if !etcd.knows_users() {
        return Some(warning(
            "fleet: etcd asks for neither a user nor a certificate, so whoever reaches it can take and free slots; see \
             hhvm-drain-fleet(7)",
        ));
    }
    let states = seen.iter().filter_map(|(_, state)| state.as_ref().ok());
    let lax = states.map(|state| &state.version).find(|version| !guards_leases(version))?;
    Some(warning(format!(
        "fleet: etcd {lax} lets whoever reaches it renew leases without a user (CVE-2026-33413), so a dead node's slot can be \
         kept; ask for client certificates, or let only the nodes connect"
    )))
}

fn guards_leases(version: &str) -> bool {
    let numbers: Vec<u32> = version.split(['.', '-', '+']).map_while(|part| part.parse().ok()).collect();
    let [major, minor, patch, ..] = numbers[..] else { return true };
    match GUARDS_LEASES.iter().find(|(series, _)| *series == [major, minor]) {
        Some((_, first)) => patch >= *first,
        None => [major, minor] > [3, 6],
    }
}

fn keys(snapshot: &Snapshot, fleet: &Fleet, node: &Node) -> Vec<Finding> {
    let own = snapshot
        .out
        .iter()
        .find(|(name, _)| *name == node.name)
        .and_then(|(_, entry)| Holder::parse(&entry.value));
    let is_namesake = |holder: &Holder| !node.machine_id.is_empty() && holder.machine_id != node.machine_id;
    let mut findings = Vec::new();
    if own.as_ref().is_some_and(is_namesake) {
        findings.push(error(format!(
            "fleet: another host writes as {name}, by its machine-id; give each host a name of its own, or, if this one was \
             installed anew, run hhvm-drain fleet free {name}",
            name = node.name
        )));
    }
    findings.extend(oddities(snapshot).into_iter().map(|oddity| warning(format!("fleet: {oddity}"))));
    let waiting = snapshot.out.iter().filter(|(_, entry)| entry.lease.is_some()).count();
    let limit = slots(snapshot);
    let by_default =
        if limit == Slots::Unset { " (nobody has set a limit: hhvm-drain fleet limit N)" } else { "" };
    findings.push(good(format!(
        "fleet: {} of {} slots of {} are taken, {waiting} nodes wait{by_default}",
        snapshot.out.len() - waiting,
        limit.count(),
        fleet.pool
    )));
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_versions_that_let_strangers_renew_are_known() {
        for lax in ["3.3.25", "3.4.23", "3.4.41", "3.5.0", "3.5.27", "3.6.8", "3.5.1-rc.0", "2.3.8"] {
            assert!(!guards_leases(lax), "{lax}");
        }
        for strict in ["3.4.42", "3.5.28", "3.6.9", "3.7.0", "4.0.0", "", "new"] {
            assert!(guards_leases(strict), "{strict}");
        }
    }
}
