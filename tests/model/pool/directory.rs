//! A directory of the host's disk: each method one call.

use super::identity::FileId;
use super::names::{Entry, Names};
use crate::context::Root;
use crate::host::{self, Disk, Folder, Kind, Node, Way};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    id: FileId,
    at: usize,
}

impl Directory {
    pub fn open(root: &Root, path: &Path) -> io::Result<Self> {
        Ok(host::call(Kind::Looks, |disk| {
            let (path, at) = disk.paths.get(&root.join(path)).cloned().ok_or(Errno::NOENT)?;
            let folder = &disk.folders[at];
            let id = FileId { device: folder.device, inode: folder.inode, written: None };
            Ok(Self { path, id, at })
        })?)
    }

    pub fn id(&self) -> FileId {
        self.id
    }

    pub fn changed(&self, name: &OsStr) -> Option<i64> {
        let node = host::call(Kind::Looks, |disk| Ok(self.names(disk).get(name)));
        match node {
            Ok(Some(Node::File(file))) => Some(file.changed.into()),
            _ => None,
        }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    fn names<'a>(&self, disk: &'a mut Disk) -> &'a mut Folder {
        &mut disk.folders[self.at]
    }
}

/// Whether anything has that path.
pub(super) fn is_there(root: &Root, path: &Path) -> bool {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return false };
    host::call(Kind::Looks, |disk| {
        let (_, at) = disk.paths.get(&root.join(parent)).ok_or(Errno::NOENT)?;
        Ok(disk.folders[*at].get(name).is_some())
    })
    .unwrap_or(false)
}

impl Names for Directory {
    fn join(&self, name: &OsStr) -> PathBuf {
        self.path.join(name)
    }

    fn look(&self, name: &OsStr) -> io::Result<Entry> {
        Ok(host::call(Kind::Looks, |disk| {
            let folder = self.names(disk);
            Ok(match folder.get(name) {
                None => Entry::Absent,
                Some(Node::Placeholder) => Entry::Placeholder,
                Some(Node::File(file)) => Entry::File(file.id(folder.device)),
            })
        })?)
    }

    fn rename_unless_taken(&self, from: &OsStr, to: &OsStr) -> rustix::io::Result<()> {
        host::call(Kind::Changes, |disk| {
            if disk.way != Way::RenameUnlessTaken && disk.way != Way::Overwrites {
                return Err(Errno::INVAL);
            }
            let (now, overwrites) = (disk.now, disk.way == Way::Overwrites);
            let folder = self.names(disk);
            match folder.get(to) {
                Some(_) if !overwrites => Err(Errno::EXIST),
                _ => folder.rename(from, to, now),
            }
        })
    }

    fn rename_over(&self, from: &OsStr, to: &OsStr) -> rustix::io::Result<()> {
        host::call(Kind::Changes, |disk| {
            let now = disk.now;
            self.names(disk).rename(from, to, now)
        })
    }

    fn link(&self, from: &OsStr, to: &OsStr) -> rustix::io::Result<()> {
        host::call(Kind::Changes, |disk| {
            if disk.way != Way::HardLink {
                return Err(Errno::PERM);
            }
            let now = disk.now;
            let folder = self.names(disk);
            match (folder.get(from), folder.get(to)) {
                (None, _) => Err(Errno::NOENT),
                (_, Some(_)) => Err(Errno::EXIST),
                (Some(node), None) => {
                    folder.put(to, node.changed_at(now));
                    Ok(())
                }
            }
        })
    }

    fn remove(&self, name: &OsStr) -> rustix::io::Result<()> {
        host::call(Kind::Changes, |disk| self.names(disk).take(name).map(drop))
    }

    fn hold(&self, name: &OsStr) -> rustix::io::Result<()> {
        host::call(Kind::Changes, |disk| {
            let folder = self.names(disk);
            if folder.get(name).is_some() {
                return Err(Errno::EXIST);
            }
            folder.put(name, Node::Placeholder);
            Ok(())
        })
    }

    fn sync(&self) -> rustix::io::Result<()> {
        Ok(())
    }
}
