//! What a node writes of itself into its `out/NODE`: which units are out, or wait for it, and why.
//!
//! Fields are only ever added. Whatever else stands there is somebody else's, and unknown.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The format that this program writes.
const VERSION: u32 = 1;
/// More is not read; what a host with a hundred units writes is less.
const BYTES_MAX: usize = 64 << 10;

/// A node, as its value tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Holder {
    /// The format.
    pub version: u32,
    /// `/etc/machine-id` of the host, empty if it has none. Two hosts of one name are told apart by it.
    #[serde(default)]
    pub machine_id: String,
    /// The boot in which this was written.
    #[serde(default)]
    pub boot_id: String,
    /// The units that share the slot, or the place in the queue, by their names.
    pub units: BTreeMap<String, Claim>,
}

/// Why a unit is out, or wants to be.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Claim {
    /// Why.
    pub why: Why,
    /// The login name of the operator, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
    /// What the operator says of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Since when it waits, or is out: RFC 3339, UTC, by the node's clock. For people only.
    pub since: String,
    /// Why it is out though it was not its turn, if so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<Over>,
    /// Since when its server, which was started anew, does not serve, if so: RFC 3339, UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fails_since: Option<String>,
}

/// What takes a unit out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// `stop`
    Stop,
    /// `restart`
    Restart,
    /// A stop when the host goes down.
    Shutdown,
    /// `depool`
    Operator,
    /// Something that a later version does.
    #[serde(other)]
    Other,
}

/// Why a unit is out though it was not its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Over {
    /// `--force`
    Forced,
    /// `fleet go`
    Go,
    /// It had waited for `wait`, and was one of the few that then go at once.
    SecondRow,
    /// It had waited as long as a stop may.
    WaitOver,
    /// The host went down.
    HostDown,
    /// The front end no longer answered.
    FrontEndGone,
    /// It was told to end its waiting by a signal.
    Interrupted,
    /// Something that a later version does.
    #[serde(other)]
    Other,
}

impl Claim {
    /// A claim of nobody in particular, since then.
    #[must_use]
    pub fn new(why: Why, since: String) -> Self {
        Self { why, who: None, reason: None, since, over: None, fails_since: None }
    }
}

impl Holder {
    /// A node without units.
    #[must_use]
    pub fn new(machine_id: &str, boot_id: &str) -> Self {
        Self {
            version: VERSION,
            machine_id: machine_id.to_owned(),
            boot_id: boot_id.to_owned(),
            units: BTreeMap::new(),
        }
    }

    /// What stands in a value; none if no version of this program has written it.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let holder: Self = serde_json::from_slice(value.get(..value.len().min(BYTES_MAX))?).ok()?;
        Some(holder).filter(|holder| holder.version >= VERSION)
    }

    /// The value.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        // A map with text for keys always becomes JSON; an empty value would be a stranger's.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Whether an operator has taken a unit out: such a slot is never stale.
    #[must_use]
    pub fn is_operators(&self) -> bool {
        self.units.values().any(|claim| claim.why == Why::Operator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(why: Why) -> Claim {
        Claim {
            why,
            who: None,
            reason: None,
            since: "2026-01-02T03:04:05Z".to_owned(),
            over: None,
            fails_since: None,
        }
    }

    #[test]
    fn a_holder_is_read_as_it_was_written() {
        let mut holder = Holder::new("abc", "one");
        holder.units.insert("hhvm.service".to_owned(), claim(Why::Stop));
        let depooled = Claim {
            who: Some("root".to_owned()),
            reason: Some("new disk".to_owned()),
            over: Some(Over::Forced),
            ..claim(Why::Operator)
        };
        assert!(!holder.is_operators());
        holder.units.insert("hhvm@1.service".to_owned(), depooled);
        assert_eq!(Holder::parse(&holder.bytes()), Some(holder.clone()));
        assert!(holder.is_operators());
    }

    /// The words on the wire, which other programs may read.
    #[test]
    fn the_layout_stays() {
        let mut holder = Holder::new("abc", "one");
        holder
            .units
            .insert("a.service".to_owned(), Claim { over: Some(Over::SecondRow), ..claim(Why::Stop) });
        let expected = r#"{"version":1,"machine_id":"abc","boot_id":"one","units":{"a.service":{"why":"stop","since":"2026-01-02T03:04:05Z","over":"second-row"}}}"#;
        assert_eq!(String::from_utf8(holder.bytes()).unwrap(), expected);
    }

    #[test]
    fn what_a_later_version_adds_is_no_obstacle_and_what_others_write_is_unknown() {
        let later = br#"{"version":2,"new":[],"units":{"a.service":{"why":"moon","over":"tide","since":"x","new":1}}}"#;
        let holder = Holder::parse(later).unwrap();
        let claim = &holder.units["a.service"];
        assert_eq!((claim.why, claim.over), (Why::Other, Some(Over::Other)));
        let long = format!("{}{}", " ".repeat(BYTES_MAX), String::from_utf8_lossy(later));
        for strange in
            [&b""[..], b"3", b"{}", b"null", b"\xff\0", br#"{"version":0,"units":{}}"#, long.as_bytes()]
        {
            assert_eq!(Holder::parse(strange), None, "{:?}", String::from_utf8_lossy(strange).get(..20));
        }
    }
}
