//! Searches all hosts that can be come to from a first one, the nearest first, so that what breaks a promise is told by
//! the shortest way there.

use crate::hooks::Step;
use crate::host::{Host, Interruption, Kind};
use crate::promises::{broken_by, broken_in_the_end};
use crate::scenes::Scene;
use std::collections::{HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Instant;

type Taken = (Step, Option<(usize, Interruption)>);

/// A host that was come to, from which other, and how.
struct Visit {
    from: usize,
    by: Option<Taken>,
    steps: usize,
}

struct Search {
    scene: &'static Scene,
    seen: HashSet<u128>,
    visits: Vec<Visit>,
    queue: VecDeque<(usize, Host)>,
    taken: u64,
}

/// Whether the scene is as it should be; prints what was searched, or the way to what is broken.
pub fn run(scene: &'static Scene) -> bool {
    let began = Instant::now();
    let mut search =
        Search { scene, seen: HashSet::new(), visits: Vec::new(), queue: VecDeque::new(), taken: 0 };
    let broken = search.all();
    let (states, seconds) = (search.visits.len(), began.elapsed().as_secs_f32());
    let depth = search.visits.last().map_or(0, |visit| visit.steps);
    println!(
        "{}: {states} states, {} transitions, {depth} steps deep, {seconds:.1} s",
        scene.name, search.taken
    );
    match broken {
        Some(why) if !scene.must_fail => {
            println!("{}: BROKEN: {why}", scene.name);
            false
        }
        None if scene.must_fail => {
            println!("{}: nothing was found, and something is wrong there", scene.name);
            false
        }
        _ => true,
    }
}

impl Search {
    fn all(&mut self) -> Option<String> {
        let mut first = self.scene.host();
        first.settle_times();
        self.come_to(first, 0, None);
        while let Some((at, host)) = self.queue.pop_front() {
            if let Some(why) = broken_in_the_end(&host, self.scene) {
                return Some(self.story(at, None, &why));
            }
            if self.visits[at].steps >= self.scene.steps_max {
                continue;
            }
            for step in Step::all(&host, self.scene) {
                if let Some(broken) = self.take_each_way(at, &host, step) {
                    return Some(broken);
                }
            }
        }
        None
    }

    /// Undisturbed, and interrupted at each call.
    fn take_each_way(&mut self, at: usize, host: &Host, step: Step) -> Option<String> {
        let mut after = host.clone();
        let calls = step.take(&mut after, self.scene, None);
        if let Some(broken) = self.took(at, host, (step, None), after) {
            return Some(broken);
        }
        for interruption in interruptions(&calls, self.scene) {
            let mut after = host.clone();
            step.take(&mut after, self.scene, Some(interruption));
            if let Some(broken) = self.took(at, host, (step, Some(interruption)), after) {
                return Some(broken);
            }
        }
        None
    }

    fn took(&mut self, at: usize, before: &Host, taken: Taken, mut after: Host) -> Option<String> {
        self.taken += 1;
        if let Some(why) = broken_by(before, taken.0, taken.1, &after, self.scene) {
            return Some(self.story(at, Some(taken), &format!("{why}:\n{after:?}")));
        }
        after.settle_times();
        self.come_to(after, at, Some(taken));
        None
    }

    fn come_to(&mut self, host: Host, from: usize, by: Option<Taken>) {
        if self.seen.insert(fingerprint(&host)) {
            let steps = by.map_or(0, |_| self.visits[from].steps + 1);
            self.visits.push(Visit { from, by, steps });
            self.queue.push_back((self.visits.len() - 1, host));
        }
    }

    /// The way to a host, and what is broken there.
    fn story(&self, mut at: usize, last: Option<Taken>, why: &str) -> String {
        let mut steps: Vec<String> = last.iter().map(|taken| format!("{taken:?}")).collect();
        while let Some(taken) = &self.visits[at].by {
            steps.push(format!("{taken:?}"));
            at = self.visits[at].from;
        }
        steps.reverse();
        format!("{why}\n  {}", steps.join("\n  "))
    }
}

/// All that may come before one of these calls.
fn interruptions(calls: &[Kind], scene: &Scene) -> Vec<(usize, Interruption)> {
    let mut all = Vec::new();
    for (at, kind) in calls.iter().enumerate() {
        if *kind == Kind::Changes {
            all.push((at, Interruption::Killed));
            if at > 0 {
                all.extend([true, false].map(|empty| (at, Interruption::PowerCut { empty })));
            }
        }
        if scene.fails {
            all.push((at, Interruption::Fails));
        }
        if at > 0 {
            all.extend(scene.meanwhile.iter().map(|event| (at, Interruption::Meanwhile(*event))));
        }
    }
    if calls.contains(&Kind::Changes) {
        all.push((calls.len(), Interruption::PowerCut { empty: false }));
    }
    all
}

/// Two hosts with the same one would have to be found by chance, 1 in 10²⁶ for a million hosts.
fn fingerprint(host: &Host) -> u128 {
    let hash = |salt: u64| {
        let mut hasher = DefaultHasher::new();
        (salt, host).hash(&mut hasher);
        u128::from(hasher.finish())
    };
    hash(0) << 64 | hash(1)
}
