//! Reads the load, wherever it comes from.

use super::gauge::Gauge;
use crate::load::Load;
use crate::place::Place;
use std::time::Instant;

/// Where the load comes from.
pub struct Source(Box<dyn Gauge + Send>);

impl Source {
    /// A source that reads `gauge`.
    #[must_use]
    pub fn only(gauge: impl Gauge + Send + 'static) -> Self {
        Self(Box::new(gauge))
    }

    /// Asks for the load; returns by `deadline`.
    pub fn read(&mut self, deadline: Instant) -> Load {
        self.0.read(deadline).map_or_else(Load::Unknown, Load::Known)
    }

    /// Where the last load was read.
    #[must_use]
    pub fn place(&self) -> Option<&Place> {
        self.0.place()
    }
}
