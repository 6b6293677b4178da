//! Looks at a unit as the kernel knows it: its processes, the sockets among their descriptors, and the lists of sockets
//! of the network name spaces that these processes are in.
//!
//! What cannot be seen makes the whole look fail, so that nobody takes it for nothing. What the result means is for
//! [`crate::sockets`] to say.

mod cgroup;
mod descriptors;
mod direct;
mod enter;
mod look;
mod outside;
mod processes;
mod sock_diag;
mod space;
mod unseen;
mod wire;

pub use cgroup::of_self as own_cgroup;
pub use enter::{in_network_of, is_one_network};
pub use look::{listeners, look, ports, relist, still_holds, users_listening};
pub use outside::{leave_hidden_root, shows_processes};
pub use processes::processes;
pub use unseen::Unseen;

use crate::context::Root;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Which processes are looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scope {
    /// The cgroup of the unit, as systemd names it (`ControlGroup=`): all processes in it and below it.
    pub cgroup: Option<String>,
    /// The main process, if it is known: where it is not in that cgroup, it and its descendants are looked at, too.
    pub main: Option<i32>,
}

/// Where the kernel shows its processes, and who looks.
#[derive(Debug, Clone)]
pub struct Host {
    /// procfs, usually `/proc`.
    pub proc: PathBuf,
    /// The cgroup file systems, usually `/sys/fs/cgroup`.
    pub cgroups: PathBuf,
    /// Who looks: a hook runs in the unit's cgroup, and is none of the unit's processes.
    pub looker: Looker,
}

/// Who looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Looker {
    /// The number of the process; its descendants, a systemctl for one, are not the unit's either.
    pub pid: i32,
    /// The program that it runs; other processes of the same user that run it are hooks, too.
    pub program: Option<Program>,
}

/// A program, by the numbers of its file and of the device that this is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Program {
    device: u64,
    inode: u64,
}

impl Program {
    /// The program at `path`; none if there is nothing.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        let meta = std::fs::metadata(path).ok()?;
        Some(Self { device: meta.dev(), inode: meta.ino() })
    }
}

impl Host {
    /// The host whose file system begins at `root`, looked at by this process.
    #[must_use]
    pub fn below(root: &Root) -> Self {
        let pid = std::process::id().cast_signed();
        let program = Program::of(Path::new("/proc/self/exe"));
        Self {
            proc: root.join("/proc"),
            cgroups: root.join("/sys/fs/cgroup"),
            looker: Looker { pid, program },
        }
    }
}

#[cfg(any(test, fuzzing))]
#[path = "../../tests/fuzz/properties/kernel.rs"]
pub mod properties;

#[cfg(test)]
mod tests;
