//! `restart`: the node's turn first, or nothing is touched; then `systemctl restart`, until the node is back.

use super::giving_back::{engine, release};
use super::turn::{Notes, me};
use crate::clock;
use crate::context::{Context, operator};
use crate::error::{Error, Result};
use crate::etcd::Etcd;
use crate::fleet::{Claim, Over, Why};
use crate::pool::{Member, Store};
use crate::problem::Problem;
use crate::queue::{Row, poll_interval};
use crate::settings::Settings;
use crate::settings::fleet::Setting;
use crate::slot::{Me, Take, Whose, carry_out};
use crate::systemd;
use crate::text::{clean, span};
use crate::turn::Standing;
use crate::unit::Activity;
use crate::wait::{Signals, pause};
use std::io::Write;
use std::time::{Duration, Instant};

/// For so long is tried to queue at an engine that cannot be reached.
const TO_QUEUE: Duration = Duration::from_secs(10);
/// Between two tries at an engine that gives no answer.
const AGAIN: Duration = Duration::from_secs(1);
/// Between two looks at slots that nobody gives back.
const SWEEP_EVERY: Duration = Duration::from_secs(15);
/// So long the node may take to be back after HHVM's start is over, besides `start-timeout`.
const TO_BE_BACK: Duration = Duration::from_secs(60);
/// How often is looked whether it is.
const LOOK: Duration = Duration::from_millis(250);

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    /// So long the turn is waited for, if not as long as the settings say.
    pub(super) wait: Option<Duration>,
    /// Also if it is not this node's turn.
    pub(super) force: bool,
}

/// Runs the command.
pub(super) fn run(context: &Context, settings: &Settings, problems: &[Problem], asked: Asked) -> Result<()> {
    let signals = Signals::take_over();
    let unit = &context.unit;
    if settings.fleet == Setting::Unset {
        return Err(Error::Fleet(format!(
            "this node is in no fleet, so it has no turn to wait for; run systemctl restart {unit}, or set members in \
             [fleet], see hhvm-drain-fleet(7)"
        )));
    }
    let (etcd, fleet, node) = engine(context, settings, problems)?;
    match systemd::unit(unit).map(|unit| unit.activity) {
        Some(Activity::Active) => {}
        Some(_) => return Err(Error::Fleet(format!("{unit} does not run; run systemctl start {unit}"))),
        None => return Err(Error::Fleet("systemd gives no answer; run systemctl status".to_owned())),
    }
    let member = Member::new(context, &settings.health_files);
    let claim = Claim {
        who: operator(&context.env).map(str::to_owned),
        ..Claim::new(Why::Restart, clock::now(&context.root.join("/proc")).at)
    };
    let me = me(&node, fleet, unit.as_str());
    let mut line = Line {
        take: Take::new(me.clone(), claim),
        me,
        etcd,
        notes: Notes::of(member.store(), fleet, &node),
        signals: &signals,
        told: None,
    };
    line.wait_for_turn(asked.wait.unwrap_or(fleet.wait), asked.force)?;
    say(&format!("it is this node's turn; restarting {unit}"));
    if !systemd::restart(unit) {
        let result = systemd::unit(unit).map_or("unknown", |unit| {
            if unit.activity == Activity::Active { "active" } else { "not active" }
        });
        return Err(Error::Fleet(format!(
            "systemctl restart {unit} failed, and the unit is {result}; this node keeps its turn until it serves; see journalctl -u {unit}"
        )));
    }
    wait_until_back(member.store(), &signals, settings.start_timeout + TO_BE_BACK, unit.as_str())
}

/// A node in the queue.
struct Line<'a> {
    me: Me,
    take: Take,
    etcd: Etcd,
    notes: Notes,
    signals: &'a Signals,
    told: Option<u32>,
}

