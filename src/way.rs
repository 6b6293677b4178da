//! The way to a file below a root: nothing on it leads out of the root, nor root to somebody else's files.
//!
//! Each part is opened by itself, as a descriptor that only names it (`O_PATH`), and symlinks are followed here. That is
//! the same with every kernel and below every filter of system calls, as `openat2(2)` with `RESOLVE_IN_ROOT` is not.
//! The rule for symlinks is that of systemd's `CHASE_SAFE`: one that is not root's may lead to what belongs to its own
//! owner, as that of a deploy to its current release does, and to nothing else.

use crate::context::Root;
use rustix::fs::{CWD, FileType, Mode, OFlags, fstat, mkdirat, openat, readlinkat};
use rustix::io::Errno;
use std::collections::VecDeque;
use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// As many as the kernel follows (`path_resolution(7)`).
const LINKS_MAX: usize = 40;
/// Opens nothing: a device does not notice.
const NAME_ONLY: OFlags = OFlags::PATH.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// The mode of directories that lead to a new one.
const ON_THE_WAY: Mode = Mode::from_raw_mode(0o755);

/// Where a way has led.
#[derive(Debug)]
pub struct Found {
    /// What is there, as a descriptor that only names it.
    pub fd: OwnedFd,
    /// Its path, with the root, without symlinks.
    pub path: PathBuf,
}

/// What is left of the way.
enum Step {
    To(Vec<u8>),
    Up,
    /// Here a symlink of this user leads.
    EndOfLink {
        owner: u32,
    },
}

/// Whatever is at `path` below `root`.
///
/// # Errors
/// As open(2), and when a symlink is not to be followed.
pub fn find(root: &Root, path: &Path) -> io::Result<Found> {
    let is_root = rustix::process::geteuid().is_root();
    let mut place = Place::at(root)?;
    let mut rest: VecDeque<Step> = steps(path.as_os_str().as_bytes()).collect();
    let mut links = 0;
    while let Some(step) = rest.pop_front() {
        let name = match step {
            Step::To(name) => name,
            Step::Up => {
                place.go_up()?;
                continue;
            }
            // Others have no rights of root's to be led astray with.
            Step::EndOfLink { owner } if owner == 0 || !is_root || owner == fstat(&place.fd)?.st_uid => {
                continue;
            }
            Step::EndOfLink { owner } => return Err(stray(owner)),
        };
        // As a directory first: only that mounts what is mounted on demand.
        let found = match openat(&place.fd, &name[..], NAME_ONLY | OFlags::DIRECTORY, Mode::empty()) {
            Err(Errno::NOTDIR) => openat(&place.fd, &name[..], NAME_ONLY, Mode::empty())?,
            found => found?,
        };
        let stat = fstat(&found)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::Symlink {
            place.enter(found, &name);
            continue;
        }
        let target = readlinkat(&found, c"", Vec::new())?.into_bytes();
        links += 1;
        if links > LINKS_MAX {
            return Err(Errno::LOOP.into());
        }
        if target.starts_with(b"/") {
            place = Place::at(root)?;
        }
        rest.push_front(Step::EndOfLink { owner: stat.st_uid });
        steps(&target).rev().for_each(|step| rest.push_front(step));
    }
    Ok(Found { fd: place.fd, path: root.join(place.path) })
}

/// The directory at `path` below `root`.
///
/// # Errors
/// As [`find`], and when it is no directory.
pub fn directory(root: &Root, path: &Path) -> io::Result<Found> {
    let found = find(root, path)?;
    match FileType::from_raw_mode(fstat(&found.fd)?.st_mode) {
        FileType::Directory => Ok(found),
        _ => Err(Errno::NOTDIR.into()),
    }
}

/// The same, made with `mode` if it is not there.
///
/// # Errors
/// As [`directory`] and mkdir(2).
pub fn make_directory(root: &Root, path: &Path, mode: Mode) -> io::Result<Found> {
    let absent = match directory(root, path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => error,
        found => return found,
    };
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Err(absent) };
    match mkdirat(make_directory(root, parent, ON_THE_WAY)?.fd, name, mode) {
        Ok(()) | Err(Errno::EXIST) => directory(root, path),
        Err(error) => Err(error.into()),
    }
}

/// A point on the way.
struct Place<'a> {
    root: &'a Root,
    fd: OwnedFd,
    /// Below the root.
    path: PathBuf,
}

