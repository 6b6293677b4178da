//! Finds out whether the unit serves pages, once or until it does.

use super::asking::configuration;
use super::session::Session;
use crate::drain::Event;
use crate::kernel::{Host, Scope, listeners};
use crate::locate::Configured;
use crate::process::Process;
use crate::repool::serves;
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
    NotYet(String),
    /// HHVM has ended.
    Ended,
    /// This program was asked to end.
    Interrupted,
}

impl Session<'_> {
    /// Looks at the unit of `scope` until its main process, or a younger one, serves pages, until that process ends, or
    /// `patience` is over.
    pub(super) fn wait_until_it_serves(&self, main: &Process, scope: &Scope, patience: Duration) -> Serving {
        let give_up = Instant::now() + patience;
        let mut watch = Watch::over(Some(main), &self.signals);
        loop {
            let why = match self.look(main, scope) {
                Ok(()) => return Serving::Yes,
                Err(why) => why,
            };
            let next = (Instant::now() + INTERVAL).min(give_up);
            match watch.next(next) {
                Event::HhvmEnded => return Serving::Ended,
                Event::Interrupted => return Serving::Interrupted,
                _ if Instant::now() >= give_up => return Serving::NotYet(why),
                _ => {}
            }
        }
    }

    /// Whether pages are served, or why not.
    fn look(&self, main: &Process, scope: &Scope) -> std::result::Result<(), String> {
        let host = Host::below(&self.context.root);
        let found = listeners(scope, &host, Instant::now() + PATIENCE).map_err(|why| why.to_string())?;
        let hhvm = configuration(self.context, main, None, Instant::now() + PATIENCE);
        let admin_port = hhvm.and_then(|hhvm| Configured::of(&hhvm).admin_port);
        let started = main.started().ok_or("it cannot be seen when it was started")?;
        if serves(&found, started, admin_port) {
            return Ok(());
        }
        Err("it does not listen for requests yet".to_owned())
    }
}
