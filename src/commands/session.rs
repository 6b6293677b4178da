//! What a command needs once it may take longer: signals to this program, and a reporter.

use super::asking::{Running, source_of};
use super::balancing::balancers_of;
use super::metrics;
use crate::clock::Stamp;
use crate::context::{Caller, Context};
use crate::drain::{Drain, Limits, Since};
use crate::endpoint::Kind;
use crate::kernel::{Host, is_one_network};
use crate::message::Message;
use crate::outcome::Ending;
use crate::pool::{Announcement, Member, Out, PastDrain, Why};
use crate::power::{self, Task};
use crate::probe::FrontEnd;
use crate::problem::Problem;
use crate::process::Main;
use crate::progress::Progress;
use crate::report::Reporter;
use crate::settings::Settings;
use crate::settings::balancer::Balancer;
use crate::wait::{Signals, Watch, drain};
use std::time::{Duration, Instant};

/// For so long the unit's processes may be looked at.
const PATIENCE: Duration = Duration::from_secs(1);

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
    pub(super) fn watch<'w>(&'w self, running: &'w Running, deadline: Instant) -> Watch<'w> {
        let asked = source_of(self.context, self.settings, running, deadline);
        self.tell_problems(asked.problems);
        power::keep(&self.tasks_of_the_wait(running));
        Watch::over(running.main.process(), &self.signals).asking(asked.source)
    }

    /// Leaves a row in the history.
    pub(super) fn note(&self, member: &Member, ending: &Ending, why: Why, began: Stamp) {
        let store = member.store();
        let invocation = self.context.env.get("INVOCATION_ID").map(str::to_owned);
        store.note_drain(&PastDrain { invocation, ..PastDrain::of(ending, why, began, store.now()) });
    }

    /// What is left to do, now that HHVM's files are read.
    fn tasks_of_the_wait(&self, running: &Running) -> Vec<Task> {
        let mut tasks = vec![Task::Move, Task::See];
        let host = Host::below(&self.context.root);
        if !is_one_network(&running.scope, &host, Instant::now() + PATIENCE) {
            tasks.push(Task::EnterNetworks);
        }
        // A command that is asked may do as little as a user of its own, as it may under `check`.
        let runs_commands = self.settings.balancers.iter().any(|it| matches!(it, Balancer::Command(_)));
        if self.settings.kind == Kind::PhpFpm || runs_commands {
            tasks.push(Task::ActAsUser);
        }
        // After the first process has ended, KillMode= tells who stops the rest.
        let may_be_ours =
            matches!(running.main, Main::LeftToUs(..)) || self.context.env.get("EXIT_CODE").is_some();
        if runs_commands || (may_be_ours && self.context.caller == Caller::StopHook) {
            tasks.push(Task::Signal);
        }
        tasks
    }

    /// Waits for zero, from `started`, with a node that is out as `out` says.
    pub(super) fn wait_for_zero(
        &self,
        member: &mut Member,
        running: &Running,
        started: Instant,
        out: Out,
    ) -> Ending {
        let settings = self.settings;
        let mut announced = Announcement::of_drain(member.store(), settings.timeout);
        metrics::write(self.context, settings);
        let mut watch = self.watch(running, started + settings.timeout);
        if let Some(url) = &settings.health_url {
            watch = watch.asking_front_end(FrontEnd::at(url));
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
        let mut progress = Progress::new(&self.reporter, settings.kind, settings.timeout);
        if let Some(announced) = &mut announced {
            progress = progress.publishing(announced);
        }
        let mut wait = Drain::new(limits, since);
        // A balancer that cannot notice anything says nothing of use.
        if out.is_some() && !settings.balancers.is_empty() {
            let (readers, held) = balancers_of(self.context, settings, &running.scope);
            wait = wait.asking_balancers(readers.len());
            watch = watch.asking_balancers(readers, held);
            progress = progress.of_balancers(settings.balancers.iter().map(Balancer::label).collect());
        }
        if settings.health_url.is_some() {
            wait = wait.asking_front_end();
        }
        drain(wait, watch, member, progress)
    }
}
