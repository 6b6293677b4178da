//! Finds lines and columns in a text: a file that is all mistakes must not hold up the stop, however long its lines are.

use crate::problem::Position;

/// How many bytes are counted at most to find a column.
const BLOCK: usize = 1024;

/// A text, and what helps to find a place in it.
pub(super) struct Places<'a> {
    text: &'a str,
    /// Where each line begins.
    pub(super) lines: Vec<usize>,
    /// How many characters begin before each block of [`BLOCK`] bytes.
    before: Vec<usize>,
}

impl<'a> Places<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        let lines =
            std::iter::once(0).chain(text.match_indices('\n').map(|(newline, _)| newline + 1)).collect();
        let mut before = vec![0];
        for block in text.as_bytes().chunks(BLOCK) {
            before.extend(before.last().map(|sum| sum + characters(block)));
        }
        Self { text, lines, before }
    }

    /// The line, from 1, of a byte.
    pub(super) fn line(&self, offset: usize) -> usize {
        self.lines.partition_point(|start| *start <= offset.min(self.text.len()))
    }

    /// Of each line, by its number, whether `word` stands in it or in the header of the table above it.
    pub(super) fn with_or_below(&self, word: &str) -> Vec<bool> {
        let mut found = vec![false];
        let mut is_below = false;
        found.extend(self.text.split('\n').map(|line| {
            let is_there = line.contains(word);
            if line.trim_start().starts_with('[') {
                is_below = is_there;
            }
            is_there || is_below
        }));
        found
    }

    /// The line and the column of a byte, in characters.
    pub(super) fn position(&self, offset: usize) -> Position {
        let mut end = offset.min(self.text.len());
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        let line = self.line(end);
        Position {
            line,
            column: self.characters_before(end) - self.characters_before(self.lines[line - 1]) + 1,
        }
    }

    fn characters_before(&self, offset: usize) -> usize {
        let block = offset / BLOCK;
        self.before[block] + characters(&self.text.as_bytes()[block * BLOCK..offset])
    }
}

/// How many characters of UTF-8 begin in these bytes.
fn characters(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte & 0xc0 != 0x80).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_counts_characters_over_the_ends_of_blocks() {
        for text in ["ü".repeat(3000), format!("a\n{}", "ü".repeat(1023)), "x".repeat(BLOCK), String::new()]
        {
            let places = Places::of(&text);
            let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
            for (count, at) in ends.enumerate() {
                let lines = text[..at].matches('\n').count();
                let column = count - text[..at].rfind('\n').map_or(0, |newline| newline + 1) + 1;
                assert_eq!(places.position(at), Position { line: lines + 1, column }, "{at}");
            }
        }
    }
}
