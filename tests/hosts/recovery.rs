//! Killed at any instant: the node is back in the pool if the drain took it out.

use std::time::Duration;

use crate::host::drain::HEALTH_FILE;
use crate::host::{Host, wait_for};

pub fn sigkill_to_the_program() {
    let host = Host::with_package().boot();
    host.hhvm_says("load = 5");
    let stop = host.begin_stop();
    host.run("systemctl kill --kill-who=control --signal=KILL hhvm").ok();
    assert!(stop.wait().took < Duration::from_secs(3));
    host.assert_comes_back();
}

pub fn sigterm_to_the_program() {
    let host = Host::with_package().boot();
    host.hhvm_says("load = 5");
    let mut stop = host.begin_stop();
    host.run("systemctl kill --kill-who=control hhvm").ok();
    let after = wait_for("the end of the stop", Duration::from_secs(5), || !stop.is_running());
    assert!(after < Duration::from_millis(500), "{after:?}");
    host.assert_stopped("interrupted");
    host.assert_comes_back();
}

pub fn a_power_cut_in_mid_drain() {
    let mut host = Host::with_package().boot();
    host.hhvm_says("load = 5");
    let _stop = host.begin_stop();
    host.power_cut();
    assert!(!host.exists(HEALTH_FILE));
    host.boot_again();
    assert_eq!(host.show("hhvm", "ActiveState"), "active");
    host.assert_comes_back();
    assert_eq!(host.status()["pooled"], true);
}

pub fn a_power_cut_leaves_an_operators_depool() {
    let mut host = Host::with_package().boot();
    host.run("hhvm-drain depool").ok();
    host.hhvm_says("load = 5");
    let _stop = host.spawn("systemctl stop hhvm");
    wait_for("the drain", Duration::from_secs(5), || !host.show("hhvm", "StatusText").is_empty());
    host.power_cut();
    host.boot_again();
    assert!(!host.exists(HEALTH_FILE));
    assert_eq!(host.status()["by"], "operator");
}
