//! A unit's `IPAddressDeny=` and `IPAddressAllow=`. They hold for every process of its cgroup, so also for a hook with `+`
//! (systemd.resource-control(5); seen with systemd 252).

use std::net::IpAddr;

/// Whom the processes of a unit cannot reach.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    denied: Vec<Network>,
    allowed: Vec<Network>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    length: u32,
}

impl Filter {
    /// Reads what `systemctl show` tells of the two: `ADDRESS/LENGTH` for each network.
    #[must_use]
    pub fn parse(denied: &str, allowed: &str) -> Self {
        let networks = |text: &str| text.split_whitespace().filter_map(Network::parse).collect();
        Self { denied: networks(denied), allowed: networks(allowed) }
    }

    /// Whether nothing gets from the unit to `address` or back: what is allowed counts more.
    #[must_use]
    pub fn keeps_from(&self, address: IpAddr) -> bool {
        let has = |networks: &[Network]| networks.iter().any(|network| network.has(address));
        has(&self.denied) && !has(&self.allowed)
    }
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (address, length) = text.split_once('/')?;
        Some(Self { address: address.parse().ok()?, length: length.parse().ok()? })
    }

    fn has(&self, address: IpAddr) -> bool {
        // A shift by the whole width leaves nothing, and all fit.
        let same = |own: u128, other: u128, width: u32| {
            (own ^ other).checked_shr(width.saturating_sub(self.length)).unwrap_or(0) == 0
        };
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => same(own.to_bits().into(), other.to_bits().into(), 32),
            (IpAddr::V6(own), IpAddr::V6(other)) => same(own.to_bits(), other.to_bits(), 128),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_allowed_counts_more_than_what_is_denied() {
        let keeps = |denied: &str, allowed: &str, address: &str| {
            Filter::parse(denied, allowed).keeps_from(address.parse().unwrap())
        };
        let all = "0.0.0.0/0 ::/0";
        for (denied, allowed, address, expected) in [
            ("", "", "127.0.0.1", false),
            (all, "", "127.0.0.1", true),
            (all, "", "::1", true),
            ("::/0", "", "127.0.0.1", false),
            (all, "fe80::1/128 127.0.0.0/8 ::1/128", "127.0.0.1", false),
            (all, "fe80::1/128 127.0.0.0/8 ::1/128", "::1", false),
            (all, "127.0.0.0/8", "10.0.0.1", true),
            ("10.0.0.0/9", "", "10.127.0.1", true),
            ("10.0.0.0/9", "", "10.128.0.1", false),
            ("x/y 10.0.0.1/32 nonsense", "", "10.0.0.1", true),
        ] {
            assert_eq!(keeps(denied, allowed, address), expected, "{denied} {allowed} {address}");
        }
    }
}
