//! What a power cut may leave on the disk, of all that a command has told it.
//!
//! The program is run under ptrace(2). After each call that changes files the directories are read, and each fsync(2) is
//! noted: that is the history. From it come the disks that a cut at any moment may leave, by the rules of a file system.

pub mod rules;

use crate::host::{Host, STATE};
use crate::house::NEXT_BOOT;
use crate::outcome::{End, Told};
use nix::unistd::{Gid, Uid, chown};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// How a file system orders what it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rules {
    /// ext4 with `data=ordered` (ext4(5), Documentation/filesystems/ext4/journal.rst): names, owners and modes change in
    /// order, by transactions; each fsync(2) commits all that came before it. Contents that were not synced are there,
    /// or not, with delayed allocation; that a rename over another file flushes them (`auto_da_alloc`) is not relied on.
    Ext4,
    /// XFS (xfs-delayed-logging-design.rst): the log keeps the order, and fsync(2) writes it up to the last change of that
    /// file or directory.
    Xfs,
    /// btrfs (btrfs(5), its log tree): a commit keeps all until some moment; of what came after it, each synced file or
    /// directory is as it was when it was synced, and nothing else.
    Btrfs,
}

/// A file or directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Node {
    inode: u64,
    mode: u32,
    owner: (u32, u32),
    content: Content,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Content {
    Directory,
    Text(Vec<u8>),
    Link(PathBuf),
}

/// What lies in the directories of the health files and of the records.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Disk(BTreeMap<PathBuf, Node>);

/// A disk after a power cut.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Left {
    pub disk: Disk,
    /// Whether the command had said that it was done.
    pub is_done: bool,
}

/// A sync, of the object of that number, when the disk was to be so.
#[derive(Debug, Clone, Copy)]
struct Sync {
    at: usize,
    inode: u64,
}

/// What a run told the disk.
pub struct History {
    /// After each change; the first is from before the run, and durable.
    disks: Vec<Disk>,
    syncs: Vec<Sync>,
    ended_well: bool,
}

impl Rules {
    pub const ALL: [Self; 3] = [Self::Ext4, Self::Xfs, Self::Btrfs];
}

impl History {
    /// Runs the command of the host's case.
    pub fn of(host: &Host) -> Self {
        let directories: Vec<PathBuf> = host.directories();
        let mut disks = vec![Disk::read(&directories)];
        let mut syncs = Vec::new();
        let traced = host.observe(&mut |told| match told {
            Told::Changed => {
                let disk = Disk::read(&directories);
                if disks.last() != Some(&disk) {
                    disks.push(disk);
                }
            }
            Told::Synced(path) => {
                let inode = fs::metadata(path).map(|found| found.ino());
                syncs.extend(inode.map(|inode| Sync { at: disks.len() - 1, inode }));
            }
        });
        Self { disks, syncs, ended_well: traced.end == End::Exited(0) }
    }

    /// All different disks that a cut at any moment may leave.
    pub fn disks(&self, rules: Rules) -> BTreeSet<Left> {
        let mut all = BTreeSet::new();
        // A moment is before a sync or after all syncs, with so many changes made.
        for now in 0..self.disks.len() {
            let of_now = self.syncs.iter().filter(|sync| sync.at == now).count();
            let before = self.syncs.iter().filter(|sync| sync.at < now).count();
            for syncs in before..=before + of_now {
                let is_last = now + 1 == self.disks.len() && syncs == self.syncs.len();
                let syncs = &self.syncs[..syncs];
                for names in self.names(rules, now, syncs) {
                    for disk in self.with_contents(&names, syncs) {
                        // Whether it was told so before the cut or would have been right after it is the same to the disk.
                        if is_last && self.ended_well {
                            all.insert(Left { disk: disk.clone(), is_done: true });
                        }
                        all.insert(Left { disk, is_done: false });
                    }
                }
            }
        }
        all
    }

    /// The disks as far as names, owners and modes go.
    fn names(&self, rules: Rules, now: usize, syncs: &[Sync]) -> Vec<Disk> {
        let durable = match rules {
            Rules::Ext4 => syncs.iter().map(|sync| sync.at).max(),
            Rules::Xfs => syncs.iter().map(|sync| self.last_change(*sync)).max(),
            Rules::Btrfs => None,
        };
        let commits = durable.unwrap_or(0)..=now;
        match rules {
            Rules::Ext4 | Rules::Xfs => commits.map(|at| self.disks[at].clone()).collect(),
            Rules::Btrfs => commits.map(|at| self.replayed(at, syncs)).collect(),
        }
    }

    /// When the synced object had changed for the last time.
    fn last_change(&self, sync: Sync) -> usize {
        (1..=sync.at)
            .rev()
            .find(|at| self.disks[*at].of(sync.inode) != self.disks[at - 1].of(sync.inode))
            .unwrap_or(0)
    }

    /// The commit of that moment, and what was synced since.
    fn replayed(&self, commit: usize, syncs: &[Sync]) -> Disk {
        let mut disk = self.disks[commit].clone();
        for sync in syncs.iter().filter(|sync| sync.at > commit) {
            disk.take_over(&self.disks[sync.at], sync.inode);
        }
        disk
    }

