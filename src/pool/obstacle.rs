//! What would keep rename(2) from moving a health file: found before a stop needs it.
//!
//! The rules are those of `may_delete()` and `vfs_rename()` in the kernel's fs/namei.c. On file systems where somebody
//! else decides (network, FUSE, shared folders) a file of our own is renamed in the directory.

use super::directory::Directory;
use super::names::{Names, disabled_name};
use super::sight::Sight;
use rustix::fs::{AtFlags, IFlags, OFlags, StatxAttributes, StatxFlags};
use rustix::fs::{fstat, fstatfs, ioctl_getflags, openat, statat, statx};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;

/// File systems of this machine, where the kernel's own rules are all there is: ext2 to ext4, XFS, btrfs, tmpfs,
/// overlay, F2FS, ZFS, bcachefs (statfs(2), linux/magic.h).
const LOCAL: [u64; 8] =
    [0xef53, 0x5846_5342, 0x9123_683e, 0x0102_1994, 0x794c_7630, 0xf2f5_2010, 0x2fc1_2fc1, 0xca45_1a4e];
/// `CAP_FOWNER` (capabilities(7)).
const ACT_AS_OWNER: u32 = 3;

/// What keeps a file from being renamed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// There is no right to change the directory, or a rename in it was tried and failed.
    Refused(String),
    /// The directory is on a mount that takes no change.
    ReadOnly,
    /// The directory is immutable.
    DirectoryIsImmutable,
    /// Files can be added to the directory, and never taken away.
    DirectoryIsAppendOnly,
    /// The file is immutable.
    Immutable,
    /// The file can be appended to, and nothing else.
    AppendOnly,
    /// The file is a mount point.
    MountPoint,
    /// The directory is sticky, and the file is somebody else's.
    Sticky,
}

/// Whom the kernel takes this process for.
#[derive(Debug, Clone, Copy)]
pub struct Rights {
    uid: u32,
    is_everybody: bool,
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused(why) => why,
            Self::ReadOnly => {
                "it is mounted read-only; mount it writable, or set health-file to a path elsewhere"
            }
            Self::DirectoryIsImmutable => "its directory is immutable; chattr -i takes that away",
            Self::DirectoryIsAppendOnly => "its directory is append-only; chattr -a takes that away",
            Self::Immutable => "it is immutable; chattr -i takes that away",
            Self::AppendOnly => "it is append-only; chattr -a takes that away",
            Self::MountPoint => "it is a mount point; mount its directory instead",
            Self::Sticky => "its directory is sticky, and it belongs to somebody else",
        })
    }
}

impl Rights {
    /// Those of this process, of which the procfs at `proc` tells.
    #[must_use]
    pub fn of_process(proc: &Path) -> Self {
        let status = std::fs::read_to_string(proc.join("self/status")).unwrap_or_default();
        Self { uid: rustix::process::geteuid().as_raw(), is_everybody: has_capability(&status, ACT_AS_OWNER) }
    }

    fn may_act_for(self, owner: u32) -> bool {
        self.is_everybody || self.uid == owner
    }
}

/// `CapEff:` of `proc_pid_status(5)`.
fn has_capability(status: &str, number: u32) -> bool {
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    effective
        .is_some_and(|mask| u64::from_str_radix(mask.trim(), 16).is_ok_and(|mask| mask >> number & 1 == 1))
}

impl Sight {
    /// What would keep this health file from being moved away; or back, if it is away.
    #[must_use]
    pub fn obstacle(&self, rights: Rights) -> Option<Obstacle> {
        let (name, target) = if self.health.is_some() {
            (self.name.clone(), self.directory.free_name(&self.name))
        } else {
            (disabled_name(&self.name), Ok(self.name.clone()))
        };
        let of_file = || self.directory.obstacle(&name, rights);
        of_file().or_else(|| target.err().map(|error| Obstacle::Refused(error.to_string())))
    }
}

