//! Judges what else is stopped with the unit: a front end that goes before the drain takes its requests along.

use super::finding::{Finding, error, warning};
use crate::unit::{Activity, Relation, Unit};

/// What front ends' programs and units are called, or how their names begin.
const FRONT_ENDS: [&str; 16] = [
    "angie",
    "apache",
    "caddy",
    "envoy",
    "freenginx",
    "h2o",
    "haproxy",
    "hitch",
    "httpd",
    "lighttpd",
    "nginx",
    "openresty",
    "pound",
    "squid",
    "traefik",
    "varnish",
];
/// The units of this program.
const OURS: &str = "hhvm-drain-";

/// What is stopped before the drain. `followers` are the units that are stopped with `unit`, if systemd tells them.
pub(super) fn followers(unit: &Unit, followers: Option<&[Unit]>) -> Vec<Finding> {
    let Some(followers) = followers else {
        return vec![warning(
            "unit: systemd does not tell which units are stopped with it, so they are not checked",
        )];
    };
    let is_service = |other: &&Unit| other.id.ends_with(".service") && !other.id.starts_with(OURS);
    // Of what it is ordered after, systemd stops the unit first, and waits for it.
    let goes_first = |other: &&Unit| !unit.after.contains(&other.id);
    followers
        .iter()
        .filter(is_service)
        .filter(goes_first)
        .filter_map(|other| judge(unit, other, followers))
        .collect()
}

/// What is stopped during the drain when something else is stopped, and the unit with it: a target that both are part of.
pub(super) fn companions(unit: &Unit, leaders: &[(Unit, Vec<Unit>)]) -> Vec<Finding> {
    let is_cut = |other: &&Unit| {
        let goes_along = other.id != unit.id && !unit.after.contains(&other.id);
        goes_along && is_front_end(other) && other.activity != Activity::Other
    };
    let finding = |leader: &Unit, other: &Unit| {
        let (name, leader, own) = (&other.id, &leader.id, &unit.id);
        let mend = if unit.before.contains(name) {
            format!("replace After={own} in the file that systemctl cat {name} shows, and set After={name}")
        } else {
            format!("set After={name}")
        };
        warning(format!(
            "unit: when {leader} is stopped or restarted, {name} is, too, and does not wait for the drain of {own}, so its \
             requests are cut off; {mend} under [Unit] with systemctl edit {own}"
        ))
    };
    let of = |(leader, followers): &(Unit, Vec<Unit>)| {
        let itself = std::iter::once(leader).chain(followers).filter(is_cut);
        itself.map(|other| finding(leader, other)).collect::<Vec<_>>()
    };
    leaders.iter().flat_map(of).collect()
}

fn judge(unit: &Unit, other: &Unit, followers: &[Unit]) -> Option<Finding> {
    let is_up = other.activity != Activity::Other;
    let name = &other.id;
    let when = if unit.before.contains(name) { "before the drain" } else { "when the drain begins" };
    let path = path(unit, other, followers);
    let (cause, mend) = (words(&path), mend(unit, other, &path));
    match (is_front_end(other), is_up) {
        (true, true) => Some(error(format!(
            "unit: {name} is stopped {when} ({cause}), so its requests are cut off; {mend}"
        ))),
        (true, false) => Some(warning(format!(
            "unit: {name} would be stopped {when} ({cause}), with its requests; {mend}"
        ))),
        (false, true) => Some(warning(format!(
            "unit: {name} is stopped {when} ({cause}); if it passes requests to HHVM, {mend}"
        ))),
        (false, false) => None,
    }
}

fn is_front_end(unit: &Unit) -> bool {
    let program = unit.program.file_name().unwrap_or_default().to_string_lossy();
    FRONT_ENDS.iter().any(|name| program.starts_with(name) || unit.id.starts_with(name))
}

/// A link of the chain: the unit that follows, why, and whom.
type Link<'a> = (&'a str, Relation, &'a str);

/// Why `other` is stopped when `unit` is, from the unit on; a stop goes on from unit to unit.
fn path<'a>(unit: &'a Unit, other: &'a Unit, followers: &'a [Unit]) -> Vec<Link<'a>> {
    let mut path: Vec<Link> = Vec::new();
    let mut wanted = other.id.as_str();
    // The unit itself first: the shortest way tells most.
    let all = || std::iter::once(unit).chain(followers);
    while wanted != unit.id && path.len() <= followers.len() {
        let link = all().find_map(|from| {
            let (relation, name) = from.stops.iter().find(|(_, name)| name == wanted)?;
            Some((name.as_str(), *relation, from.id.as_str()))
        });
        let Some(link) = link else { break };
        wanted = link.2;
        path.push(link);
    }
    path.reverse();
    path
}

fn words(path: &[Link]) -> String {
    let words = path.iter().map(|(name, relation, of)| format!("{name} has {}={of}", relation.name()));
    words.collect::<Vec<_>>().join(", ")
}

