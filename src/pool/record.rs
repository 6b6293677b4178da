//! The record: who took the node out, when and why, and exactly which files were parked.

use super::bytes;
use super::identity::{Boot, FileId};
use super::names::disabled_name;
use crate::clock::Stamp;
use crate::text::quote;
use serde::{Deserialize, Serialize};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;

/// The format that this program writes. A reader takes any version: fields are only ever added.
pub const VERSION: u32 = 1;

/// Who took the node out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// `stop`; `restore` may undo it.
    Drain,
    /// `depool`; only `pool` undoes it.
    Operator,
}

/// Who wants the node out.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Drain or operator.
    pub by: By,
    /// The operator's login name.
    pub who: Option<String>,
    /// Why.
    pub reason: Option<String>,
}

impl Wish {
    /// The wish of `stop`.
    #[must_use]
    pub fn drain() -> Self {
        Self { by: By::Drain, who: None, reason: None }
    }
}

/// One file that was renamed, or is about to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parked {
    /// Where the load balancer looks for it: real directory, without the root.
    #[serde(with = "bytes::path")]
    pub health_file: PathBuf,
    /// Where it lies meanwhile: the same directory.
    #[serde(with = "bytes::path")]
    pub disabled: PathBuf,
    /// Which file it is.
    pub file: FileId,
    /// Which directory it was parked in; older versions did not record it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<FileId>,
    /// The path by which the settings name it, if that is another: a symlink leads there.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "bytes::path_if_any")]
    pub named: Option<PathBuf>,
}

/// The durable note of who depooled the node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The format.
    pub version: u32,
    /// The unit that is drained.
    pub unit: String,
    /// Who took the node out.
    pub by: By,
    /// The login name of the operator, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Since when.
    pub since: Stamp,
    /// systemd's invocation of the unit, if the program ran in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invocation: Option<String>,
    /// The files, in the order in which they were parked.
    pub parked: Vec<Parked>,
}

impl Parked {
    /// The path by which the settings named it.
    #[must_use]
    pub fn named(&self) -> &Path {
        self.named.as_deref().unwrap_or(&self.health_file)
    }

    /// Whether it can have been parked by this program: from one name to `NAME.disabled…` in the same directory, whose
    /// path is absolute and leads nowhere else by `..`, and under the name that the settings have for it.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let is_plain = |path: &Path| {
            let mut parts = path.components();
            parts.next() == Some(Component::RootDir) && parts.all(|part| matches!(part, Component::Normal(_)))
        };
        let (Some(health), Some(disabled)) = (self.health_file.file_name(), self.disabled.file_name()) else {
            return false;
        };
        is_plain(&self.health_file)
            && is_plain(&self.disabled)
            && self.health_file.parent() == self.disabled.parent()
            && disabled.as_bytes().starts_with(disabled_name(health).as_bytes())
            && self.named().file_name() == Some(health)
    }
}

impl Record {
    /// A record of a depool that begins now.
    #[must_use]
    pub fn new(by: By, unit: &str, since: Stamp) -> Self {
        Self {
            version: VERSION,
            unit: unit.to_owned(),
            by,
            who: None,
            reason: None,
            since,
            invocation: None,
            parked: Vec::new(),
        }
    }

    /// Whether `now` is in the boot in which the node was taken out.
    #[must_use]
    pub fn boot(&self, now: &Stamp) -> Boot {
        self.since.until(now).map_or(Boot::Another, |_| Boot::Same)
    }

