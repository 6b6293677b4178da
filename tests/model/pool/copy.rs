//! A copy of a parked file, kept beside the record.

use super::directory::Directory;
use super::identity::{Boot, FileId};
use super::names::Names;
use super::record::Parked;
use crate::host::{self, File, Kind, Node, OWN};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use std::ffi::OsStr;
use std::io;
use std::path::PathBuf;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copy {
    health_file: PathBuf,
    pub file: FileId,
    pub content: u8,
}

impl Copy {
    pub fn take(parked: &Parked, directory: &Directory, name: &OsStr) -> io::Result<Option<Self>> {
        let node = host::call(Kind::Looks, |disk| Ok(disk.folders[directory.at()].get(name)))?;
        let Some(Node::File(file)) = node else { return Ok(None) };
        let is_it = file.id(directory.id().device).is(parked.file, Boot::Same);
        Ok(is_it.then(|| Self {
            health_file: parked.health_file.clone(),
            file: parked.file,
            content: file.content,
        }))
    }

    pub fn is_of(&self, parked: &Parked) -> bool {
        self.health_file == parked.health_file && self.file == parked.file
    }

    pub fn size(&self) -> usize {
        1
    }

    pub fn remove_half_made(directory: &Directory, _: &OsStr) {
        let _ = directory.remove(OsStr::new(OWN));
    }

    /// By way of a name of its own.
    pub fn put_back(&self, directory: &Directory, name: &OsStr) -> io::Result<()> {
        let own = OsStr::new(OWN);
        match directory.remove(own) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
        self.make(directory, own).and_then(|()| directory.rename(own, name)).inspect_err(|_| {
            let _ = directory.remove(own);
        })
    }

    fn make(&self, directory: &Directory, name: &OsStr) -> io::Result<()> {
        Ok(host::call(Kind::Changes, |disk| {
            let file = File { inode: disk.free_inode(), content: self.content, changed: disk.now };
            disk.folders[directory.at()].put(name, Node::File(file));
            Ok(())
        })?)
    }
}