/// A dependency cannot be taken away by a drop-in, so it has to be written otherwise where it stands.
fn mend(unit: &Unit, other: &Unit, path: &[Link]) -> String {
    let Some((name, relation, of)) = path.first() else { return String::new() };
    let line = format!("{}={of}", relation.name());
    let instead = match relation {
        Relation::Requires | Relation::BindsTo | Relation::Requisite => {
            format!("replace {line} by Wants={of} in the file that systemctl cat {name} shows")
        }
        Relation::PartOf => format!("remove {line} from the file that systemctl cat {name} shows"),
        Relation::StopPropagatedFrom => {
            format!("remove {line} from {name}, or PropagatesStopTo={name} from {of}")
        }
    };
    if unit.before.contains(&other.id) {
        return instead;
    }
    // Where nothing is said about the order, it can be.
    format!("{instead}, or set After={} under [Unit] with systemctl edit {}", other.id, unit.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Severity;

    /// What is told of hhvm.service, to which systemd says `show`, and of those that follow it.
    fn told(show: &str, others: &str) -> Vec<(Option<Severity>, String)> {
        let unit = Unit::parse(&format!("Id=hhvm.service\n{show}"));
        let findings = followers(&unit, Some(&Unit::parse_all(others)));
        findings.into_iter().map(|finding| (finding.severity, finding.text)).collect()
    }

    const NGINX: &str =
        "Id=nginx.service\nActiveState=active\nExecStart={ path=/usr/sbin/nginx ; argv[]=nginx ; x }\n";

    #[test]
    fn a_front_end_that_is_stopped_first_is_an_error_with_its_line() {
        for (property, line) in [
            ("RequiredBy", "Requires"),
            ("BoundBy", "BindsTo"),
            ("RequisiteOf", "Requisite"),
            ("ConsistsOf", "PartOf"),
            ("PropagatesStopTo", "StopPropagatedFrom"),
        ] {
            for before in ["", "nginx.service"] {
                let told_of = told(&format!("{property}=nginx.service\nBefore={before}\n"), NGINX);
                let [(Some(Severity::Error), text)] = &told_of[..] else { panic!("{told_of:?}") };
                assert!(text.contains(&format!("nginx.service has {line}=hhvm.service")), "{text}");
                assert_eq!(text.contains("set After=nginx.service"), before.is_empty(), "{text}");
                assert_eq!(text.contains("before the drain"), !before.is_empty(), "{text}");
            }
        }
    }

    #[test]
    fn a_front_end_of_a_name_of_its_own_is_known_by_its_program() {
        let site = NGINX.replace("nginx.service", "site.service");
        assert_eq!(told("RequiredBy=site.service\n", &site)[0].0, Some(Severity::Error));
        let other =
            "Id=exporter.service\nActiveState=active\nExecStart={ path=/usr/bin/exporter ; argv[]=x ; x }\n";
        let told_of = told("BoundBy=exporter.service\n", other);
        assert_eq!(told_of[0].0, Some(Severity::Warning), "{told_of:?}");
        assert_eq!(told("BoundBy=exporter.service\n", &other.replace("=active", "=inactive")), []);
    }

    #[test]
    fn a_stop_goes_on_from_unit_to_unit() {
        let target = "Id=web.target\nActiveState=active\nConsistsOf=nginx.service\n";
        let told_of = told("RequiredBy=web.target\n", &format!("{target}\n{NGINX}"));
        let [(Some(Severity::Error), text)] = &told_of[..] else { panic!("{told_of:?}") };
        for part in [
            "(web.target has Requires=hhvm.service, nginx.service has PartOf=web.target)",
            "replace Requires=hhvm.service by Wants=hhvm.service in the file that systemctl cat web.target shows",
        ] {
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn a_front_end_that_is_stopped_with_the_same_target_is_named_unless_it_waits() {
        let leaders = |target: &str, others: &str| {
            let target = Unit::parse_all(&format!("Id={target}\nActiveState=active\n"));
            target.into_iter().map(|target| (target, Unit::parse_all(others))).collect::<Vec<_>>()
        };
        let told = |show: &str, leaders: &[(Unit, Vec<Unit>)]| {
            let unit = Unit::parse(&format!("Id=hhvm.service\n{show}"));
            let findings = companions(&unit, leaders).into_iter();
            findings.map(|finding| finding.text).collect::<Vec<_>>()
        };
        let target = leaders("web.target", &format!("{NGINX}\nId=x.service\nActiveState=active\n"));
        let [line] = &told("PartOf=web.target\n", &target)[..] else { panic!() };
        assert!(line.contains("when web.target is stopped or restarted, nginx.service is, too"), "{line}");
        assert!(
            line.contains("; set After=nginx.service under [Unit] with systemctl edit hhvm.service"),
            "{line}"
        );
        let [line] = &told("Before=nginx.service\n", &target)[..] else { panic!() };
        assert!(
            line.contains("replace After=hhvm.service in the file that systemctl cat nginx.service"),
            "{line}"
        );
        assert_eq!(told("After=nginx.service web.target\n", &target), [""; 0]);
        assert_eq!(told("", &leaders("web.target", &NGINX.replace("=active", "=inactive"))), [""; 0]);
        let unit = Unit::parse(
            "PartOf=web.target\nRequires=sysinit.target system.slice -.mount web.target\nBindsTo=a.service",
        );
        assert_eq!(unit.stopped_by, ["a.service", "web.target"]);
    }

    #[test]
    fn what_is_stopped_after_hhvm_harms_nobody_nor_do_our_own_units() {
        assert_eq!(told("RequiredBy=nginx.service\nAfter=nginx.service x.target\n", NGINX), []);
        let ours = "Id=hhvm-drain-repool@hhvm.service.service\nActiveState=active\n";
        assert_eq!(told("ConsistsOf=hhvm-drain-repool@hhvm.service.service\n", ours), []);
        assert_eq!(
            told("RequiredBy=nginx.service\n", &NGINX.replace("=active", "=inactive"))[0].0,
            Some(Severity::Warning)
        );
        assert_eq!(followers(&Unit::default(), None)[0].severity, Some(Severity::Warning));
    }
}
