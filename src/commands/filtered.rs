//! Judges whether the unit's IP filter lets the hooks reach whom they ask.

use super::finding::{Finding, error, warning};
use crate::endpoint::Address;
use crate::settings::Settings;
use crate::settings::balancer::Balancer;
use crate::unit::Unit;
use std::net::{IpAddr, Ipv4Addr};

/// What a stop asks over the network, which `check` can ask because it is outside of the unit.
pub(super) fn findings(unit: &Unit, settings: &Settings, name: &str) -> Vec<Finding> {
    let text = |key: &str, host: &str, consequence: &str| {
        let address = address(host).filter(|address| unit.filter.keeps_from(*address))?;
        Some(format!(
            "unit: IPAddressDeny= keeps the hooks from {address} ({key}), whatever their \"+\", so {consequence}; set \
             IPAddressAllow={address} with systemctl edit {name}"
        ))
    };
    let url = settings.health_url.as_ref().and_then(|url| match &url.target.address {
        Address::Tcp(host, _) => {
            text("health-url", host, "min-drain begins before the front end has noticed")
        }
        Address::Unix(_) => None,
    });
    let balancers = settings.balancers.iter().filter_map(|balancer| match balancer {
        Balancer::Port(host, _) => Some(host),
        Balancer::Statistics(web) | Balancer::Page { web, .. } => Some(&web.host),
        Balancer::Socket(_) | Balancer::Command(_) => None,
    });
    let balancers = balancers.filter_map(|host| text("balancer", host, "min-drain stays in force"));
    url.map(error).into_iter().chain(balancers.map(warning)).collect()
}

/// Of a name, this host's alone is known.
fn address(host: &str) -> Option<IpAddr> {
    if host == "localhost" { Some(Ipv4Addr::LOCALHOST.into()) } else { host.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Severity;

    #[test]
    fn whom_the_hooks_cannot_reach_is_named_with_what_to_set() {
        let mut settings = Settings {
            health_url: Some("http://localhost/status.php".parse().unwrap()),
            balancers: vec![Balancer::Port("10.0.0.1".to_owned(), 9999), Balancer::Socket("/s".into())],
            ..Settings::default()
        };
        let told = |settings: &Settings, unit: &str| {
            let findings = findings(&Unit::parse(unit), settings, "u.service").into_iter();
            findings.map(|finding| (finding.severity, finding.text)).collect::<Vec<_>>()
        };
        let denied = "IPAddressDeny=0.0.0.0/0 ::/0\n";
        let [(Some(Severity::Error), url), (Some(Severity::Warning), balancer)] =
            &told(&settings, denied)[..]
        else {
            panic!()
        };
        assert!(url.contains("from 127.0.0.1 (health-url)"), "{url}");
        assert!(url.ends_with("; set IPAddressAllow=127.0.0.1 with systemctl edit u.service"), "{url}");
        assert!(balancer.contains("from 10.0.0.1 (balancer)"), "{balancer}");
        assert_eq!(told(&settings, &format!("{denied}IPAddressAllow=127.0.0.0/8 10.0.0.1/32\n")), []);
        assert_eq!(told(&settings, ""), []);
        settings.health_url = None;
        settings.balancers.clear();
        assert_eq!(told(&settings, denied), []);
    }
}
