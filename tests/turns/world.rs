//! A fleet whose units take slots and give them back, with whatever can go wrong at each request; and what must hold.

use crate::etcd::Etcd;
use hhvm_drain::fleet::{
    Change, Claim, Committed, Entry, Failure, Holder, Key, Name, Over, Transaction, Why,
};
use hhvm_drain::queue::Row;
use hhvm_drain::slot::{Answer, Call, Keep, Machine, Me, Next, Note, Release, Released, Take, Whose};
use hhvm_drain::turn::Standing;
use std::time::Duration;

/// How much may still go wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Faults {
    /// Requests whose answer is lost, whether they were carried out or not, or come late.
    pub lost: u8,
    pub crashes: u8,
    /// Leases that expire though somebody renews them.
    pub expiries: u8,
    /// Hosts that are not heard of for too long.
    pub stale: u8,
    /// Hosts that are heard of.
    pub speaks: u8,
    /// What the limit is set to.
    pub limits: Vec<u64>,
    /// Waits that end without a turn.
    pub overs: u8,
    /// Waits that reach the second row.
    pub second_rows: u8,
    /// Waits that are given up.
    pub gives_up: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Phase {
    Serves,
    Waits,
    Takes(Call),
    Out,
    GivesBack(Release, Call),
    /// It is out, and gives a sign of life.
    Keeps(Keep, Call),
    /// Its process has died.
    Dead,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Unit {
    me: Me,
    take: Take,
    phase: Phase,
    note: Option<Note>,
    turns: u8,
    /// Its slot was freed for want of a sign of life.
    is_freed: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World {
    pub etcd: Etcd,
    pub units: Vec<Unit>,
    pub faults: Faults,
    /// Transactions that are still under way, and whose.
    late: Vec<(usize, Transaction)>,
}

/// What may happen next.
#[derive(Clone, Copy, Debug)]
pub enum Event {
    /// A unit goes on.
    Step(usize),
    /// The same, standing in the second row.
    SecondRow(usize),
    /// Its wait ends without a turn.
    GoOver(usize),
    /// Its wait ends, and it does not go.
    GiveUp(usize),
    /// Its request is lost.
    Lost(usize),
    /// Its answer is.
    AnswerLost(usize),
    /// Its request is carried out later.
    Late(usize),
    /// One of those is carried out now.
    Arrives(usize),
    Crash(usize),
    /// The next start of a unit whose process has died.
    Start(usize),
    /// A waiting node's lease runs out.
    Expire(usize),
    /// A node that is out is not heard of.
    Silent(usize),
    /// A node that is out is heard of: its server does not come up.
    Speak(usize),
    SetLimit,
}

impl Unit {
    fn new(node: &str, unit: &str, turns: u8) -> Self {
        let me = Me {
            node: Name::parse(node).unwrap(),
            unit: unit.to_owned(),
            machine_id: node.to_owned(),
            boot_id: "boot".to_owned(),
            stale_after: Some(Duration::from_secs(900)),
        };
        let take = Take::new(me.clone(), Claim::new(Why::Stop, String::new()));
        Self { me, take, phase: Phase::Serves, note: None, turns, is_freed: false }
    }

    fn key(&self) -> Key {
        Key::Out(self.me.node.clone())
    }

    fn take_on(&mut self, answer: Option<Answer>) {
        let next = self.take.next(answer);
        self.take.news();
        self.phase = match next {
            Next::Ask(call) => Phase::Takes(call),
            Next::Done(Standing::Admitted(_)) => {
                self.is_freed = false;
                Phase::Out
            }
            Next::Done(_) => Phase::Waits,
        };
    }

    fn give_back_on(&mut self, mut release: Release, answer: Option<Answer>) {
        self.phase = match release.next(answer) {
            Next::Ask(call) => Phase::GivesBack(release, call),
            Next::Done(Released::Unanswered(_)) => Phase::Dead,
            Next::Done(_) => {
                self.note = None;
                Phase::Serves
            }
        };
    }

    fn keep_on(&mut self, mut keep: Keep, answer: Option<Answer>) {
        self.phase = match keep.next(answer) {
            Next::Ask(call) => Phase::Keeps(keep, call),
            Next::Done(_) => Phase::Out,
        };
    }

    fn give_back(&mut self) {
        let release = Release::new(self.me.clone(), self.note, Whose::Drains);
        self.give_back_on(release, None);
    }

    fn is_out(&self) -> bool {
        matches!(self.phase, Phase::Out | Phase::Keeps(..))
    }

    fn call(&self) -> Option<&Call> {
        match &self.phase {
            Phase::Takes(call) | Phase::GivesBack(_, call) | Phase::Keeps(_, call) => Some(call),
            _ => None,
        }
    }

    fn go_on(&mut self, answer: Answer) {
        match self.phase.clone() {
            Phase::Takes(_) => self.take_on(Some(answer)),
            Phase::GivesBack(release, _) => self.give_back_on(release, Some(answer)),
            Phase::Keeps(keep, _) => self.keep_on(keep, Some(answer)),
            _ => {}
        }
    }
}

impl World {
    pub fn new(limit: Option<u64>, units: &[(&str, &str, u8)], faults: Faults) -> Self {
        let units = units.iter().map(|(node, unit, turns)| Unit::new(node, unit, *turns)).collect();
        Self { etcd: Etcd::new(limit), units, faults, late: Vec::new() }
    }

    /// Whether everybody who lives has had all its turns.
    pub fn is_done(&self) -> bool {
        self.units.iter().all(|unit| match unit.phase {
            Phase::Serves => unit.turns == 0,
            Phase::Dead => true,
            _ => false,
        })
    }

    pub fn events(&self) -> Vec<Event> {
        let mut events = Vec::new();
        for (which, unit) in self.units.iter().enumerate() {
            let lives = !matches!(unit.phase, Phase::Serves | Phase::Dead);
            match &unit.phase {
                Phase::Serves if unit.turns == 0 => {}
                Phase::Dead => events.push(Event::Start(which)),
                _ => events.push(Event::Step(which)),
            }
            if unit.phase == Phase::Waits {
                if self.faults.gives_up > 0 {
                    events.push(Event::GiveUp(which));
                }
                if self.faults.second_rows > 0 {
                    events.push(Event::SecondRow(which));
                }
                if self.faults.overs > 0 {
                    events.push(Event::GoOver(which));
                }
            }
            if unit.phase == Phase::Out && self.faults.speaks > 0 {
                events.push(Event::Speak(which));
            }
            if lives && self.faults.crashes > 0 {
                events.push(Event::Crash(which));
            }
            if let (Some(call), true) = (unit.call(), self.faults.lost > 0) {
                events.push(Event::Lost(which));
                if matches!(call, Call::Commit(_)) {
                    events.extend([Event::AnswerLost(which), Event::Late(which)]);
                }
            }
            let entry = self.etcd.keys.get(&unit.key());
            let is_lost = self.faults.expiries > 0 || !self.is_cared_for(unit);
            if entry.is_some_and(|entry| entry.lease.is_some()) && is_lost {
                events.push(Event::Expire(which));
            }
            let alive = Key::Alive(unit.me.node.clone());
            if self.faults.stale > 0 && self.etcd.keys.contains_key(&alive) {
                events.push(Event::Silent(which));
            }
        }
        events.extend((0..self.late.len()).map(Event::Arrives));
        if !self.faults.limits.is_empty() {
            events.push(Event::SetLimit);
        }
        events
    }

    /// Whether somebody renews the node's lease.
    fn is_cared_for(&self, unit: &Unit) -> bool {
        let of_node = self.units.iter().filter(|other| other.me.node == unit.me.node);
        of_node.into_iter().any(|unit| matches!(unit.phase, Phase::Waits | Phase::Takes(_)))
    }

    pub fn happen(&mut self, event: Event) {
        match event {
            Event::Step(which) => self.step(which, Row::First),
            Event::SecondRow(which) => {
                self.faults.second_rows -= 1;
                self.step(which, Row::Second);
            }
            Event::GoOver(which) => {
                self.faults.overs -= 1;
                self.units[which].take.go_over(Over::WaitOver);
                self.units[which].take_on(None);
            }
            Event::GiveUp(which) => {
                self.faults.gives_up -= 1;
                // As a restart that is not waited for any longer; the key tells when it was created.
                let entry = self.etcd.keys.get(&self.units[which].key());
                self.units[which].note = entry.map(|entry| Note { created: Some(entry.created) });
                self.units[which].turns = self.units[which].turns.saturating_sub(1);
                self.units[which].give_back();
            }
            Event::Lost(which) => {
                self.faults.lost -= 1;
                self.units[which].go_on(Answer::Failed(Failure::Unknown("lost".to_owned())));
            }
            Event::AnswerLost(which) => {
                self.faults.lost -= 1;
                self.request(which);
                self.units[which].go_on(Answer::Failed(Failure::Unknown("lost".to_owned())));
            }
            Event::Late(which) => {
                self.faults.lost -= 1;
                if let Some(Call::Commit(transaction)) = self.units[which].call() {
                    self.late.push((which, transaction.clone()));
                }
                self.units[which].go_on(Answer::Failed(Failure::Unknown("late".to_owned())));
            }
            Event::Arrives(number) => {
                let (which, transaction) = self.late.remove(number);
                let _ = self.commit(which, &transaction);
            }
            Event::Crash(which) => {
                self.faults.crashes -= 1;
                self.units[which].phase = Phase::Dead;
            }
            Event::Start(which) => self.units[which].give_back(),
            Event::Expire(which) => {
                if self.is_cared_for(&self.units[which]) {
                    self.faults.expiries -= 1;
                }
                let lease = self.etcd.keys.get(&self.units[which].key()).and_then(|entry| entry.lease);
                self.etcd.expire(lease.unwrap());
            }
            Event::Silent(which) => {
                self.faults.stale -= 1;
                let alive = Key::Alive(self.units[which].me.node.clone());
                self.etcd.expire(self.etcd.keys[&alive].lease.unwrap());
            }
            Event::Speak(which) => {
                self.faults.speaks -= 1;
                let unit = &mut self.units[which];
                unit.keep_on(Keep::new(unit.me.clone(), unit.note, "noon".to_owned()), None);
            }
            Event::SetLimit => {
                let limit = self.faults.limits.remove(0);
                self.etcd.set_limit(limit);
            }
        }
        self.settle();
        self.check();
    }

    fn step(&mut self, which: usize, row: Row) {
        let unit = &mut self.units[which];
        match unit.phase {
            Phase::Serves => {
                unit.turns -= 1;
                unit.take = Take::new(unit.me.clone(), Claim::new(Why::Stop, String::new()));
                unit.take.ask(row, true);
                unit.take_on(None);
            }
            Phase::Waits => {
                unit.take.ask(row, true);
                unit.take_on(None);
            }
            Phase::Out => unit.give_back(),
            Phase::Takes(_) | Phase::GivesBack(..) | Phase::Keeps(..) => {
                let answer = self.request(which);
                self.units[which].go_on(answer);
            }
            Phase::Dead => {}
        }
    }

    /// What does not depend on others, and nobody else sees, needs no order of its own.
    fn settle(&mut self) {
        for which in 0..self.units.len() {
            while let Some(Call::Note(_) | Call::Grant(_) | Call::Renew(_)) = self.units[which].call() {
                if let Some(Call::Note(note)) = self.units[which].call() {
                    self.units[which].note = Some(*note);
                }
                let answer = self.request(which);
                self.units[which].go_on(answer);
            }
        }
    }

    fn request(&mut self, which: usize) -> Answer {
        match self.units[which].call().cloned() {
            Some(Call::Commit(transaction)) => match self.commit(which, &transaction) {
                Ok(committed) => Answer::Committed(committed),
                Err(failure) => Answer::Failed(failure),
            },
            Some(call) => self.etcd.answer(&call),
            None => Answer::Noted,
        }
    }

    /// Carries it out, and sees whether it may.
    fn commit(&mut self, which: usize, transaction: &Transaction) -> Result<Committed, Failure> {
        let before = self.etcd.clone();
        let committed = self.etcd.commit(transaction)?;
        if committed == Committed::Refused {
            return Ok(committed);
        }
        let own = self.units[which].key();
        for change in &transaction.then {
            match change {
                Change::Delete(Key::Out(node)) if Key::Out(node.clone()) != own => {
                    assert!(
                        !before.keys.contains_key(&Key::Alive(node.clone())),
                        "{node} was heard of, and lost its slot"
                    );
                    let of_node = self.units.iter_mut().filter(|unit| unit.me.node == *node);
                    of_node.for_each(|unit| unit.is_freed = true);
                }
                Change::Put(key @ Key::Out(_), value, None)
                    if *key == own && before.keys.get(&own).is_none_or(|entry| entry.lease.is_some()) =>
                {
                    self.check_admission(&Holder::parse(value).unwrap(), &self.units[which].me.unit);
                }
                _ => {}
            }
        }
        Ok(committed)
    }

    /// Never more than the limit are admitted, nor twice as many with the second row.
    fn check_admission(&self, holder: &Holder, unit: &str) {
        let over = |holder: &Holder| holder.units.values().find_map(|claim| claim.over);
        let of = |entry: &Entry| Holder::parse(&entry.value).and_then(|holder| over(&holder));
        let out = self.etcd.out();
        let out: Vec<_> =
            out.iter().filter(|(_, entry)| entry.lease.is_none()).map(|(_, entry)| of(entry)).collect();
        let count = |counts: &dyn Fn(&Option<Over>) -> bool| {
            u32::try_from(out.iter().filter(|over| counts(over)).count()).unwrap()
        };
        let limit = self.etcd.limit();
        match holder.units[unit].over {
            None => {
                let admitted = count(&|over| over.is_none());
                assert!(admitted <= limit, "{admitted} are admitted, of {limit}");
            }
            Some(Over::SecondRow) => {
                let admitted = count(&|over| matches!(over, None | Some(Over::SecondRow)));
                assert!(admitted <= 2 * limit, "{admitted} are out with the second row, of {limit}");
            }
            Some(_) => {}
        }
    }

    /// Who believes to be out is known to be out.
    fn check(&self) {
        for unit in self.units.iter().filter(|unit| unit.is_out() && !unit.is_freed) {
            let entry = self.etcd.keys.get(&unit.key());
            let holder =
                entry.filter(|entry| entry.lease.is_none()).and_then(|entry| Holder::parse(&entry.value));
            let is_there = holder.is_some_and(|holder| holder.units.contains_key(&unit.me.unit));
            assert!(is_there, "{} of {} is out, and its slot is not there", unit.me.unit, unit.me.node);
        }
    }

    /// From here on nothing goes wrong any more, but who is dead stays dead: everybody else has its turn.
    pub fn ends_well(mut self) {
        for (which, transaction) in std::mem::take(&mut self.late) {
            let _ = self.commit(which, &transaction);
        }
        for _ in 0..200 {
            if self.is_done() {
                return self.check_that_nothing_is_left();
            }
            for which in 0..self.units.len() {
                let unit = &self.units[which];
                let (out, alive) = (unit.key(), Key::Alive(unit.me.node.clone()));
                let of_node = self.units.iter().filter(|other| other.me.node == unit.me.node);
                let is_silent =
                    of_node.into_iter().all(|unit| matches!(unit.phase, Phase::Dead | Phase::Serves));
                if !self.is_cared_for(unit) {
                    self.expire_key(&out);
                }
                if is_silent {
                    self.expire_key(&alive);
                }
                if !matches!(self.units[which].phase, Phase::Serves) || self.units[which].turns > 0 {
                    self.step(which, Row::First);
                    self.settle();
                    self.check();
                }
            }
        }
        panic!("somebody waits for ever:\n{}", self.describe());
    }

    /// Who serves holds no slot; but for one that came late, and then says that it is over the limit.
    fn check_that_nothing_is_left(&self) {
        for unit in self.units.iter().filter(|unit| unit.phase == Phase::Serves) {
            let entry = self.etcd.keys.get(&unit.key()).filter(|entry| entry.lease.is_none());
            let holder = entry.and_then(|entry| Holder::parse(&entry.value));
            let claim = holder.as_ref().and_then(|holder| holder.units.get(&unit.me.unit));
            let is_left = claim.is_some_and(|claim| claim.over.is_none());
            assert!(!is_left, "a slot is left:\n{}", self.describe());
        }
    }

    pub fn describe(&self) -> String {
        let mut lines = Vec::new();
        for unit in &self.units {
            let Me { node, unit: name, .. } = &unit.me;
            lines.push(format!(
                "{name} of {node}: {:?}, note {:?}, turns {}",
                unit.phase, unit.note, unit.turns
            ));
        }
        for (key, entry) in &self.etcd.keys {
            let Entry { created, modified, lease, value } = entry;
            let value = String::from_utf8_lossy(value);
            lines.push(format!("{key:?}: {created:?}, {modified:?}, {lease:?}, {value}"));
        }
        lines.join("\n")
    }

    fn expire_key(&mut self, key: &Key) {
        if let Some(lease) = self.etcd.keys.get(key).and_then(|entry| entry.lease) {
            self.etcd.expire(lease);
        }
    }
}
