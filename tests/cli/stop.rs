//! `stop` and `restore`, as systemd calls them.

use crate::rig::{Rig, SYSTEMD};
use crate::run::{finish, run, terminate, wait_for};
use std::fs;
use std::net::TcpStream;
use std::time::Duration;

#[test]
fn a_drain_waits_for_zero_tells_its_story_and_is_undone() {
    let rig = Rig::new();
    rig.control("load = 4");
    let mut child = rig.begin_stop(&[]);
    let after_min_drain =
        |said: &String| said.contains("Draining: 4 in flight, ") && !said.contains(", 0 s of");
    wait_for(|| rig.notifications().iter().any(after_min_drain));
    assert!(child.try_wait().unwrap().is_none(), "a load of 4 is waited for");
    rig.control("load = 0");
    let stop = finish(child);
    assert_eq!(stop.code, 0, "{stop:?}");
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
    let took = rig.stop(&[]).drained_after();
    // The default is 10 s.
    assert!(took >= Duration::from_millis(300) && took < Duration::from_secs(9), "{took:?}");
}

#[test]
fn systemd_hears_of_it_and_the_last_line_is_true() {
    let rig = Rig::new();
    rig.control("load = 4");
    let child = rig.begin_stop(&[]);
    let mut all = Vec::new();
    wait_for(|| {
        all.extend(rig.notifications());
        all.iter().any(|n| n.contains("STATUS=Draining: 4 in flight, ") && n.contains(" of at most 30 s\n"))
    });
    rig.control("load = 0");
    let stop = finish(child);
    all.extend(rig.notifications());
    assert!(all.iter().any(|n| n.contains("EXTEND_TIMEOUT_USEC=")), "{all:?}");
    assert_eq!(all.last().unwrap(), "BARRIER=1\n");
    let last = &all[all.len() - 2];
    assert!(last.starts_with("STATUS=Drained in ") && last.contains(", 0 in flight"), "{all:?}");
    // One before the first answer, one after it, the last one and the barrier.
    let most = 4 + stop.drained_after().as_secs();
    assert!(all.len() as u64 <= most, "no more than one a second and one a phase: {all:?}");
}

#[test]
fn a_load_that_never_falls_ends_at_the_timeout() {
    let rig = Rig::new();
    rig.control("load = 5");
    let stop = rig.stop(&["--timeout=1s"]);
    assert_eq!(stop.code, 0);
    assert!(stop.stderr.contains("load is still 5 after 1 s; the stop goes on"), "{stop:?}");
    let last = &rig.status()["last_drain"];
    assert_eq!((last["outcome"].as_str(), last["load"].as_u64()), (Some("timeout"), Some(5)));
}

#[test]
fn the_end_of_hhvm_ends_the_drain() {
    let mut rig = Rig::new();
    rig.control("load = 5");
    let child = rig.begin_stop(&[]);
    wait_for(|| !rig.is_pooled());
    rig.kill_hhvm();
    let stop = finish(child);
    assert!(stop.stderr.contains("HHVM ended"), "{stop:?}");
    assert_eq!(rig.status()["last_drain"]["outcome"], "hhvm-ended");
}

#[test]
fn an_hhvm_that_is_gone_needs_no_drain() {
    let rig = Rig::without_hhvm();
    // Either of these waits would take longer than the test's patience.
    let stop = rig.stop(&["--min-drain=25s"]);
    assert_eq!(stop.stderr, "hhvm-drain: HHVM is not running; nothing to drain\n");
    assert!(rig.is_pooled(), "{stop:?}");
}

#[test]
fn a_signal_ends_the_program_at_once_and_the_node_still_comes_back() {
    let rig = Rig::new();
    rig.control("hang = reply");
    let child = rig.begin_stop(&[]);
    wait_for(|| !rig.is_pooled());
    let stop = terminate(child);
    assert_eq!(stop.code, 0);
    assert!(stop.stderr.contains("interrupted after"), "{stop:?}");
    assert!(!stop.stderr.contains("load is unknown"), "not even the first question was over: {stop:?}");
    run(&mut rig.hook(&["restore"]));
    assert!(rig.is_pooled());
}

