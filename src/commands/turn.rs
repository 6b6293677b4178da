//! A stop's wait for its turn in the fleet: in the pool, serving, before anything is moved.

use super::asking::Running;
use super::session::Session;
use crate::clock;
use crate::context::Caller;
use crate::etcd::Etcd;
use crate::fleet::{Claim, Why};
use crate::lineup::{Lineup, Onlooker, Question, Reply, Sights, wait};
use crate::message::Message;
use crate::node::Node;
use crate::pool::{Announcement, By, Member, SlotNote, Store};
use crate::probe::{FrontEnd, Prober};
use crate::queue::Row;
use crate::report::Reporter;
use crate::settings::fleet::{Fleet, Setting, StaleAfter};
use crate::slot::{Me, Note, Notebook, Take};
use crate::systemd::{self, host_is_stopping};
use crate::text::span;
use crate::turn::{Bounds, Cause, End, Event, Turn};
use crate::unit::Patience;
use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

/// What systemd's patience is where it does not tell: its own default.
const CAUTIOUS: Duration = Duration::from_secs(90);
/// So long the last word to the engine may take.
const LAST_WORD: Duration = Duration::from_secs(4);
/// The same, where somebody waits for the end.
const HASTY_WORD: Duration = Duration::from_millis(1500);
/// How often a change is logged at most.
const LOG_EVERY: Duration = Duration::from_secs(30);
/// Time that systemd is asked for beyond what is needed.
const GRACE: Duration = Duration::from_secs(10);

/// What is to be done after the wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Went {
    /// The drain begins.
    On,
    /// HHVM has ended meanwhile.
    HhvmEnded,
    /// This program was told to end.
    Interrupted,
}

/// This unit of this node, at its fleet.
pub(super) fn me(node: &Node, fleet: &Fleet, unit: &str) -> Me {
    Me {
        node: node.name.clone(),
        unit: unit.to_owned(),
        machine_id: node.machine_id.clone(),
        boot_id: node.boot_id.clone(),
        stale_after: match fleet.stale_after {
            StaleAfter::Time(time) => Some(time),
            StaleAfter::Never => None,
        },
    }
}

/// Notes of one unit, on the disk.
#[derive(Debug, Clone)]
pub(super) struct Notes {
    pub(super) store: Store,
    pub(super) pool: String,
    pub(super) node: String,
}

impl Notes {
    pub(super) fn of(store: &Store, fleet: &Fleet, node: &Node) -> Self {
        Self { store: store.clone(), pool: fleet.pool.to_string(), node: node.name.to_string() }
    }

    /// What is known of the slot.
    pub(super) fn known(&self) -> Option<Note> {
        self.store.slot().map(|note| Note { created: note.created(&self.pool, &self.node) })
    }
}

impl Notebook for Notes {
    fn keep(&mut self, note: Note) {
        self.store.note_slot(&SlotNote {
            pool: self.pool.clone(),
            node: self.node.clone(),
            created: note.created.map(|created| created.0),
            written: self.store.now(),
        });
    }
}

