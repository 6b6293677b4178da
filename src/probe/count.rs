//! Parses a load as HHVM's admin port sends it: a number, and nothing else.

use super::client::Reply;
use crate::load::Unknown;

/// Largest body that can be a count: more digits than any number of threads, and white space.
pub(super) const COUNT_MAX: usize = 64;

/// Reads a count: decimal digits, and white space around them.
///
/// HHVM prints a signed 32-bit integer (`AdminRequestHandler::handleCheckRequest`), and a negative one cannot come
/// about; whatever else stands there is not a load.
pub(super) fn count(reply: &Reply) -> Result<u64, Unknown> {
    if reply.status != 200 {
        return Err(Unknown::Status(reply.status));
    }
    let text = String::from_utf8_lossy(&reply.body);
    let digits = text.trim_matches([' ', '\t', '\r', '\n']);
    let whole =
        reply.body.len() <= COUNT_MAX && !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    let number = if whole { digits.parse::<u32>().ok() } else { None };
    number
        .filter(|&n| i32::try_from(n).is_ok())
        .map(u64::from)
        .ok_or_else(|| Unknown::NotALoad(crate::text::quote(&text)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(body: &str) -> Result<u64, Unknown> {
        count(&Reply { status: 200, body: body.as_bytes().to_vec() })
    }

    #[test]
    fn a_count_is_digits_and_nothing_else() {
        assert_eq!(of("0"), Ok(0));
        assert_eq!(of("17"), Ok(17));
        assert_eq!(of(" 12\r\n"), Ok(12));
        let endless = "0".repeat(65);
        for body in [
            "",
            " ",
            "-1",
            "+1",
            "abc",
            "1 2",
            "0x0",
            "<html>502</html>",
            "4294967296",
            "2147483648",
            &endless,
        ] {
            assert!(matches!(of(body), Err(Unknown::NotALoad(_))), "{body}");
        }
    }

    #[test]
    fn a_status_other_than_200_is_never_a_load() {
        for status in [0, 204, 301, 401, 404, 502] {
            let reply = Reply { status, body: b"0".to_vec() };
            assert_eq!(count(&reply), Err(Unknown::Status(status)));
        }
    }

    proptest! {
        #[test]
        fn a_load_is_all_that_its_body_says(
            text in "[ .-9]([ \t\r\n0-9+-]{0,12}|pool: x\n(listen queue: [0-9]{1,3}\n)?active processes: [0-9-]\n\
                     ((\\*{24}|state: (Idle|Running|Reading headers)|request URI: /s(&t)?|request duration: [0-9]{1,8}|x)\n){0,12})",
        ) {
            super::super::properties::body(text.as_bytes());
        }

        #[test]
        fn only_a_printed_zero_is_zero(text in "[ \t\r\n0+-]{0,4}[ \t\r\n0x.e\\x00]{0,2}") {
            let is_zero = count(&Reply { status: 200, body: text.clone().into_bytes() }) == Ok(0);
            let trimmed: Vec<u8> = text.bytes().filter(|b| !b" \t\r\n".contains(b)).collect();
            prop_assert!(!is_zero || (!trimmed.is_empty() && trimmed.iter().all(|&b| b == b'0')));
        }
    }
}
