//! An hdf file, as HHVM reads it: `_hdf_read_string` in `hphp/neo/neo_hdf.c`.
//!
//! A line is a statement. Values have neither quotes nor comments behind them, and a block begins behind its `{`.

use super::files::{Files, Missing, PATH_MAX, TOO_LONG};
use super::origin::Cause;
use super::tree::{Name, Source, Spot, Tree};
use super::value::Text;
use std::path::Path;
use std::rc::Rc;

/// Blocks in blocks, and files in files.
const DEPTH_MAX: usize = 32;
/// A longer name is none of HHVM's.
const NAME_MAX: usize = 1024;

/// Reads the file `path`, whose content is `text`, into `tree`.
pub fn read_file(tree: &mut Tree, files: &mut dyn Files, path: &Path, text: &[u8]) {
    let source = Rc::new(Source::File(path.to_owned()));
    if let Err(cause) = read(tree, Some(files), (&[], 0), source, text) {
        tree.forget(cause);
    }
}

/// Reads what stands in a word of the command line behind `-v`.
pub fn read_word(tree: &mut Tree, word: String, text: &[u8]) {
    if let Err(cause) = read(tree, None, (&[], 0), Rc::new(Source::Word(word)), text) {
        tree.forget(cause);
    }
}

fn read<'a>(
    tree: &'a mut Tree,
    files: Option<&'a mut (dyn Files + 'a)>,
    (prefix, depth): (&[u8], usize),
    source: Rc<Source>,
    text: &'a [u8],
) -> Result<(), Cause> {
    let end = text.iter().position(|byte| *byte == 0);
    let rest = &text[..end.unwrap_or(text.len())];
    let mut reader = Reader { tree, files, source, rest, line: 0 };
    let block = reader.block(prefix, depth)?;
    if block == End::Brace || end.is_some() {
        let cause = reader.cause("HHVM ignores the rest of the file");
        reader.tree.doubt(cause);
    }
    Ok(())
}

/// What a block ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Brace,
    Text,
}

struct Reader<'a> {
    tree: &'a mut Tree,
    /// None where nothing can be included.
    files: Option<&'a mut (dyn Files + 'a)>,
    source: Rc<Source>,
    rest: &'a [u8],
    line: usize,
}

impl<'a> Reader<'a> {
    fn cause(&self, why: &str) -> Cause {
        Cause { origin: self.source.at(self.line), why: why.to_owned() }
    }

    fn spot(&self) -> Spot {
        (Rc::clone(&self.source), self.line)
    }

