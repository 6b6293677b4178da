//! Anything that a load can be read from: a server, or the kernel.

use crate::load::Unknown;
use std::time::Instant;

/// Something that tells a load.
pub trait Gauge {
    /// The requests active and queued, by `deadline`.
    ///
    /// # Errors
    /// Why they are not known.
    fn read(&mut self, deadline: Instant) -> Result<u64, Unknown>;
}