    /// The disk with each choice of what became of contents that nobody has synced: all there, none, or zeros.
    fn with_contents(&self, names: &Disk, syncs: &[Sync]) -> Vec<Disk> {
        let mut all = vec![names.clone()];
        let unsafe_files: BTreeMap<u64, &Vec<u8>> = names
            .0
            .values()
            .filter_map(|node| match &node.content {
                Content::Text(text) if !self.is_kept(node, syncs) => Some((node.inode, text)),
                _ => None,
            })
            .collect();
        for (inode, text) in unsafe_files {
            for other in [Vec::new(), vec![0; text.len()]] {
                let changed: Vec<Disk> = all.iter().map(|disk| disk.with(inode, &other)).collect();
                all.extend(changed);
            }
        }
        all
    }

    /// Whether the contents are from before the run, or were synced.
    fn is_kept(&self, node: &Node, syncs: &[Sync]) -> bool {
        let was_so =
            |disk: &Disk| disk.0.values().any(|old| old.inode == node.inode && old.content == node.content);
        was_so(&self.disks[0])
            || syncs.iter().any(|sync| sync.inode == node.inode && was_so(&self.disks[sync.at]))
    }
}

impl Disk {
    fn read(directories: &[PathBuf]) -> Self {
        let mut disk = Self::default();
        for directory in directories {
            disk.add(directory);
            for entry in fs::read_dir(directory).into_iter().flatten() {
                disk.add(&entry.unwrap().path());
            }
        }
        disk
    }

    fn add(&mut self, path: &Path) {
        let Ok(found) = fs::symlink_metadata(path) else { return };
        let content = if found.is_dir() {
            Content::Directory
        } else if found.is_symlink() {
            Content::Link(fs::read_link(path).unwrap())
        } else {
            Content::Text(fs::read(path).unwrap())
        };
        let owner = (found.uid(), found.gid());
        self.0.insert(
            path.to_owned(),
            Node { inode: found.ino(), mode: found.mode() & 0o7777, owner, content },
        );
    }

    /// The object of that number: its names and what it is; of a directory its entries, too.
    fn of(&self, inode: u64) -> Vec<(&PathBuf, &Node)> {
        let is_it = |node: &Node| node.inode == inode;
        let is_in_it = |path: &Path| path.parent().and_then(|parent| self.0.get(parent)).is_some_and(is_it);
        self.0.iter().filter(|(path, node)| is_it(node) || is_in_it(path)).collect()
    }

    /// Makes the object of that number as it is on the disk `newer`.
    fn take_over(&mut self, newer: &Self, inode: u64) {
        let mine: Vec<PathBuf> = self.of(inode).into_iter().map(|(path, _)| path.clone()).collect();
        for path in mine {
            self.0.remove(&path);
        }
        for (path, node) in newer.of(inode) {
            self.0.insert(path.clone(), node.clone());
            // The directories that lead to it.
            for above in path.ancestors().skip(1) {
                if let Some(node) = newer.0.get(above) {
                    self.0.entry(above.to_owned()).or_insert_with(|| node.clone());
                }
            }
        }
    }

    fn with(&self, inode: u64, text: &[u8]) -> Self {
        let mut disk = self.clone();
        for node in disk.0.values_mut().filter(|node| node.inode == inode) {
            node.content = Content::Text(text.to_owned());
        }
        disk
    }

    /// Makes the host's disk this one, after a boot.
    pub fn restore(&self, host: &Host) {
        Host::boot(NEXT_BOOT);
        let kept = host.put_aside();
        let _ = fs::remove_dir_all(STATE);
        for (path, node) in &self.0 {
            match &node.content {
                Content::Directory => fs::create_dir_all(path).unwrap(),
                Content::Link(target) => std::os::unix::fs::symlink(target, path).unwrap(),
                // The very file, so that it has its number and its time.
                Content::Text(_) if kept.contains_key(&node.inode) => {
                    fs::hard_link(&kept[&node.inode], path).unwrap();
                    continue;
                }
                Content::Text(text) => fs::write(path, text).unwrap(),
            }
            if !matches!(node.content, Content::Link(_)) {
                fs::set_permissions(path, Permissions::from_mode(node.mode)).unwrap();
                chown(path, Some(Uid::from_raw(node.owner.0)), Some(Gid::from_raw(node.owner.1))).unwrap();
            }
        }
        for path in kept.values() {
            fs::remove_file(path).unwrap();
        }
    }
}

impl fmt::Display for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (path, node) in &self.0 {
            let what = match &node.content {
                Content::Directory => continue,
                Content::Link(target) => format!("-> {}", target.display()),
                Content::Text(text) if text.is_empty() => "empty".to_owned(),
                Content::Text(text) if text.iter().all(|byte| *byte == 0) => "zeros".to_owned(),
                Content::Text(text) => format!("{} bytes", text.len()),
            };
            writeln!(f, "  {} {what}, inode {}", path.display(), node.inode)?;
        }
        Ok(())
    }
}