#[test]
fn a_deploy_that_puts_the_file_back_is_parked_again() {
    let rig = Rig::new();
    rig.control("load = 1");
    let child = rig.begin_stop(&[]);
    wait_for(|| !rig.is_pooled());
    fs::write(rig.path("var/www/status.php"), "new").unwrap();
    wait_for(|| !rig.is_pooled());
    rig.control("load = 0");
    let stop = finish(child);
    assert!(stop.stderr.contains("came back during the drain"), "{stop:?}");
    run(&mut rig.hook(&["restore"]));
    assert_eq!(fs::read_to_string(rig.path("var/www/status.php")).unwrap(), "new");
}

#[test]
fn without_a_health_file_it_waits_for_zero_and_says_what_to_set() {
    let rig = Rig::new();
    fs::remove_file(rig.path("var/www/status.php")).unwrap();
    let stop = rig.stop(&["--min-drain=25s"]);
    assert!(stop.stderr.contains("create it, or set health-file to the right path"), "{stop:?}");
    assert!(stop.drained_after() < Duration::from_secs(25), "no min-drain: {stop:?}");
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
    let mut rig = Rig::new();
    rig.stop(&[]);
    let before =
        run(rig.command(&["restore", "--repool=when-healthy"]).env("NOTIFY_SOCKET", rig.path("notify")));
    assert_eq!((before.code, before.stderr.as_str()), (0, ""), "before the start nobody is asked");
    let page = rig.start_slow_hhvm(Duration::from_secs(2));
    let mut start_hook = rig.command(&["restore", "--wait", "--repool=when-healthy", "--start-timeout=20s"]);
    start_hook.env("PATH", SYSTEMD).env("STANDIN_PID", rig.pid().to_string());
    let child = start_hook.env("NOTIFY_SOCKET", rig.path("notify")).spawn().unwrap();
    wait_for(|| rig.is_pooled());
    assert!(TcpStream::connect(page).is_ok(), "the node was back before HHVM served");
    assert_eq!(finish(child).code, 0);
    let said = rig.notifications();
    for status in ["STATUS=Waiting until HHVM serves", "STATUS=Back in the pool"] {
        assert!(said.iter().any(|line| line.contains(status)), "{status}: {said:?}");
    }
}

#[test]
fn a_start_that_has_failed_does_not_say_that_somebody_waits() {
    let rig = Rig::new();
    rig.stop(&[]);
    let mut ended = std::process::Command::new("true").spawn().unwrap();
    let pid = ended.id().to_string();
    ended.wait().unwrap();
    let mut start_hook = rig.command(&["restore", "--wait", "--repool=when-healthy", "--start-timeout=20s"]);
    start_hook.env("PATH", SYSTEMD).env("STANDIN_PID", &pid).env("MAINPID", &pid);
    let start_hook = run(start_hook.env("NOTIFY_SOCKET", rig.path("notify")));
    assert!(start_hook.stderr.contains("once a start has succeeded") && !rig.is_pooled(), "{start_hook:?}");
    let said = rig.notifications();
    assert!(said.iter().any(|line| line.contains("STATUS=Not in the pool: HHVM ")), "{said:?}");
}

#[test]
fn an_admin_port_of_which_nothing_is_known_is_not_taken_for_a_page_server() {
    let mut rig = Rig::new();
    rig.stop(&[]);
    let page = rig.start_slow_unreadable_hhvm(Duration::from_secs(2));
    let mut start_hook = rig.command(&["restore", "--wait", "--repool=when-healthy", "--start-timeout=20s"]);
    let child = start_hook.env("NOTIFY_SOCKET", rig.path("notify")).spawn().unwrap();
    wait_for(|| rig.is_pooled());
    assert!(TcpStream::connect(page).is_ok(), "the node was back before HHVM served");
    assert_eq!(finish(child).code, 0);
}

#[test]
fn an_hhvm_that_no_procfs_shows_is_waited_for_and_the_node_stays() {
    let rig = Rig::new();
    std::fs::remove_file(rig.path("proc")).unwrap();
    std::fs::create_dir(rig.path("proc")).unwrap();
    for kind in ["--kind=hhvm", "--kind=php-fpm"] {
        let stop = run(&mut rig.hook(&["stop", "--timeout=1s", "--min-drain=0s", "--endpoint=auto", kind]));
        assert_eq!(stop.code, 0, "{stop:?}");
        assert!(stop.stderr.contains("a root of its own without /proc") && rig.is_pooled(), "{stop:?}");
        assert!(!stop.stderr.contains("load was 0") && !stop.stderr.contains("is not running;"), "{stop:?}");
        assert_eq!(rig.status()["last_drain"]["outcome"], "timeout");
    }
}
