//! What a command needs once it may take longer: signals to this program, and a reporter.

use super::asking::{Running, source_of};
use crate::context::Context;
use crate::drain::{Drain, Limits, Since};
use crate::error::Result;
use crate::message::Message;
use crate::outcome::Ending;
use crate::pool::{Announcement, Member, Out};
use crate::probe::FrontEnd;
use crate::problem::Problem;
use crate::progress::Progress;
use crate::report::Reporter;
use crate::settings::Settings;
use crate::wait::{Signals, Watch, drain};
use std::time::Instant;

/// A command that goes on for a while.
pub(super) struct Session<'a> {
    pub(super) context: &'a Context,
    pub(super) settings: &'a Settings,
    pub(super) signals: Signals,
    pub(super) reporter: Reporter,
}

impl<'a> Session<'a> {
    /// Starts to tell; `signals` were taken over before, for that starts threads.
    pub(super) fn start(context: &'a Context, settings: &'a Settings, signals: Signals) -> Self {
        Self { context, settings, signals, reporter: Reporter::start(context) }
    }

    /// Logs problems.
    pub(super) fn tell_problems(&self, problems: Vec<Problem>) {
        self.reporter.tell_all(problems.into_iter().map(Message::Problem));
    }

    /// A watch over HHVM that asks it for its load. Its configuration has to be read by `deadline`.
    pub(super) fn watch<'w>(&'w self, running: &'w Running, deadline: Instant) -> Result<Watch<'w>> {
        let asked = source_of(self.context, self.settings, running, deadline);
        self.tell_problems(asked.problems);
        Watch::over(running.main.process(), &self.signals).asking(asked.source)
    }

    /// Waits for zero, from `started`, with a node that is out as `out` says.
    pub(super) fn wait_for_zero(
        &self,
        member: &mut Member,
        running: &Running,
        started: Instant,
        out: Out,
    ) -> Result<Ending> {
        let settings = self.settings;
        let _announced = Announcement::of_drain(member.store(), settings.timeout);
        let mut watch = self.watch(running, started + settings.timeout)?;
        if let Some(url) = &settings.health_url {
            watch = watch.asking_front_end(FrontEnd::at(url))?;
        }
        let limits = Limits {
            min_drain: settings.min_drain,
            timeout: settings.timeout,
            poll_interval: settings.poll_interval,
            zero_samples: settings.zero_samples,
            threshold: settings.threshold,
        };
        let out = match out {
            Out::For(time) => Some(time),
            Out::Not => None,
        };
        let since = Since::new(started, out, settings.min_drain);
        let progress = Progress::new(&self.reporter, settings.kind, settings.timeout);
        let mut wait = Drain::new(limits, since);
        if settings.health_url.is_some() {
            wait = wait.asking_front_end();
        }
        drain(wait, watch, member, progress)
    }
}