impl Session<'_> {
    /// Waits for the turn, if the node is in a fleet and in its pool.
    pub(super) fn wait_for_turn(&self, member: &Member, running: &Running, started: Instant) -> Went {
        let Some(process) = running.main.process() else { return Went::On };
        if matches!(member.store().record(), Ok(Some(_))) {
            return Went::On;
        }
        let fleet = match &self.settings.fleet {
            Setting::Unset => return Went::On,
            Setting::Set(fleet) => fleet,
            Setting::Broken => {
                self.tell_out_of_turn(
                    "it is not clear in which fleet this node is; the stop goes on without a turn",
                );
                return Went::On;
            }
        };
        let node = match Node::here(&self.context.root) {
            Ok(node) => node,
            Err(why) => {
                self.tell_out_of_turn(&format!("{why}; the stop goes on without a turn"));
                return Went::On;
            }
        };
        let host_stops = self.context.caller == Caller::ShutdownUnit || host_is_stopping();
        let mut sights = Sights {
            signals: &self.signals,
            process: Some(process),
            lineup: self.lineup(member, fleet, &node, if host_stops { Why::Shutdown } else { Why::Stop }),
            host: Prober::start(|_| host_is_stopping()),
            front_end: self.settings.health_url.as_ref().map(|url| {
                let mut front_end = FrontEnd::at(url);
                Prober::start(move |deadline| front_end.is_up(deadline))
            }),
        };
        let draw = u32::try_from(RandomState::new().hash_one(0) % 1000).unwrap_or_default();
        let bounds = Bounds::new(fleet.wait, self.patience(), draw);
        let turn = Turn::new(started, bounds);
        let _announced = Announcement::of_wait(member.store(), turn.at_most());
        // What was said before this wait began is not meant for it.
        let _ = member.store().is_told_to_go();
        let mut teller = Teller::new(&self.reporter, member.store(), self.settings.timeout);
        let begin = if host_stops { Event::HostStops } else { Event::Tick };
        let end = wait(turn, &mut sights, begin, &mut teller);
        self.go(&end, &mut sights, &mut teller, started.elapsed())
    }

    fn lineup(&self, member: &Member, fleet: &Fleet, node: &Node, why: Why) -> Lineup {
        let me = me(node, fleet, self.context.unit.as_str());
        let since = clock::now(&self.context.root.join("/proc")).at;
        let take = Take::new(me.clone(), Claim::new(why, since));
        let (root, set, name) = (self.context.root.clone(), fleet.clone(), node.name.clone());
        let engine = move || Etcd::new(&root, &set, &name);
        Lineup::start(me, take, engine, Notes::of(member.store(), fleet, node))
    }

    /// What systemd leaves for the turn.
    fn patience(&self) -> Option<Duration> {
        let limit = match self.context.caller {
            Caller::Person => return None,
            // The shutdown unit's own, which is as the package has it.
            Caller::ShutdownUnit => {
                Some(crate::turn::GOING_DOWN + self.settings.timeout + crate::turn::MARGIN)
            }
            _ => match systemd::unit(&self.context.unit).map(|unit| unit.timeout_stop) {
                Some(Patience::Infinite) => None,
                Some(Patience::For(limit)) => Some(limit),
                Some(Patience::Unclear(_)) | None => Some(CAUTIOUS),
            },
        };
        limit.map(|limit| Bounds::patience(limit, self.settings.timeout))
    }

    /// Tells how the wait has ended, and writes at the engine what has to be known there.
    fn go(&self, end: &End, sights: &mut Sights<'_>, teller: &mut Teller<'_>, took: Duration) -> Went {
        let time = span(took);
        let line = match end {
            End::Admitted(None) => {
                self.reporter.tell(Message::Turn(format!("it is this node's turn, after {time}")));
                return Went::On;
            }
            End::Admitted(Some(_)) => format!(
                "not this node's turn after {time}, but it has waited long enough: it goes over the fleet's limit, as a few at a time may"
            ),
            End::WaitOver => {
                format!("not this node's turn after {time}; the stop goes on over the fleet's limit")
            }
            End::HostDown => {
                format!(
                    "not this node's turn after {time}, and the host goes down; the stop goes on over the fleet's limit"
                )
            }
            End::NotQueued(why) => {
                format!("no turn to be had ({why}) within {time}; the stop goes on without one")
            }
            End::Ended(Cause::FrontEndGone) => {
                "the front end no longer answers, so this node does not wait for its turn any longer"
                    .to_owned()
            }
            End::Ended(Cause::Go) => {
                "an operator ended the waiting (fleet go); the stop goes on over the fleet's limit".to_owned()
            }
            End::Ended(Cause::Depooled) => {
                self.reporter.tell(Message::Turn(
                    "an operator has taken this node out; not waiting for its turn".to_owned(),
                ));
                return Went::On;
            }
            End::Ended(Cause::HhvmEnded) => {
                sights.lineup.last(Question::GiveUp, HASTY_WORD / 3);
                return Went::HhvmEnded;
            }
            End::Ended(Cause::Interrupted) => "interrupted while waiting for its turn".to_owned(),
        };
        self.tell_out_of_turn(&line);
        self.write_over(end, sights, teller);
        if *end == End::Ended(Cause::Interrupted) { Went::Interrupted } else { Went::On }
    }

    /// Lets others know that the node is out though it was not its turn.
    fn write_over(&self, end: &End, sights: &mut Sights<'_>, teller: &mut Teller<'_>) {
        let patience = match end {
            // It is written already, or there is nobody to write it to.
            End::Admitted(_) | End::NotQueued(_) => return,
            End::HostDown | End::Ended(Cause::Interrupted) => HASTY_WORD,
            _ => LAST_WORD,
        };
        let Some(why) = end.over() else { return };
        let told = sights.lineup.last(Question::Over(why), patience);
        let is_written =
            told.as_ref().is_some_and(|reply| matches!(reply.standing, crate::turn::Standing::Admitted(_)));
        if let Some(reply) = &told {
            teller.hear(reply);
        }
        if !is_written {
            self.tell_out_of_turn("the fleet could not be told that this node is out");
        }
    }

    fn tell_out_of_turn(&self, what: &str) {
        self.reporter.tell(Message::OutOfTurn(what.to_owned()));
    }
}