impl Directory {
    fn obstacle(&self, name: &OsStr, rights: Rights) -> Option<Obstacle> {
        let directory = self.flags(OsStr::new("."));
        if directory.contains(StatxAttributes::IMMUTABLE) {
            return Some(Obstacle::DirectoryIsImmutable);
        }
        if directory.contains(StatxAttributes::APPEND) {
            return Some(Obstacle::DirectoryIsAppendOnly);
        }
        match self.writable() {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::ReadOnlyFilesystem => {
                return Some(Obstacle::ReadOnly);
            }
            Err(error) => return Some(Obstacle::Refused(error.to_string())),
        }
        let file = self.flags(name);
        if file.contains(StatxAttributes::IMMUTABLE) {
            return Some(Obstacle::Immutable);
        }
        if file.contains(StatxAttributes::APPEND) {
            return Some(Obstacle::AppendOnly);
        }
        if file.contains(StatxAttributes::MOUNT_ROOT) || self.is_mounted(name) {
            return Some(Obstacle::MountPoint);
        }
        let rights = match self.rights_by_trial(name, rights) {
            Ok(rights) => rights,
            Err(error) => return Some(Obstacle::Refused(error.to_string())),
        };
        self.is_kept_by_sticky_bit(name, rights).then_some(Obstacle::Sticky)
    }

    /// The attributes of `name` that keep a file where it is. What the file system does not tell by statx(2) is asked
    /// by ioctl(2).
    fn flags(&self, name: &OsStr) -> StatxAttributes {
        let how = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
        let none = (StatxAttributes::empty(), StatxAttributes::empty());
        let found = statx(self.fd(), name, how, StatxFlags::empty());
        let (told, known) = found.map_or(none, |found| (found.stx_attributes, found.stx_attributes_mask));
        if known.contains(StatxAttributes::IMMUTABLE | StatxAttributes::APPEND) {
            return told;
        }
        let flags = self.flags_by_ioctl(name).unwrap_or(IFlags::empty());
        let mut all = told;
        all.set(StatxAttributes::IMMUTABLE, flags.contains(IFlags::IMMUTABLE));
        all.set(StatxAttributes::APPEND, flags.contains(IFlags::APPEND));
        all
    }

    /// `FS_IOC_GETFLAGS` (`ioctl_iflags(2)`); only regular files and directories have any.
    fn flags_by_ioctl(&self, name: &OsStr) -> io::Result<IFlags> {
        if name == "." {
            return Ok(ioctl_getflags(self.readable()?)?);
        }
        Ok(ioctl_getflags(self.read(name)?)?)
    }

    /// Whether something is mounted on `name`: for kernels before 5.8, where statx(2) does not tell.
    fn is_mounted(&self, name: &OsStr) -> bool {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(self.fd(), name, flags, rustix::fs::Mode::empty());
        let mounts = file.ok().and_then(|file| Some((mount_of(&file)?, mount_of(self.fd())?)));
        mounts.is_some_and(|(file, directory)| file != directory)
    }

    /// As whom this process acts in the directory. Where the kernel's rules are not all, it is tried: a server may take
    /// root for nobody, and a file system may know no rename at all.
    fn rights_by_trial(&self, name: &OsStr, rights: Rights) -> io::Result<Rights> {
        let magic = fstatfs(self.fd()).map(|found| found.f_type.cast_unsigned());
        if magic.is_ok_and(|magic| LOCAL.contains(&magic)) {
            return Ok(rights);
        }
        let uid = self.rehearse(name)?;
        Ok(Rights { uid, is_everybody: rights.is_everybody && uid == 0 })
    }

    /// Makes a file, renames it and removes it; its owner.
    fn rehearse(&self, name: &OsStr) -> io::Result<u32> {
        let (from, to) = (own_name(name, ""), own_name(name, ".1"));
        for left in [&from, &to] {
            self.remove_placeholder(left);
        }
        let file = self.reserve(&from)?;
        let result = fstat(&file).map_err(io::Error::from).and_then(|stat| {
            self.rename(&from, &to)?;
            self.remove(&to)?;
            Ok(stat.st_uid)
        });
        self.remove_placeholder(&from);
        self.remove_placeholder(&to);
        result
    }

