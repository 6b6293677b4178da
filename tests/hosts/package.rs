//! The package: what apt does with it on a running host.

use std::time::Duration;

use crate::host::{Debian, Host};

pub fn installs_and_purges_without_touching_hhvm() {
    let host = Host::bare().boot();
    let pid = host.show("hhvm", "MainPID");
    host.install();
    assert_eq!(host.show("hhvm", "NeedDaemonReload"), "no");
    assert!(host.show("hhvm", "ExecStop").contains("/usr/bin/hhvm-drain stop --unit=hhvm.service"));
    assert_eq!(host.run("hhvm-drain check").ok().stderr, "");
    assert_eq!(
        host.show("hhvm-drain-shutdown@hhvm.service.service", "ActiveState"),
        "active",
        "HHVM runs already"
    );

    host.run("apt-get purge -y hhvm-drain").ok();
    assert_eq!(host.show("hhvm", "NeedDaemonReload"), "no");
    assert_eq!(host.show("hhvm", "ExecStop"), "");
    for unit in ["hhvm-drain-shutdown@hhvm.service.service", "hhvm-drain-repool@hhvm.service.service"] {
        assert_eq!(host.show(unit, "LoadState"), "not-found");
    }
    // What the administrator put there for apt stays.
    host.run("rm /usr/share/keyrings/hhvm-drain.asc /etc/apt/sources.list.d/hhvm-drain.sources").ok();
    let left = host
        .run("find /usr /etc /var/lib -path /var/lib/apt -prune -o -path '*hhvm-drain*' -print -o -path '*hhvm.service.d*' -print")
        .ok();
    assert_eq!(left.stdout, "");
    assert_eq!(host.show("hhvm", "MainPID"), pid);
}

pub fn a_removal_in_mid_drain_brings_the_node_back() {
    let host = Host::with_package().settings("min-drain = '1s'").boot();
    host.hhvm_says("load = 3>0/4s");
    let stop = host.begin_stop();
    host.run("apt-get remove -y hhvm-drain").ok();
    assert!(stop.wait().ok().took > Duration::from_secs(4));
    assert_eq!(host.show("hhvm", "Result"), "success");
    assert!(host.is_pooled());
}

pub fn hooks_of_a_removed_program_do_not_fail_hhvm() {
    let host = Host::with_package().boot();
    host.run("rm /usr/bin/hhvm-drain").ok();
    host.run("systemctl restart hhvm").ok();
    assert_eq!(host.show("hhvm", "ActiveState"), "active");
    host.stop();
    assert_eq!(host.show("hhvm", "Result"), "success");
}

pub fn the_drop_in_verifies_without_a_word() {
    let host = Host::with_package().boot();
    let verify = host
        .run("systemd-analyze --man=no verify hhvm.service hhvm-drain-shutdown@hhvm.service.service hhvm-drain-repool@hhvm.service.service")
        .ok();
    let said = format!("{}{}", verify.stdout, verify.stderr);
    // Debian 11's systemd does not know this line, and goes by PartOf=.
    let unknown = |line: &&str| Debian::current() == Debian::Eleven && line.contains("'StopPropagatedFrom'");
    let said: Vec<&str> = said.lines().filter(|line| !unknown(line)).collect();
    assert!(said.is_empty(), "{said:?}");
}
