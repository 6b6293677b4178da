//! What everybody on the host may know of a unit, root or not: whether the node is out, by whom and why, and what
//! goes on just now. It lies in memory, and is written anew whenever one of these changes.

use super::activity::{Activity, Phase};
use super::past_drain::PastDrain;
use super::record::{By, Record};
use crate::clock::Stamp;
use serde::{Deserialize, Serialize};

/// The format that this program writes. A reader takes no other: to answer for a node, it has to understand all of it.
/// What it need not understand is added without a new number.
pub const VERSION: u32 = 1;

/// The published state of a unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Members", into = "Members")]
pub struct Published {
    /// The format.
    pub version: u32,
    /// The unit.
    pub unit: String,
    /// When this was written; it says nothing of another boot.
    pub written: Stamp,
    /// Whether the node is out.
    pub membership: Membership,
    /// What goes on, if anything does.
    pub activity: Option<Activity>,
    /// How the last drain ended.
    pub last_drain: Option<PastDrain>,
    /// What `check --quiet` has found.
    pub check: Option<Checked>,
}

/// What `check --quiet` has found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    /// When.
    pub at: String,
    /// So many errors.
    pub errors: u64,
    /// So many warnings.
    pub warnings: u64,
    /// So many mistakes in the settings.
    pub settings: u64,
    /// So many load balancers that could not be asked, or not be understood.
    pub balancers: u64,
}

/// The same, as it stands in the file.
#[derive(Serialize, Deserialize)]
struct Members {
    version: u32,
    unit: String,
    written: Stamp,
    node: Node,
    by: Option<By>,
    who: Option<String>,
    reason: Option<String>,
    since: Option<Stamp>,
    activity: Option<Activity>,
    last_drain: Option<PastDrain>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    check: Option<Checked>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Node {
    In,
    Out,
    Unknown,
}

/// Whether hhvm-drain has taken the node out. What somebody moved by hand is no concern of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Membership {
    /// It has not, or has put it back.
    In,
    /// It has.
    Out {
        /// Who wanted it.
        by: By,
        /// The operator's login name.
        who: Option<String>,
        /// Why.
        reason: Option<String>,
        /// Since when.
        since: Stamp,
    },
    /// The record cannot be read.
    Unknown,
}

/// What there is to say to a balancer that asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// Send no more requests.
    Drain,
    /// Send requests, if the checks are good.
    Ready,
}

impl TryFrom<Members> for Published {
    type Error = &'static str;

    fn try_from(members: Members) -> Result<Self, Self::Error> {
        let Members { by, who, reason, since, .. } = members;
        let membership = match (members.node, by, since) {
            (Node::In, ..) => Membership::In,
            (Node::Out, Some(by), Some(since)) => Membership::Out { by, who, reason, since },
            (Node::Out, ..) => return Err("a node is out, and it is not said by whom and since when"),
            (Node::Unknown, ..) => Membership::Unknown,
        };
        let Members { version, unit, written, activity, last_drain, check, .. } = members;
        Ok(Self { version, unit, written, membership, activity, last_drain, check })
    }
}

impl From<Published> for Members {
    fn from(published: Published) -> Self {
        let Published { version, unit, written, membership, activity, last_drain, check } = published;
        let (node, by, who, reason, since) = match membership {
            Membership::In => (Node::In, None, None, None, None),
            Membership::Out { by, who, reason, since } => (Node::Out, Some(by), who, reason, Some(since)),
            Membership::Unknown => (Node::Unknown, None, None, None, None),
        };
        Self { version, unit, written, node, by, who, reason, since, activity, last_drain, check }
    }
}

impl Word {
    /// What HAProxy's agent-check wants to read. Its other words are not used: `up` would raise a server whose checks
    /// fail, `maint` would stop the checks, and some are not undone by `ready`.
    #[must_use]
    pub fn line(self) -> &'static [u8] {
        match self {
            Self::Drain => b"drain\n",
            Self::Ready => b"ready\n",
        }
    }
}

impl Published {
    /// Whether this tells of the boot and the unit in which the reader is.
    #[must_use]
    pub fn is_about(&self, unit: &str, boot_id: &str) -> bool {
        self.version == VERSION && self.unit == unit && !boot_id.is_empty() && self.written.boot_id == boot_id
    }

    /// What this says to a balancer; none if it does not know.
    #[must_use]
    pub fn word(&self) -> Option<Word> {
        match (&self.membership, &self.activity) {
            (Membership::Unknown, _) => None,
            // Also where the health file could not be moved.
            (Membership::Out { .. }, _) | (_, Some(Activity { phase: Phase::Draining, .. })) => {
                Some(Word::Drain)
            }
            (Membership::In, _) => Some(Word::Ready),
        }
    }
}

impl Membership {
    /// What the record says.
    #[must_use]
    pub fn of(record: Option<&Record>) -> Self {
        record.map_or(Self::In, |record| Self::Out {
            by: record.by,
            who: record.who.clone(),
            reason: record.reason.clone(),
            since: record.since.clone(),
        })
    }
}
