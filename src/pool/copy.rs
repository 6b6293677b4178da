//! A copy of a parked health file, for the case that a deploy deletes it: `git clean`, `rsync --delete`.
//!
//! Kept beside the record, for root's eyes only, because the file itself may not be for everybody's.

use super::bytes::{self, Bytes};
use super::directory::Directory;
use super::identity::{Boot, FileId};
use super::names::Names;
use super::obstacle::own_name;
use super::record::Parked;
use crate::files;
use rustix::fs::{
    AtFlags, FileType, Gid, Mode, OFlags, Uid, chownat, fchmod, fchown, fstat, openat, readlinkat, symlinkat,
};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// A larger health file is not copied: 64 KiB.
const SIZE_MAX: u64 = 64 << 10;
/// Permissions without set-user-id and its like, which a health file has no use for.
const PERMISSIONS: u32 = 0o777;

/// A copy of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copy {
    /// As in the record.
    #[serde(with = "bytes::path")]
    health_file: PathBuf,
    /// As in the record.
    file: FileId,
    owner: u32,
    group: u32,
    mode: u32,
    content: Content,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Content {
    /// What a regular file holds.
    Text(Bytes),
    /// Where a symlink leads.
    Link(Bytes),
}

impl Copy {
    /// Copies the parked file, which lies in `directory` as `name`; none if it is too large or another by now.
    ///
    /// # Errors
    /// As stat(2), open(2) and read(2).
    pub fn take(parked: &Parked, directory: &Directory, name: &OsStr) -> io::Result<Option<Self>> {
        // What is looked at must be what is read, whoever swaps names in the directory meanwhile.
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let found = openat(directory.fd(), name, flags, Mode::empty())?;
        let stat = fstat(&found)?;
        if !FileId::of(&stat).is(parked.file, Boot::Same) {
            return Ok(None);
        }
        let content = match FileType::from_raw_mode(stat.st_mode) {
            FileType::Symlink => Content::Link(Bytes(readlinkat(&found, c"", [])?.into_bytes())),
            FileType::RegularFile => {
                let Some(text) = read(files::open(&found)?)? else { return Ok(None) };
                Content::Text(Bytes(text))
            }
            _ => return Ok(None),
        };
        Ok(Some(Self {
            health_file: parked.health_file.clone(),
            file: parked.file,
            owner: stat.st_uid,
            group: stat.st_gid,
            mode: stat.st_mode & 0o7777,
            content,
        }))
    }

    /// Whether it is a copy of that file.
    #[must_use]
    pub fn is_of(&self, parked: &Parked) -> bool {
        self.health_file == parked.health_file && self.file == parked.file
    }

    /// How many bytes it holds.
    #[must_use]
    pub fn size(&self) -> usize {
        match &self.content {
            Content::Text(bytes) | Content::Link(bytes) => bytes.0.len(),
        }
    }

    /// Removes what a call that was killed in [`Self::put_back`] has left.
    pub fn remove_half_made(directory: &Directory, name: &OsStr) {
        let _ = directory.remove(&own_name(name, ""));
    }

    /// Makes the file anew in `directory` as `name`, with its old owner and mode, unless something has that name. It is
    /// written under a name of ours first, so that nobody sees half of it.
    ///
    /// # Errors
    /// As open(2), write(2) and rename(2); `AlreadyExists` if something has the name.
    pub fn put_back(&self, directory: &Directory, name: &OsStr) -> io::Result<()> {
        let own = own_name(name, "");
        match directory.remove(&own) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
        self.make(directory, &own).and_then(|()| directory.rename(&own, name)).inspect_err(|_| {
            let _ = directory.remove(&own);
        })
    }

    fn make(&self, directory: &Directory, name: &OsStr) -> io::Result<()> {
        let (owner, group) = (Uid::from_raw(self.owner), Gid::from_raw(self.group));
        match &self.content {
            Content::Link(target) => {
                symlinkat(OsStr::from_bytes(&target.0), directory.fd(), name)?;
                // Whoever may change the directory may have put another file there, a hard link to one of root's.
                let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                let made = openat(directory.fd(), name, flags, Mode::empty())?;
                if FileType::from_raw_mode(fstat(&made)?.st_mode) != FileType::Symlink {
                    return Err(Errno::EXIST.into());
                }
                unless_it_has_none(chownat(&made, c"", Some(owner), Some(group), AtFlags::EMPTY_PATH))?;
            }
            Content::Text(text) => {
                let mut file = directory.create(name, Mode::RUSR | Mode::WUSR)?;
                file.write_all(&text.0)?;
                unless_it_has_none(fchown(&file, Some(owner), Some(group)))?;
                unless_it_has_none(fchmod(&file, Mode::from_raw_mode(self.mode & PERMISSIONS)))?;
                file.sync_all()?;
            }
        }
        Ok(())
    }
}

