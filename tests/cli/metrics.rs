//! The file of metrics, as a collector finds it while the program's commands come and go.

use crate::rig::Rig;
use crate::run::{finish, run, wait_for};
use std::fs;
use std::os::unix::fs::PermissionsExt;

const FLAG: &str = "--metrics-file=/textfile/hhvm-drain.prom";

fn rig() -> Rig {
    let rig = Rig::new();
    fs::create_dir(rig.path("textfile")).unwrap();
    rig
}

/// The value of a metric of this unit, with these labels behind it.
fn value(rig: &Rig, name: &str, labels: &str) -> Option<f64> {
    let text = fs::read_to_string(rig.path("textfile/hhvm-drain.prom")).ok()?;
    let start = format!("hhvm_drain_{name}{{unit=\"hhvm.service\"{labels}}} ");
    text.lines().find_map(|line| line.strip_prefix(&start)?.parse().ok())
}

#[test]
fn each_event_is_measured() {
    let rig = rig();
    run(&mut rig.hook(&["restore", FLAG]));
    assert_eq!(value(&rig, "pooled", ""), Some(1.0));
    assert_eq!(value(&rig, "drains_total", ",outcome=\"drained\""), Some(0.0), "or an increase is not seen");
    rig.control("load = 2");
    let stop = rig.begin_stop(&[FLAG, "--timeout=2s"]);
    wait_for(|| value(&rig, "pooled", "") == Some(0.0));
    assert_eq!(value(&rig, "draining", ""), Some(1.0));
    assert!(value(&rig, "out_since_timestamp_seconds", ",by=\"drain\"") > Some(1.7e9));
    finish(stop);
    assert_eq!(value(&rig, "draining", ""), Some(0.0));
    assert_eq!(value(&rig, "drains_total", ",outcome=\"timeout\""), Some(1.0));
    assert_eq!(value(&rig, "last_drain_load", ""), Some(2.0));
    assert!(value(&rig, "phase_seconds_total", ",phase=\"requests\"") > Some(1.0));
    run(&mut rig.hook(&["restore", FLAG]));
    assert_eq!((value(&rig, "pooled", ""), value(&rig, "draining", "")), (Some(1.0), Some(0.0)));

    rig.control("load = 0");
    finish(rig.begin_stop(&[FLAG]));
    assert_eq!(value(&rig, "drains_total", ",outcome=\"timeout\""), Some(1.0), "it stays counted");
    assert_eq!(value(&rig, "drains_total", ",outcome=\"drained\""), Some(1.0));
    run(&mut rig.command(&["depool", FLAG]));
    assert!(value(&rig, "out_since_timestamp_seconds", ",by=\"operator\"").is_some());
    run(&mut rig.command(&["pool", FLAG]));
    assert_eq!(value(&rig, "pooled", ""), Some(1.0));
    let left: Vec<_> =
        fs::read_dir(rig.path("textfile")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["hhvm-drain.prom"]);
}

#[test]
fn what_check_has_found_is_measured_until_the_next_one() {
    let rig = rig();
    fs::write(rig.path("etc/hhvm-drain.toml"), "colour = 1\n").unwrap();
    run(&mut rig.command(&["check", "--quiet", FLAG, "--balancer-name=web1"]));
    assert_eq!(value(&rig, "settings_mistakes", ""), Some(1.0));
    let warnings = value(&rig, "check_warnings", "");
    assert!(warnings >= Some(1.0) && value(&rig, "check_timestamp_seconds", "") > Some(1.7e9));
    run(&mut rig.command(&["depool", FLAG]));
    assert_eq!(value(&rig, "check_warnings", ""), warnings);
    fs::write(rig.path("etc/hhvm-drain.toml"), "balancer = [\"haproxy+unix:///nowhere\"]\n").unwrap();
    run(&mut rig.command(&["check", "--quiet", FLAG]));
    assert_eq!(value(&rig, "settings_mistakes", ""), Some(0.0));
    assert_eq!(value(&rig, "balancers_unreachable", ""), Some(1.0));
}

#[test]
fn a_directory_that_is_not_there_or_not_roots_is_told_by_check_and_holds_up_nothing() {
    let rig = rig();
    let said = |rig: &Rig| {
        let check = run(&mut rig.command(&["check", FLAG]));
        check.stdout.lines().find(|line| line.contains("metrics-file: ")).unwrap().to_owned()
    };
    assert_eq!(said(&rig), "ok       metrics-file: /textfile/hhvm-drain.prom can be written");
    fs::set_permissions(rig.path("textfile"), fs::Permissions::from_mode(0o777)).unwrap();
    assert!(said(&rig).starts_with("warning  metrics-file: /textfile/hhvm-drain.prom cannot be written ("));
    assert!(said(&rig).contains("others than root own"), "{}", said(&rig));
    fs::remove_dir_all(rig.path("textfile")).unwrap();
    assert!(said(&rig).contains("No such file"), "{}", said(&rig));
    assert_eq!(rig.stop(&[FLAG]).code, 0);
    let wrong = run(&mut rig.command(&["check", "--metrics-file=/textfile/x"]));
    assert!(wrong.code == 2 && wrong.stderr.contains("a file that ends in .prom"), "{wrong:?}");
}
