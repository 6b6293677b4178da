//! The file of metrics, of all units of this host, in a directory that is not this program's.

use super::guard;
use super::lock::WriteLock;
use super::published::Published;
use super::shelf::RUNTIME;
use super::store::{Store, UNITS_MAX};
use super::whole::names;
use crate::context::UnitName;
use rustix::fs::{AtFlags, Mode, OFlags, openat, renameat, unlinkat};
use rustix::io::Errno;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

impl Store {
    /// What is published of all units of this host in this boot, by their names.
    #[must_use]
    pub fn all_published(&self) -> Vec<Published> {
        let boot_id = self.now().boot_id;
        let names = names(&self.root, RUNTIME).into_iter().flatten();
        let units = names.filter_map(|name| UnitName::parse(name.strip_suffix(".state")?).ok());
        let units: BTreeSet<UnitName> = units.take(UNITS_MAX).collect();
        let published = |unit: UnitName| {
            let published = self.of(&unit).published().ok().flatten()?;
            published.is_about(unit.as_str(), &boot_id).then_some(published)
        };
        units.into_iter().filter_map(published).collect()
    }

    /// Writes what `text` makes of that to the file at `path`, for everybody to read. One writer after the other, so the last
    /// one has read what all of them have published.
    ///
    /// Its collector reads whatever has the right ending, so it is written under another name and renamed.
    ///
    /// # Errors
    /// As open(2), write(2) and rename(2); when the lock is not to be had; and when others than root own the directory, or can
    /// write to it.
    pub fn write_metrics(&self, path: &Path, text: impl FnOnce(&[Published]) -> String) -> io::Result<()> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let directory = guard::roots_directory(&self.root, parent)?;
        let lock = WriteLock::of_metrics(self);
        let _lock = lock.map_err(|error| io::Error::new(io::ErrorKind::WouldBlock, error.to_string()))?;
        let text = text(&self.all_published());
        let beside = [name, ".new".as_ref()].into_iter().collect::<OsString>();
        // Left by a process that was killed.
        match unlinkat(&directory, &beside, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut file: File = openat(&directory, &beside, flags, Mode::from_raw_mode(0o644))?.into();
        let written = file.write_all(text.as_bytes());
        written.and_then(|()| Ok(renameat(&directory, &beside, &directory, name)?)).inspect_err(|_| {
            let _ = unlinkat(&directory, &beside, AtFlags::empty());
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::{Context, Env, Root};
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn store(dir: &tempfile::TempDir, unit: &str) -> Store {
        symlink("/proc", dir.path().join("proc"))
            .or_else(|error| if error.kind() == io::ErrorKind::AlreadyExists { Ok(()) } else { Err(error) })
            .unwrap();
        Store::new(&Context::new(
            Root::new(dir.path().to_owned()),
            Env::default(),
            UnitName::parse(unit).unwrap(),
        ))
    }

    fn units(states: &[Published]) -> String {
        states.iter().map(|state| state.unit.clone()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn one_file_tells_of_all_units_and_everybody_can_read_it() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("textfile")).unwrap();
        let path = Path::new("/textfile/hhvm-drain.prom");
        for unit in ["hhvm@2", "hhvm@1"] {
            let store = store(&dir, unit);
            store.publish();
            store.write_metrics(path, units).unwrap();
        }
        let file = dir.path().join("textfile/hhvm-drain.prom");
        assert_eq!(fs::read_to_string(&file).unwrap(), "hhvm@1.service hhvm@2.service");
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o644);
        assert_eq!(fs::read_dir(dir.path().join("textfile")).unwrap().count(), 1, "nothing else is left");
    }

    #[test]
    fn a_directory_that_others_can_write_to_is_refused_and_a_link_in_it_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let (textfile, victim) = (dir.path().join("textfile"), dir.path().join("victim"));
        fs::create_dir(&textfile).unwrap();
        fs::write(&victim, "precious").unwrap();
        let path = Path::new("/textfile/hhvm-drain.prom");
        for name in ["hhvm-drain.prom", "hhvm-drain.prom.new"] {
            symlink(&victim, textfile.join(name)).unwrap();
        }
        let store = store(&dir, "hhvm");
        store.publish();
        store.write_metrics(path, units).unwrap();
        assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
        assert_eq!(fs::read_to_string(textfile.join("hhvm-drain.prom")).unwrap(), "hhvm.service");
        fs::set_permissions(&textfile, fs::Permissions::from_mode(0o777)).unwrap();
        let error = store.write_metrics(path, units).unwrap_err();
        assert!(error.to_string().contains("others than root own"), "{error}");
        assert!(store.write_metrics(Path::new("/nowhere/x.prom"), units).is_err());
    }

    #[test]
    fn what_was_published_before_a_boot_says_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let store = store(&dir, "hhvm");
        store.publish();
        let path = store.published_path();
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace(&store.now().boot_id, "another")).unwrap();
        assert_eq!(store.all_published().len(), 0);
    }
}
