//! The words of an ini file, as HHVM's scanner divides it: `hphp/runtime/base/ini-parser/zend-ini.ll`.
//!
//! That scanner is made by flex: of the rules that fit in a state, the one that fits the longest piece of text wins, and
//! of equally long ones the first. Its rules for numbers and names inside a value are not here: they fit nothing that
//! its rule for other text does not, and the parser treats all three alike.

use super::patterns::{
    FALSE, TRUE, around, blanks, boolean, comment, end_of_line, inside, is_label, newline, pieces, quote,
    quoted, run, single_quoted, starts, trimmed, unescaped,
};

/// A word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// The name of an option.
    Label(Vec<u8>),
    /// A piece of a value, an offset or a section's name.
    Text(Vec<u8>),
    /// What stands in `${…}`.
    Variable(Vec<u8>),
    /// `true`, `on`, `yes`.
    True,
    /// `false`, `off`, `no`, `none`, `null`.
    False,
    /// `[` at the beginning of a line.
    Section,
    /// `[` behind a name.
    Offset,
    Closing,
    Equals,
    /// `"`, at either end.
    Quote,
    Dollar,
    /// The `}` of `${…}`.
    Brace,
    /// `&`, `|`, `^`, `~`, `!`, `(`, `)`.
    Operator(u8),
    EndOfLine,
    End,
    /// Fits no rule, and ends HHVM's reading.
    Junk,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Initial,
    Label,
    Offset,
    Section,
    Value,
    Quotes,
    Variable,
}

/// What a rule that has won does.
enum Rule {
    /// Nothing: goes on behind it.
    Skip,
    Is(Token),
    /// Is a word, and what is before it stays for later.
    Enter(State, Token),
    /// Is a word, and the rest is in the state before.
    Leave(Token),
    /// Ends a line, or a section.
    Restart(Token),
}

/// The words, one after another.
pub(super) struct Lexer<'a> {
    text: &'a [u8],
    at: usize,
    state: State,
    /// The states to return to.
    stack: Vec<State>,
    line: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0, state: State::Initial, stack: Vec::new(), line: 0 }
    }

    /// The next word, and its line, from 0.
    pub(super) fn next(&mut self) -> (Token, usize) {
        loop {
            let rest = &self.text[self.at..];
            let (length, rule) = match self.state {
                State::Initial => initial(rest),
                State::Label => label(rest),
                State::Offset => offset(rest),
                State::Section => section(rest),
                State::Value => value(rest),
                State::Quotes => quotes(rest),
                State::Variable => variable(rest),
            };
            let line = self.line;
            self.line += rest[..length].split(|byte| *byte == b'\n').count() - 1;
            self.at += length;
            match rule {
                Rule::Skip => {}
                Rule::Is(token) => return (token, line),
                Rule::Enter(state, token) => {
                    self.stack.push(self.state);
                    self.state = state;
                    return (token, line);
                }
                Rule::Leave(token) => {
                    self.state = self.stack.pop().unwrap_or(State::Initial);
                    return (token, line);
                }
                Rule::Restart(token) => {
                    self.state = State::Initial;
                    self.stack.clear();
                    return (token, line);
                }
            }
        }
    }
}

/// The longest of those that fit anything, and the first of equals.
fn longest(rules: impl IntoIterator<Item = (usize, Rule)>, rest: &[u8]) -> (usize, Rule) {
    let nothing = if rest.is_empty() { (0, Rule::Is(Token::End)) } else { (1, Rule::Is(Token::Junk)) };
    let fits = rules.into_iter().filter(|(length, _)| *length > 0);
    fits.reduce(|best, next| if next.0 > best.0 { next } else { best }).unwrap_or(nothing)
}

fn initial(rest: &[u8]) -> (usize, Rule) {
    let name = run(rest, is_label);
    let rules = [
        (starts(rest, b"["), Rule::Enter(State::Section, Token::Section)),
        (boolean(rest, &TRUE), Rule::Is(Token::True)),
        (boolean(rest, &FALSE), Rule::Is(Token::False)),
        (name, Rule::Enter(State::Label, Token::Label(trimmed(&rest[..name])))),
        (blanks(rest), Rule::Skip),
        (end_of_line(rest), Rule::Restart(Token::EndOfLine)),
        (comment(rest, b';'), Rule::Restart(Token::EndOfLine)),
        (comment(rest, b'#'), Rule::Restart(Token::EndOfLine)),
    ];
    longest(rules, rest)
}

