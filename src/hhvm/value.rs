//! A value of a file, as bytes.

/// A value, or why it cannot be known from the files alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Text {
    /// Its bytes.
    Known(Vec<u8>),
    /// Why not.
    Unknown(&'static str),
}
