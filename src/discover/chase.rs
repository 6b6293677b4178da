//! Finds a file by its name below the root of another process, whatever links and `..` are on the way, opening nothing.

use rustix::fs::{FileType, Mode, OFlags, fstat, openat, readlinkat};
use rustix::io::Errno;
use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// As many as the kernel follows (`path_resolution(7)`).
const LINKS_MAX: usize = 40;
/// Longer than any path.
const PARTS_MAX: usize = 4096;

/// Whose directories and links may be on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Anybody's.
    Any,
    /// Root's, which nobody else can change.
    OfRoot,
}

/// Why a file was not found.
#[derive(Debug)]
pub(super) enum Lost {
    /// There is none of that name in this directory.
    Absent(OwnedFd),
    /// Anything else.
    Failed(io::Error),
}

impl From<Errno> for Lost {
    fn from(errno: Errno) -> Self {
        Self::Failed(errno.into())
    }
}

/// The file `path` below `root`, as a descriptor that only names it (`O_PATH`): a device is not opened by that.
pub(super) fn find(root: impl AsFd, path: &Path, way: Way) -> Result<OwnedFd, Lost> {
    let name_only = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    // The directories on the way, so that .. leads back and never above the root.
    let mut above =
        vec![openat(root, c".", OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?];
    let mut rest: VecDeque<Vec<u8>> = parts(path.as_os_str().as_bytes()).collect();
    let mut links = 0;
    while let (Some(part), Some(directory)) = (rest.pop_front(), above.last()) {
        if part == b".." {
            above.truncate(1.max(above.len() - 1));
            continue;
        }
        if way == Way::OfRoot && !is_roots(directory)? {
            return Err(strangers());
        }
        let found = match openat(directory, &part[..], name_only, Mode::empty()) {
            Err(Errno::NOENT) => return Err(Lost::Absent(directory.try_clone().map_err(Lost::Failed)?)),
            found => found?,
        };
        if FileType::from_raw_mode(fstat(&found)?.st_mode) != FileType::Symlink {
            above.push(found);
            continue;
        }
        if way == Way::OfRoot && fstat(&found)?.st_uid != 0 {
            return Err(strangers());
        }
        let target = readlinkat(&found, c"", Vec::new())?.into_bytes();
        links += 1;
        if links > LINKS_MAX || rest.len() > PARTS_MAX {
            return Err(Errno::LOOP.into());
        }
        if target.starts_with(b"/") {
            above.truncate(1);
        }
        parts(&target).rev().for_each(|part| rest.push_front(part));
    }
    above.pop().ok_or_else(|| Errno::NOENT.into())
}

fn parts(path: &[u8]) -> impl DoubleEndedIterator<Item = Vec<u8>> + use<> {
    let parts = path.split(|byte| *byte == b'/').filter(|part| !part.is_empty() && *part != b".");
    parts.map(<[u8]>::to_vec).collect::<Vec<_>>().into_iter()
}

fn is_roots(directory: &OwnedFd) -> Result<bool, Lost> {
    let stat = fstat(directory)?;
    let others = Mode::from_raw_mode(stat.st_mode).contains(Mode::WOTH);
    let group = Mode::from_raw_mode(stat.st_mode).contains(Mode::WGRP) && stat.st_gid != 0;
    Ok(stat.st_uid == 0 && !others && !group)
}

fn strangers() -> Lost {
    let why = "only root can read it, and the path to it is not safe";
    Lost::Failed(io::Error::new(io::ErrorKind::PermissionDenied, why))
}
