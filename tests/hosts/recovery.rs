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

/// A document root that is mounted after HHVM has started.
const MOUNT: &str = "[Unit]\nDefaultDependencies=no\nAfter=hhvm.service\n\
                     [Mount]\nWhat=/srv/data\nWhere=/srv/site\nType=none\nOptions=bind\n\
                     [Install]\nWantedBy=multi-user.target\n";
const MOUNTED_FILE: &str = "/srv/site/alive.txt";

fn host_whose_document_root_is_mounted_late() -> Host {
    Host::with_package()
        .settings(&format!("health-file = '{MOUNTED_FILE}'\nmin-drain = '2s'\ntimeout = '20s'"))
        .file("/srv/data/alive.txt", "up\n")
        .file("/srv/site/.keep", "")
        .file("/etc/systemd/system/srv-site.mount", MOUNT)
        .enable("srv-site.mount")
        .boot()
}

fn assert_waited_for_the_mount(host: &Host) {
    host.assert_logged(
        "/srv/site/alive.txt cannot be put back yet (/srv/site is not the directory that it was",
    );
}

pub fn a_document_root_that_is_mounted_after_a_power_cut_is_waited_for() {
    let mut host = host_whose_document_root_is_mounted_late();
    assert!(host.exists(MOUNTED_FILE));
    host.hhvm_says("load = 5");
    let _stop = host.spawn("systemctl stop hhvm");
    wait_for("the health file to go away", Duration::from_secs(5), || !host.exists(MOUNTED_FILE));
    host.power_cut();
    host.boot_again();
    assert_waited_for_the_mount(&host);
    let status = host.status();
    assert!(status["pooled"] == true || status["by"] == "drain", "{status:#}");
    host.hhvm_says("load = 0");
    host.run("systemctl restart hhvm").ok();
    wait_for("the node to be back", Duration::from_secs(10), || host.exists(MOUNTED_FILE));
    assert_eq!(host.read_file(MOUNTED_FILE), "up\n");
    assert!(
        !host.exists("/srv/data/alive.txt.disabled") && !host.exists("/var/lib/hhvm-drain/hhvm.service.json")
    );
}

pub fn a_document_root_that_goes_away_in_mid_drain_is_waited_for() {
    let host = host_whose_document_root_is_mounted_late();
    let stop = host.spawn("systemctl stop hhvm");
    wait_for("the health file to go away", Duration::from_secs(5), || !host.exists(MOUNTED_FILE));
    host.run("umount /srv/site").ok();
    stop.wait().ok();
    host.run("systemctl start hhvm").ok();
    assert_waited_for_the_mount(&host);
    let status = host.status();
    assert_eq!((&status["by"], &status["pooled"]), (&"drain".into(), &false.into()), "{status:#}");
    let pool = host.run("hhvm-drain pool");
    assert_eq!(pool.code, Some(1), "{pool:?}");
    assert!(pool.stderr.contains("is its file system mounted?"), "{pool:?}");
    host.run("systemctl start srv-site.mount && hhvm-drain pool").ok();
    assert_eq!(host.read_file(MOUNTED_FILE), "up\n");
    assert!(!host.exists("/var/lib/hhvm-drain/hhvm.service.json"));
}

pub fn a_parked_file_that_a_deploy_deletes_comes_back() {
    let host = Host::with_package().settings("min-drain = '2s'").boot();
    host.run(&format!("chown www-data:www-data {HEALTH_FILE} && chmod 640 {HEALTH_FILE}")).ok();
    let text = host.read_file(HEALTH_FILE);
    let stop = host.begin_stop();
    host.run("cd /var/www && rm status.php.disabled").ok();
    stop.wait().ok();
    host.run("systemctl start hhvm").ok();
    wait_for("the node to be back", Duration::from_secs(10), || host.exists(HEALTH_FILE));
    assert_eq!(host.read_file(HEALTH_FILE), text);
    let owner = host.run(&format!("stat -c '%U:%G %a' {HEALTH_FILE}")).ok().stdout;
    assert_eq!(owner.trim(), "www-data:www-data 640");
    let left = host.run("ls -A /var/www /var/lib/hhvm-drain").ok().stdout;
    assert!(
        !left.contains("disabled") && !left.contains(".hhvm-drain\n") && !left.contains("copies"),
        "{left}"
    );
}
