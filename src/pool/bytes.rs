//! Bytes in JSON, whatever they are: text where it is text, `{"hex": "…"}` where it is not. Paths are bytes.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// Any bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Json<'a> {
    Text(std::borrow::Cow<'a, str>),
    Hex { hex: String },
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write(&self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Json::deserialize(deserializer)? {
            Json::Text(text) => Ok(Self(text.into_owned().into_bytes())),
            Json::Hex { hex } => decode(&hex).map(Self).ok_or_else(|| D::Error::custom("not hexadecimal")),
        }
    }
}

fn write<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.chars().all(|c| !c.is_control() || c == '\n' || c == '\t') => {
            Json::Text(text.into()).serialize(serializer)
        }
        // A control character would take six bytes as text.
        _ => Json::Hex { hex: encode(bytes) }.serialize(serializer),
    }
}

fn encode(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble & 15)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

fn decode(hex: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
    let byte = |pair: &[u8; 2]| Some(digit(pair[0])? << 4 | digit(pair[1])?);
    if rest.is_empty() { pairs.iter().map(byte).collect() } else { None }
}

/// A path, for `#[serde(with)]`.
pub mod path {
    use super::{
        Bytes, Deserialize, Deserializer, OsStrExt, OsString, OsStringExt, Path, PathBuf, Serializer,
    };

    /// Writes the path.
    pub fn serialize<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
        super::write(path.as_os_str().as_bytes(), serializer)
    }

    /// Reads the path.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
        Bytes::deserialize(deserializer).map(|bytes| PathBuf::from(OsString::from_vec(bytes.0)))
    }
}

/// A path that there may be, for `#[serde(with)]`.
pub mod path_if_any {
    use super::{
        Bytes, Deserialize, Deserializer, OsStrExt, OsString, OsStringExt, PathBuf, Serialize, Serializer,
    };

    /// Writes the path.
    #[expect(clippy::ref_option, reason = "serde calls it so")]
    pub fn serialize<S: Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes = path.as_ref().map(|path| Bytes(path.as_os_str().as_bytes().to_vec()));
        bytes.serialize(serializer)
    }

    /// Reads the path.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
        let bytes = Option::<Bytes>::deserialize(deserializer)?;
        Ok(bytes.map(|bytes| PathBuf::from(OsString::from_vec(bytes.0))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_stays_text_and_the_rest_is_hexadecimal() {
        for (bytes, json) in [
            (&b"/var/www/status.php"[..], r#""/var/www/status.php""#),
            ("größe\n".as_bytes(), r#""größe\n""#),
            (b"/srv/\xff", r#"{"hex":"2f7372762fff"}"#),
            (b"\x01", r#"{"hex":"01"}"#),
        ] {
            assert_eq!(serde_json::to_string(&Bytes(bytes.to_vec())).unwrap(), json);
        }
        for wrong in [r#"{"hex":"0"}"#, r#"{"hex":"0g"}"#, r#"{"hex":"+1"}"#, "7", "null"] {
            assert!(serde_json::from_str::<Bytes>(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_is_what_was_written(bytes in any::<Vec<u8>>()) {
            let json = serde_json::to_vec(&Bytes(bytes.clone())).unwrap();
            prop_assert!(json.len() <= 2 * bytes.len() + 10);
            prop_assert_eq!(serde_json::from_slice::<Bytes>(&json).unwrap().0, bytes);
        }
    }
}
