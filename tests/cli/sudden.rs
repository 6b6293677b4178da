//! Sudden ends: killed at any instant, or by a panic. What was moved away can always be moved back.

use crate::rig::{FAST, Rig};
use crate::run::{is_release, run, wait_for};
use crate::trace::{Part, Traced};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::Child;

/// What takes the node out, and what puts it back.
const PAIRS: [(&str, &str); 2] = [("stop", "restore"), ("depool", "pool")];

const RECORD: &str = "var/lib/hhvm-drain/hhvm.service.json";

/// Whether there is a record, and whether the node is in the pool: what a kill leaves, sorted.
const MOMENTS: [(bool, bool); 3] = [(false, true), (true, false), (true, true)];

fn moment(rig: &Rig) -> (bool, bool) {
    (rig.path(RECORD).exists(), rig.is_pooled())
}

fn assert_put_back_by(undo: &str, rig: &Rig, when: &str) {
    let undone = run(&mut rig.command(&[undo]));
    assert_eq!(undone.code, 0, "{when}: {undone:?}");
    assert_eq!(fs::read_to_string(rig.path("var/www/status.php")).unwrap(), "1-AM-ALIVE", "{when}");
    assert_eq!(fs::read_dir(rig.path("var/www")).unwrap().count(), 1, "{when}");
    assert!(!rig.path(RECORD).exists(), "{when}");
}

#[test]
fn a_kill_at_any_moment_leaves_what_can_be_undone() {
    for (command, undo) in PAIRS {
        let rig = Rig::new();
        let mut seen = BTreeSet::new();
        for calls in 0.. {
            let taking_out = Traced::start(&rig.hook(&[command]));
            let ends = taking_out.advance(&rig, Part::Alone, calls);
            taking_out.kill();
            seen.insert(moment(&rig));
            assert_put_back_by(undo, &rig, &format!("{command} killed after {calls} calls"));
            if ends {
                break;
            }
            rig.forget();
        }
        assert_eq!(Vec::from_iter(seen), MOMENTS, "{command}");
    }
}

#[test]
fn a_kill_while_it_is_undone_leaves_what_can_be_undone_again() {
    for (command, undo) in PAIRS {
        let rig = Rig::new();
        let mut seen = BTreeSet::new();
        for calls in 0.. {
            let taking_out = Traced::start(&rig.hook(&[command]));
            assert!(taking_out.goes_on_to_its_first_thread());
            taking_out.kill();
            assert_eq!(moment(&rig), (true, false), "{command}");
            let putting_back = Traced::start(&rig.command(&[undo]));
            let ends = putting_back.advance(&rig, Part::WithThreads, calls);
            putting_back.kill();
            seen.insert(moment(&rig));
            assert_put_back_by(undo, &rig, &format!("{undo} killed after {calls} calls"));
            if ends {
                break;
            }
        }
        assert_eq!(Vec::from_iter(seen), MOMENTS, "{undo}");
    }
}

#[test]
fn a_panic_leaves_what_can_be_undone_and_aborts_a_release() {
    let rig = Rig::new();
    rig.control("load = 1");
    let mut stop = rig.hook(&[&["stop"], &FAST[..]].concat());
    stop.env("LD_PRELOAD", rig.object("broken_clock.c")).env("BROKEN", rig.path("broken"));
    let mut child = stop.spawn().unwrap();
    wait_for(|| !rig.is_pooled());
    fs::write(rig.path("broken"), "").unwrap();
    wait_for(|| child.try_wait().unwrap().is_some());
    let end = child.wait_with_output().unwrap();
    let expected = if is_release() { (None, Some(6)) } else { (Some(101), None) };
    assert_eq!((end.status.code(), end.status.signal()), expected, "{end:?}");
    let said = String::from_utf8(end.stderr).unwrap();
    let words = "hhvm-drain: hhvm-drain has failed where it never should (";
    assert_eq!(said.matches(words).count(), 1, "{said}");
    assert!(said.contains("; what it was called for goes on without it; please report this\n"), "{said}");
    assert_eq!(rig.status()["last_drain"]["outcome"], "died");
    let restore = run(&mut rig.hook(&["restore"]));
    assert!(restore.code == 0 && !restore.stderr.contains("without a word"), "it is said: {restore:?}");
    assert!(rig.is_pooled());
}

/// A drain ended in this way is told of by the next hook, once.
fn assert_told_by_the_next_hook(rig: &Rig, mut stop: Child, signal: i32) {
    wait_for(|| stop.try_wait().unwrap().is_some());
    let end = stop.wait_with_output().unwrap();
    assert_eq!(end.status.signal(), Some(signal), "{end:?}");
    let restore = run(&mut rig.hook(&["restore"]));
    assert!(restore.code == 0 && rig.is_pooled(), "{restore:?}");
    let told = restore.stderr.matches("the last drain ended without a word, at most ").count();
    assert_eq!(told, 1, "{restore:?}");
    assert_eq!(rig.status()["last_drain"]["outcome"], "died");
    assert_eq!(run(&mut rig.hook(&["restore"])).stderr, "");
    // The next one is another drain.
    rig.control("load = 0");
    assert!(rig.stop(&[]).stderr.contains("load was 0 after"));
    assert!(!run(&mut rig.hook(&["restore"])).stderr.contains("without a word"));
}

#[test]
fn a_kill_is_told_by_the_next_hook() {
    let rig = Rig::new();
    rig.control("load = 1");
    let mut stop = rig.begin_stop(&[]);
    wait_for(|| !rig.is_pooled());
    assert!(!run(&mut rig.hook(&["restore"])).stderr.contains("without a word"), "it goes on");
    stop.kill().unwrap();
    assert_told_by_the_next_hook(&rig, stop, 9);
}

#[test]
fn a_lack_of_memory_is_told_by_the_next_hook() {
    let rig = Rig::new();
    rig.control("load = 1");
    let mut stop = rig.hook(&[&["stop"], &FAST[..]].concat());
    stop.env("LD_PRELOAD", rig.object("no_memory.c")).env("BROKEN", rig.path("broken"));
    let stop = stop.spawn().unwrap();
    wait_for(|| !rig.is_pooled());
    fs::write(rig.path("broken"), "").unwrap();
    assert_told_by_the_next_hook(&rig, stop, 6);
}
