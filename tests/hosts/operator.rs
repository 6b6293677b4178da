//! An operator's depool outlives stops and boots; the drain leaves alone what is not its own.

use crate::host::Host;
use crate::host::drain::{DISABLED_FILE, HEALTH_FILE};

const QUICK: &str = "min-drain = '500ms'";

pub fn stays_out_until_pool() {
    let mut host = Host::with_package().settings(QUICK).boot();
    host.run("hhvm-drain depool --reason 'new disk'").ok();
    host.run("systemctl restart hhvm").ok();
    assert!(host.exists(DISABLED_FILE) && !host.exists(HEALTH_FILE));
    host.reboot();
    let status = host.status();
    assert_eq!((&status["pooled"], &status["by"]), (&false.into(), &"operator".into()));
    assert_eq!(status["reason"], "new disk");

    host.run("hhvm-drain pool").ok();
    assert!(host.is_pooled());
    host.run("systemctl restart hhvm").ok();
    assert_eq!(host.status()["pooled"], true);
}

pub fn what_was_moved_by_hand_is_left() {
    let host = Host::with_package().settings(QUICK).boot();
    host.run(&format!("mv {HEALTH_FILE} {DISABLED_FILE}")).ok();
    host.run("systemctl restart hhvm").ok();
    assert!(host.exists(DISABLED_FILE) && !host.exists(HEALTH_FILE));
    assert_eq!(host.status()["by"], "hand");
    host.run("hhvm-drain pool").ok();
    assert!(host.is_pooled());
}

pub fn depool_in_mid_drain_is_kept() {
    let host = Host::with_package().settings("min-drain = '2s'").boot();
    let stop = host.begin_stop();
    host.run("hhvm-drain depool --reason later").ok();
    stop.wait().ok();
    host.run("systemctl start hhvm").ok();
    assert!(!host.exists(HEALTH_FILE));
    assert_eq!(host.status()["by"], "operator");
}
