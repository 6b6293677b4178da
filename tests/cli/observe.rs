//! `check --observe`, while others open the health file.

use crate::haproxy::{Haproxy, asking_haproxy};
use crate::rig::Rig;
use crate::run::{Run, finish, run, terminate};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, spawn};
use std::time::{Duration, Instant};

/// So often the same may be tried.
const TRIES: usize = 5;

/// Somebody who opens a file at equal intervals, until this is dropped.
struct Checker {
    goes_on: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Checker {
    fn of(path: PathBuf, every: Duration) -> Self {
        let goes_on = Arc::new(AtomicBool::new(true));
        let flag = Arc::clone(&goes_on);
        let start = Instant::now();
        let thread = spawn(move || {
            for number in 1.. {
                if !flag.load(Ordering::Relaxed) {
                    break;
                }
                File::open(&path).unwrap();
                // Where the interval itself is what is tested.
                std::thread::sleep((start + every * number).saturating_duration_since(Instant::now()));
            }
        });
        Self { goes_on, thread: Some(thread) }
    }
}

impl Drop for Checker {
    fn drop(&mut self) {
        self.goes_on.store(false, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// Begins to observe, and returns once it watches.
fn observe(rig: &Rig, time: &str, settings: &[&str]) -> Child {
    let mut child = rig.command(&[&["check", "--observe", time], settings].concat()).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.as_mut().unwrap());
    let mut line = String::new();
    stderr.read_line(&mut line).unwrap();
    assert!(line.starts_with("hhvm-drain: watching who opens the health file, for "), "{line}");
    child
}

fn line<'a>(run: &'a Run, word: &str) -> Vec<&'a str> {
    run.stdout.lines().filter(|line| line.contains(word)).collect()
}

#[test]
fn checkers_are_found_and_min_drain_is_judged_by_the_slowest() {
    let rig = Rig::new();
    rig.control("load = 0");
    let path = rig.path("var/www/status.php");
    let _quick = Checker::of(path.clone(), Duration::from_millis(400));
    std::thread::sleep(Duration::from_millis(150));
    let _slow = Checker::of(path, Duration::from_millis(900));
    for (min_drain, expected) in [
        (
            "2s",
            "warning  min-drain: 2 s is too short if 3 failed checks take the node out, one every 0.9 s; set min-drain = \"4s\", or",
        ),
        ("4s", "ok       min-drain: 4 s is enough for 3 failed checks, one every 0.9 s (4 s)"),
    ] {
        let both = |seen: &Run| {
            let observed = line(seen, "observe: /var/www/status.php was opened ");
            observed.len() == 1 && observed[0].contains("2 checkers, every 0.4 s, every 0.9 s")
        };
        // On a machine that is too busy, the checkers themselves are out of step.
        let mut tries = (0..TRIES).map(|_| finish(observe(&rig, "6s", &["--min-drain", min_drain])));
        let seen = tries.find(both).expect("a try in which both are found");
        assert!(line(&seen, "min-drain: ")[0].starts_with(expected), "{seen:?}");
    }
}

#[test]
fn the_number_of_failed_checks_is_the_balancers_own_word() {
    let rig = Rig::new();
    let _haproxy = Haproxy::start(&rig, "0,0,7,UP,1");
    asking_haproxy(&rig);
    let _checker = Checker::of(rig.path("var/www/status.php"), Duration::from_millis(400));
    let said = "as web/web1 at haproxy+unix:///run/haproxy/admin.sock says, one every 0.4 s";
    for (min_drain, expected) in [
        (
            "2s",
            format!("warning  min-drain: 2 s is too short: 5 failed checks take the node out, {said}; set"),
        ),
        ("3s", format!("ok       min-drain: 3 s is enough for 5 failed checks, {said} (3 s)")),
    ] {
        // On a machine that is too busy, the checker itself is out of step.
        let mut tries = (0..TRIES).map(|_| finish(observe(&rig, "4s", &["--min-drain", min_drain])));
        let seen =
            tries.find(|seen| !line(seen, "min-drain: ").is_empty()).expect("a try in which it is found");
        assert!(line(&seen, "min-drain: ")[0].starts_with(&expected), "{seen:?}");
    }
}

#[test]
fn nobody_no_rhythm_and_a_file_that_goes_are_told_apart() {
    let rig = Rig::new();
    rig.control("load = 0");
    let nobody = finish(observe(&rig, "1s", &[]));
    let told =
        "warning  observe: nobody opened /var/www/status.php in 1 s; HHVM, PHP with opcache and nginx with";
    assert!(line(&nobody, "observe: ")[0].starts_with(told), "{nobody:?}");

    let child = observe(&rig, "1h", &[]);
    let mut text = String::new();
    File::open(rig.path("var/www/status.php")).unwrap().read_to_string(&mut text).unwrap();
    let once = terminate(child);
    assert!(line(&once, "observe: ")[0].contains("was opened 1 times in "), "{once:?}");

    let child = observe(&rig, "1h", &[]);
    run(&mut rig.command(&["depool"]));
    run(&mut rig.command(&["pool"]));
    let moved = terminate(child);
    assert!(line(&moved, "observe: ")[0].contains("was moved or replaced meanwhile"), "{moved:?}");

    std::fs::remove_file(rig.path("var/www/status.php")).unwrap();
    let none = run(&mut rig.command(&["check", "--observe", "1h"]));
    assert!(
        line(&none, "observe: ")[0].starts_with("ERROR    observe: /var/www/status.php cannot be watched"),
        "{none:?}"
    );
}

#[test]
fn a_time_that_is_none_is_wrong_usage() {
    let rig = Rig::without_hhvm();
    for time in ["", "soon", "0s", "2h"] {
        let wrong = run(&mut rig.command(&["check", "--observe", time]));
        assert_eq!(wrong.code, 2, "{wrong:?}");
        assert!(wrong.stderr.contains("not a time from 1s to 1h"), "{wrong:?}");
    }
}
