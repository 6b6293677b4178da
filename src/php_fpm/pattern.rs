//! `include=` takes a pattern, as glob(3) without `GLOB_BRACE` reads it (`fpm_conf.c`, `fpm_conf_ini_parser_include`).

use super::Files;
use crate::order;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// More names are no list of pools.
const MATCHES_MAX: usize = 1024;

/// The names that match the absolute `pattern`, in the order in which they are read.
///
/// # Errors
/// When a directory cannot be read, or too many names match.
pub fn expand(pattern: &[u8], files: &mut dyn Files) -> Result<Vec<PathBuf>, String> {
    let mut found = vec![PathBuf::from("/")];
    for part in pattern.split(|byte| *byte == b'/').filter(|part| !part.is_empty()) {
        let mut next = Vec::new();
        for directory in &found {
            if is_pattern(part) {
                let names = files.names(directory)?;
                let matching = names.iter().filter(|name| matches(part, name.as_bytes()));
                next.extend(matching.map(|name| directory.join(name)));
            } else {
                next.push(directory.join(OsStr::from_bytes(&unescaped(part))));
            }
            if next.len() > MATCHES_MAX {
                return Err(format!("matches more than {MATCHES_MAX} names"));
            }
        }
        order::sort(&mut next);
        found = next;
    }
    // A name without a pattern must be there to match.
    found.retain(|path| files.is_file(path));
    Ok(found)
}

/// Whether glob(3) looks for names, or takes the text as it is.
fn is_pattern(part: &[u8]) -> bool {
    part.iter().any(|byte| matches!(byte, b'*' | b'?' | b'['))
}

fn unescaped(part: &[u8]) -> Vec<u8> {
    let mut bytes = part.iter();
    let mut plain = Vec::new();
    while let Some(byte) = bytes.next() {
        plain.push(if *byte == b'\\' { *bytes.next().unwrap_or(byte) } else { *byte });
    }
    plain
}

/// fnmatch(3) for one component: a leading dot is matched by a dot alone.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    (!name.starts_with(b".") || pattern.starts_with(b".")) && continues(pattern, name)
}

/// Goes back to the last star at most, so that no pattern takes longer than its length times the name's.
fn continues(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut from) = (0, 0);
    let mut star = None;
    while from < name.len() {
        match token(&pattern[at..]) {
            Some((Token::Any, length)) => {
                star = Some((at + length, from));
                at += length;
                continue;
            }
            Some((token, length)) if token.takes(name[from]) => {
                (at, from) = (at + length, from + 1);
                continue;
            }
            _ => {}
        }
        let Some((behind, began)) = star else { return false };
        star = Some((behind, began + 1));
        (at, from) = (behind, began + 1);
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

enum Token<'a> {
    Any,
    One,
    Byte(u8),
    /// What stands between brackets, and whether the others are meant.
    Set(&'a [u8], bool),
}

impl Token<'_> {
    fn takes(&self, byte: u8) -> bool {
        match self {
            Self::Any => false,
            Self::One => true,
            Self::Byte(wanted) => *wanted == byte,
            Self::Set(set, others) => contains(set, byte) != *others,
        }
    }
}

fn token(pattern: &[u8]) -> Option<(Token<'_>, usize)> {
    Some(match pattern {
        [] => return None,
        [b'*', ..] => (Token::Any, 1),
        [b'?', ..] => (Token::One, 1),
        [b'\\', byte, ..] => (Token::Byte(*byte), 2),
        [b'[', rest @ ..] => {
            let others = matches!(rest.first(), Some(b'!' | b'^'));
            let set = &rest[usize::from(others)..];
            // A bracket in the first place is one of the set.
            match set.iter().skip(1).position(|byte| *byte == b']') {
                Some(end) => (Token::Set(&set[..=end], others), end + 3 + usize::from(others)),
                None => (Token::Byte(b'['), 1),
            }
        }
        [byte, ..] => (Token::Byte(*byte), 1),
    })
}

fn contains(mut set: &[u8], byte: u8) -> bool {
    loop {
        match set {
            [] => return false,
            [low, b'-', high, rest @ ..] => {
                if (*low..=*high).contains(&byte) {
                    return true;
                }
                set = rest;
            }
            [one, rest @ ..] => {
                if *one == byte {
                    return true;
                }
                set = rest;
            }
        }
    }
}

/// `path`, below `directory` unless it is absolute.
#[must_use]
pub fn absolute(path: &[u8], directory: &Path) -> Vec<u8> {
    if path.starts_with(b"/") {
        return path.to_vec();
    }
    [directory.as_os_str().as_bytes(), b"/", path].concat()
}
