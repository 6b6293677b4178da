//! The farm's own network: a namespace of this process with one bridge, gone when the process is.

use crate::Result;
use nix::sched::{CloneFlags, unshare};
use std::net::Ipv4Addr;
use std::process::Command;

/// What hosts are plugged into.
pub const BRIDGE: &str = "farm";
/// The length of the prefix of its addresses.
pub const PREFIX: u8 = 16;

/// A host of a rack; 0 is the balancer, on the same bridge as all the others.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Which rack: one balancer and its nodes.
    pub rack: u8,
    /// Which host of it.
    pub host: u8,
}

impl Place {
    pub fn address(self) -> Ipv4Addr {
        Ipv4Addr::new(10, 87, self.rack, 10 + self.host)
    }
}

/// Why this machine cannot have such a network, if it cannot.
pub fn why_not() -> Option<String> {
    let script = "ip link add farm type bridge";
    let probe = Command::new("unshare").args(["--net", "sh", "-c", script]).output();
    match probe {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(format!("no bridge: {}", String::from_utf8_lossy(&output.stderr).trim())),
        Err(error) => Some(format!("cannot run unshare: {error}")),
    }
}

/// Leaves the machine's network for an empty one with a bridge. Call it before any thread is made.
pub fn enter() -> Result<()> {
    unshare(CloneFlags::CLONE_NEWNET)?;
    for line in [
        "link set lo up",
        &format!("link add {BRIDGE} type bridge"),
        &format!("address add 10.87.255.1/{PREFIX} dev {BRIDGE}"),
        &format!("link set {BRIDGE} up"),
    ] {
        let status = Command::new("ip").args(line.split(' ')).status()?;
        if !status.success() {
            return Err(format!("\"ip {line}\" failed: {status}").into());
        }
    }
    Ok(())
}