    fn is_kept_by_sticky_bit(&self, name: &OsStr, rights: Rights) -> bool {
        const STICKY: u32 = 0o1000;
        let look = |name: &OsStr| statat(self.fd(), name, AtFlags::SYMLINK_NOFOLLOW);
        match (look(OsStr::new(".")), look(name)) {
            (Ok(directory), Ok(file)) if directory.st_mode & STICKY != 0 => {
                !rights.may_act_for(file.st_uid) && !rights.may_act_for(directory.st_uid)
            }
            _ => false,
        }
    }
}

/// A name in the document root that is plainly ours.
pub(super) fn own_name(name: &OsStr, suffix: &str) -> OsString {
    let mut own = OsString::from(".");
    own.push(name);
    own.push(".hhvm-drain");
    own.push(suffix);
    own
}

/// The number of the mount that a file was opened on (`mnt_id:` of `proc_pid_fdinfo(5)`).
fn mount_of(file: &OwnedFd) -> Option<u64> {
    let about = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", file.as_raw_fd())).ok()?;
    about.lines().find_map(|line| line.strip_prefix("mnt_id:")).and_then(|id| id.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    const ROOT: Rights = Rights { uid: 0, is_everybody: true };

    fn sight(files: &[&str]) -> (tempfile::TempDir, Sight) {
        let dir = tempfile::tempdir().unwrap();
        for name in files {
            fs::write(dir.path().join(name), "").unwrap();
        }
        let sight = Sight::of(&crate::context::Root::new("/".into()), &dir.path().join("s")).unwrap();
        (dir, sight)
    }

    #[test]
    fn nothing_stands_in_the_way_of_an_ordinary_file() {
        for files in [&["s"][..], &["s.disabled"]] {
            let (dir, sight) = sight(files);
            assert_eq!(sight.obstacle(ROOT), None, "{files:?}");
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left");
        }
    }

    #[test]
    fn taken_names_do() {
        let names: Vec<_> = (1..=9).map(|number| format!("s.disabled.{number}")).collect();
        let names: Vec<_> = names.iter().map(String::as_str).chain(["s", "s.disabled"]).collect();
        let (_dir, sight) = sight(&names);
        assert!(sight.obstacle(ROOT).unwrap().to_string().contains("already exist"));
    }

    #[test]
    fn a_sticky_directory_does_unless_one_of_both_is_ours() {
        let (dir, sight) = sight(&["s"]);
        let owner = dir.path().metadata().unwrap().uid();
        let rights = |uid| Rights { uid, is_everybody: false };
        assert_eq!(sight.obstacle(rights(owner + 1)), None);
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o1777)).unwrap();
        assert_eq!(sight.obstacle(rights(owner + 1)), Some(Obstacle::Sticky));
        assert_eq!(sight.obstacle(rights(owner)), None);
        assert_eq!(sight.obstacle(ROOT), None);
    }

    #[test]
    fn a_rehearsal_tells_whose_files_are_made_and_leaves_none() {
        let (dir, sight) = sight(&["s"]);
        for left in ["", ".1"] {
            sight.directory.reserve(&own_name("s".as_ref(), left)).unwrap();
        }
        let uid = sight.directory.rehearse("s".as_ref()).unwrap();
        assert_eq!(uid, dir.path().join("s").metadata().unwrap().uid());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_rehearsal_replaces_nothing() {
        let (dir, sight) = sight(&["s", ".s.hhvm-drain.1"]);
        assert!(sight.directory.rehearse("s".as_ref()).is_err());
        assert!(dir.path().join(".s.hhvm-drain.1").exists());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    }

    #[test]
    fn capabilities_are_read_from_the_mask() {
        for (status, has) in [
            ("Name:\tx\nCapEff:\t000001ffffffffff\n", true),
            ("CapEff:\t0000000000000008\n", true),
            ("CapEff:\t0000000000000007\n", false),
            ("CapPrm:\t0000000000000008\n", false),
            ("CapEff:\tx\n", false),
            ("", false),
        ] {
            assert_eq!(has_capability(status, ACT_AS_OWNER), has, "{status:?}");
        }
    }
}
