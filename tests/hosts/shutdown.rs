//! The host goes down: HHVM is drained while its web server still runs, whatever the order between the two.

use std::time::Duration;

use crate::host::{Entry, Host};

/// Reboots a host with nginx, requests in flight, and `order` in nginx's unit; the journal must tell the right order.
fn reboot_with_nginx(order: &str) {
    let mut host = Host::with_package()
        .settings("min-drain = '1s'")
        .file("/etc/systemd/system/nginx.service.d/order.conf", &format!("[Unit]\n{order}\n"))
        .boot();
    host.run("systemctl enable --now nginx").ok();
    host.reboot();
    assert_eq!(
        host.show("hhvm-drain-shutdown@hhvm.service.service", "ActiveState"),
        "active",
        "started with HHVM"
    );
    assert_eq!(
        (host.show("nginx", "ActiveState"), host.show("hhvm", "ActiveState")),
        ("active".into(), "active".into())
    );
    host.hhvm_says("load = 3>0/3s");
    host.reboot();
    let journal = host.journal_unit("hhvm -u nginx");
    let messages: Vec<&str> = journal.iter().map(Entry::message).collect();
    let drained = messages.iter().position(|message| message.starts_with("load was 0 after 3 s"));
    // Which name follows depends on the version of systemd.
    let stops_nginx =
        |entry: &Entry| entry.field("UNIT") == "nginx.service" && entry.message().starts_with("Stopping ");
    let nginx = journal.iter().rposition(stops_nginx);
    assert!(drained.is_some() && drained < nginx, "{messages:#?}");
    let cycles = host.run("journalctl --grep 'ordering cycle'").stdout;
    assert!(!cycles.contains("ordering cycle found"), "{cycles}");
    host.assert_comes_back();
}

pub fn drains_before_the_web_server_stops() {
    reboot_with_nginx("After=hhvm.service");
}

pub fn needs_no_order_between_hhvm_and_the_web_server() {
    reboot_with_nginx("");
}

pub fn does_nothing_unless_the_host_goes_down() {
    let host = Host::with_package().boot();
    let stop = host.run("systemctl stop hhvm-drain-shutdown@hhvm.service.service").ok();
    assert!(stop.took < Duration::from_secs(2), "{stop:?}");
    assert!(host.is_pooled() && host.journal().is_empty());
    assert_eq!(host.show("hhvm", "ActiveState"), "active");
}