impl Line<'_> {
    fn wait_for_turn(&mut self, wait: Duration, force: bool) -> Result<()> {
        let started = Instant::now();
        let (mut swept, mut is_queued) = (None::<Instant>, false);
        loop {
            let now = Instant::now();
            let sweeps = swept.is_none_or(|swept| now >= swept + SWEEP_EVERY);
            swept = if sweeps { Some(now) } else { swept };
            self.take.ask(Row::First, sweeps);
            let standing = carry_out(&mut self.take, &mut self.etcd, &mut self.notes);
            let stuck = self.take.news().stuck;
            let (why, time) = match standing {
                Standing::Admitted(_) => return Ok(()),
                Standing::Waits(ahead, slots) => {
                    is_queued = true;
                    let limit = slots.count();
                    if let (Some(stuck), false) = (stuck, force) {
                        let names: Vec<String> = stuck.iter().map(ToString::to_string).collect();
                        return self.give_up(&format!(
                            "every slot is held by a node that does not come back by itself: {}",
                            names.join(", ")
                        ));
                    }
                    self.tell(ahead, limit, started.elapsed(), wait);
                    let why =
                        format!("{ahead} nodes are out or in front of it, and {limit} may be out at once");
                    (why, poll_interval(ahead, slots))
                }
                Standing::Unanswered(why) => {
                    if !force && !is_queued && started.elapsed() >= TO_QUEUE {
                        return self.give_up(&format!("etcd gives no answer: {why}"));
                    }
                    (format!("etcd gives no answer: {why}"), AGAIN)
                }
            };
            if force {
                self.go_all_the_same(&why);
                return Ok(());
            }
            let left = (started + wait).saturating_duration_since(Instant::now());
            if left.is_zero() {
                return self.give_up(&format!("not this node's turn within {}: {why}", span(wait)));
            }
            if pause(self.signals, time.min(left)) {
                return self.give_up("interrupted while waiting for its turn");
            }
        }
    }

    fn go_all_the_same(&mut self, why: &str) {
        say(&format!("{why}; it goes all the same (--force)"));
        self.take.go_over(Over::Forced);
        if let Standing::Unanswered(why) = carry_out(&mut self.take, &mut self.etcd, &mut self.notes) {
            say(&format!("the fleet could not be told ({why})"));
        }
    }

    /// Leaves the queue; nothing has been touched.
    fn give_up(&mut self, why: &str) -> Result<()> {
        self.notes.store.forget_slot();
        if let Some(place) = self.take.place() {
            crate::slot::Notebook::keep(&mut self.notes, place);
            // What is not deleted now goes with its lease.
            let _ = release(self.me.clone(), &self.notes, Whose::Drains, &mut self.etcd);
            self.notes.store.forget_slot();
        }
        Err(Error::Fleet(format!("{why}; nothing was touched; see hhvm-drain fleet")))
    }

    fn tell(&mut self, ahead: u32, limit: u32, elapsed: Duration, wait: Duration) {
        if self.told.replace(ahead) != Some(ahead) {
            let time = format!("{} of at most {}", span(elapsed), span(wait));
            say(&format!("waiting for its turn: {ahead} ahead, {limit} may be out at once, {time}"));
        }
    }
}

/// The start is over; the repool unit puts the node back, and then gives back its turn.
fn wait_until_back(store: &Store, signals: &Signals, patience: Duration, unit: &str) -> Result<()> {
    let give_up = Instant::now() + patience;
    while Instant::now() < give_up {
        if matches!(store.record(), Ok(None)) && store.slot().is_none() {
            say("back in the pool; this node's turn is over");
            return Ok(());
        }
        if pause(signals, LOOK) {
            return Err(Error::Fleet(format!("interrupted; hhvm-drain-repool@{unit} puts this node back")));
        }
    }
    Err(Error::Fleet(format!(
        "{unit} has been restarted, and this node is not back within {}; it keeps its turn until it serves; see hhvm-drain status",
        span(patience)
    )))
}

/// A closed standard output must not end a restart.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{}", clean(line));
}
