//! Past drains, as the hooks of a stop and a start note them and `history` shows them.

use crate::rig::Rig;
use crate::run::{finish, run, wait_for};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;

fn history(rig: &Rig, flags: &[&str]) -> String {
    let run = run(rig.command(&[&["history"], flags].concat()).env("LANG", "C.UTF-8"));
    assert_eq!(run.code, 0, "{run:?}");
    run.stdout
}

fn rows(rig: &Rig) -> Vec<Value> {
    history(rig, &["--json"]).lines().map(|line| serde_json::from_str(line).expect("a row")).collect()
}

fn path(rig: &Rig) -> PathBuf {
    rig.path("var/lib/hhvm-drain/hhvm.service.history")
}

#[test]
fn each_hook_adds_to_the_row_what_it_knows() {
    let rig = Rig::new();
    assert_eq!(history(&rig, &[]), "No drains.\n");
    rig.control("load = 9");
    let mut stop = rig.hook(&["stop", "--min-drain=300ms", "--poll-interval=20ms"]);
    let stop = stop.env("INVOCATION_ID", "0123").spawn().unwrap();
    // It is published once a second.
    let published = rig.path("run/hhvm-drain/hhvm.service.state");
    wait_for(|| fs::read_to_string(&published).is_ok_and(|text| text.contains("\"load\": 9")));
    rig.control("load = 0");
    finish(stop);
    let row = &rows(&rig)[0];
    assert_eq!(
        (&row["outcome"], &row["why"], &row["invocation"]),
        (&"drained".into(), &"stop".into(), &"0123".into())
    );
    assert_eq!((&row["load_first"], &row["load_highest"], &row["load"]), (&9.into(), &9.into(), &0.into()));
    let (notice, requests) = (row["ms"]["notice"].as_u64().unwrap(), row["ms"]["requests"].as_u64().unwrap());
    assert!(notice >= 290 && requests >= 600 && requests > notice, "{row}");
    let curve: Vec<_> = row["curve"]["points"].as_array().unwrap().iter().filter_map(Value::as_u64).collect();
    assert!(curve.len() > 3 && curve[0] == 9, "{row}");
    assert!(row["ms"]["end"].is_null() && row["next"].is_null(), "{row}");

    run(&mut rig.hook(&["restore"]));
    let mut start = rig.command(&["restore"]);
    run(start.env("NOTIFY_SOCKET", rig.path("notify")));
    let row = &rows(&rig)[0];
    assert!(row["ms"]["end"].is_u64() && row["ms"]["down"].is_u64(), "{row}");
    assert_eq!((&row["why"], rows(&rig).len()), (&"restart".into(), 1));
    assert_eq!(rig.status()["last_drain"]["why"], "restart");
    let table = history(&rig, &[]);
    assert!(table.lines().nth(1).unwrap().contains(" drained "), "{table}");
    assert!(table.contains("requests ") && table.contains("→0"), "{table}");
    assert!(history(&rig, &["-v"]).contains("\nNotice:     0."), "{}", history(&rig, &["-v"]));
}

#[test]
fn a_start_that_serves_ends_the_row() {
    let rig = Rig::new();
    rig.stop(&["--repool=when-healthy"]);
    run(&mut rig.hook(&["restore", "--repool=when-healthy"]));
    for wait in [&[][..], &["--wait"]] {
        let mut start = rig.command(&[&["restore", "--repool=when-healthy"], wait].concat());
        run(start.env("NOTIFY_SOCKET", rig.path("notify")));
    }
    assert!(rig.is_pooled());
    let row = &rows(&rig)[0];
    assert!(row["ms"]["start"].as_u64().is_some_and(|time| time < 10_000), "{row}");
}

#[test]
fn what_held_up_a_drain_is_told_and_failed_ones_can_be_asked_for() {
    let rig = Rig::new();
    rig.stop(&[]);
    run(&mut rig.hook(&["restore"]));
    rig.control("load = 3");
    rig.stop(&["--timeout=1s"]);
    let failed = history(&rig, &["--failed", "--json"]);
    let row: Value = serde_json::from_str(failed.trim()).expect("one row");
    assert_eq!((&row["outcome"], &row["held_up_by"]), (&"timeout".into(), &"3 in flight".into()));
    assert!(history(&rig, &["-v"]).contains("timeout after 1 s of at most 1 s, 3 in flight"));
    assert_eq!(rows(&rig).len(), 2);
    assert_eq!(history(&rig, &["--since", "2100-01-01"]), "No drains.\n");
    assert_eq!(history(&rig, &["--since", "1h"]).lines().count(), 3);
    assert_eq!(run(&mut rig.command(&["history", "--since=yesterday"])).code, 2);
}

#[test]
fn an_operators_wait_leaves_a_row_and_a_killed_drain_one_of_its_own() {
    let rig = Rig::new();
    run(&mut rig.command(&["depool", "--wait", "--min-drain=300ms"]));
    assert_eq!(rows(&rig)[0]["why"], "operator");
    run(&mut rig.command(&["pool"]));
    rig.control("load = 1");
    let mut stop = rig.begin_stop(&[]);
    wait_for(|| rig.status()["activity"]["phase"] == "draining");
    stop.kill().unwrap();
    stop.wait().unwrap();
    run(&mut rig.hook(&["restore"]));
    let rows = rows(&rig);
    assert_eq!((rows.len(), &rows[1]["outcome"]), (2, &"died".into()), "{rows:?}");
}

#[test]
fn a_broken_line_is_told_and_the_rest_is_shown() {
    let rig = Rig::new();
    (0..3).for_each(|_| drop(rig.stop(&[])));
    let text = fs::read_to_string(path(&rig)).unwrap();
    fs::write(path(&rig), format!("{}\n{text}", &text[..50])).unwrap();
    let shown = run(&mut rig.command(&["history"]));
    assert_eq!((shown.code, shown.stdout.lines().count()), (0, 4), "{shown:?}");
    assert!(shown.stdout.is_ascii() && !shown.stdout.contains('\x1b'), "no terminal, no locale: {shown:?}");
    assert_eq!(shown.stderr, "hhvm-drain: 1 lines of the history cannot be read, and are left out\n");
}

#[test]
fn a_note_of_version_0_1_0_is_a_row() {
    let rig = Rig::new();
    let last = rig.path("var/lib/hhvm-drain/hhvm.service.last.json");
    fs::create_dir_all(last.parent().unwrap()).unwrap();
    fs::write(&last, r#"{"outcome":"timeout","load":5,"seconds":30,"at":"2026-01-02T03:04:05Z"}"#).unwrap();
    assert!(history(&rig, &[]).contains("2026-01-02 03:04 timeout       30 s "), "{}", history(&rig, &[]));
    rig.stop(&[]);
    assert_eq!(rows(&rig).len(), 2);
}
