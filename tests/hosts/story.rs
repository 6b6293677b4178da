//! The drain, as it is meant to go and as it may go.

use std::time::Duration;

use crate::host::drain::{DISABLED_FILE, HEALTH_FILE};
use crate::host::{Host, wait_for};

pub fn drains_until_the_load_is_zero() {
    let host = Host::with_package().boot();
    host.hhvm_says("load = 16>0/12s");
    let stop = host.spawn("systemctl stop hhvm");
    let away = wait_for("the health file to go", Duration::from_secs(2), || !host.exists(HEALTH_FILE));
    assert!(away < Duration::from_millis(300), "the health file was there for {away:?}");
    assert!(host.exists(DISABLED_FILE));

    wait_for("a status of some seconds in", Duration::from_secs(8), || {
        host.show("hhvm", "StatusText").contains(" 6 s of at most 30 s")
    });
    assert_eq!(host.show("hhvm", "ActiveState"), "deactivating");
    let status = host.show("hhvm", "StatusText");
    let load: u32 =
        status.split(' ').nth(1).and_then(|word| word.parse().ok()).expect("a load in the status");
    assert!((5..=12).contains(&load), "{status}");
    assert!(host.run("systemctl status hhvm").stdout.contains("Status: \"Draining: "));

    let took = stop.wait().ok().took;
    assert!((12.0..13.5).contains(&took.as_secs_f32()), "{took:?}");
    host.assert_stopped("drained");
    assert_eq!(host.show("hhvm", "StatusText"), "Drained in 12 s, 0 in flight");
    host.assert_comes_back();
    host.assert_logged(
        "moving /var/www/status.php to /var/www/status.php.disabled, so that the load balancer takes",
    );
    host.assert_logged("waiting because the load is still 16, ");
    host.assert_logged("load was 0 after 12 s; HHVM may stop now");
    host.assert_logged("moving /var/www/status.php.disabled back to /var/www/status.php");
}

pub fn believes_no_zero_before_min_drain() {
    let host = Host::with_package().boot();
    let took = host.stop().took;
    assert!((10.0..11.0).contains(&took.as_secs_f32()), "{took:?}");
    host.assert_stopped("drained");
    host.assert_comes_back();
}

pub fn finishes_requests_that_come_before_the_balancer_has_noticed() {
    let host = Host::with_package().settings("min-drain = '3s'").boot();
    let stop = host.begin_stop();
    let page = host.request_page(Duration::from_secs(5));
    assert!(page.wait().stdout.contains("worked 5000 ms"));
    assert!(stop.wait().ok().took > Duration::from_secs(5));
    host.assert_stopped("drained");
}

pub fn carries_on_after_the_timeout() {
    let host = Host::with_package().settings("min-drain = '1s'\ntimeout = '4s'").boot();
    host.hhvm_says("load = 5");
    let took = host.stop().took;
    assert!((4.0..5.0).contains(&took.as_secs_f32()), "{took:?}");
    host.assert_stopped("timeout");
    assert_eq!(host.show("hhvm", "StatusText"), "Not drained: 5 in flight after 4 s");
    host.assert_comes_back();
    host.assert_logged("load is still 5 after 4 s; the stop goes on");
    let last = &host.status()["last_drain"];
    assert_eq!((&last["outcome"], &last["load"]), (&"timeout".into(), &5.into()));
}

pub fn a_dead_hhvm_ends_the_drain() {
    let host = Host::with_package().boot();
    host.hhvm_says("load = 5");
    let mut stop = host.begin_stop();
    host.run("systemctl kill --kill-who=main --signal=KILL hhvm").ok();
    let after = wait_for("the end of the stop", Duration::from_secs(5), || !stop.is_running());
    assert!(after < Duration::from_millis(500), "{after:?}");
    assert_eq!(host.outcome(), "hhvm-ended");
    host.assert_comes_back();
}

pub fn an_hhvm_that_has_ended_by_itself_is_not_waited_for() {
    let host = Host::with_package().boot();
    host.hhvm_says("load = 5");
    host.run("kill $(systemctl show --value -p MainPID hhvm)").ok();
    wait_for("the end of the unit", Duration::from_secs(2), || {
        host.show("hhvm", "ActiveState") == "inactive"
    });
    host.assert_stopped("not-running");
    host.assert_logged("HHVM is not running; nothing to drain");
    host.assert_comes_back();
}

pub fn a_restart_drains_and_comes_back() {
    let host = Host::with_package().settings("min-drain = '1s'").boot();
    let pid = host.show("hhvm", "MainPID");
    host.run("systemctl restart hhvm").ok();
    assert_eq!(host.outcome(), "drained");
    assert_ne!(host.show("hhvm", "MainPID"), pid);
    host.assert_comes_back();
}

pub fn a_shutdown_drains() {
    let mut host = Host::with_package().settings("min-drain = '1s'").boot();
    host.hhvm_says("load = 3>0/3s");
    host.reboot();
    host.assert_logged("load was 0 after 3 s; HHVM may stop now");
    host.assert_comes_back();
}
