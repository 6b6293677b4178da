//! The end of a turn: kept while HHVM does not serve, given back once it does and the balancers have it; and an operator's,
//! from `depool` until `pool`.

use super::fleet;
use super::serving::{Known, Serving};
use super::session::Session;
use super::turn::{Notes, me};
use crate::clock;
use crate::context::{Context, operator};
use crate::error::{Error, Result};
use crate::etcd::Etcd;
use crate::fleet::{Claim, Over, Why};
use crate::message::Message;
use crate::node::Node;
use crate::pool::{Member, drain_in_progress};
use crate::probe::Prober;
use crate::problem::Problem;
use crate::queue::Row;
use crate::settings::Settings;
use crate::settings::fleet::{Fleet, Setting, StaleAfter};
use crate::slot::{Keep, Kept, Release, Released, Take, Whose, carry_out};
use crate::turn::Standing;
use crate::wait::pause;
use std::time::{Duration, Instant};

/// How often a unit is looked at that is not active yet.
const AGAIN: Duration = Duration::from_secs(1);
/// Between two tries to give a slot back.
const AGAIN_AT_ENGINE: Duration = Duration::from_secs(5);
/// Between two signs of life, where the slot never becomes stale.
const SIGN: Duration = Duration::from_secs(300);
/// So long an answer is waited for before it is asked again.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often a thread's answer is looked for.
const LOOK: Duration = Duration::from_millis(100);

/// Keeps a slot alive while HHVM does not come up, in a thread of its own.
pub(super) struct Keeper(Option<Sign>);

struct Sign {
    prober: Prober<Kept>,
    /// When the next one is due.
    next: Instant,
    every: Duration,
    is_asked: bool,
}

impl Keeper {
    /// For this unit's slot, if it may have one. HHVM has until `start-timeout` before it counts as failed.
    pub(super) fn of(session: &Session<'_>, member: &Member) -> Self {
        Self(Sign::of(session, member))
    }

    /// Gives a sign of life, if one is due.
    pub(super) fn keep(&mut self) {
        let Some(sign) = &mut self.0 else { return };
        sign.is_asked &= sign.prober.take().is_none();
        let now = Instant::now();
        if !sign.is_asked && now >= sign.next {
            sign.is_asked = true;
            sign.next = now + sign.every;
            sign.prober.ask(now);
        }
    }
}

impl Sign {
    fn of(session: &Session<'_>, member: &Member) -> Option<Self> {
        let fleet = session.settings.fleet.fleet()?.clone();
        let node = Node::here(&session.context.root).ok()?;
        let notes = Notes::of(member.store(), &fleet, &node);
        let me = me(&node, &fleet, session.context.unit.as_str());
        let root = session.context.root.clone();
        let every = match fleet.stale_after {
            StaleAfter::Time(time) => time / 3,
            StaleAfter::Never => SIGN,
        };
        let since = clock::now(&root.join("/proc")).at;
        let prober = Prober::start_beside(move |_| match Etcd::new(&root, &fleet, &node.name) {
            Ok(mut etcd) => {
                let mut keep = Keep::new(me.clone(), notes.known(), since.clone());
                carry_out(&mut keep, &mut etcd, &mut notes.clone())
            }
            Err(why) => Kept::Unanswered(why),
        })?;
        let next = Instant::now() + session.settings.start_timeout.min(every);
        Some(Self { prober, next, every, is_asked: false })
    }
}

impl Session<'_> {
    /// Gives the slot back once HHVM serves; until then it is kept. Ends with HHVM, or when a stop begins. Nothing in a start
    /// job waits for it.
    pub(super) fn give_back_turn(&self, member: &Member) {
        let Some(fleet) = self.settings.fleet.fleet() else { return };
        let Ok(node) = Node::here(&self.context.root) else { return };
        let (mut keeper, mut known) = (Keeper::of(self, member), Known::default());
        let mut told = None;
        while matches!(member.store().record(), Ok(None)) && !drain_in_progress(member.store()) {
            let Some(serving) = self.serves_yet(&mut known) else { return };
            let pause_for = match serving {
                Serving::Interrupted => return,
                Serving::Yes => match self.release(member, fleet, &node) {
                    None => return,
                    Some(Released::Unanswered(why)) => {
                        self.tell_not_given_back(&why, &mut told);
                        AGAIN_AT_ENGINE
                    }
                    Some(released) => {
                        if released == Released::Yes {
                            self.reporter.tell(Message::Turn(
                                "this node's turn is over; the next one may go".to_owned(),
                            ));
                        }
                        return;
                    }
                },
                Serving::NotYet(_) | Serving::Ended => {
                    keeper.keep();
                    AGAIN
                }
            };
            if pause(&self.signals, pause_for) {
                return;
            }
        }
    }

    fn tell_not_given_back(&self, why: &str, told: &mut Option<String>) {
        if told.as_deref() != Some(why) {
            self.reporter.tell(Message::OutOfTurn(format!(
                "the turn of this node is not given back yet ({why}); trying again every 5 s"
            )));
            *told = Some(why.to_owned());
        }
    }

    /// Gives the slot back; none if a signal came meanwhile.
    fn release(&self, member: &Member, fleet: &Fleet, node: &Node) -> Option<Released> {
        let notes = Notes::of(member.store(), fleet, node);
        let me = me(node, fleet, self.context.unit.as_str());
        let (root, set, name) = (self.context.root.clone(), fleet.clone(), node.name.clone());
        let mut prober = Prober::start(move |_| match Etcd::new(&root, &set, &name) {
            Ok(mut etcd) => release(me.clone(), &notes, Whose::Drains, &mut etcd),
            Err(why) => Released::Unanswered(why),
        });
        let give_up = Instant::now() + PATIENCE;
        prober.ask(Instant::now());
        loop {
            if let Some(sample) = prober.take() {
                return Some(sample.answer);
            }
            if Instant::now() >= give_up {
                return Some(Released::Unanswered("no answer in time".to_owned()));
            }
            if pause(&self.signals, LOOK) {
                return None;
            }
        }
    }

    /// Gives back what an operator has, or a drain; for a person, who is told if it cannot be.
    pub(super) fn give_back_as_operator(&self, member: &Member) {
        if self.settings.fleet == Setting::Unset {
            return;
        }
        let released = engine(self.context, self.settings, &[]).map(|(mut etcd, fleet, node)| {
            let notes = Notes::of(member.store(), fleet, &node);
            release(me(&node, fleet, self.context.unit.as_str()), &notes, Whose::Anybodys, &mut etcd)
        });
        let why = match released {
            Err(error) => error.to_string(),
            Ok(Released::Unanswered(why)) => why,
            Ok(Released::Yes | Released::NotHeld | Released::Kept) => return,
        };
        self.reporter.tell(Message::OutOfTurn(format!(
            "the slot of this node could not be given back ({why}); run hhvm-drain pool again, or hhvm-drain fleet free on any node"
        )));
    }
}