/// Tells how a wait goes.
struct Teller<'a> {
    reporter: &'a Reporter,
    store: &'a Store,
    /// The drain's own timeout, which comes after the wait.
    timeout: Duration,
    shown: Option<u64>,
    logged: Option<(Instant, Option<u32>)>,
    told: BTreeSet<String>,
}

impl<'a> Teller<'a> {
    fn new(reporter: &'a Reporter, store: &'a Store, timeout: Duration) -> Self {
        Self { reporter, store, timeout, shown: None, logged: None, told: BTreeSet::new() }
    }

    fn show(&mut self, turn: &Turn, now: Instant) {
        let elapsed = turn.elapsed(now);
        if self.shown == Some(elapsed.as_secs()) {
            return;
        }
        self.shown = Some(elapsed.as_secs());
        let ahead = turn.ahead().map(|(ahead, _)| ahead);
        let time = format!("{} of at most {}", span(elapsed), span(turn.at_most()));
        let line = match (turn.silence(), ahead) {
            (Some(why), _) => format!("Waiting for its turn: no answer ({why}), {time}"),
            (None, Some(ahead)) => format!("Waiting for its turn: {ahead} ahead, {time}"),
            (None, None) => format!("Waiting for its turn, {time}"),
        };
        let left = turn.deadline().saturating_duration_since(now);
        self.reporter.status(line, left + self.timeout + GRACE);
    }

    fn log(&mut self, turn: &Turn, now: Instant) {
        let Some((ahead, slots)) = turn.ahead() else { return };
        let is_due = match self.logged {
            None => true,
            Some((at, before)) => before != Some(ahead) && now >= at + LOG_EVERY,
        };
        if !is_due {
            return;
        }
        self.logged = Some((now, Some(ahead)));
        let row = if turn.row() == Row::Second { ", in the second row" } else { "" };
        let (limit, time) = (slots.count(), span(turn.elapsed(now)));
        self.reporter.tell(Message::Turn(format!(
            "waiting for its turn{row}: {ahead} ahead, {limit} may be out at once; {time} of at most {}",
            span(turn.at_most())
        )));
    }

    fn tell_once(&mut self, line: String) {
        if self.told.len() < 20 && self.told.insert(line.clone()) {
            self.reporter.tell(Message::OutOfTurn(line));
        }
    }
}

impl Onlooker for Teller<'_> {
    fn look(&mut self, turn: &Turn, now: Instant) -> Option<Cause> {
        self.show(turn, now);
        self.log(turn, now);
        if self.store.is_told_to_go() {
            return Some(Cause::Go);
        }
        let record = self.store.record().ok().flatten();
        record.is_some_and(|record| record.by == By::Operator).then_some(Cause::Depooled)
    }

    fn hear(&mut self, reply: &Reply) {
        for node in &reply.news.freed {
            self.reporter.tell(Message::Turn(format!(
                "freed the slot of {node}, of which nothing was heard for stale-after"
            )));
        }
        for oddity in &reply.news.oddities {
            self.tell_once(format!("fleet: {oddity}"));
        }
        if let Some(id) = &reply.twin {
            self.tell_once(format!(
                "fleet: another host (machine-id {id}) has written as this node; give each host a name of its own"
            ));
        }
    }
}
