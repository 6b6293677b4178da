//! What is searched: a fleet, and how much may go wrong in it.

use crate::world::{Faults, World};

/// How far a fleet is searched.
pub enum Way {
    /// Through everything that can happen.
    All,
    /// By so many drawn stories.
    Drawn(u64),
}

pub struct Scene {
    pub name: &'static str,
    pub start: World,
    pub way: Way,
}

/// Nodes, their units, and how often each is stopped.
type Units = [(&'static str, &'static str, u8)];

const TWO: &Units = &[("web1", "a", 1), ("web2", "a", 1)];
const THREE: &Units = &[("web1", "a", 1), ("web2", "a", 1), ("web3", "a", 1)];
const SHARED: &Units = &[("web1", "a", 1), ("web1", "b", 1), ("web2", "a", 1)];
const FOUR: &Units =
    &[("web1", "a", 2), ("web1", "b", 2), ("web2", "a", 2), ("web3", "a", 1), ("web4", "a", 1)];

fn none() -> Faults {
    Faults::default()
}

fn everything() -> Faults {
    Faults {
        lost: 3,
        crashes: 2,
        expiries: 2,
        stale: 1,
        speaks: 2,
        limits: vec![1, 2],
        overs: 1,
        second_rows: 2,
        gives_up: 1,
    }
}

pub fn all(large: bool) -> Vec<Scene> {
    let scene = |name, units: &Units, limit, faults| Scene {
        name,
        start: World::new(limit, units, faults),
        way: Way::All,
    };
    let drawn = |name, units: &Units, limit, faults, stories| Scene {
        way: Way::Drawn(if large { stories * 10 } else { stories }),
        ..scene(name, units, limit, faults)
    };
    let mut scenes = vec![
        scene("two", TWO, None, none()),
        scene("two, a lost request", TWO, None, Faults { lost: 1, ..none() }),
        scene("two, a crash", TWO, None, Faults { crashes: 1, ..none() }),
        scene("two, a lease that runs out", TWO, None, Faults { expiries: 1, ..none() }),
        scene("two, a limit that is lowered", TWO, Some(2), Faults { limits: vec![1], ..none() }),
        scene("two, a silent host that is heard again", TWO, None, Faults { stale: 1, speaks: 1, ..none() }),
        scene("two, a wait that is given up", TWO, None, Faults { gives_up: 1, ..none() }),
        scene("two, waits that end", TWO, None, Faults { overs: 1, second_rows: 1, ..none() }),
        drawn("two units of a host", SHARED, None, Faults { lost: 1, crashes: 1, ..none() }, 1000),
        drawn("four, limit 2", FOUR, Some(2), none(), 200),
        drawn("four, limit 2, everything goes wrong", FOUR, Some(2), everything(), 1500),
    ];
    if large {
        scenes.extend([
            scene("all of two, lost requests", TWO, None, Faults { lost: 2, ..none() }),
            scene(
                "all of two, a crash and a lost request",
                TWO,
                None,
                Faults { lost: 1, crashes: 1, ..none() },
            ),
            scene(
                "all of two, a crash of a silent host",
                TWO,
                None,
                Faults { stale: 1, crashes: 1, ..none() },
            ),
            scene("all of three", THREE, None, none()),
            scene("all of three, limit 2", THREE, Some(2), Faults { limits: vec![1], ..none() }),
            scene("all of two units of a host", SHARED, None, none()),
        ]);
    }
    scenes
}
