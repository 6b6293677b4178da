//! The Debian releases that hosts are made of, and with them the versions of systemd.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::target;

thread_local! {
    static CURRENT: Cell<Debian> = const { Cell::new(Debian::Twelve) };
}

/// A release of Debian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Debian {
    /// bullseye, with systemd 247
    Eleven,
    /// bookworm, with systemd 252
    Twelve,
    /// trixie, with systemd 257
    Thirteen,
}

impl Debian {
    /// All that are tested; what takes long to find out comes first.
    pub const ALL: [Self; 3] = [Self::Twelve, Self::Eleven, Self::Thirteen];

    /// As people call it: 12.
    pub fn number(self) -> u8 {
        match self {
            Self::Eleven => 11,
            Self::Twelve => 12,
            Self::Thirteen => 13,
        }
    }

    /// As its archive calls it: bookworm.
    pub fn codename(self) -> &'static str {
        match self {
            Self::Eleven => "bullseye",
            Self::Twelve => "bookworm",
            Self::Thirteen => "trixie",
        }
    }

    /// The version of its systemd.
    pub fn systemd(self) -> u16 {
        match self {
            Self::Eleven => 247,
            Self::Twelve => 252,
            Self::Thirteen => 257,
        }
    }

    /// What the hosts that this thread makes run; 12 unless something else was asked for.
    pub fn current() -> Self {
        CURRENT.get()
    }

    /// Lets the hosts that this thread makes from now on run it.
    pub fn make_current(self) {
        CURRENT.set(self);
    }

    /// The root that hosts boot from, with these packages (`a,b`) besides the usual ones; made when it is missing.
    pub fn root(self, packages: &str) -> Result<PathBuf, String> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hosts/root.sh");
        let mut command = Command::new(script);
        command.arg(target().join("hosts")).args([self.codename(), packages]).stderr(Stdio::inherit());
        let output = command.output().map_err(|error| format!("failed to run root.sh: {error}"))?;
        if output.status.success() {
            Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
        } else {
            Err(format!("no Debian {} could be made from this machine's sources", self.number()))
        }
    }
}