fn label(rest: &[u8]) -> (usize, Rule) {
    if rest.is_empty() {
        return (0, Rule::Restart(Token::EndOfLine));
    }
    let blank = blanks(rest);
    let bracket = starts(rest, b"[");
    let equals = starts(&rest[blank..], b"=");
    let rules = [
        (around(rest, 0, bracket), Rule::Enter(State::Offset, Token::Offset)),
        (around(rest, blank, equals), Rule::Enter(State::Value, Token::Equals)),
        (blank, Rule::Skip),
        (end_of_line(rest), Rule::Restart(Token::EndOfLine)),
    ];
    longest(rules, rest)
}

fn offset(rest: &[u8]) -> (usize, Rule) {
    let blank = blanks(rest);
    let closing = if starts(&rest[blank..], b"]") > 0 { blank + 1 } else { 0 };
    let rules = [(closing, Rule::Enter(State::Label, Token::Closing))];
    longest(rules.into_iter().chain(bracketed(rest)), rest)
}

fn section(rest: &[u8]) -> (usize, Rule) {
    let mut closing = around(rest, 0, starts(rest, b"]"));
    if closing > 0 {
        closing += newline(&rest[closing..]);
    }
    let rules = [(closing, Rule::Restart(Token::Closing))];
    longest(rules.into_iter().chain(bracketed(rest)), rest)
}

/// What may stand in brackets.
fn bracketed(rest: &[u8]) -> [(usize, Rule); 5] {
    let text = pieces(rest, |byte| !b"$\n\r;\"']\\".contains(&byte), true);
    let single = single_quoted(rest);
    [
        (starts(rest, b"${"), Rule::Enter(State::Variable, Token::Dollar)),
        (text, Rule::Is(Token::Text(rest[..text].to_vec()))),
        (single, Rule::Is(Token::Text(inside(&rest[..single])))),
        (quote(rest), Rule::Enter(State::Quotes, Token::Quote)),
        (blanks(rest), Rule::Is(Token::Text(rest[..blanks(rest)].to_vec()))),
    ]
}

fn value(rest: &[u8]) -> (usize, Rule) {
    let Some(first) = rest.first() else { return (0, Rule::Restart(Token::EndOfLine)) };
    // "Make = used in option value to trigger error": it is read again, at the beginning of a line.
    if *first == b'=' {
        return (0, Rule::Restart(Token::EndOfLine));
    }
    let operator = usize::from(b"&|^~()!".contains(first));
    let text = pieces(rest, |byte| !b"$= \t\n\r;&|~()!\"'".contains(&byte), false);
    let single = single_quoted(rest);
    let rules = [
        (starts(rest, b"${"), Rule::Enter(State::Variable, Token::Dollar)),
        (boolean(rest, &TRUE), Rule::Is(Token::True)),
        (boolean(rest, &FALSE), Rule::Is(Token::False)),
        (end_of_line(rest), Rule::Restart(Token::EndOfLine)),
        (around(rest, 0, operator), Rule::Is(Token::Operator(*first))),
        (text, Rule::Is(Token::Text(rest[..text].to_vec()))),
        (single, Rule::Is(Token::Text(inside(&rest[..single])))),
        (quote(rest), Rule::Enter(State::Quotes, Token::Quote)),
        (blanks(rest), Rule::Is(Token::Text(rest[..blanks(rest)].to_vec()))),
        (comment(rest, b';'), Rule::Restart(Token::EndOfLine)),
    ];
    longest(rules, rest)
}

fn quotes(rest: &[u8]) -> (usize, Rule) {
    let text = quoted(rest);
    let rules = [
        (starts(rest, b"${"), Rule::Enter(State::Variable, Token::Dollar)),
        (around(rest, 0, starts(rest, b"\"")), Rule::Leave(Token::Quote)),
        (text, Rule::Is(Token::Text(unescaped(&rest[..text])))),
    ];
    longest(rules, rest)
}

fn variable(rest: &[u8]) -> (usize, Rule) {
    let name = run(rest, is_label);
    let rules = [
        (name, Rule::Is(Token::Variable(trimmed(&rest[..name])))),
        (starts(rest, b"}"), Rule::Leave(Token::Brace)),
    ];
    longest(rules, rest)
}
