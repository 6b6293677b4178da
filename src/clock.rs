//! Times that are stored: wall clock for people, boot id and boot time for decisions.

use nix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// An instant that another run of the program can compare with its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// For people: RFC 3339, UTC. The wall clock may jump, so nothing is decided by it.
    pub at: String,
    /// Which boot (`/proc/sys/kernel/random/boot_id`, random(4)).
    pub boot_id: String,
    /// Milliseconds since that boot, suspended time included (`CLOCK_BOOTTIME`, `clock_gettime(2)`).
    pub boottime_ms: u64,
}

/// This instant. `proc` is the mounted procfs.
#[must_use]
pub fn now(proc: &Path) -> Stamp {
    let boot_id = std::fs::read_to_string(proc.join("sys/kernel/random/boot_id")).unwrap_or_default();
    let boottime = clock_gettime(ClockId::CLOCK_BOOTTIME).map(Duration::from).unwrap_or_default();
    Stamp {
        at: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
        boot_id: boot_id.trim().to_owned(),
        boottime_ms: u64::try_from(boottime.as_millis()).unwrap_or(u64::MAX),
    }
}

impl Stamp {
    /// The time from `self` to `later`; none if the machine was booted in between, or cannot tell.
    #[must_use]
    pub fn until(&self, later: &Self) -> Option<Duration> {
        let same_boot = !self.boot_id.is_empty() && self.boot_id == later.boot_id;
        let millis = later.boottime_ms.checked_sub(self.boottime_ms)?;
        same_boot.then(|| Duration::from_millis(millis))
    }

    /// The same, by the wall clock if the machine was booted in between; for people.
    #[must_use]
    pub fn about(&self, later: &Self) -> Option<Duration> {
        let wall = |stamp: &Self| humantime::parse_rfc3339(&stamp.at).ok();
        self.until(later).or_else(|| wall(later)?.duration_since(wall(self)?).ok())
    }
}
