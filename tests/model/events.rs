//! What else happens on a host, whatever the program does: deploys, hands, mounts.

use crate::host::{Disk, File, Folder, Host, Node, Wish};
use crate::scenes::Scene;
use std::ffi::{OsStr, OsString};
use std::path::Path;

pub const NAME: &str = "status.php";
pub const DISABLED: &str = "status.php.disabled";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// A deploy puts a health file where none is.
    Put,
    /// A deploy writes another in its place.
    Replace,
    /// `git clean`: what the deploy does not know goes, parked files among it.
    Clean,
    /// A person moves the health file away.
    HandOut,
    /// A person moves it back.
    HandBack,
    /// Somebody puts a file of their own under the disabled name, in place of whatever has it.
    Bait,
    /// The file system of the health file is unmounted; something else may lie below.
    Unmount,
    /// It is mounted again.
    Mount,
    /// A deploy lets the path lead to the other release.
    Flip,
    /// A deploy removes the release that the path does not lead to.
    Prune,
    /// A deploy makes the directory anew, with a new health file in it.
    NewFolder,
}

impl Event {
    /// Whether it changes anything.
    pub fn may_happen(self, host: &Host, scene: &Scene) -> bool {
        let mut after = host.clone();
        self.happen(&mut after, scene);
        after != *host
    }

    /// Does nothing where it cannot happen.
    pub fn happen(self, host: &mut Host, scene: &Scene) {
        let directory = scene.directory();
        match self {
            Self::Put => put(host, directory, scene, false),
            Self::Replace => put(host, directory, scene, true),
            Self::Clean => {
                if let Some(folder) = host.disk.folder(directory) {
                    let gone: Vec<OsString> = folder
                        .names()
                        .map(|(name, _)| name.to_owned())
                        .filter(|name| name.as_encoded_bytes().starts_with(DISABLED.as_bytes()))
                        .collect();
                    for name in gone {
                        let _ = folder.take(&name);
                    }
                    if host.wish == Wish::Hand {
                        host.wish = Wish::Unclear;
                    }
                    host.disk.contents = host.disk.found();
                }
            }
            Self::HandOut => {
                if by_hand(&mut host.disk, directory, NAME, DISABLED) {
                    // Parked or about to be: where a record says so, nobody can tell the hand from the drain.
                    let on_record = !host.disk.records().is_empty();
                    host.wish = if on_record { Wish::Unclear } else { Wish::Hand };
                }
            }
            Self::HandBack => {
                if by_hand(&mut host.disk, directory, DISABLED, NAME) {
                    let is_over = matches!(host.wish, Wish::Hand | Wish::Nobody);
                    host.wish = if is_over { Wish::Nobody } else { Wish::Unclear };
                }
            }
            Self::Bait => bait(&mut host.disk, directory, scene),
            Self::Unmount => lead(host, directory, 0, 1),
            Self::Mount => lead(host, directory, 1, 0),
            Self::Flip => flip(&mut host.disk, directory),
            Self::Prune => {
                let (here, _) = host.disk.paths[directory].clone();
                host.disk.paths.retain(|path, (real, _)| path == directory || *real == here);
                forget_folders(&mut host.disk);
            }
            Self::NewFolder => new_folder(host, directory, scene),
        }
    }
}

fn put(host: &mut Host, directory: &Path, scene: &Scene, replace: bool) {
    let disk = &mut host.disk;
    let name = OsStr::new(NAME);
    let new = disk.new_file(scene.files_max + usize::from(replace));
    let (Some(file), Some(folder)) = (new, disk.folder(directory)) else { return };
    if matches!(folder.get(name), Some(Node::File(_))) != replace {
        return;
    }
    folder.put(name, Node::File(file));
    disk.contents = disk.found();
    if host.wish == Wish::Hand {
        host.wish = Wish::Unclear;
    }
}

fn bait(disk: &mut Disk, directory: &Path, scene: &Scene) {
    let (name, new) = (OsStr::new(DISABLED), disk.new_file(scene.files_max + 1));
    let is_baited = !disk.baits.is_empty();
    let (Some(file), Some(folder), false) = (new, disk.folder(directory), is_baited) else { return };
    folder.put(name, Node::File(file));
    disk.baits.insert(file.content);
    disk.contents = disk.found();
}

fn by_hand(disk: &mut Disk, directory: &Path, from: &str, to: &str) -> bool {
    let now = disk.now;
    let Some(folder) = disk.folder(directory) else { return false };
    let (from, to) = (OsStr::new(from), OsStr::new(to));
    let can = matches!(folder.get(from), Some(Node::File(_))) && folder.get(to).is_none();
    can && folder.rename(from, to, now).is_ok()
}

/// The path leads to the folder `to`, if it has led to `from`.
fn lead(host: &mut Host, directory: &Path, from: usize, to: usize) {
    if let (Some(left), Some((_, at))) = (host.mounts_left.checked_sub(1), host.disk.paths.get_mut(directory))
        && *at == from
    {
        *at = to;
        host.mounts_left = left;
    }
}

fn flip(disk: &mut Disk, directory: &Path) {
    let (here, _) = disk.paths[directory].clone();
    let other = disk.paths.values().find(|(real, _)| *real != here).cloned();
    if let Some(other) = other {
        disk.paths.insert(directory.to_owned(), other);
    }
}

/// Empties what no path leads to.
fn forget_folders(disk: &mut Disk) {
    for at in 0..disk.folders.len() {
        if disk.paths.values().all(|(_, other)| *other != at) {
            let Folder { inode, device, .. } = disk.folders[at];
            disk.folders[at] = Folder::new(inode, device);
        }
    }
    disk.contents = disk.found();
}

fn new_folder(host: &mut Host, directory: &Path, scene: &Scene) {
    let Some(new) = host.disk.new_file(scene.files_max) else { return };
    let Some((real, at)) = host.disk.paths.get(directory).cloned() else { return };
    if at == scene.folders_max - 1 {
        return;
    }
    let inode = host.disk.free_inode() + 1;
    let mut folder = Folder::new(inode, host.disk.folders[at].device);
    folder.put(OsStr::new(NAME), Node::File(File { inode: inode + 1, ..new }));
    if host.wish == Wish::Hand {
        host.wish = Wish::Unclear;
    }
    host.disk.folders.push(folder);
    host.disk.paths.insert(directory.to_owned(), (real, host.disk.folders.len() - 1));
    forget_folders(&mut host.disk);
}
