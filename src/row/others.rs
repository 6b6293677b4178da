//! Where other units listen that are drained by themselves, found out when somebody wants to know.

use crate::sockets::Place;
use std::fmt;
use std::sync::{Arc, LazyLock};

/// Finds them.
type Find = Box<dyn FnOnce() -> Vec<Place> + Send>;

/// Where the other units of this host listen that this program drains: what a balancer sends there is not this unit's.
#[derive(Clone)]
pub struct Others(Arc<LazyLock<Vec<Place>, Find>>);

impl Others {
    /// Those that `find` finds: it is called at most once, for it asks systemd.
    #[must_use]
    pub fn found_by(find: impl FnOnce() -> Vec<Place> + Send + 'static) -> Self {
        Self(Arc::new(LazyLock::new(Box::new(find))))
    }

    /// All of them.
    #[must_use]
    pub fn places(&self) -> &[Place] {
        &self.0
    }
}

impl Default for Others {
    /// None.
    fn default() -> Self {
        Self::found_by(Vec::new)
    }
}

impl fmt::Debug for Others {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Others")
    }
}
