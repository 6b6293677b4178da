//! Goes through the worlds of a scene, and sees that each of them ends well.

use crate::scenes::{Scene, Way};
use crate::world::{Event, World};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

/// Of so many worlds that are seen, one is followed to its end.
const FOLLOWED: u64 = 16;
/// No story is longer.
const STEPS_MAX: usize = 400;
/// No scene has more worlds, unless the same things happen again and again.
const WORLDS_MAX: usize = 5_000_000;

/// Whether everything holds in all worlds of the scene.
pub fn run(scene: &Scene) -> bool {
    let begun = Instant::now();
    let searched = match scene.way {
        Way::All => all(&scene.start),
        Way::Drawn(stories) => drawn(&scene.start, stories),
    };
    match searched {
        Ok(worlds) => println!("{}: {worlds} worlds in {:.1} s", scene.name, begun.elapsed().as_secs_f32()),
        Err(()) => println!("{}: see above", scene.name),
    }
    searched.is_ok()
}

/// Through everything that can happen; how many worlds there are.
fn all(start: &World) -> Result<usize, ()> {
    let mut seen = HashSet::from([hash(start)]);
    let mut left = vec![start.clone()];
    while let Some(world) = left.pop() {
        if seen.len() > WORLDS_MAX {
            eprintln!("no end:\n{}", world.describe());
            return Err(());
        }
        for event in world.events() {
            let next = happens(&world, event, &[])?;
            let hash = hash(&next);
            if seen.insert(hash) {
                if hash.is_multiple_of(FOLLOWED) {
                    ends_well(&next, &[])?;
                }
                left.push(next);
            }
        }
    }
    Ok(seen.len())
}

/// By drawn stories, each of which then ends without further trouble; how many worlds they go through.
fn drawn(start: &World, stories: u64) -> Result<usize, ()> {
    let mut worlds = 0;
    for story in 1..=stories {
        let mut dice = Dice(story.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let (mut world, mut told) = (start.clone(), Vec::new());
        let length = dice.roll(STEPS_MAX);
        while told.len() < length && !world.is_done() {
            let events = world.events();
            let event = events[dice.roll(events.len())];
            told.push(event);
            world = happens(&world, event, &told)?;
            worlds += 1;
        }
        ends_well(&world, &told)?;
    }
    Ok(worlds)
}

/// xorshift64
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).unwrap()
    }
}

fn happens(world: &World, event: Event, story: &[Event]) -> Result<World, ()> {
    let mut next = world.clone();
    let held = catch_unwind(AssertUnwindSafe(|| next.happen(event)));
    held.map_err(|_| tell(world, event, story))?;
    Ok(next)
}

fn ends_well(world: &World, story: &[Event]) -> Result<(), ()> {
    catch_unwind(AssertUnwindSafe(|| world.clone().ends_well())).map_err(|_| eprintln!("after {story:?}"))
}

fn tell(world: &World, event: Event, story: &[Event]) {
    eprintln!("at {event:?} in\n{}\nafter {story:?}", world.describe());
}

/// Hashes worlds alike that differ only in the numbers of revisions and leases, but not in their order.
#[derive(Default)]
struct ByOrder {
    hasher: DefaultHasher,
    seen: Vec<u64>,
    ranks: Option<BTreeMap<u64, usize>>,
}

impl Hasher for ByOrder {
    fn write(&mut self, bytes: &[u8]) {
        if self.ranks.is_some() {
            self.hasher.write(bytes);
        }
    }

    fn write_u64(&mut self, number: u64) {
        match &self.ranks {
            None => self.seen.push(number),
            Some(ranks) => self.hasher.write_usize(ranks[&number]),
        }
    }

    fn finish(&self) -> u64 {
        self.hasher.finish()
    }
}

fn hash(world: &World) -> u64 {
    let mut hasher = ByOrder::default();
    world.hash(&mut hasher);
    let seen: BTreeSet<u64> = hasher.seen.drain(..).collect();
    hasher.ranks = Some(seen.into_iter().enumerate().map(|(rank, number)| (number, rank)).collect());
    world.hash(&mut hasher);
    hasher.finish()
}
