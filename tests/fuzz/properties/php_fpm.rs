//! What holds for every command line of a master of PHP-FPM, and for all files that it names.

use super::{Answering, Files, Master, Survey, read};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Every file has this content, and every directory these files.
struct All<'a>(&'a [u8]);

impl Files for All<'_> {
    fn content(&mut self, _: &Path) -> Result<Vec<u8>, String> {
        Ok(self.0.to_vec())
    }

    fn names(&mut self, _: &Path) -> Result<Vec<OsString>, String> {
        Ok((0..100).map(|number| format!("{number}.conf").into()).collect())
    }

    fn is_file(&mut self, _: &Path) -> bool {
        true
    }
}

/// A pool is one of the file, what is not known of it is told, and not more than somebody would read.
///
/// # Panics
/// When one of these does not hold.
pub fn files(bytes: &[u8]) {
    if let Some(master) = Master::of(bytes) {
        assert!(!master.file.as_os_str().is_empty(), "{master:?}");
    }
    let master = Master { file: PathBuf::from("/etc/php-fpm.conf"), prefix: PathBuf::from("/usr") };
    let found = read(&master, &mut All(bytes));
    assert!(found.pools.len() <= 256 && found.faults.len() <= 21, "{} faults", found.faults.len());
    let is_a_line = |text: &str| !text.contains(char::is_control) && text.len() < 1000;
    for fault in &found.faults {
        assert!(!fault.what.is_empty() && is_a_line(&fault.what), "{fault:?}");
    }
    for pool in &found.pools {
        assert!(is_a_line(&pool.name), "{pool:?}");
        if let Some(page) = &pool.page {
            assert!(page.path.starts_with('/'), "{page:?}");
            assert!(page.path.len() > 1 || page.answering != Answering::Pool, "{page:?}");
        }
    }
    // None of them runs.
    assert!(Survey::of(&found, &[]).readings.is_empty());
}

#[cfg(test)]
proptest::proptest! {
    #[test]
    fn what_looks_like_a_configuration_is_read_as_one(
        text in "(\\[[a-c$pol]{0,6}\\]|(listen|prefix|pm\\.status_(path|listen)|include|LISTEN)( ?= ?|\\[|)[a\"'/0-9:*$pol;{}~]{0,9}\n|\n){0,9}",
    ) {
        files(text.as_bytes());
    }
}
