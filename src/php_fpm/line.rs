//! One line of a configuration file. PHP-FPM gives each to PHP's ini parser alone, so nothing goes over a line's end
//! (`fpm_conf.c`, `fpm_conf_load_ini_file`).

use super::value::{Unclear, read};

/// What a line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Statement {
    /// `[name]`
    Section(Result<Vec<u8>, Unclear>),
    /// `name = value`; the name in small letters.
    Entry(String, Result<Vec<u8>, Unclear>),
    /// `name[key] = value`, which names nothing that matters here.
    Element,
}

/// Reads a line, without its end; most lines have at most one statement, but others may follow a section.
#[must_use]
pub fn statements(line: &[u8]) -> Vec<Statement> {
    let mut rest = line.split(|byte| *byte == 0).next().unwrap_or_default();
    let mut found = Vec::new();
    loop {
        rest = rest.strip_prefix(b"\xef\xbb\xbf").unwrap_or(rest).trim_ascii();
        match rest.first() {
            // Behind a number sign there was a comment, too, until PHP 7 made it an error.
            None | Some(b';' | b'#') => return found,
            Some(b'[') => {
                let (name, behind) = section(&rest[1..]);
                found.push(Statement::Section(name));
                rest = behind;
            }
            Some(_) => {
                found.push(entry(rest));
                return found;
            }
        }
    }
}

/// The name of a section, and what is left of its line.
fn section(text: &[u8]) -> (Result<Vec<u8>, Unclear>, &[u8]) {
    let Some(end) = text.iter().position(|byte| *byte == b']') else { return (Err(Unclear::Syntax), &[]) };
    let name = &text[..end];
    let is_plain = !name.iter().any(|byte| matches!(byte, b'"' | b'\'' | b'\\' | b';' | b'$'));
    (if is_plain { Ok(name.to_vec()) } else { read(name) }, &text[end + 1..])
}

fn entry(line: &[u8]) -> Statement {
    let end = line.iter().position(|byte| matches!(byte, b'=' | b'[' | b';'));
    let name = |end: usize| String::from_utf8_lossy(line[..end].trim_ascii()).to_ascii_lowercase();
    match end.map(|end| (end, line[end])) {
        Some((end, b'=')) => Statement::Entry(name(end), read(&line[end + 1..])),
        Some((_, b'[')) => Statement::Element,
        Some((end, _)) => Statement::Entry(name(end), Err(Unclear::Syntax)),
        None => Statement::Entry(name(line.len()), Err(Unclear::Syntax)),
    }
}
