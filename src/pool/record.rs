//! The record: who took the node out, when and why, and exactly which files were parked.

use super::files::FileId;
use crate::clock::Stamp;
use crate::text::quote;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

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

/// One file that was renamed, or is about to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parked {
    /// Where the load balancer looks for it: real directory, without the root.
    pub health_file: PathBuf,
    /// Where it lies meanwhile: the same directory.
    pub disabled: PathBuf,
    /// Which file it is.
    pub file: FileId,
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

/// What becomes of a parked file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unpark {
    /// Rename it back.
    Rename,
    /// It is back, or never went: nothing to do.
    AlreadyBack,
    /// A newer health file is in its place: leave ours beside it.
    Superseded,
    /// What lies there now is not the file that was parked: leave it.
    NotOurs,
    /// Neither is there.
    Gone,
}

impl Parked {
    /// Decides, from what is there now, what to do to bring this file back.
    ///
    /// Device numbers may change over a reboot, inodes do not: `same_boot` says which are compared.
    #[must_use]
    pub fn unpark(&self, health: Option<FileId>, disabled: Option<FileId>, same_boot: bool) -> Unpark {
        let is_ours = |found: FileId| {
            found.inode == self.file.inode && (!same_boot || found.device == self.file.device)
        };
        match (health, disabled) {
            (None, Some(found)) if is_ours(found) => Unpark::Rename,
            (Some(_), Some(found)) if is_ours(found) => Unpark::Superseded,
            (Some(_), _) => Unpark::AlreadyBack,
            (None, Some(_)) => Unpark::NotOurs,
            (None, None) => Unpark::Gone,
        }
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

    const OURS: FileId = FileId { device: 1, inode: 7 };
    const OTHER: FileId = FileId { device: 1, inode: 8 };
    const MOVED_DISK: FileId = FileId { device: 2, inode: 7 };

    fn parked() -> Parked {
        Parked {
            health_file: "/var/www/status.php".into(),
            disabled: "/var/www/status.php.disabled".into(),
            file: OURS,
        }
    }

    #[test]
    fn only_the_very_file_that_was_parked_is_renamed_back() {
        for (health, disabled, expected) in [
            (None, Some(OURS), Unpark::Rename),
            (None, Some(OTHER), Unpark::NotOurs),
            (None, Some(MOVED_DISK), Unpark::NotOurs),
            (None, None, Unpark::Gone),
            (Some(OURS), None, Unpark::AlreadyBack),
            (Some(OTHER), None, Unpark::AlreadyBack),
            (Some(OTHER), Some(OURS), Unpark::Superseded),
            (Some(OTHER), Some(OTHER), Unpark::AlreadyBack),
        ] {
            assert_eq!(parked().unpark(health, disabled, true), expected, "{health:?} {disabled:?}");
        }
    }

    #[test]
    fn device_numbers_may_change_over_a_reboot() {
        assert_eq!(parked().unpark(None, Some(MOVED_DISK), false), Unpark::Rename);
    }
}