impl<'a> Place<'a> {
    fn at(root: &'a Root) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self { root, fd: openat(CWD, root.join(""), flags, Mode::empty())?, path: PathBuf::new() })
    }

    fn enter(&mut self, found: OwnedFd, name: &[u8]) {
        self.fd = found;
        self.path.push(OsStr::from_bytes(name));
    }

    /// From the root once more: `..` of a directory that is moved meanwhile would lead anywhere.
    fn go_up(&mut self) -> io::Result<()> {
        let mut above = Self::at(self.root)?;
        for name in self.path.parent().unwrap_or(Path::new("")) {
            let found = openat(&above.fd, name, NAME_ONLY | OFlags::DIRECTORY, Mode::empty())?;
            above.enter(found, name.as_bytes());
        }
        *self = above;
        Ok(())
    }
}

fn steps(path: &[u8]) -> impl DoubleEndedIterator<Item = Step> + use<> {
    let parts = path.split(|byte| *byte == b'/').filter(|part| !part.is_empty() && *part != b".");
    let step = |part: &[u8]| if part == b".." { Step::Up } else { Step::To(part.to_vec()) };
    parts.map(step).collect::<Vec<_>>().into_iter()
}

fn stray(owner: u32) -> io::Error {
    let why = format!(
        "a symlink on the way belongs to the user {owner}, and what it leads to does not; give the symlink to root, \
         by chown -h, or both to the same user"
    );
    io::Error::new(io::ErrorKind::PermissionDenied, why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    /// A root, and a directory beside it.
    fn world() -> (tempfile::TempDir, Root) {
        let world = tempfile::tempdir().unwrap();
        for directory in ["image/a/b", "outside"] {
            fs::create_dir_all(world.path().join(directory)).unwrap();
        }
        fs::write(world.path().join("outside/file"), "precious").unwrap();
        let root = Root::new(world.path().join("image"));
        (world, root)
    }

    fn led(root: &Root, path: &str) -> Result<PathBuf, io::ErrorKind> {
        find(root, Path::new(path)).map(|found| root.shorten(&found.path)).map_err(|error| error.kind())
    }

    #[test]
    fn a_way_leads_where_it_does_for_whoever_has_that_root() {
        let (world, root) = world();
        let outside = world.path().join("outside");
        for (target, leads_to) in [
            ("b", Ok("/a/b")),
            ("/a", Ok("/a")),
            ("..", Ok("/")),
            ("../../../../a/b", Ok("/a/b")),
            ("/..", Ok("/")),
            ("b/../b/.././../a", Ok("/a")),
            ("../../outside", Err(io::ErrorKind::NotFound)),
            (outside.to_str().unwrap(), Err(io::ErrorKind::NotFound)),
        ] {
            symlink(target, root.join("/a/link")).unwrap();
            assert_eq!(led(&root, "/a/link"), leads_to.map(PathBuf::from), "{target}");
            fs::remove_file(root.join("/a/link")).unwrap();
        }
        assert_eq!(led(&root, "/../../outside"), Err(io::ErrorKind::NotFound));
        symlink("/a/link", root.join("/a/link")).unwrap();
        let error = find(&root, Path::new("/a/link")).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(Errno::LOOP.raw_os_error()));
    }

    #[test]
    fn what_is_no_directory_leads_no_further() {
        let (_world, root) = world();
        fs::write(root.join("/a/file"), "").unwrap();
        assert_eq!(led(&root, "/a/file"), Ok("/a/file".into()));
        assert_eq!(led(&root, "/a/file/b"), Err(io::ErrorKind::NotADirectory));
        assert!(directory(&root, Path::new("/a/file")).is_err());
    }

    #[test]
    fn a_directory_is_made_below_the_root_or_not_at_all() {
        let (world, root) = world();
        symlink(world.path().join("outside"), root.join("/var")).unwrap();
        assert!(make_directory(&root, Path::new("/var/lib/state"), Mode::RWXU).is_err());
        assert_eq!(fs::read_dir(world.path().join("outside")).unwrap().count(), 1);
        let made = make_directory(&root, Path::new("/srv/state"), Mode::RWXU).unwrap();
        assert_eq!(made.path, root.join("/srv/state"));
        assert_eq!(made.path.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    }
}
