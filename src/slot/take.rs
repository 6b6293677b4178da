//! Takes a slot: queues, waits for its turn, and is admitted; or goes over the limit, and says why.

use super::{Answer, CALLS_MAX, Call, Machine, Me, Next, Note, Own};
use crate::fleet::{
    Change, Claim, Committed, Compare, Entry, Failure, Holder, Key, Lease, Look, Name, Over, Revision,
    Snapshot, Transaction, Why,
};
use crate::queue::{ALL, Asker, Blocker, Judgement, LEASE, Row, all_stuck, oddities, slots, stale};
use crate::turn::Standing;
use std::collections::BTreeMap;

/// So many stale slots are freed in one round.
const FREED_MAX: usize = 8;

/// A unit's way to a slot. It is asked round after round until it has one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Take {
    me: Me,
    claim: Claim,
    aim: Aim,
    /// What it waits for the answer to.
    step: Step,
    /// The node's key, as last read or written.
    own: Option<Own>,
    look: Look,
    /// Whether this round looks for slots that may be freed, and whether that is done.
    sweeps: bool,
    calls: u32,
    /// Who else writes as this node, by machine-id.
    twin: Option<String>,
    news: News,
}

/// What a look at the whole has told besides.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct News {
    /// Who holds every slot and does not come back by itself.
    pub stuck: Option<Vec<Blocker>>,
    /// What others have written there.
    pub oddities: Vec<String>,
    /// Whose slots were freed.
    pub freed: Vec<Name>,
}

/// What it wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Aim {
    /// To be admitted, from that row.
    Turn(Row),
    /// To be out whatever the limit says, because of that.
    Over(Over),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Step {
    Begin,
    Get,
    GrantPlace,
    Queue(Lease),
    Join,
    Renew,
    Look(Look),
    Free(Vec<(Name, Revision)>),
    Note(Way),
    GrantAlive(Way),
    Commit(Option<Over>),
    Confirm(Option<Over>),
}

/// How the key becomes durable.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Way {
    /// By the rule, if limit stays as it is, which was last put then.
    Turn(Option<Revision>, Option<Over>),
    /// The node is out already, for another unit.
    Share,
    /// Against the rule.
    Over(Over),
    /// Against the rule, by a node that has not queued.
    Anew(Over),
}

impl Take {
    /// Of this unit, for that reason.
    #[must_use]
    pub fn new(me: Me, claim: Claim) -> Self {
        Self {
            me,
            claim,
            aim: Aim::Turn(Row::First),
            step: Step::Begin,
            own: None,
            look: ALL,
            sweeps: false,
            calls: 0,
            twin: None,
            news: News::default(),
        }
    }

    /// Begins a round: asks once for the turn, standing in `row`. If it `sweeps`, it sees to slots that are stale.
    pub fn ask(&mut self, row: Row, sweeps: bool) {
        (self.aim, self.step, self.sweeps, self.calls) = (Aim::Turn(row), Step::Begin, sweeps, 0);
        self.news = News::default();
    }

    /// Begins the last round: takes the node out of the count of those that serve, whatever the limit says.
    pub fn go_over(&mut self, why: Over) {
        (self.aim, self.step, self.calls) = (Aim::Over(why), Step::Begin, 0);
        self.news = News::default();
    }

    /// What the round has told besides.
    pub fn news(&mut self) -> News {
        std::mem::take(&mut self.news)
    }

    /// The machine-id of another host that writes as this node, if one does.
    #[must_use]
    pub fn twin(&self) -> Option<&str> {
        self.twin.as_deref()
    }

    /// The node's place, as far as it is known.
    #[must_use]
    pub fn place(&self) -> Option<Note> {
        self.own.as_ref().map(|own| Note { created: Some(own.created) })
    }

    fn begin(&mut self) -> Next<Standing> {
        match (&self.own, self.aim) {
            (Some(Own { lease: Some(lease), .. }), Aim::Turn(_)) => {
                let lease = *lease;
                self.ask_for(Step::Renew, Call::Renew(lease))
            }
            _ => self.get(),
        }
    }

    fn get(&mut self) -> Next<Standing> {
        self.own = None;
        self.ask_for(Step::Get, Call::Get(self.me.out()))
    }

    fn ask_for(&mut self, step: Step, call: Call) -> Next<Standing> {
        self.calls += 1;
        if self.calls > CALLS_MAX {
            return self.give_up("its keys change all the time".to_owned());
        }
        self.step = step;
        Next::Ask(call)
    }

    fn give_up(&mut self, why: String) -> Next<Standing> {
        self.step = Step::Begin;
        Next::Done(Standing::Unanswered(why))
    }

    fn done(&mut self, standing: Standing) -> Next<Standing> {
        self.step = Step::Begin;
        Next::Done(standing)
    }

