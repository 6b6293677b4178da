//! An ini file of HHVM's, line by line, so that each setting has its line number.

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Its name, with the dots.
    pub name: String,
    /// Its value, without quotes.
    pub value: String,
    /// Its line, from 1.
    pub line: usize,
}

/// Reads the text of an ini file; lines that are none of it are passed over, as HHVM does.
///
/// Sections mean nothing in HHVM's files: the names are whole. The libraries for ini files give no line numbers, and
/// know nothing of a comment behind a value; beside those there is little to an ini file.
#[must_use]
pub fn parse(text: &str) -> Vec<Setting> {
    let numbered = text.lines().enumerate();
    numbered.filter_map(|(index, line)| setting(line, index + 1)).collect()
}

fn setting(text: &str, line: usize) -> Option<Setting> {
    let text = text.trim();
    if text.starts_with([';', '#', '[']) {
        return None;
    }
    let (name, value) = text.split_once('=')?;
    let (name, value) = (name.trim(), unquoted(value.trim())?);
    (!name.is_empty()).then(|| Setting { name: name.to_owned(), value: value.to_owned(), line })
}

/// What stands between quotes, or else before a comment; none if the quotes are not closed.
fn unquoted(value: &str) -> Option<&str> {
    for quote in ['"', '\''] {
        if let Some(rest) = value.strip_prefix(quote) {
            return rest.split_once(quote).map(|(inside, _)| inside);
        }
    }
    value.split(';').next().map(str::trim_end)
}
