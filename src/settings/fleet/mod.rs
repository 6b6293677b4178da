//! The table `[fleet]`: whom to ask for a turn, and how long a turn is waited for.

pub(super) mod draft;
mod keys;
mod member;

pub use keys::{KEYS, Key};
pub use member::{Member, Scheme};

use crate::fleet::Name;
use std::path::PathBuf;
use std::time::Duration;

/// What the settings say about a fleet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Setting {
    /// This node takes no turns.
    #[default]
    Unset,
    /// It shall take turns, and the settings do not say how: a stop goes on without one, and what can refuse, refuses.
    Broken,
    /// It takes turns like this.
    Set(Box<Fleet>),
}

impl Setting {
    /// The fleet, where there is one that can be asked.
    #[must_use]
    pub fn fleet(&self) -> Option<&Fleet> {
        match self {
            Self::Set(fleet) => Some(fleet),
            Self::Unset | Self::Broken => None,
        }
    }
}

/// A fleet of nodes, of which only so many may be out of the pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fleet {
    /// Who keeps the turns.
    pub members: Members,
    /// The fleet's name there.
    pub pool: Name,
    /// So long a stop waits for its turn.
    pub wait: Duration,
    /// When the slot of a node that is silent is free; shorter than `wait`.
    pub stale_after: StaleAfter,
    /// Who asks, if that is a user.
    pub login: Option<Login>,
    /// The certificates that a member's must be signed by, absolute, without the root; the host's own if there is none.
    pub ca_file: Option<PathBuf>,
    /// This node's own certificate, if it shows one.
    pub certificate: Option<Certificate>,
}

/// Who keeps the turns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Members {
    /// The members of an etcd, of which any can be asked.
    Etcd(Vec<Member>),
    /// A `FleetLock` server.
    FleetLock(Member),
}

impl Members {
    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[Member] {
        match self {
            Self::Etcd(members) => members,
            Self::FleetLock(member) => std::slice::from_ref(member),
        }
    }
}

/// After what time nobody waits any longer for a node that is silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StaleAfter {
    /// After this.
    Time(Duration),
    /// Only when an operator says so.
    Never,
}

/// A user of etcd's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// The user's name.
    pub user: String,
    /// The file with the password, absolute, without the root.
    pub password_file: PathBuf,
}

/// A certificate with its key, as files: absolute, without the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The certificate, and those between it and the CA's.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

#[cfg(test)]
mod tests;