    /// The node's key is known, or known not to be there.
    fn found(&mut self) -> Next<Standing> {
        let Some(own) = &self.own else {
            return match self.aim {
                Aim::Turn(_) => self.ask_for(Step::GrantPlace, Call::Grant(LEASE)),
                Aim::Over(why) => self.note(Way::Anew(why)),
            };
        };
        let claim = own.holder.units.get(&self.me.unit);
        // What was taken for a stop becomes an operator's if one wants it.
        let has_unit =
            claim.is_some_and(|claim| self.claim.why != Why::Operator || claim.why == Why::Operator);
        match (own.lease, self.aim) {
            (None, _) if has_unit => {
                let over = claim.and_then(|claim| claim.over);
                let note = Note { created: Some(own.created) };
                self.ask_for(Step::Confirm(over), Call::Note(note))
            }
            (None, _) => self.note(Way::Share),
            (Some(_), Aim::Over(why)) => self.note(Way::Over(why)),
            (Some(lease), Aim::Turn(_)) if !has_unit => {
                let transaction = Transaction {
                    compare: self.unchanged(),
                    then: vec![self.put(self.units(), Some(lease), None)],
                };
                self.ask_for(Step::Join, Call::Commit(transaction))
            }
            (Some(lease), Aim::Turn(_)) => self.ask_for(Step::Renew, Call::Renew(lease)),
        }
    }

    fn look(&mut self, look: Look) -> Next<Standing> {
        self.ask_for(Step::Look(look), Call::Look(look))
    }

    fn seen(&mut self, snapshot: &Snapshot, look: Look) -> Next<Standing> {
        let (Some(own), Aim::Turn(row)) = (&self.own, self.aim) else { return self.get() };
        let asker = |row| Asker { node: &self.me.node, created: own.created, row };
        let judgement = asker(row).judge(snapshot, look);
        let is_same = |(name, entry): &(Name, Entry)| *name != self.me.node || entry.modified == own.modified;
        if look == Look::Whole {
            self.news.stuck = all_stuck(snapshot, &self.me.node);
            self.news.oddities = oddities(snapshot);
        }
        match judgement {
            Judgement::LookAtAll => self.look(if self.sweeps { Look::Whole } else { ALL }),
            Judgement::Lost | Judgement::Held => self.get(),
            // Another unit of this host has come or gone, and its name must not be lost.
            _ if !snapshot.out.iter().all(is_same) => self.get(),
            Judgement::Go => {
                let by_rule = row == Row::First || asker(Row::First).judge(snapshot, look) == Judgement::Go;
                let limit = snapshot.limit.as_ref().map(|entry| entry.modified);
                self.note(Way::Turn(limit, (!by_rule).then_some(Over::SecondRow)))
            }
            Judgement::Waits(ahead) => {
                self.look = asker(row).next_look(snapshot, ahead);
                let is_near = self.look == ALL;
                match look {
                    Look::First(_) if self.sweeps && is_near => self.look(Look::Whole),
                    Look::Whole if self.sweeps => {
                        let mut found = stale(snapshot, &self.me.node);
                        found.truncate(FREED_MAX);
                        self.free(found, Standing::Waits(ahead, slots(snapshot)))
                    }
                    _ => self.done(Standing::Waits(ahead, slots(snapshot))),
                }
            }
        }
    }

    /// Frees the first of these; who has come back meanwhile, or is heard of again, keeps its slot.
    fn free(&mut self, found: Vec<(Name, Revision)>, standing: Standing) -> Next<Standing> {
        let Some((node, modified)) = found.first().cloned() else { return self.done(standing) };
        let (out, alive) = (Key::Out(node.clone()), Key::Alive(node));
        let transaction = Transaction {
            compare: vec![Compare::Absent(alive), Compare::Modified(out.clone(), modified)],
            then: vec![Change::Delete(out)],
        };
        self.ask_for(Step::Free(found), Call::Commit(transaction))
    }

    fn freed(&mut self, mut found: Vec<(Name, Revision)>, was_freed: bool) -> Next<Standing> {
        let (node, _) = found.remove(0);
        if was_freed {
            self.news.freed.push(node);
        }
        if found.is_empty() {
            self.sweeps = false;
            return self.look(ALL);
        }
        self.free(found, Standing::Unanswered(String::new()))
    }

    fn note(&mut self, way: Way) -> Next<Standing> {
        let note = Note { created: self.own.as_ref().map(|own| own.created) };
        self.ask_for(Step::Note(way), Call::Note(note))
    }

    fn noted(&mut self, way: Way) -> Next<Standing> {
        match self.me.stale_after {
            Some(time) => self.ask_for(Step::GrantAlive(way), Call::Grant(time)),
            None => self.commit(&way, None),
        }
    }

