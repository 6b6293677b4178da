//! What holds for every settings file.

use super::balancer::{self, Balancer};
use super::file;
use super::fleet::StaleAfter;
use super::fleet::draft::Draft;
use super::table::Settings;
use crate::problem::{Location, Position, Severity};
use crate::row::Named;
use std::time::Duration;

/// Every place is one in the text, nothing is taken from a line with a mistake, and what is taken can be used.
///
/// # Panics
/// When one of these does not hold.
pub fn file(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let lines: Vec<&str> = text.split('\n').collect();
    let is_inside = |at: Position| {
        let width = lines[at.line - 1].chars().count();
        assert!((1..=width + 1).contains(&at.column), "{at:?}");
    };
    let contents = file::read(text);
    assert!(contents.mistakes.len() <= 100, "{} mistakes", contents.mistakes.len());
    for mistake in &contents.mistakes {
        is_inside(mistake.at);
        is_a_line(&mistake.message);
    }
    let mut settings = Settings::default();
    for assignment in &contents.assignments {
        is_inside(assignment.at);
        assert!(assignment.lines.contains(&assignment.at.line), "{assignment:?}");
        let is_wrong =
            |line| contents.mistakes.iter().any(|m| m.severity == Severity::Error && m.at.line == line);
        assert!(!assignment.lines.clone().any(is_wrong), "{contents:?}");
        let before = settings.clone();
        let values: Vec<&str> = assignment.values.iter().map(String::as_str).collect();
        if let Err(message) = settings.set(assignment.spec, &values) {
            is_a_line(&message);
            assert_eq!(settings, before, "{message}");
        }
    }
    let mut fleet = Draft::new();
    if let Some(at) = contents.fleet_at {
        is_inside(at);
        fleet.begin(Location::File("/etc/hhvm-drain.toml".into(), at));
    }
    for assignment in &contents.fleet {
        is_inside(assignment.at);
        let values: Vec<&str> = assignment.values.iter().map(String::as_str).collect();
        if let Err(message) = fleet.set(assignment.key, &values) {
            is_a_line(&message);
        }
    }
    let (setting, problems) = fleet.finish();
    for problem in &problems {
        is_a_line(&problem.message);
    }
    if let Some(fleet) = setting.fleet() {
        let is_shorter = match fleet.stale_after {
            StaleAfter::Time(time) => time < fleet.wait,
            StaleAfter::Never => true,
        };
        assert!(is_shorter && !fleet.members.all().is_empty() && contents.fleet_at.is_some(), "{fleet:?}");
    }
    let day = Duration::from_secs(24 * 3600);
    assert!(settings.timeout <= day && settings.min_drain <= day, "{settings:?}");
    assert!(!settings.poll_interval.is_zero() && !settings.health_files.is_empty(), "{settings:?}");
    assert!(settings.health_files.iter().all(|path| path.is_absolute()), "{settings:?}");
}

/// A password that no input has by chance.
const SECRET: &str = "geheim-6b1f";

/// Each line is a balancer of the settings: what is taken is told so that it is read alike, a mistake fits a line, and
/// neither shows a password.
///
/// # Panics
/// When one of these does not hold.
pub fn balancer(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let lines: Vec<&str> = text.split('\n').collect();
    match balancer::balancers(&lines) {
        Ok(found) => assert_eq!(found.len(), lines.len()),
        Err(message) => is_a_line(&message),
    }
    let line = lines.first().copied().unwrap_or_default();
    if let Ok(found) = balancer::balancers(&[line]) {
        let is_plain = |one: &&Balancer| matches!(one, Balancer::Socket(_) | Balancer::Port(..));
        for one in found.iter().filter(is_plain) {
            assert_eq!(balancer::balancers(&[&one.to_string()]), Ok(vec![one.clone()]));
        }
    }
    // As a URL alone, and as that of a table.
    let scheme = line.strip_prefix("{\"url\":\"").unwrap_or(line).split_once("://").map(|(scheme, _)| scheme);
    if scheme.is_some_and(|scheme| scheme.chars().all(|c| c.is_ascii_alphanumeric() || c == '+')) {
        let with_login = line.replacen("://", &format!("://me:{SECRET}@"), 1);
        match balancer::balancers(&[&with_login]) {
            Ok(found) => {
                let shown: Vec<String> =
                    found.iter().map(|one| format!("{one} {one:?} {}", one.label())).collect();
                assert!(!shown.concat().contains(SECRET), "{shown:?}");
            }
            Err(message) => assert!(!message.contains(SECRET), "{message}"),
        }
    }
    if let Err(message) = line.parse::<Named>() {
        is_a_line(&message);
    }
}

fn is_a_line(message: &str) {
    assert!(!message.is_empty() && !message.contains(char::is_control), "{message:?}");
}

#[cfg(test)]
proptest::proptest! {
    #[test]
    fn what_looks_like_a_balancer_is_read_as_one(
        text in "((\\{\"url\":\"|)(haproxy\\+)?(http|tcp|unix|ftp)://(a|\\[::1\\]|)(:[0-9]{1,3}|)(/[?@#]{0,2}|)(\",\"(out|in|user)\":\"x|)(\"\\}|)\n?){0,2}",
    ) {
        balancer(text.as_bytes());
    }

    #[test]
    fn what_looks_like_a_fleet_is_read_as_one(
        text in "\\[fleet\\]\nmembers = \\[(\"(fleetlock\\+)?https?://(a|\\[::1\\]|me:x@)(:[0-9]{1,3}|)/?\",){0,3}\\]\n((pool|wait|stale-after|user|cert-file) = ?\"(a|/a|[0-9](s|min|h)|never)\"\n){0,3}",
    ) {
        file(text.as_bytes());
    }
}
