//! What can be shown where standard output leads: how wide it is, and whether it takes colours and more than ASCII.

use crate::context::Env;
use crate::curve::Characters;
use std::io::{IsTerminal, stdout};

/// Columns where nobody says how many there are.
const COLUMNS: usize = 80;
/// And at least.
const COLUMNS_MIN: usize = 20;

/// Where answers for people go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terminal {
    /// Whether it is one, and no file or pipe.
    pub is_terminal: bool,
    /// Characters in a line.
    pub columns: usize,
    /// Lines, if it is a terminal that tells.
    pub rows: Option<usize>,
    /// Whether colours are wanted (no-color.org).
    pub colour: bool,
    /// What it can show.
    pub characters: Characters,
}

impl Terminal {
    /// Standard output, as `env` describes it.
    #[must_use]
    pub fn of_output(env: &Env) -> Self {
        let out = stdout();
        let is_terminal = out.is_terminal();
        let size = rustix::termios::tcgetwinsize(&out).ok().filter(|size| is_terminal && size.ws_col > 0);
        Self {
            is_terminal,
            columns: size.map_or(COLUMNS, |size| usize::from(size.ws_col).max(COLUMNS_MIN)),
            rows: size.map(|size| usize::from(size.ws_row)).filter(|rows| *rows > 0),
            colour: is_terminal && wants_colour(env),
            characters: characters(env),
        }
    }

    /// `text` in a colour (ECMA-48), where colours are wanted.
    #[must_use]
    pub fn paint(&self, text: &str, colour: Colour) -> String {
        if self.colour { format!("\x1b[{}m{text}\x1b[0m", colour as u8) } else { text.to_owned() }
    }
}

/// A colour, by its number in ECMA-48.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// Something is wrong.
    Red = 31,
    /// All is well.
    Green = 32,
    /// Something goes on.
    Yellow = 33,
}

fn wants_colour(env: &Env) -> bool {
    env.get("NO_COLOR").is_none() && env.get("TERM").is_some_and(|term| term != "dumb")
}

/// As the C library finds the locale of characters (locale(7)).
fn characters(env: &Env) -> Characters {
    let locale =
        ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(|name| env.get(name)).unwrap_or_default();
    let codeset = locale.split('.').nth(1).unwrap_or_default().split('@').next().unwrap_or_default();
    if codeset.eq_ignore_ascii_case("UTF-8") || codeset.eq_ignore_ascii_case("UTF8") {
        Characters::Unicode
    } else {
        Characters::Ascii
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_locale_of_characters_decides_what_is_shown() {
        let of = |vars: &[(&str, &str)]| characters(&Env::from_pairs(vars));
        assert_eq!(of(&[("LANG", "en_US.UTF-8")]), Characters::Unicode);
        assert_eq!(of(&[("LANG", "C.utf8")]), Characters::Unicode);
        assert_eq!(of(&[("LANG", "en_US.UTF-8"), ("LC_ALL", "C")]), Characters::Ascii);
        assert_eq!(of(&[("LC_CTYPE", "de_DE.UTF-8@euro"), ("LANG", "C")]), Characters::Unicode);
        assert_eq!((of(&[]), of(&[("LANG", "POSIX")])), (Characters::Ascii, Characters::Ascii));
    }

    #[test]
    fn colours_are_for_who_wants_them() {
        let wants = |vars: &[(&str, &str)]| wants_colour(&Env::from_pairs(vars));
        assert!(wants(&[("TERM", "xterm")]) && wants(&[("TERM", "xterm"), ("NO_COLOR", "")]));
        assert!(
            !wants(&[("TERM", "dumb")]) && !wants(&[]) && !wants(&[("TERM", "xterm"), ("NO_COLOR", "1")])
        );
    }
}