    /// Makes the key durable.
    fn commit(&mut self, way: &Way, alive: Option<Lease>) -> Next<Standing> {
        let mut compare = self.unchanged();
        let over = match way {
            Way::Turn(limit, over) => {
                compare.push(match limit {
                    Some(modified) => Compare::Modified(Key::Limit, *modified),
                    None => Compare::Absent(Key::Limit),
                });
                *over
            }
            // Who shares a slot that is over the limit is over it, too, and still when the other has gone.
            Way::Share => self.units().values().find_map(|claim| claim.over),
            Way::Over(why) | Way::Anew(why) => Some(*why),
        };
        // Who else waits in the same place shares the slot next; if it still lives.
        let units = if *way == Way::Share { self.units() } else { BTreeMap::new() };
        let then = vec![self.put(units, None, over), self.me.put_alive(alive)];
        self.ask_for(Step::Commit(over), Call::Commit(Transaction { compare, then }))
    }

    /// That the key is as it was when it was read.
    fn unchanged(&self) -> Vec<Compare> {
        match &self.own {
            Some(own) => vec![
                Compare::Created(self.me.out(), own.created),
                Compare::Modified(self.me.out(), own.modified),
            ],
            None => vec![Compare::Absent(self.me.out())],
        }
    }

    /// The units that are in the key.
    fn units(&self) -> BTreeMap<String, Claim> {
        self.own.as_ref().map(|own| own.holder.units.clone()).unwrap_or_default()
    }

    /// The key with these units and this one.
    fn put(&self, units: BTreeMap<String, Claim>, lease: Option<Lease>, over: Option<Over>) -> Change {
        let mut holder = Holder { units, ..Holder::new(&self.me.machine_id, &self.me.boot_id) };
        holder.units.insert(self.me.unit.clone(), Claim { over, ..self.claim.clone() });
        Change::Put(self.me.out(), holder.bytes(), lease)
    }

    /// The key has been made durable. That of a node that had not queued is as young as this.
    fn written(&mut self, revision: Revision, over: Option<Over>) -> Next<Standing> {
        match self.own.take() {
            Some(_) => self.done(Standing::Admitted(over)),
            None => self.ask_for(Step::Confirm(over), Call::Note(Note { created: Some(revision) })),
        }
    }

    fn got(&mut self, entry: Option<&Entry>) -> Next<Standing> {
        self.own = entry.map(|entry| Own::read(entry, &self.me));
        let others = self.own.as_ref().map(|own| &own.holder.machine_id);
        self.twin = others.filter(|id| !id.is_empty() && **id != self.me.machine_id).cloned();
        self.found()
    }
}

impl Machine for Take {
    type Outcome = Standing;

    fn next(&mut self, answer: Option<Answer>) -> Next<Standing> {
        let step = std::mem::replace(&mut self.step, Step::Begin);
        match (step, answer) {
            (Step::Begin, _) | (_, None) => self.begin(),
            // Also a lease that is gone: nothing was written.
            (Step::Queue(_) | Step::Join | Step::Commit(_), Some(Answer::Failed(Failure::Unknown(_)))) => {
                self.get()
            }
            (_, Some(Answer::Failed(failure))) => {
                self.own = self.own.take().filter(|own| own.lease.is_some());
                self.give_up(failure.to_string())
            }
            (Step::Get, Some(Answer::Got(entry))) => self.got(entry.as_ref()),
            (Step::GrantPlace, Some(Answer::Granted(lease))) => {
                let transaction = Transaction {
                    compare: self.unchanged(),
                    then: vec![self.put(self.units(), Some(lease), None)],
                };
                self.ask_for(Step::Queue(lease), Call::Commit(transaction))
            }
            (Step::Queue(lease), Some(Answer::Committed(Committed::Written(revision)))) => {
                let mut holder = Holder::new(&self.me.machine_id, &self.me.boot_id);
                holder.units.insert(self.me.unit.clone(), self.claim.clone());
                self.own = Some(Own { created: revision, modified: revision, lease: Some(lease), holder });
                self.look(self.look)
            }
            (Step::Renew, Some(Answer::Renewed(true))) => self.look(self.look),
            (Step::Look(look), Some(Answer::Seen(snapshot))) => self.seen(&snapshot, look),
            (Step::Free(found), Some(Answer::Committed(committed))) => {
                self.freed(found, matches!(committed, Committed::Written(_)))
            }
            (Step::Note(way), Some(_)) => self.noted(way),
            (Step::GrantAlive(way), Some(Answer::Granted(lease))) => self.commit(&way, Some(lease)),
            (Step::Commit(over), Some(Answer::Committed(Committed::Written(revision)))) => {
                self.written(revision, over)
            }
            (Step::Confirm(over), Some(_)) => self.done(Standing::Admitted(over)),
            // Refused, written but not known as what, gone: the key tells.
            _ => self.get(),
        }
    }
}
