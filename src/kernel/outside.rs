//! Leads a hook out of a root of the unit's own, where it would see neither the processes nor the record.

use rustix::fs::{Mode, OFlags, openat};
use rustix::io;
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsmount, fsopen};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::os::fd::AsFd;
use std::path::Path;

/// Where `root` shows no procfs, enters the mount name space of systemd itself, and its root: with `RootDirectory=` or
/// `TemporaryFileSystem=/` systemd runs even the commands with a "+" below the unit's root, and gives them no `/proc`.
/// To be called before there are threads.
///
/// It stays where it is if the kernel refuses: before Linux 5.2, and without root's capabilities.
pub fn leave_hidden_root(root: &Path) {
    if !shows_processes(&root.join("proc")) {
        // The caller sees by the missing procfs that nothing came of it.
        let _ = enter_mounts_of_systemd();
    }
}

/// Whether `proc` is a procfs.
#[must_use]
pub fn shows_processes(proc: &Path) -> bool {
    proc.join("self").exists()
}

/// By a procfs that is mounted nowhere, so that the unit does not see it.
fn enter_mounts_of_systemd() -> io::Result<()> {
    let procfs = fsopen("proc", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_create(procfs.as_fd())?;
    let hardened = MountAttrFlags::MOUNT_ATTR_NOSUID
        | MountAttrFlags::MOUNT_ATTR_NODEV
        | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    let procfs = fsmount(procfs.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, hardened)?;
    let mounts = openat(&procfs, "1/ns/mnt", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    move_into_link_name_space(mounts.as_fd(), Some(LinkNameSpaceType::Mount))
}