    /// The next line, with its end.
    fn next(&mut self) -> Option<&'a [u8]> {
        let line = self.rest.split_inclusive(|byte| *byte == b'\n').next()?;
        self.rest = &self.rest[line.len()..];
        self.line += 1;
        Some(line)
    }

    /// `prefix` ends in a dot or is empty.
    fn block(&mut self, prefix: &[u8], depth: usize) -> Result<End, Cause> {
        while let Some(line) = self.next() {
            let line = stripped(line);
            if let Some(name) = line.strip_prefix(b"#include ") {
                self.include(prefix, depth, name, true)?;
            } else if let Some(name) = line.strip_prefix(b"-include ") {
                self.include(prefix, depth, name, false)?;
            } else {
                match line {
                    [] | [b'#', ..] => {}
                    b"}" => return Ok(End::Brace),
                    _ => self.statement(prefix, depth, line)?,
                }
            }
        }
        Ok(End::Text)
    }

    fn statement(&mut self, prefix: &[u8], depth: usize, line: &[u8]) -> Result<(), Cause> {
        let is_splice = line[0] == b'@';
        let line = &line[usize::from(is_splice)..];
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.*\\".contains(byte);
        let length = line.iter().take_while(|byte| is_name(byte)).count();
        let (name, rest) = (self.numbered(&line[..length]), stripped(&line[length..]));
        let full: Name = [prefix, &name].concat();
        if name.is_empty() || full.len() > NAME_MAX {
            return Err(self.cause("cannot parse this line"));
        }
        let spot = self.spot();
        let done = match rest {
            _ if is_splice => self.tree.splice(prefix, &name, &spot),
            [b'=', value @ ..] => self.tree.set(&full, Text::Known(stripped(value).to_vec()), &spot),
            [b':', b'=', other @ ..] if !self.tree.has(stripped(other)) => {
                return Err(self.cause("copies a node that does not exist"));
            }
            [b':', b'=', other @ ..] => self.tree.copy(&full, stripped(other), &spot),
            [b'!', b'=', ..] => self.tree.set(&full, Text::Unknown("a command sets it"), &spot),
            [b':', other @ ..] => self.tree.link(&full, stripped(other), &spot),
            [b'<', b'<', end @ ..] => {
                let value = self.lines(stripped(end))?;
                self.tree.set(&full, Text::Known(value), &spot)
            }
            [b'{', ..] => {
                let opened = self.tree.open(&full, &spot);
                self.nested(&full, depth)?;
                opened
            }
            _ => return Err(self.cause("cannot parse this line")),
        };
        done.ok_or_else(|| self.cause("cannot parse the names in this line"))
    }

    /// What is behind `{` in its own line is passed over.
    fn nested(&mut self, name: &[u8], depth: usize) -> Result<(), Cause> {
        if depth >= DEPTH_MAX {
            return Err(self.cause("blocks are nested too deeply"));
        }
        match self.block(&[name, b"."].concat(), depth + 1)? {
            End::Brace => Ok(()),
            End::Text => Err(self.cause("missing } at the end of a block")),
        }
    }

    /// The lines up to one that begins with `end`.
    fn lines(&mut self, end: &[u8]) -> Result<Vec<u8>, Cause> {
        if end.is_empty() {
            return Err(self.cause("missing end marker"));
        }
        let mut value = Vec::new();
        while let Some(line) = self.next() {
            if line.strip_prefix(end).is_some_and(|rest| rest.first().copied().is_some_and(is_blank)) {
                break;
            }
            value.extend_from_slice(line);
        }
        Ok(value)
    }

    /// Each `*` stands for a number that no other has.
    fn numbered(&mut self, name: &[u8]) -> Name {
        let mut numbered = Name::with_capacity(name.len());
        for byte in name {
            match byte {
                b'*' => numbered.extend(self.tree.next_number().to_string().bytes()),
                _ => numbered.push(*byte),
            }
        }
        numbered
    }

    fn include(&mut self, prefix: &[u8], depth: usize, name: &[u8], needed: bool) -> Result<(), Cause> {
        let (Source::File(path), Some(files)) = (&*self.source, self.files.as_deref_mut()) else {
            return if name.is_empty() { Ok(()) } else { Err(self.cause("cannot include a file here")) };
        };
        let name = unquoted(stripped(name));
        if name.len() > PATH_MAX {
            return Err(self.cause(TOO_LONG));
        }
        let included = super::files::beside(path, name);
        let text = match files.read(&included, Some(path)) {
            Ok(text) if depth < DEPTH_MAX => text,
            Ok(_) => return Err(self.cause("includes are nested too deeply")),
            Err(Missing::Absent) if !needed => return Ok(()),
            Err(missing) => return Err(Cause::of_file(included, missing)),
        };
        let source = Rc::new(Source::File(included));
        let done = read(
            self.tree,
            self.files.as_deref_mut().map(|files| files as _),
            (prefix, depth + 1),
            source,
            &text,
        );
        match done {
            Err(cause) if !needed => {
                self.tree.doubt(cause);
                Ok(())
            }
            done => done,
        }
    }
}

/// `isspace`, in the C locale.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

fn stripped(text: &[u8]) -> &[u8] {
    let start = text.iter().position(|byte| !is_blank(*byte)).unwrap_or(text.len());
    let end = text.iter().rposition(|byte| !is_blank(*byte)).map_or(start, |last| last + 1);
    &text[start..end]
}

fn unquoted(name: &[u8]) -> &[u8] {
    name.strip_prefix(b"\"").and_then(|name| name.strip_suffix(b"\"")).unwrap_or(name)
}

#[cfg(test)]
#[path = "hdf_tests.rs"]
mod tests;
