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
    let members = settings.fleet.fleet().map_or(&[][..], |fleet| fleet.members.all());
    let kept: Vec<String> = members
        .iter()
        .filter_map(|member| text("fleet", &member.host, "a stop may not get its turn from there"))
        .collect();
    // Any other member will do.
    let severe = if kept.len() == members.len() { error } else { warning };
    let kept = kept.into_iter().map(severe);
    url.map(error).into_iter().chain(balancers.map(warning)).chain(kept).collect()
}

/// Of a name, this host's alone is known.
fn address(host: &str) -> Option<IpAddr> {
    if host == "localhost" { Some(Ipv4Addr::LOCALHOST.into()) } else { host.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::{Context, Env, Root, UnitName};
    use crate::problem::Severity;
    use crate::settings::fleet::Setting;
    use crate::settings::layers;

    fn fleet(members: &[&str]) -> Setting {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("etc")).unwrap();
        let text = format!("[fleet]\nmembers = {members:?}\n");
        std::fs::write(root.path().join("etc/hhvm-drain.toml"), text).unwrap();
        let unit = UnitName::parse("u").unwrap();
        let context = Context::new(Root::new(root.path().to_owned()), Env::default(), unit);
        layers::load(&context, &Vec::new()).0.fleet
    }

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

        settings.fleet = fleet(&["https://10.0.0.1:2379", "https://10.0.0.2:2379"]);
        let severities = |unit: &str| told(&settings, unit).into_iter().map(|(severity, _)| severity);
        assert!(severities(denied).eq([Some(Severity::Error); 2]));
        assert!(severities("IPAddressDeny=10.0.0.2/32\n").eq([Some(Severity::Warning)]));
    }
}
