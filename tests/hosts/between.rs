//! Between a stop and the return: what else may come than a start that succeeds.

use std::time::Duration;

use crate::host::drain::HEALTH_FILE;
use crate::host::{Host, wait_for};

const OVERRIDE: &str = "/etc/systemd/system/hhvm.service.d/override.conf";

/// HHVM was drained and stopped, and the node is out.
fn stopped() -> Host {
    let host = Host::with_package().settings("min-drain = '1s'").boot();
    host.stop();
    assert!(!host.exists(HEALTH_FILE));
    host
}

/// The unit runs this in place of HHVM, or HHVM if it is empty.
fn run_instead(host: &Host, command: &str) {
    let line = if command.is_empty() {
        String::new()
    } else {
        format!("[Service]\nExecStart=\nExecStart={command}\n")
    };
    host.write_file(OVERRIDE, &line);
    host.run("systemctl daemon-reload; systemctl reset-failed hhvm").ok();
}

fn assert_out_after_a_failure(host: &Host) {
    wait_for("the unit to fail", Duration::from_secs(10), || host.show("hhvm", "ActiveState") == "failed");
    assert!(!host.exists(HEALTH_FILE));
    let status = host.status();
    assert_eq!((&status["pooled"], &status["by"]), (&false.into(), &"drain".into()), "{status}");
}

fn command_line(host: &Host) -> String {
    let unit = host.run("systemctl cat hhvm").ok().stdout;
    unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).expect("a command line").to_owned()
}

pub fn a_crash_before_it_serves_keeps_the_node_out_until_a_start_succeeds() {
    let host = stopped();
    run_instead(&host, &format!("{} --standin-admin-first --standin-page-delay=60000", command_line(&host)));
    let start = host.spawn("systemctl start hhvm");
    wait_for("the hook to wait", Duration::from_secs(10), || host.show("hhvm", "SubState") == "start-post");
    host.run("systemctl kill --kill-who=main --signal=KILL hhvm").ok();
    assert!(start.wait().took < Duration::from_secs(20), "the hook ends with HHVM");
    assert_out_after_a_failure(&host);
    run_instead(&host, "");
    host.assert_comes_back();
}

pub fn a_start_that_fails_keeps_the_node_out_until_one_succeeds() {
    let host = stopped();
    run_instead(&host, "/bin/false");
    assert!(host.run("systemctl start hhvm").took < Duration::from_secs(20));
    assert_out_after_a_failure(&host);
    run_instead(&host, "");
    host.assert_comes_back();
}

pub fn an_hhvm_that_its_unit_has_not_started_brings_nothing_back_and_pool_does() {
    let host = stopped();
    host.run(&format!("systemd-run --quiet --unit=by-hand {}", command_line(&host))).ok();
    wait_for("HHVM to serve", Duration::from_secs(10), || host.load().is_some());
    assert!(!host.exists(HEALTH_FILE) && host.status()["by"] == "drain");
    let check = host.run("hhvm-drain check").stdout;
    assert!(check.contains("this node is out of the pool"), "{check}");
    host.run("hhvm-drain pool").ok();
    assert!(host.is_pooled());
    // Nobody drains it: it is not the unit's.
    host.run("systemctl stop by-hand").ok();
    assert!(host.is_pooled());
    host.run("systemctl start hhvm").ok();
    assert!(host.is_pooled());
}

pub fn a_removal_of_the_package_brings_back_the_node_of_a_stopped_hhvm() {
    let host = stopped();
    host.run("apt-get remove -y hhvm-drain").ok();
    assert!(host.is_pooled());
    host.run("systemctl start hhvm").ok();
    assert!(host.is_pooled());
}
