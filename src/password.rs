//! The admin password: sent in the query, and never shown.

use std::fmt::{self, Write as _};

/// The admin password. No message can hold it: it has no `Display`, and its `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(Vec<u8>);

impl Password {
    /// A password that is known already.
    #[must_use]
    pub fn new(password: &[u8]) -> Self {
        Self(password.to_vec())
    }

    /// The password in a file that holds `bytes`, without the end of its line; none if there is none.
    #[must_use]
    pub fn of_file(bytes: &[u8]) -> Option<Self> {
        let end = bytes.iter().rposition(|byte| !b"\r\n".contains(byte))?;
        Some(Self(bytes[..=end].to_vec()))
    }

    /// Whether it is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The password itself.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// `auth=…` for a query string, percent-encoded (RFC 3986, section 2).
    #[must_use]
    pub fn query(&self) -> String {
        let mut query = String::from("auth=");
        for &byte in &self.0 {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                query.push(char::from(byte));
            } else {
                // Writing to a String cannot fail.
                let _ = write!(query, "%{byte:02X}");
            }
        }
        query
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_the_line_does_not_count_and_all_else_is_encoded() {
        let query = |bytes| Password::of_file(bytes).map(|password| password.query());
        assert_eq!(query(b"a b+c%&\n").as_deref(), Some("auth=a%20b%2Bc%25%26"));
        assert_eq!((query(b""), query(b"\r\n")), (None, None));
    }
}
