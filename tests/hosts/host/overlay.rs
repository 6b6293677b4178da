//! The disk of a host: a writable layer over read-only ones, so that a fresh host costs a mount.
//!
//! All of it lives in a mount namespace of this process, on one tmpfs, and a guardian cuts the power of what still
//! runs when the process is gone: whatever kills it, nothing is left.

use std::env;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// Set in a process that already has its own mount namespace.
const PRIVATE: &str = "HHVM_DRAIN_TEST_MOUNTS";

/// What the namespace holds before the first host: a tmpfs for the disks, a view of the cgroup tree, and the guardian,
/// which knows the machines by their control groups.
const PREPARE: &str = r#"
set -eu
mkdir -p "$1" /run/systemd/nspawn
mount -t tmpfs -o mode=0755 hosts "$1"
mount -t tmpfs -o mode=0755 nspawn /run/systemd/nspawn
mkdir "$1/cgroup" "$1/lower" "$1/upper" "$1/work" "$1/probe"
mount -t cgroup2 cgroup "$1/cgroup"
(cd "$1" && mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work probe && umount probe)
(
    trap '' HUP INT TERM
    tail --pid=$$ -s 0.2 -f /dev/null
    for group in "$1/cgroup/hhvm-drain-$$-"*; do
        [ -d "$group" ] || continue
        echo 1 >"$group/cgroup.kill"
        timeout 5 sh -c 'until find "$1" -depth -type d -exec rmdir {} +; do sleep 0.1; done' sh "$group"
    done
) </dev/null >/dev/null 2>&1 &
shift
exec "$@"
"#;

/// Where this process keeps its hosts. The name holds what the path of anybody's checkout may hold, so that no test
/// depends on where the checkout lies.
pub fn directory() -> PathBuf {
    super::target().join(r"hosts/größe, (und) \mehr")
}

/// A command that runs another with a private mount namespace and the directory of hosts prepared.
fn privately() -> Command {
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-c", PREPARE, "sh"]);
    command.arg(directory());
    command
}

/// Why this machine cannot mount what a host needs, if it cannot.
pub fn why_not() -> Option<String> {
    let probe = privately().arg("true").stdin(Stdio::null()).output();
    match probe {
        Ok(output) if output.status.success() => None,
        Ok(output) => {
            Some(format!("cannot mount an overlay: {}", String::from_utf8_lossy(&output.stderr).trim()))
        }
        Err(error) => Some(format!("cannot run unshare: {error}")),
    }
}

/// Starts this program again in a mount namespace of its own; returns when it is there.
pub fn enter() {
    if env::var_os(PRIVATE).is_none() {
        let error = privately()
            .arg(env::current_exe().expect("the path of this program"))
            .args(env::args_os().skip(1))
            .env(PRIVATE, "1")
            .exec();
        panic!("failed to run unshare: {error}");
    }
}

/// A mounted root that is unmounted and removed when dropped.
pub struct Overlay {
    directory: PathBuf,
    layers: Vec<PathBuf>,
}

impl Overlay {
    /// Mounts a writable root over the layers, the topmost first.
    pub fn new(layers: Vec<PathBuf>) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let directory = directory().join(NEXT.fetch_add(1, Ordering::Relaxed).to_string());
        for part in ["upper", "work", "root"] {
            fs::create_dir_all(directory.join(part)).expect("a directory for the host");
        }
        let overlay = Self { directory, layers };
        overlay.mount();
        overlay
    }

    fn mount(&self) {
        let lower: Vec<_> = self.layers.iter().map(|layer| option(layer)).collect();
        let part = |name| option(&self.directory.join(name));
        let options =
            format!("lowerdir={},upperdir={},workdir={}", lower.join(":"), part("upper"), part("work"));
        let mut mount = Command::new("mount");
        mount.current_dir(directory()).args(["-t", "overlay", "overlay", "-o", &options]).arg(self.root());
        super::succeed(&mut mount);
    }

    fn unmount(&self) -> bool {
        Command::new("umount").arg("--lazy").arg(self.root()).status().is_ok_and(|status| status.success())
    }

    /// The mounted root.
    pub fn root(&self) -> PathBuf {
        self.directory.join("root")
    }

    /// A file beside the root, for what is about the host and not in it.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Unmounts, and keeps what was written as a layer for other hosts.
    pub fn into_layer(self, name: &str) -> PathBuf {
        assert!(self.unmount(), "failed to unmount {}", self.root().display());
        let layer = directory().join(name);
        fs::rename(self.directory.join("upper"), &layer).expect("failed to keep the layer");
        layer
    }
}

impl Drop for Overlay {
    fn drop(&mut self) {
        if is_mounted(&self.root()) {
            self.unmount();
        }
        if !is_mounted(&self.root()) {
            fs::remove_dir_all(&self.directory).ok();
        }
    }
}

/// A layer, or a root beside the directory of hosts, as an option of mount that runs in this directory: a path from
/// there has only names that are given here, and none of the commas, colons and backslashes that mean something.
fn option(layer: &Path) -> String {
    let beside = |_| Path::new("..").join(layer.file_name().expect("the name of a root"));
    let path = layer.strip_prefix(directory()).map_or_else(beside, Path::to_owned);
    path.display().to_string()
}

/// Removing through a mount would remove what is mounted.
fn is_mounted(path: &Path) -> bool {
    let device = |path: &Path| path.metadata().map(|metadata| metadata.dev()).ok();
    device(path) != path.parent().and_then(device)
}
