//! `depool`, `pool` and `status`, as an operator calls them.

use crate::rig::{FAST, Rig};
use crate::run::{finish, run, wait_for};
use std::fs;

#[test]
fn a_depool_outlasts_a_restart_and_pool_ends_it() {
    let rig = Rig::new();
    let depool = run(rig.command(&["depool", "--reason", "new disk"]).env("SUDO_USER", "ada"));
    assert_eq!(depool.code, 0, "{depool:?}");
    let stop = rig.stop(&[]);
    assert!(stop.stderr.contains("already out of the pool: operator ada took it out on"), "{stop:?}");
    let restore = run(&mut rig.hook(&["restore"]));
    assert!(restore.stderr.contains("leaving this node out of the pool: operator ada"), "{restore:?}");
    let status = rig.status();
    assert_eq!(
        (status["by"].as_str(), status["who"].as_str(), status["reason"].as_str()),
        (Some("operator"), Some("ada"), Some("new disk"))
    );
    assert_eq!(status["pooled"], false);
    assert_eq!(run(&mut rig.command(&["pool"])).code, 0);
    assert!(rig.is_pooled());
}

#[test]
fn the_exit_status_tells_a_monitor_who_took_the_node_out() {
    let rig = Rig::new();
    let says = || run(&mut rig.command(&["status", "--exit-code"])).code;
    let health = rig.path("var/www/status.php");
    assert_eq!(says(), 0);
    run(&mut rig.command(&["depool"]));
    assert_eq!(says(), 3);
    assert_eq!(run(&mut rig.command(&["status"])).code, 0, "only on demand");
    run(&mut rig.command(&["pool"]));
    fs::rename(&health, rig.path("var/www/status.php.disabled")).unwrap();
    assert_eq!(says(), 3, "by hand");
    run(&mut rig.command(&["pool"]));
    rig.stop(&[]);
    assert_eq!(says(), 4);
    fs::write(rig.path("var/lib/hhvm-drain/hhvm.service.json"), "{").unwrap();
    assert_eq!(says(), 5, "nobody knows who it was");
    run(&mut rig.hook(&["restore"]));
    fs::remove_file(rig.path("var/www/status.php.disabled")).unwrap();
    fs::remove_file(rig.path("var/lib/hhvm-drain/hhvm.service.json")).unwrap();
    assert_eq!(says(), 5, "there is no health file");
}

#[test]
fn a_quiet_check_prints_only_what_is_wrong() {
    let rig = Rig::new();
    let check = |flags: &[&str]| run(&mut rig.command(&[&["check"], flags].concat()));
    let is_wrong = |line: &&str| !line.starts_with("ok  ");
    let all = check(&[]);
    let quiet = check(&["--quiet"]);
    assert_eq!(
        quiet.stdout.lines().collect::<Vec<_>>(),
        all.stdout.lines().filter(is_wrong).collect::<Vec<_>>()
    );
    assert!(all.stdout.lines().count() > quiet.stdout.lines().count(), "{all:?}");
    assert_eq!((quiet.code, &quiet.stderr), (all.code, &all.stderr));
    fs::remove_file(rig.path("var/www/status.php")).unwrap();
    let broken = check(&["--quiet"]);
    assert_eq!(broken.code, 1);
    assert!(broken.stdout.starts_with("ERROR    health-file: there is no "), "{broken:?}");
}

#[test]
fn what_was_moved_by_hand_stays_until_pool() {
    let rig = Rig::new();
    fs::rename(rig.path("var/www/status.php"), rig.path("var/www/status.php.disabled")).unwrap();
    let stop = rig.stop(&[]);
    assert!(stop.stderr.contains("somebody moved the health file away by hand"), "{stop:?}");
    run(&mut rig.hook(&["restore"]));
    assert_eq!(rig.status()["by"], "hand");
    run(&mut rig.command(&["pool"]));
    assert!(rig.is_pooled());
}

#[test]
fn depool_waits_if_asked_and_fails_if_requests_are_left() {
    let rig = Rig::new();
    rig.control("load = 2");
    let busy = run(&mut rig.command(&[&["depool", "--wait"], &FAST[..], &["--timeout=1s"]].concat()));
    assert_eq!(busy.code, 1);
    let told = "hhvm-drain: Not drained: 2 in flight after 1 s; the node stays out of the pool\n";
    assert!(busy.stderr.ends_with(told), "{busy:?}");
    rig.control("load = 0");
    let idle = run(&mut rig.command(&[&["depool", "--wait"], &FAST[..]].concat()));
    assert_eq!(idle.code, 0, "{idle:?}");
}

