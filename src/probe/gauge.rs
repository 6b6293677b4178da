//! Anything the load is read from: a server's own answer, or the kernel's.

use crate::load::Unknown;
use crate::place::Place;
use std::time::Instant;

/// Something that tells a load.
pub trait Gauge {
    /// The requests active and queued, by `deadline`.
    ///
    /// # Errors
    /// Why they are not known.
    fn read(&mut self, deadline: Instant) -> Result<u64, Unknown>;

    /// Where the last load was read, if it is one place.
    fn place(&self) -> Option<&Place> {
        None
    }
}
