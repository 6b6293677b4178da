//! Finds out whether the unit serves pages, once or until it does.

use super::asking::{Running, configuration};
use super::session::Session;
use crate::drain::Event;
use crate::endpoint::Kind;
use crate::kernel::{Host, Scope, listeners};
use crate::place::Tried;
use crate::probe::ask_for_help;
use crate::process::Process;
use crate::repool::{self, Ports, is_of_this_start, serves};
use crate::systemd;
use crate::unit::Activity;
use crate::wait::Watch;
use std::time::{Duration, Instant};

/// How often HHVM is looked at.
const INTERVAL: Duration = Duration::from_millis(250);
/// So long one look may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// So long one look at a unit that has been started lasts.
const LOOK: Duration = Duration::from_secs(1);

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

/// What is known of one start of HHVM: its configuration is read once, and no listener is asked twice.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// The main process, and when it was started.
    of: Option<(i32, u64)>,
    ports: Option<Ports>,
    tried: Vec<Tried>,
}

impl Known {
    /// What is known of that start; of another one nothing is.
    fn about(&mut self, pid: i32, started: u64) -> &mut Self {
        if self.of != Some((pid, started)) {
            *self = Self { of: Some((pid, started)), ..Self::default() };
        }
        self
    }
}

impl Session<'_> {
    /// Looks for about a second whether the unit serves after its start; none once it stops or is stopped. Where there is
    /// nothing to look at yet, it says so at once.
    pub(super) fn serves_yet(&self, known: &mut Known) -> Option<Serving> {
        let unit = systemd::unit(&self.context.unit);
        let running = Running::of(self.context, unit.as_ref());
        match (unit.map(|unit| unit.activity), running.main.process()) {
            (Some(Activity::Active), Some(process)) => {
                Some(self.wait_until_it_serves(process, &running.scope, LOOK, known))
            }
            (None | Some(Activity::Active | Activity::Activating), _) => Some(Serving::Ended),
            (Some(Activity::Deactivating | Activity::Other), _) => None,
        }
    }

    /// Looks at the unit of `scope` until its main process, or a younger one, serves pages, until that process ends, or
    /// `patience` is over.
    pub(super) fn wait_until_it_serves(
        &self,
        main: &Process,
        scope: &Scope,
        patience: Duration,
        known: &mut Known,
    ) -> Serving {
        let give_up = Instant::now() + patience;
        let mut watch = Watch::over(Some(main), &self.signals);
        loop {
            let why = match self.look(main, scope, known) {
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
    fn look(&self, main: &Process, scope: &Scope, known: &mut Known) -> std::result::Result<(), String> {
        let (host, deadline) = (Host::below(&self.context.root), Instant::now() + PATIENCE);
        let found = listeners(scope, &host, deadline).map_err(|why| why.to_string())?;
        let started = main.started().ok_or("it cannot be seen when it was started")?;
        let known = known.about(main.pid(), started);
        loop {
            // Before HHVM listens, its process may still be that of systemd or of a script.
            if !found.iter().any(|listener| is_of_this_start(listener, started)) {
                return Err("it does not listen for requests yet".to_owned());
            }
            let ports = *known.ports.get_or_insert_with(|| self.ports(main));
            match serves(&found, started, ports, &known.tried) {
                repool::Serving::Yes => return Ok(()),
                repool::Serving::NotYet => return Err("only its admin port is open yet".to_owned()),
                repool::Serving::Unless(listener) => {
                    known.tried.push(ask_for_help(listener, None, &host, deadline));
                }
            }
        }
    }

    fn ports(&self, main: &Process) -> Ports {
        match self.settings.kind {
            Kind::PhpFpm => Ports::NO_ADMIN,
            Kind::Hhvm => {
                Ports::of(configuration(self.context, main, None, Instant::now() + PATIENCE).as_ref())
            }
        }
    }
}
