//! The harness itself: what the other tests take for granted.

use std::time::Duration;

use crate::host::{Host, wait_for};

pub fn runs_commands() {
    let host = Host::bare().service("Environment=A=b").file("/etc/made/by-test", "text\n").boot();
    assert_eq!(host.run("cat /etc/made/by-test").ok().stdout, "text\n");
    assert_eq!(host.run("echo oops >&2; exit 3").code, Some(3));
    assert_eq!(host.show("hhvm", "Environment"), "A=b");
    assert_eq!(host.show("hhvm", "ActiveState"), "active");
    host.write_file("/run/later", "x");
    assert!(host.exists("/run/later") && !host.exists("/run/never"));
    assert!(host.spawn("sleep 60").is_running());
    wait_for("nothing at all", Duration::from_secs(1), || true);
}

pub fn reads_the_journal() {
    let host = Host::bare().boot();
    host.run("systemctl stop hhvm").ok();
    let journal = host.journal_unit("hhvm");
    let stopped =
        journal.iter().find(|entry| entry.message().starts_with("Stopped")).expect("a line about the stop");
    assert_eq!(stopped.field("UNIT"), "hhvm.service");
    assert!(host.journal().is_empty());
}

pub fn survives_a_power_cut() {
    let mut host = Host::bare().boot();
    let boot = host.read_file("/proc/sys/kernel/random/boot_id");
    host.write_file("/var/lib/kept", "kept");
    host.power_cut();
    assert_eq!(host.read_file("/var/lib/kept"), "kept");
    host.boot_again();
    assert_eq!(host.read_file("/var/lib/kept"), "kept");
    assert_ne!(host.run("cat /proc/sys/kernel/random/boot_id").ok().stdout, boot);
}

pub fn reboots() {
    let mut host = Host::bare().boot();
    host.write_file("/run/gone", "");
    host.reboot();
    assert!(!host.exists("/run/gone"));
    assert_eq!(host.show("hhvm", "ActiveState"), "active");
}
