//! The health files: as they are made, and put where they belong before each run.

use crate::cases::Where;
use nix::unistd::{Gid, Uid, chown};
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

const WWW_DATA: u32 = 33;
const TEXT: &str = "<?php echo '1-AM-ALIVE';\n";
const MODE: u32 = 0o640;

/// A health file, as it was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Original {
    pub health: PathBuf,
    pub meta: Meta,
}

/// What makes it whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Meta {
    pub inode: u64,
    pub mode: u32,
    pub owner: (u32, u32),
    pub text: Vec<u8>,
}

impl Meta {
    pub fn of(path: &Path) -> Option<Self> {
        let found = fs::symlink_metadata(path).ok()?;
        let text = fs::read(path).unwrap_or_default();
        Some(Self {
            inode: found.ino(),
            mode: found.mode() & 0o7777,
            owner: (found.uid(), found.gid()),
            text,
        })
    }
}

/// Makes a health file in a directory of its own.
pub fn original(path: &Path) -> Original {
    let directory = path.parent().unwrap();
    fs::create_dir_all(directory).unwrap();
    for entry in fs::read_dir(directory).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    fs::write(path, TEXT).unwrap();
    fs::set_permissions(path, Permissions::from_mode(MODE)).unwrap();
    chown(path, Some(Uid::from_raw(WWW_DATA)), Some(Gid::from_raw(WWW_DATA))).unwrap();
    Original { health: path.to_owned(), meta: Meta::of(path).unwrap() }
}

/// The name of a parked file.
pub fn disabled(health: &Path) -> PathBuf {
    let mut name = health.as_os_str().to_owned();
    name.push(".disabled");
    name.into()
}

/// Gives the very file its name again, and takes away what else is there; whether that can be had.
pub fn put(original: &Original, place: Where) -> bool {
    let wanted = if place == Where::In { original.health.clone() } else { disabled(&original.health) };
    let mut found = None;
    for entry in fs::read_dir(original.health.parent().unwrap()).unwrap() {
        let path = entry.unwrap().path();
        if found.is_none() && Meta::of(&path).as_ref() == Some(&original.meta) {
            found = Some(path);
        } else {
            fs::remove_file(path).unwrap();
        }
    }
    found.is_some_and(|found| fs::rename(found, wanted).is_ok())
}