/// Gives a slot back, and forgets it.
pub(super) fn release(me: crate::slot::Me, notes: &Notes, whose: Whose, etcd: &mut Etcd) -> Released {
    let mut machine = Release::new(me, notes.known(), whose);
    let released = carry_out(&mut machine, etcd, &mut notes.clone());
    if matches!(released, Released::Yes | Released::NotHeld) {
        notes.store.forget_slot();
    }
    released
}

/// The engine of this node's fleet.
pub(super) fn engine<'a>(
    context: &Context,
    settings: &'a Settings,
    problems: &[Problem],
) -> Result<(Etcd, &'a Fleet, Node)> {
    let fleet = fleet::fleet(settings, problems)?;
    let node = Node::here(&context.root).map_err(Error::Fleet)?;
    let etcd = Etcd::new(&context.root, fleet, &node.name).map_err(Error::Fleet)?;
    Ok((etcd, fleet, node))
}

/// Takes a slot for an operator, if this node is in a fleet; what to tell, if it is not its turn and `force` says that it goes.
///
/// # Errors
/// Why it may not go out; nothing has been touched then.
pub(super) fn take_for_operator(
    context: &Context,
    settings: &Settings,
    member: &Member,
    problems: &[Problem],
    reason: Option<&str>,
    force: bool,
) -> Result<Option<String>> {
    if settings.fleet == Setting::Unset {
        return Ok(None);
    }
    let refuse = |why: String| {
        if force {
            Ok(Some(format!("{why}; it goes out all the same (--force)")))
        } else {
            Err(refused(&why))
        }
    };
    let (mut etcd, fleet, node) = match engine(context, settings, problems) {
        Ok(engine) => engine,
        Err(error) => return refuse(error.to_string()),
    };
    let mut notes = Notes::of(member.store(), fleet, &node);
    let claim = Claim {
        who: operator(&context.env).map(str::to_owned),
        reason: reason.map(str::to_owned),
        ..Claim::new(Why::Operator, clock::now(&context.root.join("/proc")).at)
    };
    let me = me(&node, fleet, context.unit.as_str());
    let mut take = Take::new(me.clone(), claim);
    take.ask(Row::First, true);
    let mut standing = carry_out(&mut take, &mut etcd, &mut notes);
    let mut why = words(&standing);
    if force && why.is_some() {
        take.go_over(Over::Forced);
        standing = carry_out(&mut take, &mut etcd, &mut notes);
        if let Some(failed) = words(&standing) {
            why = why.map(|why| format!("{why}; the fleet could not be told ({failed})"));
        }
    }
    let Some(why) = why else { return Ok(None) };
    if !force {
        let mut give_up = Release::new(me, take.place(), Whose::Anybodys);
        let _ = carry_out(&mut give_up, &mut etcd, &mut notes);
        notes.store.forget_slot();
    }
    refuse(why)
}

/// Why that is no turn.
fn words(standing: &Standing) -> Option<String> {
    match standing {
        Standing::Admitted(_) => None,
        Standing::Waits(ahead, slots) => Some(format!(
            "it is not this node's turn: {ahead} are out or wait in front of it, and {} may be out at once",
            slots.count()
        )),
        Standing::Unanswered(why) => Some(format!("etcd gives no answer: {why}")),
    }
}

fn refused(why: &str) -> Error {
    Error::Fleet(format!("{why}; see hhvm-drain fleet, and use --force if it has to go out now"))
}
