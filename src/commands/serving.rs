//! Finds out whether the unit serves pages, once or until it does.

use super::asking::source_of;
use super::session::Session;
use crate::drain::Event;
use crate::error::Result;
use crate::load::{Load, Unknown};
use crate::process::Process;
use crate::wait::Watch;
use std::time::{Duration, Instant};

/// How often HHVM is looked at.
const INTERVAL: Duration = Duration::from_millis(250);
/// So long one look may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// What came of waiting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Serving {
    /// It serves.
    Yes,
    /// Not within the time, because of that.
    NotYet(Unknown),
    /// HHVM has ended.
    Ended,
    /// This program was asked to end.
    Interrupted,
}

impl Session<'_> {
    /// Looks at `process` until it serves, it ends, or `patience` is over.
    pub(super) fn wait_until_it_serves(&self, process: &Process, patience: Duration) -> Result<Serving> {
        let give_up = Instant::now() + patience;
        let mut watch = Watch::over(Some(process), &self.signals);
        loop {
            let why = match self.look(process) {
                Load::Known(_) => return Ok(Serving::Yes),
                Load::Unknown(why) => why,
            };
            let next = (Instant::now() + INTERVAL).min(give_up);
            match watch.next(next)? {
                Event::HhvmEnded => return Ok(Serving::Ended),
                Event::Interrupted => return Ok(Serving::Interrupted),
                _ if Instant::now() >= give_up => return Ok(Serving::NotYet(why)),
                _ => {}
            }
        }
    }

    fn look(&self, process: &Process) -> Load {
        source_of(self.context, self.settings, Some(process)).source.read(Instant::now() + PATIENCE)
    }
}
