//! What there is of one health file, in the directory that its path leads to just now.

use super::directory::Directory;
use super::identity::FileId;
use super::names::{Entry, Names, disabled_name};
use crate::context::Root;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

/// What there is of one health file, in one directory.
#[derive(Debug)]
pub struct Sight {
    /// The directory.
    pub directory: Directory,
    /// The name of the health file in it.
    pub name: OsString,
    /// The health file, if it is there.
    pub health: Option<FileId>,
    /// What has its disabled name.
    pub disabled: Entry,
}

impl Sight {
    /// Looks at the health file at `path` below `root`.
    ///
    /// # Errors
    /// When the directory cannot be opened, or what is there is no file.
    pub fn of(root: &Root, path: &Path) -> io::Result<Self> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::Error::other("is not the path of a file"));
        };
        let directory = Directory::open(root, parent)?;
        // In this order, so that one file that is being moved away is never taken for two names of it.
        let disabled = directory.look(&disabled_name(name))?;
        let health = match directory.look(name)? {
            Entry::NoFile => return Err(io::Error::other("is neither a file nor a symlink")),
            entry => entry.file(),
        };
        Ok(Self { directory, name: name.to_owned(), health, disabled })
    }

    /// Removes the disabled name of a file that has both, because a rename by way of a hard link was cut short.
    pub(super) fn remove_second_name(&self) {
        if let (Some(health), Some(disabled)) = (self.health, self.disabled.file())
            && health.is_linked_to(disabled)
        {
            let _ = self.directory.remove(&disabled_name(&self.name));
        }
    }

    /// The real path of the health file.
    #[must_use]
    pub fn health_path(&self) -> PathBuf {
        self.directory.join(&self.name)
    }

    /// The real path of the disabled file.
    #[must_use]
    pub fn disabled_path(&self) -> PathBuf {
        self.directory.join(&disabled_name(&self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_flipped_symlink_leaves_an_opened_directory_alone() {
        let dir = tempfile::tempdir().unwrap();
        for release in ["1", "2"] {
            fs::create_dir(dir.path().join(release)).unwrap();
            fs::write(dir.path().join(release).join("s"), release).unwrap();
        }
        let current = dir.path().join("current");
        std::os::unix::fs::symlink("1", &current).unwrap();
        let sight = Sight::of(&Root::new("/".into()), &current.join("s")).unwrap();
        fs::remove_file(&current).unwrap();
        std::os::unix::fs::symlink("2", &current).unwrap();
        sight.directory.rename("s".as_ref(), "s.disabled".as_ref()).unwrap();
        assert!(dir.path().join("1/s.disabled").exists() && dir.path().join("2/s").exists());
        assert!(sight.health_path().ends_with("1/s"));
    }

    #[test]
    fn a_directory_is_no_health_file_but_may_have_its_disabled_name() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("s")).unwrap();
        let sight = |name: &str| Sight::of(&Root::new("/".into()), &dir.path().join(name));
        assert!(sight("s").is_err());
        fs::write(dir.path().join("t"), "").unwrap();
        fs::create_dir(dir.path().join("t.disabled")).unwrap();
        let sight = sight("t").unwrap();
        assert!(sight.health.is_some() && sight.disabled == Entry::NoFile);
    }
}