    /// Whether something that changed at that time (in seconds since 1970) did so after the node was taken out. By the
    /// wall clock, as file systems know no other.
    #[must_use]
    pub fn is_older_than(&self, changed: i64) -> bool {
        let since = humantime::parse_rfc3339(&self.since.at).ok();
        let since = since.and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok());
        since.is_some_and(|since| i64::try_from(since.as_secs()).is_ok_and(|since| since <= changed))
    }

    /// Who, since when and why, for a message.
    #[must_use]
    pub fn story(&self) -> String {
        let who = match (self.by, &self.who) {
            (By::Drain, _) => "a drain".to_owned(),
            (By::Operator, Some(who)) => format!("operator {}", quote(who)),
            (By::Operator, None) => "an operator".to_owned(),
        };
        let reason = self.reason.as_deref().map(|why| format!(": {}", quote(why))).unwrap_or_default();
        format!("{who} took it out on {}{reason}", self.since.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;

    fn stamp(at: &str) -> Stamp {
        Stamp { at: at.to_owned(), boot_id: "one".to_owned(), boottime_ms: 5 }
    }

    #[test]
    fn paths_that_are_not_utf_8_are_kept() {
        let bytes = |bytes: &[u8]| PathBuf::from(OsStr::from_bytes(bytes));
        let mut record = Record::new(By::Drain, "hhvm.service", stamp("2026-01-02T03:04:05Z"));
        record.parked.push(Parked {
            health_file: bytes(b"/srv/r\xe9lease/status.php"),
            disabled: bytes(b"/srv/r\xe9lease/status.php.disabled"),
            file: FileId { device: 1, inode: 2, written: None },
            directory: None,
            named: Some(bytes(b"/srv/c\xfcrrent/status.php")),
        });
        let json = serde_json::to_vec(&record).unwrap();
        assert_eq!(serde_json::from_slice::<Record>(&json).unwrap(), record);
    }

    #[test]
    fn nothing_is_acted_on_that_this_program_cannot_have_parked() {
        let parked = |health_file: &str, disabled: &str| Parked {
            health_file: health_file.into(),
            disabled: disabled.into(),
            file: FileId { device: 1, inode: 2, written: None },
            directory: None,
            named: None,
        };
        for (health_file, disabled, is_sound) in [
            ("/var/www/s", "/var/www/s.disabled", true),
            ("/var/www/s", "/var/www/s.disabled.3", true),
            ("/var/www/s", "/etc/s.disabled", false),
            ("/var/www/s", "/var/www/../../etc/s.disabled", false),
            ("/var/www/../s", "/var/www/../s.disabled", false),
            ("var/www/s", "var/www/s.disabled", false),
            ("/etc/passwd", "/etc/shadow", false),
            ("/", "/", false),
            ("", "", false),
        ] {
            assert_eq!(parked(health_file, disabled).is_sound(), is_sound, "{health_file} {disabled}");
        }
        let renamed = Parked { named: Some("/srv/t".into()), ..parked("/var/www/s", "/var/www/s.disabled") };
        assert!(!renamed.is_sound(), "the settings name another file");
    }

    #[test]
    fn a_record_of_0_1_0_is_read() {
        let json = r#"{"version": 1, "unit": "hhvm.service", "by": "drain",
            "since": {"at": "2026-01-02T03:04:05Z", "boot_id": "one", "boottime_ms": 5},
            "parked": [{"health_file": "/var/www/status.php", "disabled": "/var/www/status.php.disabled",
                        "file": {"device": 1, "inode": 2}}]}"#;
        let record: Record = serde_json::from_str(json).unwrap();
        let parked = &record.parked[0];
        assert_eq!(parked.named(), Path::new("/var/www/status.php"));
        assert_eq!(parked.file, FileId { device: 1, inode: 2, written: None });
        assert!(parked.directory.is_none());
    }

    #[test]
    fn what_came_in_the_same_second_counts_as_newer() {
        let record = Record::new(By::Drain, "hhvm.service", stamp("1970-01-01T00:01:00Z"));
        assert!(record.is_older_than(60) && record.is_older_than(61) && !record.is_older_than(59));
        let broken = Record::new(By::Drain, "hhvm.service", stamp("yesterday"));
        assert!(!broken.is_older_than(60), "what is not known is no reason to forget");
    }
}
