//! The words of unit files and of `systemctl show`, which are the same for most things, and what they mean.

use std::time::Duration;

/// `ActiveState=` (systemd(1), "Units").
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Activity {
    /// Started.
    Active,
    /// Being started, or about to be started again.
    Activating,
    /// Being stopped.
    Deactivating,
    /// Any other.
    #[default]
    Other,
}

/// `NotifyAccess=` (systemd.service(5)).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum NotifyAccess {
    /// Nobody, or the main process alone.
    #[default]
    NotHooks,
    /// The main process and the hooks.
    Exec,
    /// Every process of the unit.
    All,
}

/// What `Type=` says of the main process (systemd.service(5)).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Lifetime {
    /// It lives as long as the service.
    #[default]
    Lasting,
    /// It ends at the start already: `oneshot`.
    Oneshot,
}

/// `KillMode=` (systemd.kill(5)).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum KillMode {
    /// systemd ends all processes.
    #[default]
    Ends,
    /// systemd ends the main process alone.
    MainOnly,
    /// systemd ends no process.
    None,
}

/// `StandardError=` (systemd.exec(5)).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Output {
    /// Somewhere.
    #[default]
    Kept,
    /// Nowhere.
    Discarded,
}

/// Who has written a unit's file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Author {
    /// A person.
    #[default]
    Person,
    /// systemd, from a SysV script.
    Generator,
}

/// How long systemd waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Patience {
    /// So long.
    For(Duration),
    /// For ever.
    Infinite,
    /// In words that are not understood.
    Unclear(String),
}

impl Default for Patience {
    fn default() -> Self {
        Self::Unclear(String::new())
    }
}

/// Why a unit is stopped when another one is: the line in its file (systemd.unit(5)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// `Requires=`.
    Requires,
    /// `BindsTo=`.
    BindsTo,
    /// `Requisite=`.
    Requisite,
    /// `PartOf=`.
    PartOf,
    /// `StopPropagatedFrom=`, or `PropagatesStopTo=` of the other.
    StopPropagatedFrom,
}

impl Relation {
    /// Each with the property that tells it at the unit that is stopped first.
    pub const PROPERTIES: [(Self, &'static str); 5] = [
        (Self::Requires, "RequiredBy"),
        (Self::BindsTo, "BoundBy"),
        (Self::Requisite, "RequisiteOf"),
        (Self::PartOf, "ConsistsOf"),
        (Self::StopPropagatedFrom, "PropagatesStopTo"),
    ];

    /// The name of the line, without its `=`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Requires => "Requires",
            Self::BindsTo => "BindsTo",
            Self::Requisite => "Requisite",
            Self::PartOf => "PartOf",
            Self::StopPropagatedFrom => "StopPropagatedFrom",
        }
    }
}

impl From<&str> for Activity {
    fn from(value: &str) -> Self {
        match value {
            "active" | "reloading" => Self::Active,
            "activating" => Self::Activating,
            "deactivating" => Self::Deactivating,
            _ => Self::Other,
        }
    }
}

/// A time (systemd.time(7)); a number alone means seconds.
impl From<&str> for Patience {
    fn from(value: &str) -> Self {
        let seconds = value.parse().map(Duration::from_secs);
        match (value, seconds, humantime::parse_duration(value)) {
            ("infinity", ..) => Self::Infinite,
            (_, Ok(time), _) | (_, _, Ok(time)) => Self::For(time),
            (words, ..) => Self::Unclear(words.to_owned()),
        }
    }
}

impl From<&str> for NotifyAccess {
    fn from(value: &str) -> Self {
        match value {
            "exec" => Self::Exec,
            "all" => Self::All,
            _ => Self::NotHooks,
        }
    }
}

/// Words between spaces; one with spaces or backslashes is in quotes, in which a backslash stands before a quote or
/// another one.
pub(super) fn split(value: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = value.trim_start();
    while !rest.is_empty() {
        let (word, after) = match rest.strip_prefix('"') {
            Some(quoted) => unquoted(quoted),
            None => {
                rest.split_once(' ').map_or((rest.to_owned(), ""), |(word, after)| (word.to_owned(), after))
            }
        };
        words.push(word);
        rest = after.trim_start();
    }
    words
}

/// The text up to the closing quote, and what is behind it.
fn unquoted(text: &str) -> (String, &str) {
    let mut word = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (word, &text[at + 1..]),
            '\\' => word.extend(characters.next().map(|(_, escaped)| escaped)),
            _ => word.push(character),
        }
    }
    (word, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_systemd_writes_and_reads_them() {
        for (words, seconds) in [("1min 30s", 90), ("10min", 600), ("90", 90), ("5 min", 300), ("1h", 3600)] {
            assert_eq!(Patience::from(words), Patience::For(Duration::from_secs(seconds)), "{words}");
        }
        assert_eq!(Patience::from("infinity"), Patience::Infinite);
        assert_eq!(Patience::from("soon"), Patience::Unclear("soon".to_owned()));
    }

    #[test]
    fn a_path_with_a_space_is_one_word() {
        assert_eq!(split(r#"/a/b.conf "/c d/e.conf"  /f"#), ["/a/b.conf", "/c d/e.conf", "/f"]);
        assert_eq!(split("\"unfinished"), ["unfinished"]);
        assert_eq!(
            split(r#"a "system-a\\x2db.slice" "say \"x\"""#),
            ["a", r"system-a\x2db.slice", "say \"x\""]
        );
        assert_eq!(split(r#""\"#), [""]);
        assert!(split(" ").is_empty());
    }
}
