//! What the rules of file systems come to, with made-up histories.

use super::{Content, Disk, History, Node, Rules, Sync};
use std::path::{Path, PathBuf};

fn node(inode: u64, text: &str) -> Node {
    let content = if text.is_empty() { Content::Directory } else { Content::Text(text.into()) };
    Node { inode, mode: 0o644, owner: (0, 0), content }
}

fn disk(files: &[(&str, u64, &str)]) -> Disk {
    Disk(files.iter().map(|(path, inode, text)| (PathBuf::from(path), node(*inode, text))).collect())
}

fn has(disk: &Disk, path: &str, text: &str) -> bool {
    disk.0.get(Path::new(path)).is_some_and(|node| node.content == Content::Text(text.into()))
}

fn check(holds: bool, what: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what.to_owned()) }
}

/// Nothing but what was synced has to be there, and the order of names is kept where it is promised.
pub fn hold() -> Result<(), String> {
    let (d, e, a, b) = (("/d", 1, ""), ("/e", 2, ""), ("/d/a", 3, "a"), ("/e/b", 4, "b"));
    // A file in each of two directories; the second one is synced, with its directory.
    let history = History {
        disks: vec![disk(&[d, e]), disk(&[d, e, a]), disk(&[d, e, a, b])],
        syncs: vec![Sync { at: 2, inode: 4 }, Sync { at: 2, inode: 2 }],
        ended_well: true,
    };
    for rules in Rules::ALL {
        let left = history.disks(rules).into_iter().filter(|left| left.is_done);
        let disks: Vec<Disk> = left.map(|left| left.disk).collect();
        check(disks.iter().all(|disk| has(disk, "/e/b", "b")), "what was synced is lost")?;
        check(disks.iter().any(|disk| !has(disk, "/d/a", "a")), "what was not synced is kept")?;
        let keeps_order = disks.iter().all(|disk| disk.0.contains_key(Path::new("/d/a")));
        check(keeps_order == (rules != Rules::Btrfs), "the order of names")?;
    }
    let is_early = |left: &super::Left| !left.is_done && has(&left.disk, "/e/b", "");
    check(history.disks(Rules::Ext4).iter().any(is_early), "contents come after their name")
}
