//! This node, as balancers may know it: its addresses, where something listens, its name.

use crate::context::{Context, Root, UnitName};
use crate::files;
use crate::kernel::{Host, Scope, listeners, ports};
use crate::row::{Here, Others};
use crate::sockets::Place;
use crate::systemd;
use nix::ifaddrs::getifaddrs;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// The process in whose network name space a front end is.
const PID_1: i32 = 1;
/// The kernel's host names have at most 64 bytes (`gethostname(2)`).
const NAME_MAX: u64 = 256;
/// How long it may take to see where the other units listen.
const PATIENCE: Duration = Duration::from_secs(1);

/// This host and the unit of `scope`. What cannot be seen by `deadline` is left out: then no row is found by it.
#[must_use]
pub fn here(context: &Context, scope: &Scope, deadline: Instant) -> Here {
    let host = Host::below(&context.root);
    let (unit, others_host) = (context.unit.clone(), host.clone());
    let own = listeners(scope, &host, deadline).unwrap_or_default();
    let all = ports(PID_1, &host, deadline).or_else(|_| ports(host.looker.pid, &host, deadline));
    // procfs is the kernel's, wherever it is mounted.
    let name = files::read(&Root::new("/".into()), &host.proc.join("sys/kernel/hostname"), NAME_MAX);
    let name = name.and_then(files::text);
    Here {
        addresses: addresses(),
        own: own.into_iter().map(|listener| listener.place).collect(),
        all: all.unwrap_or_default(),
        others: Others::found_by(move || others(&unit, &others_host)),
        name: name.unwrap_or_default().trim().to_owned(),
    }
}

/// Where the other units listen that are drained; each can be out by itself.
fn others(unit: &UnitName, host: &Host) -> Vec<Place> {
    let deadline = Instant::now() + PATIENCE;
    let others = systemd::drained_units().into_iter().filter(|other| other.id != unit.as_str());
    let scopes = others.map(|other| Scope { cgroup: other.control_group, main: other.main_pid });
    let found = scopes.filter_map(|scope| listeners(&scope, host, deadline).ok());
    found.flatten().map(|listener| listener.place).collect()
}

fn addresses() -> Vec<IpAddr> {
    let Ok(interfaces) = getifaddrs() else { return Vec::new() };
    let ip = |interface: nix::ifaddrs::InterfaceAddress| {
        let address = interface.address?;
        let four = address.as_sockaddr_in().map(|four| IpAddr::V4(four.ip()));
        four.or_else(|| address.as_sockaddr_in6().map(|six| IpAddr::V6(six.ip())))
    };
    interfaces.filter_map(ip).collect()
}
