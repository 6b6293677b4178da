//! The load: wherever it is read, and whatever is answered instead of it.

use std::time::Duration;

use crate::host::{Host, wait_for};

const QUICK: &str = "min-drain = '500ms'\ntimeout = '3s'";

/// Every answer in turn: none is a load, and none makes the wait longer than the timeout and a second.
fn never_zero(answers: &[&str]) {
    let host = Host::with_package().settings(QUICK).boot();
    for answer in answers {
        host.hhvm_says(answer);
        let took = host.stop().took;
        assert!((3.0..4.0).contains(&took.as_secs_f32()), "{answer}: {took:?}");
        host.assert_stopped("timeout");
        let status = host.show("hhvm", "StatusText");
        assert!(status.starts_with("Not drained: "), "{answer}: {status}");
        host.hhvm_says("");
        host.assert_comes_back();
    }
}

pub fn a_status_is_no_load() {
    never_zero(&["status = 401", "status = 404", "body = html502"]);
}

pub fn without_its_admin_port_the_connections_of_a_running_hhvm_are_counted() {
    let host = Host::with_package().settings("min-drain = '500ms'").boot();
    let page = host.request_page(Duration::from_secs(3));
    wait_for("the request", Duration::from_secs(5), || host.load() == Some(1));
    host.hhvm_says("refuse = true");
    wait_for("the port to close", Duration::from_secs(5), || host.load().is_none());
    host.stop();
    assert!(page.wait().stdout.contains("worked 3000 ms"));
    host.assert_stopped("drained");
    host.hhvm_says("");
    host.assert_comes_back();
}

pub fn a_strange_body_is_no_load() {
    never_zero(&["body = empty", "body = -1", "body = abc", "body = huge-number", "body = 10MB"]);
}

pub fn a_slow_answer_is_no_load() {
    never_zero(&["hang = accept", "hang = reply", "drip = true", "drip = body", "delay = 10s"]);
}

pub fn a_queue_is_load() {
    let host = Host::with_package().settings(QUICK).boot();
    host.hhvm_says("load = 0\nqueued = 3");
    host.stop();
    host.assert_stopped("timeout");
    host.assert_logged("load is still 3 after 3 s; the stop goes on");
}

pub fn an_hhvm_without_check_queued_drains() {
    let host = Host::with_package().settings(QUICK).boot();
    host.hhvm_says("queued-404 = true");
    host.stop();
    host.assert_stopped("drained");
}

pub fn drains_over_http() {
    let host = Host::with_package().settings(QUICK).ini("hhvm.server.type = proxygen\n").boot();
    host.hhvm_says("load = 4>0/2s");
    host.stop();
    host.assert_stopped("drained");
    host.assert_logged("load was 0 after 2 s");
}

pub fn sends_the_password_and_never_shows_it() {
    let host = Host::with_package()
        .settings(&format!("{QUICK}\npassword-file = '/etc/hhvm/password'"))
        .ini("hhvm.admin_server.password = s3same\n")
        .file("/etc/hhvm/password", "s3same\n")
        .boot();
    host.run("chmod 600 /etc/hhvm/password && hhvm-drain check").ok();
    host.stop();
    host.assert_stopped("drained");
    assert_eq!(host.run("journalctl | grep -c s3same").stdout, "0\n");
}
