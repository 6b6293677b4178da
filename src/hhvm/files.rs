//! What the reading of HHVM's configuration asks for: files by their names, as HHVM sees them.

use super::origin::{Cause, Origin};
use crate::order;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// Why there is no content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missing {
    /// The file was not there when HHVM started.
    Absent,
    /// Whatever else it is.
    Unreadable(String),
}

/// HHVM's files, of which only so many are read, as one may name itself twice.
pub trait Files {
    /// The bytes of a file; `within` is the file that names it, if the command line does not.
    ///
    /// # Errors
    /// When there are none.
    fn read(&mut self, name: &Path, within: Option<&Path>) -> Result<Rc<[u8]>, Missing>;

    /// The names in a directory.
    ///
    /// # Errors
    /// When they cannot be told.
    fn list(&mut self, directory: &Path) -> Result<Vec<OsString>, Missing>;
}

impl Cause {
    pub(super) fn of_file(path: PathBuf, missing: Missing) -> Self {
        let why = match missing {
            Missing::Absent => "not found".to_owned(),
            Missing::Unreadable(why) => why,
        };
        Self { origin: Origin::Whole(path), why }
    }
}

/// No path is longer (`PATH_MAX`), and causes hold the paths that they are about.
pub(super) const PATH_MAX: usize = 4096;
/// What is wrong with an included file of a longer name.
pub(super) const TOO_LONG: &str = "the name of the included file is longer than one can be";

/// The file that `name` means in the file `path`.
pub(super) fn beside(path: &Path, name: &[u8]) -> PathBuf {
    path.parent().unwrap_or(Path::new("")).join(OsStr::from_bytes(name))
}

/// The files of a pattern, as glob(7) has them, with its signs in the last part only.
pub(super) fn matching(files: &mut dyn Files, pattern: &Path) -> Result<Vec<PathBuf>, Cause> {
    let bytes = pattern.as_os_str().as_bytes();
    let signs = |bytes: &[u8]| bytes.iter().any(|byte| b"*?[\\".contains(byte));
    if !signs(bytes) {
        return Ok(vec![pattern.to_owned()]);
    }
    let (directory, last) =
        (pattern.parent().unwrap_or(Path::new("")), pattern.file_name().unwrap_or_default());
    if signs(directory.as_os_str().as_bytes()) || last.as_bytes().iter().any(|byte| b"[\\".contains(byte)) {
        let why = "cannot evaluate this pattern".to_owned();
        return Err(Cause { origin: Origin::Whole(pattern.to_owned()), why });
    }
    let mut names = match files.list(directory) {
        Ok(names) => names,
        Err(Missing::Absent) => Vec::new(),
        Err(missing) => return Err(Cause::of_file(directory.to_owned(), missing)),
    };
    names.retain(|name| fits(last.as_bytes(), name.as_bytes()) && !name.as_bytes().starts_with(b"."));
    order::sort(&mut names);
    Ok(names.into_iter().map(|name| directory.join(name)).collect())
}

/// Whether a name fits a pattern of `*` and `?`.
fn fits(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    // Where the last star was, and what it has taken so far.
    let mut star = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(sign) if *sign == b'?' || *sign == name[n] => {
                p += 1;
                n += 1;
            }
            _ => {
                let Some((at, taken)) = star else { return false };
                star = Some((at, taken + 1));
                (p, n) = (at + 1, taken + 1);
            }
        }
    }
    pattern[p..].iter().all(|sign| *sign == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks_fit_as_in_a_shell() {
        for (pattern, name, expected) in [
            ("php*.ini", "php.ini", true),
            ("php*.ini", "php-fpm.ini", true),
            ("php*.ini", "php.ini.bak", false),
            ("php*.ini", "xphp.ini", false),
            ("*", "", true),
            ("?", "", false),
            ("a?c", "abc", true),
            ("*a*b", "xaxbxab", true),
        ] {
            assert_eq!(fits(pattern.as_bytes(), name.as_bytes()), expected, "{pattern} {name}");
        }
    }
}
