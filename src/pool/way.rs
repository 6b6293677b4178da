//! The way to a directory: through no symlink by which its owner would lead root to somebody else's files.
//!
//! The rule is that of systemd's `CHASE_SAFE`, for symlinks alone: one that is not root's may lead to a directory of its
//! own owner, as that of a deploy to its current release does, and to no other.

use rustix::fs::{CWD, Mode, OFlags, fstat, openat, readlinkat};
use rustix::io::Errno;
use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// As many as the kernel follows (`path_resolution(7)`).
const LINKS_MAX: usize = 40;

/// What is left of the way.
enum Step {
    To(Vec<u8>),
    /// Here a symlink of this user leads.
    EndOfLink {
        owner: u32,
    },
}

/// Opens the directory at `path`, as a descriptor that only names it.
///
/// # Errors
/// As open(2), and when a symlink is not to be followed.
pub(super) fn open(path: &Path) -> io::Result<OwnedFd> {
    let name_only = OFlags::PATH | OFlags::CLOEXEC;
    if !rustix::process::geteuid().is_root() {
        // There are no rights of root's to lead astray.
        return Ok(openat(CWD, path, name_only | OFlags::DIRECTORY, Mode::empty())?);
    }
    let start = if path.is_absolute() { c"/" } else { c"." };
    let mut here = openat(CWD, start, name_only | OFlags::DIRECTORY, Mode::empty())?;
    let mut rest: VecDeque<Step> = steps(path.as_os_str().as_bytes()).collect();
    let mut links = 0;
    while let Some(step) = rest.pop_front() {
        let name = match step {
            Step::EndOfLink { owner } if owner == 0 || owner == fstat(&here)?.st_uid => continue,
            Step::EndOfLink { owner } => return Err(stray(owner)),
            Step::To(name) => name,
        };
        // As a directory first: only that mounts what is mounted on demand.
        match openat(&here, &name[..], name_only | OFlags::DIRECTORY | OFlags::NOFOLLOW, Mode::empty()) {
            Err(Errno::NOTDIR) => {}
            found => {
                here = found?;
                continue;
            }
        }
        let link = openat(&here, &name[..], name_only | OFlags::NOFOLLOW, Mode::empty())?;
        let owner = fstat(&link)?.st_uid;
        // What is no symlink has no target (readlinkat(2)).
        let target = readlinkat(&link, c"", Vec::new()).map_err(|_| Errno::NOTDIR)?.into_bytes();
        links += 1;
        if links > LINKS_MAX {
            return Err(Errno::LOOP.into());
        }
        if target.starts_with(b"/") {
            here = openat(CWD, c"/", name_only | OFlags::DIRECTORY, Mode::empty())?;
        }
        rest.push_front(Step::EndOfLink { owner });
        steps(&target).rev().for_each(|step| rest.push_front(step));
    }
    Ok(here)
}

fn steps(path: &[u8]) -> impl DoubleEndedIterator<Item = Step> + use<> {
    let parts = path.split(|byte| *byte == b'/').filter(|part| !part.is_empty() && *part != b".");
    parts.map(|part| Step::To(part.to_vec())).collect::<Vec<_>>().into_iter()
}

fn stray(owner: u32) -> io::Error {
    let why = format!(
        "a symlink on the way belongs to the user {owner}, and what it leads to does not; give the symlink to root, \
         by chown -h, or both to the same user"
    );
    io::Error::new(io::ErrorKind::PermissionDenied, why)
}
