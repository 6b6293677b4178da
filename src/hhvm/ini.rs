//! An ini file, as HHVM's parser reads it: `hphp/runtime/base/ini-parser/zend-ini.y`, without sections
//! (`IniSetting::SystemParserCallback`).

use super::lexer::{Lexer, Token};
use super::value::Text;

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Its name, with the dots and without brackets.
    pub name: Vec<u8>,
    /// Whether brackets follow the name, which makes it one of a list.
    pub is_element: bool,
    /// Its value, without quotes.
    pub value: Text,
    /// Its line, from 0.
    pub line: usize,
}

/// What HHVM takes from a text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reading {
    /// In the order in which they are set.
    pub settings: Vec<Setting>,
    /// The line, from 0, of a mistake behind which HHVM reads nothing: the grammar has no rule to go on after one.
    pub stopped: Option<usize>,
}

/// Reads `text`, with `variable` for what `${…}` stands for, where that is known.
///
/// A name of a PHP constant (`E_ALL`) is taken literally; none of the options that matter has such a value.
#[must_use]
pub fn parse(text: &[u8], variable: &dyn Fn(&[u8]) -> Option<Vec<u8>>) -> Reading {
    // The scanner is given a C string, behind the mark of UTF-8 (`zend_ini_scan`).
    let bom = if text.len() > 3 && text.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    let end = text.iter().position(|byte| *byte == 0);
    let mut lexer = Lexer::new(&text[bom.min(end.unwrap_or(bom))..end.unwrap_or(text.len())]);
    let (token, line) = lexer.next();
    let mut parser = Parser { lexer, token, line, variable };
    let mut reading = Reading::default();
    if parser.statements(&mut reading.settings).is_err() {
        reading.stopped = Some(parser.line);
    } else if let Some(end) = end {
        reading.stopped = Some(text[..end].split(|byte| *byte == b'\n').count() - 1);
    }
    reading
}

/// No rule has a place for the current word.
struct Mistake;

struct Parser<'a> {
    lexer: Lexer<'a>,
    token: Token,
    line: usize,
    variable: &'a dyn Fn(&[u8]) -> Option<Vec<u8>>,
}

impl Parser<'_> {
    fn advance(&mut self) -> Token {
        let (token, line) = self.lexer.next();
        self.line = line;
        std::mem::replace(&mut self.token, token)
    }

    /// The current word, if it is `token`.
    fn expect(&mut self, token: &Token) -> Result<(), Mistake> {
        if self.token != *token {
            return Err(Mistake);
        }
        self.advance();
        Ok(())
    }

    fn statements(&mut self, settings: &mut Vec<Setting>) -> Result<(), Mistake> {
        loop {
            let line = self.line;
            match self.advance() {
                Token::End => return Ok(()),
                Token::EndOfLine => {}
                Token::Section => {
                    self.texts()?;
                    self.expect(&Token::Closing)?;
                }
                Token::Label(name) => {
                    let is_element = self.token == Token::Offset;
                    while self.token == Token::Offset {
                        self.advance();
                        self.texts()?;
                        self.expect(&Token::Closing)?;
                    }
                    if is_element || self.token == Token::Equals {
                        self.expect(&Token::Equals)?;
                        let value = self.value()?;
                        settings.push(Setting { name, is_element, value, line });
                    }
                }
                _ => {
                    self.line = line;
                    return Err(Mistake);
                }
            }
        }
    }

    fn value(&mut self) -> Result<Text, Mistake> {
        let plain = match self.token {
            Token::True => &b"1"[..],
            Token::False | Token::EndOfLine => b"",
            _ => return self.expression(),
        };
        self.advance();
        Ok(Text::Known(plain.to_vec()))
    }

    /// Texts, and operators between them, whose result is not worked out here.
    fn expression(&mut self) -> Result<Text, Mistake> {
        let (mut depth, mut is_plain) = (0_usize, true);
        loop {
            while let Token::Operator(sign @ (b'~' | b'!' | b'(')) = self.token {
                is_plain = false;
                depth += usize::from(sign == b'(');
                self.advance();
            }
            let operand = self.texts()?.ok_or(Mistake)?;
            while depth > 0 && self.token == Token::Operator(b')') {
                depth -= 1;
                self.advance();
            }
            match self.token {
                Token::Operator(b'&' | b'|' | b'^') => {
                    is_plain = false;
                    self.advance();
                }
                _ if depth > 0 => return Err(Mistake),
                _ if is_plain => return Ok(operand),
                _ => return Ok(Text::Unknown("it is an expression")),
            }
        }
    }

    /// Pieces of text in a row, as one; none where there is no piece.
    fn texts(&mut self) -> Result<Option<Text>, Mistake> {
        let mut whole = None;
        loop {
            let piece = match self.token {
                Token::Quote => {
                    self.advance();
                    let text = self.pieces()?;
                    self.expect(&Token::Quote)?;
                    text.unwrap_or(Text::Known(Vec::new()))
                }
                _ => match self.pieces()? {
                    Some(text) => text,
                    None => return Ok(whole),
                },
            };
            whole = Some(joined(whole, piece));
        }
    }

    /// Texts and variables in a row, without quotes.
    fn pieces(&mut self) -> Result<Option<Text>, Mistake> {
        let mut whole = None;
        loop {
            let piece = match &mut self.token {
                Token::Text(text) => Text::Known(std::mem::take(text)),
                Token::Dollar => {
                    whole = Some(joined(whole, self.variable()?));
                    continue;
                }
                _ => return Ok(whole),
            };
            self.advance();
            whole = Some(joined(whole, piece));
        }
    }

    fn variable(&mut self) -> Result<Text, Mistake> {
        self.expect(&Token::Dollar)?;
        let Token::Variable(name) = &self.token else { return Err(Mistake) };
        let value = (self.variable)(name);
        self.advance();
        self.expect(&Token::Brace)?;
        Ok(value.map_or(Text::Unknown("it uses a variable that is not in HHVM's environment"), Text::Known))
    }
}

fn joined(whole: Option<Text>, piece: Text) -> Text {
    match (whole, piece) {
        (None, piece) => piece,
        (Some(Text::Known(mut whole)), Text::Known(piece)) => {
            whole.extend(piece);
            Text::Known(whole)
        }
        (Some(Text::Unknown(why)), _) | (_, Text::Unknown(why)) => Text::Unknown(why),
    }
}

#[cfg(test)]
#[path = "ini_tests.rs"]
mod tests;
