//! A trial at the load balancers: how long they take to notice that the node is out, and to send again once it is back.

use super::balancing::balancers_of;
use super::finding::{Finding, error, good, warning};
use crate::back::{BACK_MAX, has_back};
use crate::context::Context;
use crate::drain::Event;
use crate::kernel::Scope;
use crate::row::{Before, Sends, Unclear, View};
use crate::settings::Settings;
use crate::settings::balancer::Balancer;
use crate::text::{seconds, tenths};
use crate::wait::{Signals, Watch};
use std::time::{Duration, Instant};

/// How long the first answers may take.
const FIRST: Duration = Duration::from_millis(2500);
/// The time between two questions.
const PAUSE: Duration = Duration::from_millis(100);

/// The balancers in a trial.
pub(super) struct Trial<'a> {
    settings: &'a Settings,
    watch: Watch<'a>,
    before: Vec<Heard>,
    noticed: Vec<Heard>,
}

/// What came of waiting for a balancer's answer.
enum Heard {
    /// It came, so long after the beginning.
    After(Duration, View),
    /// Not in time; this was the last one.
    Never(Result<View, Unclear>),
}

impl<'a> Trial<'a> {
    /// Asks the balancers that are set what they say before.
    pub(super) fn begin(
        context: &Context,
        settings: &'a Settings,
        scope: &Scope,
        signals: &'a Signals,
    ) -> Self {
        let (readers, held) = balancers_of(context, settings, scope);
        let mut watch = Watch::over(None, signals).asking_balancers(readers, held);
        let before = hear(&mut watch, Instant::now(), FIRST, |_, _| true);
        Self { settings, watch, before, noticed: Vec::new() }
    }

    /// Waits until each of them sends no new requests to the node, which is out since `began`: not longer than a drain.
    pub(super) fn wait_until_out(&mut self, began: Instant) {
        let is_out = |_, view: &View| view.rows.iter().all(|row| row.sends != Sends::Yes);
        self.noticed = hear(&mut self.watch, began, self.settings.timeout, is_out);
    }

    /// Waits until each of them sends again to the node, which is back since `began`; what has been found.
    pub(super) fn wait_until_back(mut self, began: Instant) -> Vec<Finding> {
        let before: Vec<Vec<Before>> = self.before.iter().map(Heard::rows).collect();
        let is_back = |which: usize, view: &View| view.rows.iter().all(|row| has_back(&before[which], row));
        let back = hear(&mut self.watch, began, BACK_MAX, is_back);
        let names = self.settings.balancers.iter().map(Balancer::to_string);
        let heard = self.before.iter().zip(&self.noticed).zip(&back);
        names
            .zip(heard)
            .map(|(name, ((before, noticed), back))| finding(&name, before, noticed, back))
            .collect()
    }
}

impl Heard {
    fn rows(&self) -> Vec<Before> {
        match self {
            Self::After(_, view) | Self::Never(Ok(view)) => Before::of(view, Duration::ZERO),
            Self::Never(Err(_)) => Vec::new(),
        }
    }

    fn last(&self) -> String {
        match self {
            Self::After(_, view) | Self::Never(Ok(view)) => {
                view.rows.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
            }
            Self::Never(Err(why)) => why.to_string(),
        }
    }
}

fn finding(name: &str, before: &Heard, noticed: &Heard, back: &Heard) -> Finding {
    match (before, noticed, back) {
        (Heard::Never(_), ..) | (_, Heard::Never(Err(_)), _) => {
            let why = if matches!(before, Heard::Never(_)) { before } else { noticed };
            warning(format!("trial: {name}: it is not known whether it sends requests here ({})", why.last()))
        }
        (Heard::After(_, view), ..) if view.rows.iter().all(|row| row.sends != Sends::Yes) => {
            warning(format!("trial: {name} did not send requests here before, either ({})", before.last()))
        }
        (_, Heard::Never(_), _) => error(format!(
            "trial: {name} still sent requests here at the end ({}), so a drain would run into its timeout; check that it \
             requests the health file",
            noticed.last()
        )),
        (_, Heard::After(noticed, _), Heard::After(back, _)) => good(format!(
            "trial: {name} noticed after {}, and sent requests again {} after the health file was back",
            tenths(*noticed),
            tenths(*back)
        )),
        (_, Heard::After(noticed, _), Heard::Never(_)) => warning(format!(
            "trial: {name} noticed after {}, and did not send requests again within {} ({})",
            tenths(*noticed),
            seconds(BACK_MAX),
            back.last()
        )),
    }
}

/// Asks all of them until each has said what is `wanted`, for at most `patience` since `began`, or until a signal comes.
fn hear(
    watch: &mut Watch,
    began: Instant,
    patience: Duration,
    wanted: impl Fn(usize, &View) -> bool,
) -> Vec<Heard> {
    let mut heard: Vec<Heard> =
        watch.balancers.iter().map(|_| Heard::Never(Err(Unclear::NotAsked))).collect();
    for balancer in watch.balancers.iter_mut().flatten() {
        balancer.ask(Instant::now());
    }
    let end = began + patience;
    while Instant::now() < end && heard.iter().any(|heard| matches!(heard, Heard::Never(_))) {
        match watch.next(end) {
            Event::Interrupted => break,
            Event::BalancerAnswered(which, answer) => {
                // An answer to an earlier question tells nothing of now.
                let is_new = answer.asked >= began;
                heard[which] = match answer.view {
                    Ok(view) if is_new && wanted(which, &view) => {
                        Heard::After(answer.answered.saturating_duration_since(began), view)
                    }
                    view => {
                        if let Some(Some(balancer)) = watch.balancers.get_mut(which) {
                            balancer.ask(Instant::now() + PAUSE);
                        }
                        Heard::Never(view)
                    }
                };
            }
            _ => {}
        }
    }
    heard
}
