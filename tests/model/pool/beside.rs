//! The files of the state directories. What was written beside one is of no consequence until it takes its place.

use super::shelf::{Shelf, Spot};
use crate::context::Root;
use crate::host::{self, Kind, Unsynced};
use rustix::io::Errno;
use std::cell::Cell;
use std::io;
use std::path::PathBuf;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    Everybody,
    Root,
}

#[derive(Debug)]
pub struct Beside {
    directory: PathBuf,
    bytes: Vec<u8>,
    is_synced: Cell<bool>,
}

impl Beside {
    pub fn create(spot: &Spot, _: Readers) -> io::Result<Self> {
        host::call(Kind::Looks, |_| Ok(()))?;
        let directory = spot.root.join(spot.shelf.path);
        Ok(Self { directory, bytes: Vec::new(), is_synced: Cell::new(false) })
    }

    pub fn fill(&mut self, bytes: &[u8]) -> io::Result<()> {
        host::call(Kind::Looks, |_| Ok(()))?;
        self.bytes = bytes.to_vec();
        Ok(())
    }

    pub fn sync(&self) -> io::Result<()> {
        Ok(host::call(Kind::Changes, |disk| {
            self.is_synced.set(true);
            for unsynced in disk.unsynced.values_mut().filter(|unsynced| unsynced.bytes == self.bytes) {
                unsynced.may_be_empty = false;
            }
            Ok(())
        })?)
    }

    pub fn replaces(&self, spot: &Spot) -> bool {
        is_there(spot)
    }

    pub fn take_the_place_of(&self, spot: &Spot) -> io::Result<()> {
        Ok(host::call(Kind::Changes, |disk| {
            let before = disk.state.insert(spot.path(), self.bytes.clone());
            let may_be_empty = !self.is_synced.get();
            let bytes = self.bytes.clone();
            disk.unsynced.insert(spot.path(), Unsynced { before, bytes, may_be_empty });
            Ok(())
        })?)
    }

    pub fn sync_directory(&self) -> io::Result<()> {
        Ok(host::call(Kind::Changes, |disk| {
            disk.unsynced.retain(|other, _| other.parent() != Some(&self.directory));
            Ok(())
        })?)
    }

    pub fn remove(&self) -> io::Result<()> {
        Ok(host::call(Kind::Looks, |_| Ok(()))?)
    }
}

pub fn read(spot: &Spot) -> io::Result<Vec<u8>> {
    Ok(host::call(Kind::Looks, |disk| disk.state.get(&spot.path()).cloned().ok_or(Errno::NOENT))?)
}

pub fn read_trusted(spot: &Spot) -> io::Result<Vec<u8>> {
    read(spot)
}

pub fn is_there(spot: &Spot) -> bool {
    host::call(Kind::Looks, |disk| Ok(disk.state.contains_key(&spot.path()))).unwrap_or(true)
}

pub fn remove(spot: &Spot) -> io::Result<()> {
    Ok(host::call(Kind::Changes, |disk| {
        let before = Some(disk.state.remove(&spot.path()).ok_or(Errno::NOENT)?);
        disk.unsynced.insert(spot.path(), Unsynced { before, bytes: Vec::new(), may_be_empty: false });
        Ok(())
    })?)
}

pub fn names(root: &Root, shelf: Shelf) -> io::Result<impl Iterator<Item = String> + use<>> {
    let path = root.join(shelf.path);
    let names: Vec<String> = host::call(Kind::Looks, |disk| {
        let here = disk.state.keys().filter(|file| file.parent() == Some(&path));
        Ok(here.filter_map(|file| Some(file.file_name()?.to_str()?.to_owned())).collect())
    })?;
    Ok(names.into_iter())
}

pub fn writer_of(_: &str) -> Option<u32> {
    None
}
