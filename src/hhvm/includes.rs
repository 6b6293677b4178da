//! `#include "FILE"` in ini files: HHVM puts the file's lines in the place of that line before it reads any
//! (`Config::ReplaceIncludesWithIni` in `hphp/runtime/base/config.cpp`).

use super::files::{Files, Missing, PATH_MAX, TOO_LONG, beside};
use super::origin::{Cause, Origin};
use std::path::{Path, PathBuf};

/// So much text is read in all.
const TEXT_MAX: usize = 4 << 20;
/// Files in files.
const DEPTH_MAX: usize = 16;

/// The text of a file, with those that it includes.
#[derive(Debug, Default)]
pub(super) struct Whole {
    /// Its lines.
    pub(super) text: Vec<u8>,
    /// For each line its file, among `files`, and its number there, from 1.
    lines: Vec<(usize, usize)>,
    files: Vec<PathBuf>,
    /// Files that HHVM goes on without.
    pub(super) absent: Vec<Cause>,
    /// Why it is not whole.
    pub(super) missing: Option<Cause>,
}

impl Whole {
    /// The file `path`, whose own content is `text`.
    pub(super) fn of(files: &mut dyn Files, path: &Path, text: &[u8]) -> Self {
        let mut whole = Self::default();
        whole.add(files, path, text, 0);
        whole
    }

    /// Where the line is, counted from 0 in the whole text.
    pub(super) fn place(&self, line: usize) -> Origin {
        match self.lines.get(line).or(self.lines.last()) {
            Some((file, number)) => Origin::File(self.files[*file].clone(), *number),
            None => Origin::Start,
        }
    }

    fn add(&mut self, files: &mut dyn Files, path: &Path, text: &[u8], depth: usize) {
        let file = self.files.len();
        self.files.push(path.to_owned());
        for (number, line) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            if included(line).is_some_and(|name| name.len() > PATH_MAX) {
                self.missing = Some(cause(path, number + 1, TOO_LONG));
            } else if let Some(name) = included(line) {
                self.include(files, (path, number + 1), &beside(path, name), depth);
            } else {
                self.text.extend_from_slice(line);
                self.text.push(b'\n');
                self.lines.push((file, number + 1));
            }
            if self.text.len() > TEXT_MAX {
                self.missing = Some(cause(path, number + 1, "too long with its included files"));
            }
            if self.missing.is_some() {
                return;
            }
        }
    }

    fn include(&mut self, files: &mut dyn Files, (path, line): (&Path, usize), name: &Path, depth: usize) {
        if depth >= DEPTH_MAX {
            self.missing = Some(cause(path, line, "includes are nested too deeply"));
            return;
        }
        match files.read(name, Some(path)) {
            Ok(text) => self.add(files, name, &text, depth + 1),
            Err(Missing::Absent) => {
                self.absent.push(cause(path, line, "the included file is not found; HHVM ignores that"));
            }
            Err(missing) => self.missing = Some(Cause::of_file(name.to_owned(), missing)),
        }
    }
}

fn cause(path: &Path, line: usize, why: &str) -> Cause {
    Cause { origin: Origin::File(path.to_owned(), line), why: why.to_owned() }
}

/// The name, in quotes, with nothing but spaces around; else it is a comment.
fn included(line: &[u8]) -> Option<&[u8]> {
    let spaces = |text: &[u8]| text.iter().take_while(|byte| **byte == b' ').count();
    let rest = line[spaces(line)..].strip_prefix(b"#include")?;
    let rest = &rest[spaces(rest)..];
    let end = rest.iter().rposition(|byte| *byte != b' ')?;
    rest[..=end].strip_prefix(b"\"")?.strip_suffix(b"\"")
}
