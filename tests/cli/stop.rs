//! `stop` and `restore`, as systemd calls them.

use crate::rig::{FAST, Rig, SYSTEMD, run, terminate, wait_for};
use std::fs;
use std::time::Duration;

#[test]
fn a_drain_waits_for_zero_tells_its_story_and_is_undone() {
    let rig = Rig::new();
    rig.control("load = 4>0/1s");
    let stop = rig.stop(&[]);
    assert_eq!(stop.code, 0, "{stop:?}");
    assert!(stop.took >= Duration::from_millis(900) && stop.took < Duration::from_millis(1600), "{stop:?}");
    assert!(!rig.is_pooled());
    let lines: Vec<&str> = stop.stderr.lines().collect();
    assert_eq!(
        lines[0],
        "hhvm-drain: moving /var/www/status.php to /var/www/status.php.disabled, so that the load balancer takes \
         this node out"
    );
    assert!(lines.iter().any(|line| line.contains("waiting because the load is still 4")), "{lines:?}");
    assert!(lines.last().unwrap().starts_with("hhvm-drain: load was 0 after"), "{lines:?}");
    let restore = run(&mut rig.hook(&["restore"]));
    assert_eq!(
        restore.stderr,
        "hhvm-drain: moving /var/www/status.php.disabled back to /var/www/status.php\n"
    );
    assert!(rig.is_pooled());
    assert_eq!(rig.status()["last_drain"]["outcome"], "drained");
}

#[test]
fn a_zero_is_not_believed_before_min_drain() {
    let rig = Rig::new();
    let stop = rig.stop(&[]);
    assert!(stop.took >= Duration::from_millis(300) && stop.took < Duration::from_millis(700), "{stop:?}");
}

#[test]
fn systemd_hears_of_it_and_the_last_line_is_true() {
    let rig = Rig::new();
    rig.control("load = 4>0/1s");
    rig.stop(&[]);
    let all = rig.notifications();
    assert!(all.iter().any(|n| n.contains("STATUS=Draining: 4 in flight, 0 s of at most 3 s\n")), "{all:?}");
    assert!(all.iter().any(|n| n.contains("EXTEND_TIMEOUT_USEC=")), "{all:?}");
    assert_eq!(all.last().unwrap(), "BARRIER=1\n");
    let last = &all[all.len() - 2];
    assert!(last.starts_with("STATUS=Drained in ") && last.contains(", 0 in flight"), "{all:?}");
    assert!(all.len() < 10, "no more than one a second and one a phase: {all:?}");
}

#[test]
fn a_load_that_never_falls_ends_at_the_timeout() {
    let rig = Rig::new();
    rig.control("load = 5");
    let stop = rig.stop(&["--timeout=1s"]);
    assert_eq!(stop.code, 0);
    assert!(stop.took >= Duration::from_secs(1) && stop.took < Duration::from_millis(1500), "{stop:?}");
    assert!(stop.stderr.contains("load is still 5 after 1 s; the stop goes on"), "{stop:?}");
    let last = &rig.status()["last_drain"];
    assert_eq!((last["outcome"].as_str(), last["load"].as_u64()), (Some("timeout"), Some(5)));
}

#[test]
fn the_end_of_hhvm_ends_the_drain() {
    let mut rig = Rig::new();
    rig.control("load = 5");
    let child = rig.hook(&[&["stop"], &FAST[..], &["--timeout=20s"]].concat()).spawn().unwrap();
    wait_for(|| !rig.is_pooled());
    rig.kill_hhvm();
    let start = std::time::Instant::now();
    let output = child.wait_with_output().unwrap();
    assert!(start.elapsed() < Duration::from_millis(500), "{:?}", start.elapsed());
    assert!(String::from_utf8_lossy(&output.stderr).contains("HHVM ended"), "{output:?}");
}

#[test]
fn an_hhvm_that_is_gone_needs_no_drain() {
    let rig = Rig::without_hhvm();
    let stop = rig.stop(&[]);
    assert_eq!(stop.stderr, "hhvm-drain: HHVM is not running; nothing to drain\n");
    assert!(stop.took < Duration::from_millis(300) && rig.is_pooled(), "{stop:?}");
}

