//! All that can happen to three units with one health file, and what must never come of it.

use super::*;
use std::collections::BTreeSet;

const UNITS: usize = 3;

/// Where one unit is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// Up and healthy.
    Serves,
    /// In `ExecStop=`.
    Drains { restarts: bool },
    /// Between `ExecStop=` and `ExecStopPost=`.
    Ends { restarts: bool },
    /// Started, and not healthy yet.
    Starts,
    /// Down, and nothing will start it.
    Stopped,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct World {
    phases: [Phase; UNITS],
    claims: [Option<Claim>; UNITS],
    in_place: bool,
}

fn name(at: usize) -> UnitName {
    UnitName::parse(&format!("hhvm@{at}")).unwrap()
}

fn standing(phase: Phase) -> Standing {
    match phase {
        Phase::Serves => Standing::Serves,
        Phase::Drains { .. } => Standing::Drains,
        Phase::Ends { .. } | Phase::Starts => Standing::Comes,
        Phase::Stopped => Standing::Stopped,
    }
}

impl World {
    fn new() -> Self {
        Self { phases: [Phase::Serves; UNITS], claims: [None; UNITS], in_place: true }
    }

    fn others(&self, at: usize) -> Vec<Neighbour> {
        let other = |at: usize| Neighbour {
            unit: name(at),
            claim: self.claims[at],
            standing: standing(self.phases[at]),
        };
        (0..UNITS).filter(|other| *other != at).map(other).collect()
    }

    /// What a drain, or an operator, does: the record first, then the rename.
    fn depool(&mut self, at: usize, claim: Claim) {
        // An operator's wish is not undone by a drain.
        if self.claims[at] != Some(Claim::Operator) {
            self.claims[at] = Some(claim);
        }
        self.in_place = false;
    }

    /// What `restore` does: for its own unit's drain, and for others that were stopped for good.
    fn restore(&mut self, at: usize, own: Own) {
        let claimed = self.claims.iter().any(Option::is_some);
        if claimed && self.claims[at] != Some(Claim::Operator) {
            let verdict = decide(own, &self.others(at));
            self.carry_out(at, verdict);
        }
    }

    fn pool(&mut self, at: usize) {
        let verdict = decide_for_operator(&self.others(at));
        self.carry_out(at, verdict);
    }

    fn carry_out(&mut self, at: usize, verdict: Verdict) {
        match verdict {
            Verdict::Return(void) => {
                self.in_place = true;
                self.claims[at] = None;
                for other in 0..UNITS {
                    if void.contains(&name(other)) {
                        self.claims[other] = None;
                    }
                }
            }
            Verdict::LeaveTo(unit) => {
                let to = (0..UNITS).find(|other| name(*other) == unit).unwrap();
                assert!(to != at && self.claims[to].is_some(), "{self:?}: left to one without a claim");
                self.claims[at] = None;
            }
            Verdict::Stay => {}
        }
    }

    /// Each world that may come of this one by one step of one unit, and what was done.
    fn next(&self) -> Vec<(String, Self)> {
        let mut worlds = Vec::new();
        for at in 0..UNITS {
            let mut then = |what: &str, step: &dyn Fn(&mut Self)| {
                let mut world = self.clone();
                step(&mut world);
                worlds.push((format!("{what} {at}"), world));
            };
            match self.phases[at] {
                Phase::Serves | Phase::Starts => {
                    for restarts in [false, true] {
                        then("stop", &|world| {
                            world.phases[at] = Phase::Drains { restarts };
                            world.depool(at, Claim::Drain);
                        });
                    }
                    then("crash", &|world| {
                        world.phases[at] = Phase::Stopped;
                        world.restore(at, Own::Stopped);
                    });
                    then("serve", &|world| {
                        world.phases[at] = Phase::Serves;
                        world.restore(at, Own::Ready);
                    });
                }
                Phase::Drains { restarts } => {
                    then("drained", &|world| world.phases[at] = Phase::Ends { restarts });
                }
                Phase::Ends { restarts: true } => then("start", &|world| world.phases[at] = Phase::Starts),
                Phase::Ends { restarts: false } => then("ended", &|world| {
                    world.phases[at] = Phase::Stopped;
                    world.restore(at, Own::Stopped);
                }),
                Phase::Stopped => then("start", &|world| world.phases[at] = Phase::Starts),
            }
            then("depool", &|world| world.depool(at, Claim::Operator));
            if !matches!(self.phases[at], Phase::Drains { .. }) {
                then("pool", &|world| world.pool(at));
            }
        }
        worlds
    }

    fn check(&self, before: &Self, what: &str) {
        let drains = self.phases.iter().any(|phase| matches!(phase, Phase::Drains { .. }));
        assert!(!drains || !self.in_place, "{before:?} {what} {self:?}: back while one drains");
        let operator = self.claims.contains(&Some(Claim::Operator));
        assert!(!operator || !self.in_place, "{before:?} {what} {self:?}: back against an operator's wish");
        let claimed = self.claims.iter().any(Option::is_some);
        assert!(claimed || self.in_place, "{before:?} {what} {self:?}: away, and nobody will bring it back");
        assert!(!claimed || !self.in_place, "{before:?} {what} {self:?}: back, and a claim is left");
    }

    /// Whether nothing goes on, so that nobody's hooks will do anything.
    fn is_settled(&self) -> bool {
        self.phases.iter().all(|phase| matches!(phase, Phase::Serves | Phase::Stopped))
    }
}

fn reachable() -> BTreeSet<World> {
    let mut seen = BTreeSet::from([World::new()]);
    let mut open = vec![World::new()];
    while let Some(world) = open.pop() {
        for (what, next) in world.next() {
            next.check(&world, &what);
            if seen.insert(next.clone()) {
                open.push(next);
            }
        }
    }
    seen
}

#[test]
fn in_no_order_of_events_is_the_file_back_too_early_or_lost() {
    assert!(reachable().len() > 1000, "{}", reachable().len());
}

#[test]
fn a_unit_that_was_stopped_for_good_strands_no_host_on_which_another_serves() {
    for world in reachable().iter().filter(|world| world.is_settled()) {
        let serves = world.phases.contains(&Phase::Serves);
        let operator = world.claims.contains(&Some(Claim::Operator));
        assert!(world.in_place || operator || !serves, "{world:?}");
    }
}

#[test]
fn a_drain_that_could_not_write_its_record_keeps_the_file_away_too() {
    let other = Neighbour { unit: name(1), claim: None, standing: Standing::Drains };
    assert_eq!(decide(Own::Ready, &[other]), Verdict::Stay);
}

#[test]
fn a_unit_that_nobody_shares_with_decides_alone() {
    assert_eq!(decide(Own::Ready, &[]), Verdict::Return(Vec::new()));
    assert_eq!(decide(Own::Stopped, &[]), Verdict::Stay);
    assert_eq!(decide_for_operator(&[]), Verdict::Return(Vec::new()));
}
