//! Clocks that jump in the midst of a drain: somebody sets the time, or the machine was suspended. Only the clock that
//! does not jump tells when a drain is over.

use crate::rig::{FAST, Rig};
use crate::run::{finish, wait_for};
use std::fs;
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

const HOUR: i64 = 3600;

/// A node whose drain sees clocks that jump.
struct Jumping {
    rig: Rig,
    stop: Child,
    began: Instant,
}

impl Jumping {
    fn begin(flags: &[&str]) -> Self {
        let rig = Rig::new();
        rig.control("load = 1");
        let jump = rig.path("jump");
        let mut stop = rig.hook(&[&["stop"], flags].concat());
        stop.env("LD_PRELOAD", rig.object("jumping_clock.c")).env("JUMP", &jump);
        let began = Instant::now();
        let stop = stop.spawn().unwrap();
        let jumping = Self { rig, stop, began };
        jumping.goes_on();
        jumping
    }

    fn jump(&self, calendar: i64, boot: i64) {
        let next = self.rig.path("jump.new");
        fs::write(&next, format!("{calendar} {boot}\n")).unwrap();
        fs::rename(next, self.rig.path("jump")).unwrap();
    }

    /// Waits until the drain tells once more that it goes on.
    fn goes_on(&self) {
        self.rig.notifications();
        wait_for(|| {
            self.rig.notifications().iter().any(|text| text.contains("STATUS=Draining: 1 in flight, "))
        });
    }
}

#[test]
fn a_drain_goes_on_over_jumps_and_ends_with_the_load() {
    let Jumping { rig, stop, began } = {
        let jumping = Jumping::begin(&FAST);
        for (calendar, boot) in [(HOUR, 0), (-HOUR, 0), (0, HOUR), (HOUR, HOUR)] {
            jumping.jump(calendar, boot);
            jumping.goes_on();
        }
        jumping
    };
    rig.control("load = 0");
    let stop = finish(stop);
    assert!(stop.code == 0 && stop.drained_after() <= began.elapsed(), "{stop:?}");
    let last = &rig.status()["last_drain"];
    assert_eq!(last["outcome"], "drained", "{last}");
    assert!(last["seconds"].as_u64().is_some_and(|seconds| seconds < 60), "{last}");
}

#[test]
fn a_jump_back_does_not_make_a_drain_longer_than_its_timeout() {
    let jumping = Jumping::begin(&["--min-drain=0s", "--timeout=3s", "--poll-interval=20ms"]);
    jumping.jump(-HOUR, 0);
    let Jumping { stop, began, .. } = jumping;
    let stop = finish(stop);
    let took = began.elapsed();
    assert!((3.0..8.0).contains(&took.as_secs_f32()), "{took:?}");
    assert!(stop.code == 0 && stop.stderr.contains("load is still 1 after 3 s"), "{stop:?}");
}

#[test]
fn a_suspended_machine_does_not_end_a_drain_for_its_minutes_of_sleep() {
    let jumping = Jumping::begin(&["--min-drain=2s", "--timeout=30s", "--poll-interval=20ms"]);
    jumping.rig.control("load = 0");
    jumping.jump(HOUR, HOUR);
    thread::sleep(Duration::from_millis(500));
    let Jumping { stop, began, .. } = jumping;
    let stop = finish(stop);
    assert!(began.elapsed() >= Duration::from_secs(2), "min-drain is of the time awake: {stop:?}");
    assert!(stop.stderr.contains("load was 0 after 2 s"), "{stop:?}");
}
