//! Whose rights a file is opened with. HHVM chooses the names on its command line, so they are opened as HHVM.

use crate::power;
use nix::unistd::{Gid, Uid, setfsgid, setfsuid};
use rustix::thread::set_thread_groups;
use std::io;

/// With what a process opens files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Credentials {
    uid: u32,
    gid: u32,
    groups: Vec<u32>,
}

/// Whose rights this program has to take on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Rights {
    /// None: it has no more than HHVM, or HHVM is root as well.
    Own,
    /// HHVM's.
    Theirs(Credentials),
    /// HHVM's, which are not known.
    NotKnown,
}

impl Rights {
    /// Of the process whose `/proc/PID/status` this is, for a program that runs as `own`.
    pub(super) fn of(status: Option<&[u8]>, own: Uid) -> Self {
        if !own.is_root() {
            return Self::Own;
        }
        match status.and_then(Credentials::parse) {
            None => Self::NotKnown,
            Some(theirs) if theirs.uid == 0 => Self::Own,
            Some(theirs) => Self::Theirs(theirs),
        }
    }
}

impl Credentials {
    /// The last number of each is for files (proc(5)).
    fn parse(status: &[u8]) -> Option<Self> {
        let status = String::from_utf8_lossy(status);
        let numbers = |name: &str| -> Option<Vec<u32>> {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().map(|number| number.parse().ok()).collect()
        };
        Some(Self {
            uid: *numbers("Uid:")?.get(3)?,
            gid: *numbers("Gid:")?.get(3)?,
            groups: numbers("Groups:")?,
        })
    }

    /// Does `work` with these rights to files. For a thread of its own: the groups that it had are gone afterwards.
    ///
    /// Only the ids for files are changed, so that no one with HHVM's uid may signal or trace this program meanwhile;
    /// with the uid go the capabilities that override permissions (setfsuid(2), capabilities(7)).
    ///
    /// # Errors
    /// When the rights cannot be taken on; then `work` is not done.
    pub(super) fn work<T>(&self, work: impl FnOnce() -> T) -> io::Result<T> {
        let groups: Vec<_> = self.groups.iter().map(|group| rustix::process::Gid::from_raw(*group)).collect();
        set_thread_groups(&groups)?;
        let _back = Back;
        setfsgid(Gid::from_raw(self.gid));
        setfsuid(Uid::from_raw(self.uid));
        // An id that no user has changes nothing, and the answer is the id that is in force.
        let (uid, gid) = (setfsuid(Uid::from_raw(u32::MAX)), setfsgid(Gid::from_raw(u32::MAX)));
        if uid.as_raw() != self.uid || gid.as_raw() != self.gid {
            return Err(io::Error::other("cannot take on the rights of HHVM's user"));
        }
        Ok(work())
    }
}

/// Gives the program its own rights back.
struct Back;

impl Drop for Back {
    fn drop(&mut self) {
        setfsuid(Uid::effective());
        setfsgid(Gid::effective());
        power::hide();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    const STATUS: &[u8] =
        b"Name:\thhvm\nUid:\t0\t0\t0\t65534\nGid:\t0\t0\t0\t65533\nGroups:\t65532 4242 \nNSpid:\t7\n";

    #[test]
    fn the_ids_for_files_are_read() {
        let theirs = Credentials { uid: 65534, gid: 65533, groups: vec![65532, 4242] };
        assert_eq!(Rights::of(Some(STATUS), Uid::from_raw(0)), Rights::Theirs(theirs));
        assert_eq!(Rights::of(Some(STATUS), Uid::from_raw(33)), Rights::Own);
        assert_eq!(Rights::of(None, Uid::from_raw(0)), Rights::NotKnown);
        assert_eq!(Rights::of(Some(b"Uid:\t0\t0\t0\tx\n"), Uid::from_raw(0)), Rights::NotKnown);
    }

    #[test]
    fn only_what_its_user_or_groups_may_read_can_be_read() {
        if !Uid::effective().is_root() {
            return;
        }
        let theirs = Credentials::parse(STATUS).unwrap();
        let directory = tempfile::tempdir().unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let file = |name: &str, mode: u32, owner: Option<u32>, group: Option<u32>| {
            let path = directory.path().join(name);
            fs::write(&path, name).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            std::os::unix::fs::chown(&path, owner, group).unwrap();
            path
        };
        let (roots, theirs_own) = (file("a", 0o600, None, None), file("b", 0o400, Some(65534), None));
        let (of_group, of_other) = (file("c", 0o040, None, Some(4242)), file("d", 0o040, None, Some(4)));
        let work = std::thread::spawn(move || {
            let read = |path| theirs.work(|| fs::read(path).is_ok()).unwrap();
            let as_them = [&roots, &theirs_own, &of_group, &of_other].map(read);
            (as_them, fs::read(&roots).is_ok())
        });
        assert_eq!(work.join().unwrap(), ([false, true, true, false], true));
    }
}