/// File systems without owners and modes serve the file all the same. What else is wrong may be over at the next try, and
/// then the file is whole.
fn unless_it_has_none(result: rustix::io::Result<()>) -> rustix::io::Result<()> {
    match result {
        Err(Errno::PERM | Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => Ok(()),
        other => other,
    }
}

fn read(file: File) -> io::Result<Option<Vec<u8>>> {
    let mut text = Vec::new();
    file.take(SIZE_MAX + 1).read_to_end(&mut text)?;
    Ok((text.len() as u64 <= SIZE_MAX).then_some(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::{Entry, Sight};
    use std::fs;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    struct Scene(tempfile::TempDir, Directory, Parked);

    fn scene(make: impl FnOnce(&std::path::Path)) -> Scene {
        let dir = tempfile::tempdir().unwrap();
        make(&dir.path().join("s"));
        let sight = Sight::of(&crate::context::Root::new("/".into()), &dir.path().join("s")).unwrap();
        let parked = Parked {
            health_file: sight.health_path(),
            disabled: sight.disabled_path(),
            file: sight.health.unwrap(),
            directory: None,
            named: None,
        };
        Scene(dir, sight.directory, parked)
    }

    impl Scene {
        fn copy(&self) -> Option<Copy> {
            let copy = Copy::take(&self.2, &self.1, "s".as_ref()).unwrap();
            // As it is read from the disk.
            copy.map(|copy| serde_json::from_slice(&serde_json::to_vec(&copy).unwrap()).unwrap())
        }

        fn put_back(&self, copy: &Copy) {
            fs::remove_file(self.0.path().join("s")).unwrap();
            copy.put_back(&self.1, "s".as_ref()).unwrap();
            assert_eq!(fs::read_dir(self.0.path()).unwrap().count(), 1, "nothing is left beside it");
        }
    }

    #[test]
    fn bytes_and_mode_come_back_whatever_they_are() {
        for (bytes, mode) in [(&b"<?php echo 'OK';"[..], 0o640), (b"", 0o444), (b"\xff\0\n\x1b", 0o4755)] {
            let scene = scene(|path| {
                fs::write(path, bytes).unwrap();
                fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
            });
            let copy = scene.copy().unwrap();
            let owner = scene.0.path().join("s").metadata().unwrap().uid();
            scene.put_back(&copy);
            let path = scene.0.path().join("s");
            assert_eq!(fs::read(&path).unwrap(), bytes);
            let found = path.metadata().unwrap();
            assert_eq!((found.mode() & 0o7777, found.uid()), (mode & 0o777, owner));
        }
    }

    #[test]
    fn a_symlink_comes_back_as_one() {
        let scene = scene(|path| symlink("../no/where", path).unwrap());
        scene.put_back(&scene.copy().unwrap());
        assert_eq!(fs::read_link(scene.0.path().join("s")).unwrap(), PathBuf::from("../no/where"));
    }

    #[test]
    fn what_is_too_large_or_another_is_not_copied() {
        let size = usize::try_from(SIZE_MAX).unwrap();
        for (size, is_copied) in [(size, true), (size + 1, false)] {
            let scene = scene(|path| fs::write(path, vec![7; size]).unwrap());
            assert_eq!(scene.copy().is_some(), is_copied, "{size}");
        }
        let scene = scene(|path| fs::write(path, "x").unwrap());
        fs::write(scene.0.path().join("other"), "other").unwrap();
        fs::rename(scene.0.path().join("other"), scene.0.path().join("s")).unwrap();
        assert_eq!(scene.copy(), None);
    }

    #[test]
    fn nothing_is_replaced_and_nothing_left() {
        let scene = scene(|path| fs::write(path, "x").unwrap());
        let copy = scene.copy().unwrap();
        fs::write(scene.0.path().join("s"), "newer").unwrap();
        let error = copy.put_back(&scene.1, "s".as_ref()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(scene.0.path().join("s")).unwrap(), "newer");
        assert_eq!(scene.1.look(&own_name("s".as_ref(), "")).unwrap(), Entry::Absent);
    }
}
