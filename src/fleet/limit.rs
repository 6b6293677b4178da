//! How many nodes of a pool may be out at once: the value of `limit`.

use serde::{Deserialize, Serialize};

/// The largest limit; no fleet has more nodes to spare.
pub const LIMIT_MAX: u32 = 10_000;
/// More is not read.
const BYTES_MAX: usize = 4096;

/// The limit, who has set it, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// So many nodes may be out.
    pub limit: u64,
    /// Who has set it, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
    /// On which node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// When: RFC 3339, UTC, by that node's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
}

/// What counts as the limit, and what is wrong with what stands there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slots {
    /// Nobody has said: one.
    Unset,
    /// So many.
    Set(u32),
    /// Not a limit: one.
    Nonsense,
    /// Zero would let everybody wait in vain: one.
    Zero,
    /// More than there can be: [`LIMIT_MAX`].
    TooMany,
}

impl Limit {
    /// What stands in a value: the number alone will do.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let value = value.get(..value.len().min(BYTES_MAX))?.trim_ascii();
        let alone = || str::from_utf8(value).ok()?.parse().ok();
        let bare = alone().map(|limit| Self { limit, who: None, node: None, since: None });
        bare.or_else(|| serde_json::from_slice(value).ok())
    }

    /// The value.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

impl Slots {
    /// What the value of `limit` comes to, if there is one.
    #[must_use]
    pub fn of(value: Option<&[u8]>) -> Self {
        let Some(value) = value else { return Self::Unset };
        match Limit::parse(value).map(|limit| limit.limit) {
            None => Self::Nonsense,
            Some(0) => Self::Zero,
            Some(limit) => match u32::try_from(limit) {
                Ok(limit) if limit <= LIMIT_MAX => Self::Set(limit),
                _ => Self::TooMany,
            },
        }
    }

    /// So many nodes may be out: at least one, or no stop would ever be admitted.
    #[must_use]
    pub fn count(self) -> u32 {
        match self {
            Self::Unset | Self::Nonsense | Self::Zero => 1,
            Self::Set(limit) => limit,
            Self::TooMany => LIMIT_MAX,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_stands_there_some_node_may_go() {
        let set = Limit { limit: 3, who: Some("root".to_owned()), node: None, since: None }.bytes();
        for (value, expected, count) in [
            (None, Slots::Unset, 1),
            (Some(&b" 3\n"[..]), Slots::Set(3), 3),
            (Some(&set), Slots::Set(3), 3),
            (Some(b"0"), Slots::Zero, 1),
            (Some(b"-1"), Slots::Nonsense, 1),
            (Some(b""), Slots::Nonsense, 1),
            (Some(b"three"), Slots::Nonsense, 1),
            (Some(b"3.5"), Slots::Nonsense, 1),
            (Some(b"\xff\xfe"), Slots::Nonsense, 1),
            (Some(b"10000"), Slots::Set(10_000), 10_000),
            (Some(b"1000000"), Slots::TooMany, 10_000),
            (Some(b"99999999999999"), Slots::TooMany, 10_000),
        ] {
            let slots = Slots::of(value);
            assert_eq!((slots, slots.count()), (expected, count), "{value:?}");
        }
    }
}
