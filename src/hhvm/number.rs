//! Numbers as HHVM takes them from its files: what follows the digits is passed over.

/// A number, and whether its text is nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Number {
    /// What HHVM takes it for.
    pub value: i64,
    /// False where HHVM passes over a part of the text.
    pub is_whole: bool,
}

/// In an ini file: decimal digits, and the last letter of the whole text may be a unit (`convert_bytes_to_long` in
/// `hphp/runtime/base/ini-setting.cpp`). No digits are 0.
#[must_use]
pub fn of_ini(text: &[u8]) -> Number {
    let (value, rest) = leading(text, 10);
    let shift = match text.last() {
        Some(b'k' | b'K') => 10,
        Some(b'm' | b'M') => 20,
        Some(b'g' | b'G') => 30,
        _ => 0,
    };
    let units = usize::from(shift != 0);
    let has_digits = rest.len() < text.len();
    Number { value: value.wrapping_shl(shift), is_whole: has_digits && rest.len() == units }
}

/// In an hdf file: as C writes numbers, so `0x2328` and `021450` are 9000 (`Hdf::getInt` in `hphp/util/hdf.cpp`, whose
/// check of what follows the digits never fails).
#[must_use]
pub fn of_hdf(text: &[u8]) -> Number {
    let (value, rest) = leading(text, 0);
    Number { value, is_whole: rest.is_empty() && !text.is_empty() }
}

/// On the command line: an int and nothing else (`boost::program_options::value<int>`).
#[must_use]
pub fn of_word(text: &[u8]) -> Option<i64> {
    let value: i32 = std::str::from_utf8(text).ok()?.parse().ok()?;
    Some(i64::from(value))
}

/// strtoll(3): the number, and what follows its digits, which is all of the text if there are none.
fn leading(text: &[u8], base: u32) -> (i64, &[u8]) {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t'..=b'\r');
    let start = text.iter().position(|byte| !blank(byte)).unwrap_or(text.len());
    let (is_negative, unsigned) = match text[start..].first() {
        Some(b'-') => (true, &text[start + 1..]),
        Some(b'+') => (false, &text[start + 1..]),
        _ => (false, &text[start..]),
    };
    let (base, digits) = match (base, unsigned) {
        (0, [b'0', b'x' | b'X', digit, ..]) if digit.is_ascii_hexdigit() => (16, &unsigned[2..]),
        (0, [b'0', ..]) => (8, unsigned),
        (0, _) => (10, unsigned),
        _ => (base, unsigned),
    };
    let count = digits.iter().take_while(|digit| char::from(**digit).is_digit(base)).count();
    if count == 0 {
        return (0, text);
    }
    let sign = if is_negative { -1 } else { 1 };
    let value = digits[..count].iter().fold(0_i64, |value, digit| {
        let digit = char::from(*digit).to_digit(base).unwrap_or(0);
        value.saturating_mul(i64::from(base)).saturating_add(sign * i64::from(digit))
    });
    (value, &digits[count..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(value: i64) -> Number {
        Number { value, is_whole: true }
    }

    fn part(value: i64) -> Number {
        Number { value, is_whole: false }
    }

    /// `convert_bytes_to_long`: strtoll(value, nullptr, 10), then the last letter.
    #[test]
    fn in_an_ini_file_the_base_is_ten_and_the_last_letter_may_be_a_unit() {
        for (text, expected) in [
            ("9000", whole(9000)),
            (" 9000", whole(9000)),
            ("+9000", whole(9000)),
            ("-1", whole(-1)),
            ("9000 ", part(9000)),
            ("9000abc", part(9000)),
            ("9000 # the pages", part(9000)),
            ("9k", whole(9216)),
            ("9 blick", part(9216)),
            ("1M", whole(1 << 20)),
            ("1G", whole(1 << 30)),
            ("0x2328", part(0)),
            ("010", whole(10)),
            ("abc", part(0)),
            ("k", part(0)),
            ("", part(0)),
            ("99999999999999999999", whole(i64::MAX)),
        ] {
            assert_eq!(of_ini(text.as_bytes()), expected, "{text:?}");
        }
    }

    /// `Hdf::getInt`: strtoll(v, &endptr, 0).
    #[test]
    fn in_an_hdf_file_the_base_is_that_of_c() {
        for (text, expected) in [
            ("9000", whole(9000)),
            ("0x2328", whole(9000)),
            ("0X2328", whole(9000)),
            ("021450", whole(9000)),
            ("-0x10", whole(-16)),
            ("0x", part(0)),
            ("09", part(0)),
            ("9000 # the pages", part(9000)),
            ("\"9000\"", part(0)),
            ("9k", part(9)),
            ("", part(0)),
        ] {
            assert_eq!(of_hdf(text.as_bytes()), expected, "{text:?}");
        }
    }

    #[test]
    fn on_the_command_line_it_is_the_whole_word() {
        assert_eq!(of_word(b"9000"), Some(9000));
        assert_eq!(of_word(b"-1"), Some(-1));
        for text in ["", " 9000", "9000 ", "=9000", "0x1", "3000000000"] {
            assert_eq!(of_word(text.as_bytes()), None, "{text:?}");
        }
    }
}
