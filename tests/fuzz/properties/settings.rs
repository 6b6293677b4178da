//! What holds for every settings file.

use super::file;
use super::table::Settings;
use crate::problem::{Position, Severity};
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
    let day = Duration::from_secs(24 * 3600);
    assert!(settings.timeout <= day && settings.min_drain <= day, "{settings:?}");
    assert!(!settings.poll_interval.is_zero() && !settings.health_files.is_empty(), "{settings:?}");
    assert!(settings.health_files.iter().all(|path| path.is_absolute()), "{settings:?}");
}

fn is_a_line(message: &str) {
    assert!(!message.is_empty() && !message.contains(char::is_control), "{message:?}");
}