#[test]
fn a_signal_ends_the_program_at_once_and_the_node_still_comes_back() {
    let rig = Rig::new();
    rig.control("hang = reply");
    let child = rig.hook(&[&["stop"], &FAST[..], &["--timeout=20s"]].concat()).spawn().unwrap();
    wait_for(|| !rig.is_pooled());
    let (code, took, stderr) = terminate(child);
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_millis(700), "{took:?}");
    assert!(stderr.contains("interrupted after"), "{stderr}");
    run(&mut rig.hook(&["restore"]));
    assert!(rig.is_pooled());
}

#[test]
fn a_kill_at_any_moment_leaves_what_restore_can_undo() {
    for delay in [0, 2, 4, 6, 8, 12, 20, 40] {
        let rig = Rig::new();
        let mut child = rig.hook(&[&["stop"], &FAST[..]].concat()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(delay));
        child.kill().unwrap();
        child.wait().unwrap();
        let restore = run(&mut rig.hook(&["restore"]));
        assert!(restore.code == 0 && rig.is_pooled(), "after {delay} ms: {restore:?}");
        assert!(!rig.path("var/lib/hhvm-drain/hhvm.service.json").exists(), "after {delay} ms");
    }
}

#[test]
fn a_deploy_that_puts_the_file_back_is_parked_again() {
    let rig = Rig::new();
    rig.control("load = 1");
    let child = rig.hook(&[&["stop"], &FAST[..]].concat()).spawn().unwrap();
    wait_for(|| !rig.is_pooled());
    fs::write(rig.path("var/www/status.php"), "new").unwrap();
    wait_for(|| !rig.is_pooled());
    rig.control("load = 0");
    let output = child.wait_with_output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("came back during the drain"), "{output:?}");
    run(&mut rig.hook(&["restore"]));
    assert_eq!(fs::read_to_string(rig.path("var/www/status.php")).unwrap(), "new");
}

#[test]
fn without_a_health_file_it_waits_for_zero_and_says_what_to_set() {
    let rig = Rig::new();
    fs::remove_file(rig.path("var/www/status.php")).unwrap();
    let stop = rig.stop(&["--min-drain=2s"]);
    assert!(stop.stderr.contains("create it, or set health-file to the right path"), "{stop:?}");
    assert!(stop.took < Duration::from_secs(1), "no min-drain: {stop:?}");
}

#[test]
fn a_repool_policy_keeps_the_node_out() {
    let rig = Rig::new();
    rig.stop(&[]);
    let never = run(&mut rig.hook(&["restore", "--repool=never"]));
    assert!(never.stderr.contains("leaving this node out of the pool: repool is \"never\""), "{never:?}");
    let stopped = run(&mut rig.hook(&["restore", "--repool=when-healthy"]));
    assert!(stopped.stderr.contains("goes back once HHVM serves again") && !rig.is_pooled(), "{stopped:?}");
}

#[test]
fn when_healthy_waits_for_the_new_hhvm() {
    let rig = Rig::new();
    rig.stop(&[]);
    rig.control("refuse = true");
    wait_for(|| rig.status()["load"].is_null());
    let before =
        run(rig.command(&["restore", "--repool=when-healthy"]).env("NOTIFY_SOCKET", rig.path("notify")));
    assert!(before.took < Duration::from_secs(1) && before.stderr.is_empty(), "before the start: {before:?}");
    let mut start_hook = rig.command(&["restore", "--wait", "--repool=when-healthy", "--start-timeout=20s"]);
    start_hook.env("PATH", SYSTEMD).env("STANDIN_PID", rig.pid().to_string());
    let child = start_hook.env("NOTIFY_SOCKET", rig.path("notify")).spawn().unwrap();
    wait_for(|| rig.notifications().iter().any(|n| n.contains("STATUS=Waiting until HHVM serves")));
    assert!(!rig.is_pooled());
    rig.control("load = 0");
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(0));
    assert!(rig.is_pooled());
    assert!(rig.notifications().iter().any(|n| n.contains("STATUS=Back in the pool")));
}
