//! What the program needs of the kernel is not to be had: it waits and tells as well as it can.

use crate::rig::{FAST, Rig};
use crate::run::{Run, finish, run, terminate, wait_for};
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

/// A node that takes part in a drain for which no thread can be made.
fn draining_without_threads(protocol: &str) -> (Rig, Child) {
    let rig = Rig::speaking(protocol);
    rig.control("load = 1");
    let mut stop = rig.hook(&[&["stop"], &FAST[..]].concat());
    let stop = stop.env("LD_PRELOAD", rig.object("no_threads.c")).spawn().unwrap();
    wait_for(|| rig.notifications().iter().any(|text| text.contains("STATUS=Draining: 1 in flight, ")));
    assert!(!rig.is_pooled());
    (rig, stop)
}

#[test]
fn without_threads_a_drain_waits_for_zero_and_tells() {
    for protocol in ["fastcgi", "http", "unix"] {
        let (rig, mut stop) = draining_without_threads(protocol);
        assert!(stop.try_wait().unwrap().is_none(), "{protocol}: it waits for a load of 1");
        rig.control("load = 0");
        let stop = finish(stop);
        assert_eq!(stop.code, 0, "{protocol}: {stop:?}");
        for line in ["moving ", "waiting because the load is still 1", "load was 0 after"] {
            assert!(stop.stderr.contains(line), "{protocol}: {stop:?}");
        }
        let told = rig.notifications();
        assert!(told.iter().any(|text| text.contains("STATUS=Drained in ")), "{protocol}: {told:?}");
    }
}

#[test]
fn without_threads_the_end_of_hhvm_and_a_signal_are_seen() {
    let (mut rig, stop) = draining_without_threads("fastcgi");
    rig.kill_hhvm();
    assert!(finish(stop).stderr.contains("nothing is left to wait for"));
    let (_rig, stop) = draining_without_threads("fastcgi");
    assert!(terminate(stop).stderr.contains("interrupted after"));
}

#[test]
fn without_threads_a_hung_endpoint_cannot_hold_up_the_timeout() {
    let rig = Rig::new();
    rig.control("hang = reply");
    let mut stop = rig.hook(&["stop", "--min-drain=0s", "--timeout=3s"]);
    let began = Instant::now();
    let stop = run(stop.env("LD_PRELOAD", rig.object("no_threads.c")));
    assert!((3.0..7.0).contains(&began.elapsed().as_secs_f32()), "{:?}", began.elapsed());
    assert!(stop.code == 0 && stop.stderr.contains("load is unknown after"), "{stop:?}");
}

/// The stop of a busy HHVM by a program that may have so many descriptors, and how long it took.
fn with_descriptors(number: usize) -> (Run, Duration) {
    let rig = Rig::new();
    rig.control("load = 1");
    let stop = rig.hook(&["stop", "--min-drain=0s", "--timeout=2s"]);
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -n \"$0\"; exec \"$@\"", &number.to_string()]).arg(stop.get_program());
    limited.args(stop.get_args()).env_clear();
    limited.envs(stop.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let began = Instant::now();
    (run(&mut limited), began.elapsed())
}

#[test]
fn without_descriptors_nothing_is_taken_for_zero() {
    // The loader needs one itself.
    let runs: Vec<_> =
        (4..=12).map(|number| (number, thread::spawn(move || with_descriptors(number)))).collect();
    for (number, run) in runs {
        let (stop, took) = run.join().unwrap();
        assert_eq!(stop.code, 0, "{number}: {stop:?}");
        assert!(took >= Duration::from_secs(2), "{number}: {took:?} {stop:?}");
        assert!(stop.stderr.contains("the stop goes on"), "{number}: {stop:?}");
    }
}
