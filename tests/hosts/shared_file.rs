//! Instances behind one web server that share a health file.

use std::time::Duration;

use crate::host::drain::HEALTH_FILE;
use crate::host::{Host, wait_for};

pub const TEMPLATE: &str = "\
[Service]
ExecStart=/usr/bin/hhvm --mode server -dhhvm.server.type=fastcgi -dhhvm.server.port=900%i --standin-control /run/hhvm-%i
[Install]
WantedBy=multi-user.target
";

/// Two instances, both up, with the package's drop-in.
fn host() -> Host {
    let host = Host::with_package()
        .settings("min-drain = '1s'\ntimeout = '8s'")
        .file("/etc/systemd/system/hhvm@.service", TEMPLATE)
        .boot();
    host.run("systemctl stop hhvm; systemctl --quiet disable hhvm; hhvm-drain pool").ok();
    host.run("mkdir -p /etc/systemd/system/hhvm@.service.d").ok();
    host.run("ln -s /usr/lib/systemd/system/hhvm.service.d/drain.conf /etc/systemd/system/hhvm@.service.d/")
        .ok();
    host.run("systemctl daemon-reload; systemctl start hhvm@1 hhvm@2").ok();
    host
}

pub fn one_that_is_stopped_for_good_does_not_keep_the_node_out() {
    let host = host();
    let check = host.run("hhvm-drain check --unit hhvm@1").stdout;
    assert!(check.contains("health-file: shared with hhvm@2.service; it is away"), "{check}");
    host.run("systemctl stop hhvm@2").ok();
    assert!(host.exists(HEALTH_FILE), "hhvm@1 serves on");
    host.run("systemctl stop hhvm@1").ok();
    assert!(!host.exists(HEALTH_FILE), "nobody serves");
    host.run("systemctl start hhvm@1").ok();
    wait_for("the node to be back", Duration::from_secs(10), || host.is_pooled());
}

pub fn the_file_is_away_until_the_last_of_them_has_drained_and_serves_again() {
    let host = host();
    let page = host.spawn(
        "REQUEST_METHOD=GET SCRIPT_NAME=/p.php SCRIPT_FILENAME=/var/www/p.php QUERY_STRING=ms=5000 \
         cgi-fcgi -bind -connect 127.0.0.1:9002",
    );
    wait_for("the request", Duration::from_secs(5), || {
        host.run("hhvm-drain status --unit hhvm@2").stdout.contains("1 in flight")
    });
    let slow = host.spawn("systemctl restart hhvm@2");
    wait_for("the file to go", Duration::from_secs(5), || !host.exists(HEALTH_FILE));
    host.run("systemctl restart hhvm@1").ok();
    assert!(!host.exists(HEALTH_FILE), "hhvm@2 still drains");
    assert!(page.wait().stdout.contains("worked 5000 ms"));
    slow.wait().ok();
    wait_for("the node to be back", Duration::from_secs(10), || host.is_pooled());
}
