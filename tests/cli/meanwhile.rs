//! What others ask while a stop goes on: they are told the truth, and disturb nothing.

use crate::rig::Rig;
use crate::run::{finish, run, wait_for};
use std::fs;
use std::process::Child;

const RECORD: &str = "var/lib/hhvm-drain/hhvm.service.json";

/// A node in mid-drain.
fn draining(protocol: &str) -> (Rig, Child) {
    let rig = Rig::speaking(protocol);
    rig.control("load = 1");
    let stop = rig.begin_stop(&[]);
    wait_for(|| !rig.is_pooled());
    (rig, stop)
}

/// Ends it; the stop must have waited for zero, and the node must come back.
fn assert_drains(rig: &Rig, mut stop: Child) {
    assert!(stop.try_wait().unwrap().is_none(), "it waits for a load of 1");
    rig.control("load = 0");
    let stop = finish(stop);
    assert!(stop.code == 0 && stop.stderr.contains("load was 0 after"), "{stop:?}");
    run(&mut rig.hook(&["restore"]));
    assert!(rig.is_pooled());
}

#[test]
fn status_tells_of_the_stop() {
    let (rig, stop) = draining("fastcgi");
    let status = rig.status();
    assert_eq!((&status["draining"], &status["pooled"]), (&true.into(), &false.into()), "{status}");
    assert_eq!((&status["by"], &status["load"]), (&"drain".into(), &1.into()), "{status}");
    assert!(status["last_drain"].is_null(), "{status}");
    let words = run(&mut rig.command(&["status"])).stdout;
    assert!(words.starts_with("hhvm.service: taken out of the pool by a drain since 2"), "{words}");
    assert!(words.contains("\nStop:       a drain is in progress since 2"), "{words}");
    assert_drains(&rig, stop);
    let status = rig.status();
    assert_eq!((&status["draining"], &status["pooled"]), (&false.into(), &true.into()), "{status}");
}

#[test]
fn check_tells_of_the_stop_and_leaves_its_record() {
    let (rig, stop) = draining("http");
    let record = fs::read_to_string(rig.path(RECORD)).unwrap();
    let check = rig.check();
    for line in [
        "warning  health-file: /var/www/status.php is moved away, so this node is out of the pool; see hhvm-drain status, and let no deploy delete /var/www/status.php* meanwhile\n",
        "ok       record: can be written\n",
        "/check-load answers, load 1\n",
    ] {
        assert!(check.stdout.contains(line), "{check:?}");
    }
    assert_eq!(fs::read_to_string(rig.path(RECORD)).unwrap(), record);
    assert_drains(&rig, stop);
}

#[test]
fn a_trial_is_refused() {
    let (rig, stop) = draining("http");
    let record = fs::read_to_string(rig.path(RECORD)).unwrap();
    let url = format!("--url=http://{}/index.php?ms=0", rig.page);
    let check = run(&mut rig.command(&["check", &url, "--trial"]));
    assert!(check.code == 1 && check.stdout.contains("ERROR    trial: a stop is in progress"), "{check:?}");
    assert_eq!(fs::read_to_string(rig.path(RECORD)).unwrap(), record);
    assert!(!rig.is_pooled());
    assert_drains(&rig, stop);
}
