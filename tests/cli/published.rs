//! The published state, as others read it while the program's commands come and go.

use crate::rig::{FAST, Rig};
use crate::run::{finish, run, wait_for};
use serde_json::Value;
use std::fs;

fn state(rig: &Rig) -> Value {
    let text = fs::read_to_string(rig.path("run/hhvm-drain/hhvm.service.state"));
    text.map_or(Value::Null, |text| serde_json::from_str(&text).expect("never half of one"))
}

#[test]
fn a_stop_and_a_start_are_published_step_by_step() {
    let rig = Rig::new();
    run(&mut rig.hook(&["restore"]));
    assert_eq!((&state(&rig)["node"], &state(&rig)["activity"]), (&"in".into(), &Value::Null));
    assert_eq!((&state(&rig)["version"], &state(&rig)["unit"]), (&1.into(), &"hhvm.service".into()));

    rig.control("load = 1");
    let stop = rig.begin_stop(&[]);
    wait_for(|| state(&rig)["activity"]["phase"] == "draining");
    let draining = state(&rig);
    assert_eq!((&draining["node"], &draining["by"]), (&"out".into(), &"drain".into()));
    let activity = &draining["activity"];
    assert_eq!((&activity["at_most"], &activity["writer"]["pid"]), (&30.into(), &stop.id().into()));
    let status = rig.status();
    assert_eq!(
        (&status["activity"]["phase"], &status["activity"]["at_most"]),
        (&"draining".into(), &30.into())
    );
    let words = run(&mut rig.command(&["status"])).stdout;
    assert!(
        words.contains("Stop:       a drain is in progress since 20")
            && words.contains("Z, for at most 30 s\n"),
        "{words}"
    );

    rig.control("load = 0");
    finish(stop);
    let drained = state(&rig);
    assert_eq!((&drained["node"], &drained["activity"]), (&"out".into(), &Value::Null));
    assert_eq!(drained["last_drain"]["outcome"], "drained");
    run(&mut rig.hook(&["restore"]));
    assert_eq!((&state(&rig)["node"], &state(&rig)["since"]), (&"in".into(), &Value::Null));
}

#[test]
fn an_operators_word_is_published_with_the_reason() {
    let rig = Rig::new();
    run(rig.command(&["depool", "--reason", "new disk"]).env("SUDO_USER", "ada"));
    let out = state(&rig);
    assert_eq!((&out["node"], &out["by"]), (&"out".into(), &"operator".into()));
    assert_eq!((&out["who"], &out["reason"]), (&"ada".into(), &"new disk".into()));
    run(&mut rig.command(&["pool"]));
    assert_eq!(state(&rig)["node"], "in");
}

#[test]
fn a_drain_that_was_killed_is_no_drain_that_goes_on() {
    let rig = Rig::new();
    rig.control("load = 1");
    let mut stop = rig.hook(&[&["stop"], &FAST[..]].concat()).spawn().unwrap();
    wait_for(|| rig.status()["activity"]["phase"] == "draining");
    stop.kill().unwrap();
    stop.wait().unwrap();
    assert_eq!(state(&rig)["activity"]["phase"], "draining", "nobody could take it back");
    let status = rig.status();
    assert_eq!((&status["activity"], &status["draining"]), (&Value::Null, &false.into()));
    assert_eq!((&status["by"], &status["pooled"]), (&"drain".into(), &false.into()));
    run(&mut rig.hook(&["restore"]));
    assert_eq!((&state(&rig)["activity"], &state(&rig)["node"]), (&Value::Null, &"in".into()));
}
