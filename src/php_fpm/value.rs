//! The value of an entry, as PHP's ini scanner reads it in its normal mode: `Zend/zend_ini_scanner.l`, state
//! `ST_VALUE`, and `zend_ini_parser.y`, `string_or_value`.

use std::fmt;

/// Why a value is not understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unclear {
    /// `${NAME}`: a value of php.ini, or of the environment that the master was started with, and has written its title
    /// over.
    Variable,
    /// A word in capitals, which may be one of PHP's constants.
    Constant,
    /// PHP calculates with `|`, `&`, `^`, `~`, `!` and parentheses outside of quotes.
    Operator,
    /// Quotes without an end, or characters that PHP does not allow there.
    Syntax,
}

impl fmt::Display for Unclear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Variable => "has a variable, whose value PHP-FPM alone knows",
            Self::Constant => "is in capitals, which PHP may take for a constant",
            Self::Operator => "has an operator of PHP's outside of quotes",
            Self::Syntax => "is not what PHP can read",
        })
    }
}

/// Reads what stands behind the `=`, up to a comment or the end of the line.
///
/// # Errors
/// When it does not mean the same to PHP as to this program for sure.
pub fn read(text: &[u8]) -> Result<Vec<u8>, Unclear> {
    let text = text.trim_ascii_start();
    if let Some(value) = keyword(text) {
        return Ok(value.to_vec());
    }
    let mut scanner = Scanner { rest: text };
    let mut value = Vec::new();
    while let Some(piece) = scanner.next()? {
        value.extend(piece);
    }
    Ok(value)
}

/// What `on`, `no` and their like become, alone before the end of the value.
fn keyword(text: &[u8]) -> Option<&'static [u8]> {
    let end = text.iter().position(|byte| matches!(byte, b';' | b'\r')).unwrap_or(text.len());
    let word = text[..end].trim_ascii_end().to_ascii_lowercase();
    match word.as_slice() {
        b"true" | b"on" | b"yes" => Some(b"1"),
        b"false" | b"off" | b"no" | b"none" | b"null" => Some(b""),
        _ => None,
    }
}

struct Scanner<'a> {
    rest: &'a [u8],
}

impl Scanner<'_> {
    /// The next piece of the value; none at its end.
    fn next(&mut self) -> Result<Option<Vec<u8>>, Unclear> {
        let blanks = self.rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        match self.rest.get(blanks) {
            None | Some(b';' | b'\r' | b'\n') => Ok(None),
            Some(b'"') => {
                self.rest = &self.rest[blanks + 1..];
                self.double_quoted().map(Some)
            }
            // Blanks count between other pieces.
            Some(_) if blanks > 0 => Ok(Some(self.take(blanks))),
            Some(b'\'') => self.single_quoted().map(Some),
            Some(b'|' | b'&' | b'^' | b'~' | b'(' | b')' | b'!') => Err(Unclear::Operator),
            Some(b'=') => Err(Unclear::Syntax),
            Some(b'$') if self.rest.get(1) == Some(&b'{') => Err(Unclear::Variable),
            Some(_) => self.plain().map(Some),
        }
    }

    fn take(&mut self, count: usize) -> Vec<u8> {
        let (taken, rest) = self.rest.split_at(count);
        self.rest = rest;
        taken.to_vec()
    }

    fn plain(&mut self) -> Result<Vec<u8>, Unclear> {
        let mut end = 0;
        while let Some(byte) = self.rest.get(end) {
            match byte {
                b'$' if matches!(self.rest.get(end + 1), None | Some(b'{')) => break,
                // A dollar takes the next character with it, whatever that is.
                b'$' => end += 2,
                b'=' | b' ' | b'\t' | b'\n' | b'\r' | b';' | b'&' | b'|' | b'^' | b'~' | b'(' | b')'
                | b'!' => {
                    break;
                }
                b'"' | b'\'' => break,
                _ => end += 1,
            }
        }
        let word = &self.rest[..end];
        if word.is_empty() {
            return Err(Unclear::Syntax);
        }
        let may_be_constant = word.len() > 1
            && !word[0].is_ascii_digit()
            && word.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_');
        if may_be_constant { Err(Unclear::Constant) } else { Ok(self.take(end)) }
    }

    /// Without escapes; between them stands something, for PHP does not know empty ones.
    fn single_quoted(&mut self) -> Result<Vec<u8>, Unclear> {
        let inside = &self.rest[1..];
        match inside.iter().position(|byte| *byte == b'\'') {
            Some(end) if end > 0 => {
                self.rest = &inside[end + 1..];
                Ok(inside[..end].to_vec())
            }
            _ => Err(Unclear::Syntax),
        }
    }

    fn double_quoted(&mut self) -> Result<Vec<u8>, Unclear> {
        let mut value = Vec::new();
        loop {
            match self.rest {
                [b'"', rest @ ..] => {
                    // Blanks behind the quotes belong to them.
                    self.rest = rest.trim_ascii_start();
                    return Ok(value);
                }
                [b'$', b'{', ..] => return Err(Unclear::Variable),
                [b'\\', escaped @ (b'"' | b'\\' | b'$'), rest @ ..] => {
                    value.push(*escaped);
                    self.rest = rest;
                }
                [byte, rest @ ..] => {
                    value.push(*byte);
                    self.rest = rest;
                }
                [] => return Err(Unclear::Syntax),
            }
        }
    }
}
