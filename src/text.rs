//! Text from outside, made safe for a status line, a journal line and a terminal; durations and paths for people.

use std::path::Path;
use std::time::Duration;

/// Longest piece of outside text that a message quotes, in characters.
const QUOTE_MAX: usize = 120;

/// Replaces what a peer or a file name may hold to make a line look like another by spaces: control characters, and those
/// that break lines, change the direction of what follows, or cannot be seen.
///
/// A newline in `STATUS=` would start another assignment (`sd_notify(3)`).
#[must_use]
pub fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || is_deceptive(c) { ' ' } else { c }).collect()
}

/// Unicode's line and paragraph separators, `Bidi_Control`, and what has no width.
fn is_deceptive(c: char) -> bool {
    matches!(
        c,
        '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
    )
}

/// [`clean`], and cut to a length that fits a message.
#[must_use]
pub fn quote(text: &str) -> String {
    let cleaned = clean(text.trim());
    match cleaned.char_indices().nth(QUOTE_MAX) {
        Some((end, _)) => format!("{}…", &cleaned[..end]),
        None => cleaned,
    }
}

/// Paths, one after the other.
#[must_use]
pub fn paths<P: AsRef<Path>>(paths: &[P]) -> String {
    let names: Vec<_> = paths.iter().map(|path| path.as_ref().display().to_string()).collect();
    names.join(", ")
}

/// A duration in whole seconds (`12 s`), in milliseconds below one second (`250 ms`).
#[must_use]
pub fn seconds(duration: Duration) -> String {
    if duration.is_zero() || duration.as_secs() > 0 {
        format!("{} s", duration.as_secs())
    } else {
        format!("{} ms", duration.as_millis())
    }
}

/// A duration in tenths of a second (`4.3 s`).
#[must_use]
pub fn tenths(duration: Duration) -> String {
    let tenths = (duration.as_millis() + 50) / 100;
    format!("{}.{} s", tenths / 10, tenths % 10)
}

/// A duration for people, in seconds or minutes (`95 s`, `30 min`).
#[must_use]
pub fn span(duration: Duration) -> String {
    if duration.as_secs() < 120 {
        seconds(whole(duration))
    } else {
        format!("{} min", duration.as_secs() / 60)
    }
}

/// Whole seconds: the line counts, and `0 s` reads better than milliseconds that are past already.
#[must_use]
pub fn whole(elapsed: Duration) -> Duration {
    Duration::from_secs(elapsed.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_do_not_survive() {
        assert_eq!(clean("a\nREADY=1\x1b[0m"), "a READY=1 [0m");
    }

    #[test]
    fn no_text_turns_a_line_around() {
        assert_eq!(clean("/srv/\u{202e}php.sutats\u{2066}\u{2028}x"), "/srv/ php.sutats  x");
        assert_eq!(clean("größe ✓ 漢字"), "größe ✓ 漢字");
    }

    #[test]
    fn long_text_is_cut_at_a_character() {
        let quoted = quote(&"ü".repeat(500));
        assert_eq!(quoted.chars().count(), QUOTE_MAX + 1);
    }

    #[test]
    fn durations_read_well() {
        assert_eq!(seconds(Duration::ZERO), "0 s");
        assert_eq!(seconds(Duration::from_millis(250)), "250 ms");
        assert_eq!(seconds(Duration::from_millis(12_900)), "12 s");
        assert_eq!(tenths(Duration::from_millis(4_250)), "4.3 s");
        assert_eq!(tenths(Duration::from_millis(12)), "0.0 s");
    }
}
