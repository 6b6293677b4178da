//! Where a pool's keys lie at etcd: `hhvm-drain/POOL/` and what follows it.

use crate::fleet::{Key, Name};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// The keys of one pool.
#[derive(Debug)]
pub(super) struct Keys {
    prefix: String,
}

/// What a key below the prefix is.
pub(super) enum Found {
    Ours(Key),
    /// Not one that this program writes; what follows the prefix, for people. It may stand among those that are out.
    Strange {
        name: String,
        is_out: bool,
    },
}

/// Keys from the first to before the second, in base64.
pub(super) struct Range(pub(super) String, pub(super) String);

impl Keys {
    pub(super) fn of(pool: &Name) -> Self {
        Self { prefix: format!("hhvm-drain/{pool}/") }
    }

    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// A key, in base64.
    pub(super) fn encode(&self, key: &Key) -> String {
        let prefix = &self.prefix;
        encode(match key {
            Key::Limit => format!("{prefix}limit"),
            Key::Out(node) => format!("{prefix}out/{node}"),
            Key::Alive(node) => format!("{prefix}alive/{node}"),
        })
    }

    /// All keys of the pool.
    pub(super) fn all(&self) -> Range {
        below(&self.prefix)
    }

    /// All of `out/`.
    pub(super) fn out(&self) -> Range {
        below(&format!("{}out/", self.prefix))
    }

    /// What a key is; none if it does not lie below the prefix.
    pub(super) fn decode(&self, key: &[u8]) -> Option<Found> {
        let rest = key.strip_prefix(self.prefix.as_bytes())?;
        let text = str::from_utf8(rest).ok();
        let node = |name: &str| Name::parse(name).ok();
        let ours = text.and_then(|text| match text.split_once('/') {
            None if text == "limit" => Some(Key::Limit),
            Some(("out", name)) => node(name).map(Key::Out),
            Some(("alive", name)) => node(name).map(Key::Alive),
            _ => None,
        });
        Some(ours.map_or_else(
            || Found::Strange {
                name: crate::text::quote(&String::from_utf8_lossy(rest)),
                is_out: rest.starts_with(b"out/"),
            },
            Found::Ours,
        ))
    }
}

/// etcd's `range_end` for a prefix: the prefix with its last byte one higher. Here that is a slash, and ASCII's next is 0.
fn below(prefix: &str) -> Range {
    let end = format!("{}0", prefix.trim_end_matches('/'));
    Range(encode(prefix), encode(end))
}

pub(super) fn encode(bytes: impl AsRef<[u8]>) -> String {
    BASE64_STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Keys {
        Keys::of(&Name::parse("web").unwrap())
    }

    fn plain(text: &str) -> String {
        String::from_utf8(BASE64_STANDARD.decode(text).unwrap()).unwrap()
    }

    #[test]
    fn every_key_is_found_again() {
        let node = Name::parse("n-1.example").unwrap();
        for (key, text) in [
            (Key::Limit, "hhvm-drain/web/limit"),
            (Key::Out(node.clone()), "hhvm-drain/web/out/n-1.example"),
            (Key::Alive(node), "hhvm-drain/web/alive/n-1.example"),
        ] {
            assert_eq!(plain(&keys().encode(&key)), text);
            assert!(
                matches!(keys().decode(text.as_bytes()), Some(Found::Ours(found)) if found == key),
                "{text}"
            );
        }
        let Range(begin, end) = keys().out();
        assert_eq!(
            (plain(&begin), plain(&end)),
            ("hhvm-drain/web/out/".into(), "hhvm-drain/web/out0".into())
        );
    }

    #[test]
    fn what_strangers_write_is_nobodys() {
        for (text, expected) in [
            (&b"hhvm-drain/web/limits"[..], "limits"),
            (b"hhvm-drain/web/", ""),
            (b"hhvm-drain/web/out/a/b", "out/a/b"),
            (b"hhvm-drain/web/out/", "out/"),
            (b"hhvm-drain/web/out", "out"),
            (b"hhvm-drain/web/out/\xff\n", "out/\u{fffd}"),
        ] {
            let Some(Found::Strange { name, is_out }) = keys().decode(text) else { panic!("{text:?}") };
            assert_eq!((name.as_str(), is_out), (expected, expected.starts_with("out/")));
        }
        assert!(keys().decode(b"hhvm-drain/other/limit").is_none());
    }
}