#[test]
fn pool_in_mid_drain_waits_for_the_stop() {
    let rig = Rig::new();
    rig.control("load = 1");
    run(&mut rig.command(&["depool"]));
    let child = rig.begin_stop(&[]);
    wait_for(|| rig.status()["draining"] == true);
    let pool = run(&mut rig.command(&["pool"]));
    assert!(pool.stderr.contains("goes back into the pool after it") && !rig.is_pooled(), "{pool:?}");
    rig.control("load = 0");
    finish(child);
    run(&mut rig.hook(&["restore"]));
    assert!(rig.is_pooled());
}

#[test]
fn pool_ends_a_depool_that_waits() {
    let rig = Rig::new();
    rig.control("load = 1");
    let child = rig.command(&[&["depool", "--wait"], &FAST[..]].concat()).spawn().unwrap();
    wait_for(|| !rig.is_pooled());
    assert_eq!(run(&mut rig.command(&["pool"])).code, 0);
    rig.control("load = 0");
    assert_eq!(finish(child).code, 0);
    assert!(rig.is_pooled(), "what an operator puts back stays");
}

#[test]
fn a_depool_that_leaves_one_of_two_files_fails() {
    let rig = Rig::new();
    fs::create_dir_all(rig.path("srv/status.php")).unwrap();
    let files = ["--health-file=/var/www/status.php", "--health-file=/srv/status.php"];
    let depool = run(&mut rig.command(&[&["depool"], &files[..]].concat()));
    assert_eq!(depool.code, 1, "{depool:?}");
    assert!(depool.stderr.contains("/srv/status.php cannot be moved away"), "{depool:?}");
}

#[test]
fn a_restart_without_a_fleet_says_what_to_run() {
    let rig = Rig::new();
    let restart = run(&mut rig.command(&["restart"]));
    assert_eq!(restart.code, 1);
    assert!(
        restart.stderr.contains("in no fleet") && restart.stderr.contains("systemctl restart"),
        "{restart:?}"
    );
    assert!(rig.is_pooled());
}

/// Out for a drain, and no record can be written that it is to stay out: neither directory takes one.
#[test]
fn a_depool_that_cannot_be_recorded_fails() {
    let rig = Rig::new();
    assert_eq!(rig.stop(&FAST).code, 0);
    let was = fs::read(rig.path("var/lib/hhvm-drain/hhvm.service.json")).unwrap();
    let immovable = |on: &str| {
        for directory in ["var/lib/hhvm-drain", "run/hhvm-drain"] {
            run(std::process::Command::new("chattr").arg(on).arg(rig.path(directory)));
        }
    };
    immovable("+i");
    let depool = run(&mut rig.command(&["depool"]));
    immovable("-i");
    assert_eq!(depool.code, 1, "{depool:?}");
    assert!(depool.stderr.contains("that it is to stay out could not be recorded"), "{depool:?}");
    assert_eq!(fs::read(rig.path("var/lib/hhvm-drain/hhvm.service.json")).unwrap(), was);
}

#[test]
fn without_a_health_file_both_fail_and_say_what_to_set() {
    let rig = Rig::new();
    fs::remove_file(rig.path("var/www/status.php")).unwrap();
    for command in ["depool", "pool"] {
        let run = run(&mut rig.command(&[command]));
        assert_eq!(run.code, 1, "{command}");
        assert!(
            run.stderr.contains("/var/www/status.php") && run.stderr.contains("set health-file"),
            "{run:?}"
        );
    }
    assert_eq!(rig.status()["state"], "missing");
}

#[test]
fn status_reads_well() {
    let rig = Rig::new();
    rig.control("load = 7");
    let status = run(&mut rig.command(&["status"]));
    assert_eq!(
        status.stdout,
        "hhvm.service: in the pool\n\
         Health:     /var/www/status.php (in its place)\n\
         Load:       7 in flight\n\
         Last drain: none\n"
    );
}

#[test]
fn check_asks_the_front_end_and_a_trial_tells_whether_it_notices() {
    let mut rig = Rig::speaking("http");
    rig.control("load = 0");
    let page = |rig: &Rig| format!("--url=http://{}/status.php", rig.page);
    let check = run(&mut rig.command(&["check", &page(&rig), "--trial"]));
    assert!(check.stdout.contains("answers 200: the load balancer sends requests here"), "{check:?}");
    assert!(check.stdout.contains("trial: without the health file the answer is 404"), "{check:?}");
    assert!(rig.is_pooled() && rig.status()["by"].is_null());
    let other =
        run(&mut rig.command(&["check", &page(&rig).replace("status.php", "index.php?ms=0"), "--trial"]));
    assert!(other.stdout.contains("ERROR    trial: the answer is still 200"), "{other:?}");
    assert!(rig.is_pooled());
    rig.kill_hhvm();
    let dead = run(&mut rig.command(&["check", &page(&rig), "--trial"]));
    assert!(dead.stdout.contains("failed (connection refused") && rig.is_pooled(), "{dead:?}");
}
