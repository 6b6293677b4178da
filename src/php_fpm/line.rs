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

/// Reads a line, without its end; most lines have at most one statement, but another may follow a section.
#[must_use]
pub fn statements(line: &[u8]) -> Vec<Statement> {
    let line = line.split(|byte| *byte == 0).next().unwrap_or_default();
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line).trim_ascii();
    match line.first() {
        // Behind a number sign there was a comment, too, until PHP 7 made it an error.
        None | Some(b';' | b'#') => Vec::new(),
        Some(b'[') => section(&line[1..]),
        Some(_) => vec![entry(line)],
    }
}

fn section(text: &[u8]) -> Vec<Statement> {
    let Some(end) = text.iter().position(|byte| *byte == b']') else {
        return vec![Statement::Section(Err(Unclear::Syntax))];
    };
    let (name, rest) = (&text[..end], &text[end + 1..]);
    let is_plain = !name.iter().any(|byte| matches!(byte, b'"' | b'\'' | b'\\' | b';' | b'$'));
    let name = if is_plain { Ok(name.to_vec()) } else { read(name) };
    let mut found = vec![Statement::Section(name)];
    found.extend(statements(rest));
    found
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
