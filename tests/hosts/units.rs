//! HHVM as hosts run it: the unit that systemd makes of its SysV script, forking units, instances of a template.

use std::time::Duration;

use crate::host::{Host, wait_for};

/// What the script of HHVM's own packages does, as far as systemd and a drain can tell.
const SCRIPT: &str = r#"#!/bin/sh
### BEGIN INIT INFO
# Provides:          hhvm
# Required-Start:    $remote_fs $network
# Required-Stop:     $remote_fs $network
# Default-Start:     2 3 4 5
# Default-Stop:      0 1 6
# Short-Description: HHVM
### END INIT INFO
PIDFILE=/run/hhvm/pid
case "$1" in
start)
    mkdir -p /run/hhvm
    touch $PIDFILE
    start-stop-daemon --quiet --start --pidfile $PIDFILE --exec /usr/bin/hhvm -- --mode daemon \
        --config /etc/hhvm/server.ini -vPidFile=$PIDFILE --standin-control /etc/hhvm/stand-in
    ;;
stop)
    start-stop-daemon --quiet --stop --retry=TERM/10/KILL/5 --pidfile $PIDFILE --name hhvm
    rm -f $PIDFILE
    ;;
esac
"#;

fn is_up(host: &Host) -> bool {
    host.load().is_some()
}

fn processes(host: &Host) -> usize {
    host.run("pgrep -x hhvm").stdout.lines().count()
}

/// Exchanges hhvm.service for `unit`, or for what systemd makes of the SysV script, and starts it.
pub fn replace_unit(host: &Host, unit: Option<&str>) {
    host.run("systemctl stop hhvm; systemctl --quiet disable hhvm; rm /usr/lib/systemd/system/hhvm.service")
        .ok();
    if let Some(unit) = unit {
        host.write_file("/etc/systemd/system/hhvm.service", unit);
    } else {
        host.write_file("/etc/init.d/hhvm", SCRIPT);
        host.run("chmod +x /etc/init.d/hhvm").ok();
    }
    host.run("systemctl daemon-reload; systemctl start hhvm").ok();
    wait_for("HHVM's admin port", Duration::from_secs(10), || is_up(host));
}

pub const LIGHT: &str = "hhvm.server.light_process_count = 2\n";

pub fn a_sysv_hhvm_is_drained_then_stopped_with_all_its_processes() {
    let host = Host::with_package().settings("min-drain = '500ms'").ini(LIGHT).boot();
    replace_unit(&host, None);
    assert_eq!(host.show("hhvm", "MainPID"), "0", "systemd does not know it");
    assert_eq!(processes(&host), 3);
    host.hhvm_says("load = 2>0/2s");
    let stop = host.stop();
    assert!(stop.took >= Duration::from_secs(2) && stop.took < Duration::from_secs(6), "{stop:?}");
    host.assert_stopped("drained");
    host.assert_logged("systemd does not know HHVM's main process");
    assert_eq!(processes(&host), 0);
    host.assert_comes_back();
    host.run("systemctl start hhvm").ok();
    wait_for("HHVM's admin port", Duration::from_secs(10), || is_up(&host));
}

pub fn a_pid_file_that_lies_harms_nobody() {
    let host = Host::with_package().settings("min-drain = '500ms'").ini(LIGHT).boot();
    replace_unit(
        &host,
        Some(
            "[Service]\nType=forking\nRuntimeDirectory=hhvm\nPIDFile=/run/hhvm/pid\n\
             ExecStart=/bin/sh -c '/usr/bin/hhvm --mode daemon -c /etc/hhvm/server.ini -vPidFile=/run/hhvm/pid \
             --standin-control /etc/hhvm/stand-in; true'\n",
        ),
    );
    let bystander = host.spawn("exec sleep 300");
    host.run("chown www-data /run/hhvm /run/hhvm/pid; pgrep -x sleep | tr -d '\\n' > /run/hhvm/pid").ok();
    host.run("systemctl daemon-reload").ok();
    host.stop();
    host.assert_stopped("drained");
    assert_eq!((processes(&host), host.run("pgrep -x sleep").code), (0, Some(0)));
    drop(bystander);
}

pub fn killmode_process_and_mode_daemon_leave_nobody_behind() {
    let host = Host::with_package()
        .settings("min-drain = '500ms'")
        .ini(LIGHT)
        .service(
            "KillMode=process\nExecStart=\nExecStart=/usr/bin/hhvm --mode daemon -c /etc/hhvm/server.ini",
        )
        .boot();
    assert_eq!(processes(&host), 3);
    host.stop();
    host.assert_stopped("drained");
    wait_for("the light processes to follow", Duration::from_secs(5), || processes(&host) == 0);
}

/// systemd knows nobody there, as the first process has ended, and the drop-in has reset the unit's own stop command.
pub fn a_oneshot_with_killmode_process_leaves_nobody_behind() {
    let host = Host::with_package()
        .settings("min-drain = '500ms'")
        .ini(LIGHT)
        .service(
            "Type=oneshot\nUser=www-data\nRemainAfterExit=yes\nKillMode=process\nExecStart=\n\
             ExecStart=/bin/sh -c \"/usr/bin/hhvm --mode daemon -c /etc/hhvm/server.ini; true\"",
        )
        .boot();
    assert_eq!(host.show("hhvm", "MainPID"), "0");
    wait_for("HHVM and its light processes", Duration::from_secs(5), || {
        is_up(&host) && processes(&host) == 3
    });
    assert!(!host.run("hhvm-drain check").ok().stdout.contains("KillMode"));
    let request = host.request_page(Duration::from_secs(2));
    wait_for("the request", Duration::from_secs(2), || host.load() == Some(1));
    host.stop();
    assert!(request.wait().ok().stdout.contains("worked 2000 ms"));
    host.assert_stopped("drained");
    assert_eq!(processes(&host), 0);
    host.run("systemctl start hhvm").ok();
    wait_for("the node to be back", Duration::from_secs(10), || host.is_pooled());
}

pub fn two_instances_drain_at_once_each_with_its_settings() {
    let host = Host::with_package()
        .settings(
            "min-drain = '500ms'\n\
             [unit.'hhvm@8001.service']\nhealth-file = '/var/www/8001.php'\n\
             [unit.'hhvm@8002.service']\nhealth-file = '/var/www/8002.php'\ntimeout = '3s'\n",
        )
        .file("/var/www/8001.php", "1")
        .file("/var/www/8002.php", "2")
        .file(
            "/etc/systemd/system/hhvm@.service",
            "[Service]\nExecStart=/usr/bin/hhvm --mode server -d hhvm.server.type=fastcgi --port %i \
             --admin-port 1%i --standin-control /etc/hhvm/%i\n",
        )
        .boot();
    host.run("mkdir -p /etc/systemd/system/hhvm@.service.d").ok();
    host.run("ln -s /usr/lib/systemd/system/hhvm.service.d/drain.conf /etc/systemd/system/hhvm@.service.d/")
        .ok();
    host.write_file("/etc/hhvm/8001", "load = 2>0/2s\n");
    host.write_file("/etc/hhvm/8002", "load = 7\n");
    host.run("systemctl daemon-reload; systemctl start hhvm@8001 hhvm@8002").ok();
    for port in ["8001", "8002"] {
        let check = host.run(&format!("hhvm-drain check --unit hhvm@{port}"));
        assert!(check.stdout.contains(&format!(":1{port}/check-load answers")), "{check:?}");
    }
    let stop = host.run("systemctl stop hhvm@8001 hhvm@8002").ok();
    assert!(stop.took < Duration::from_secs(5), "both at once: {stop:?}");
    let last = |port: &str| {
        let status = host.run(&format!("hhvm-drain status --json --unit hhvm@{port}")).ok().stdout;
        let status: serde_json::Value = serde_json::from_str(&status).expect("JSON");
        assert_eq!(status["by"], "drain");
        status["last_drain"]["outcome"].as_str().map(str::to_owned)
    };
    assert_eq!((last("8001").as_deref(), last("8002").as_deref()), (Some("drained"), Some("timeout")));
    host.run("systemctl start hhvm@8001 hhvm@8002").ok();
    for file in ["/var/www/8001.php", "/var/www/8002.php"] {
        wait_for("the instance to be back", Duration::from_secs(10), || host.exists(file));
    }
    assert!(host.is_pooled(), "hhvm.service itself was not touched");
    assert_eq!(host.show("hhvm", "ActiveState"), "active");
}

pub fn without_an_admin_port_connections_are_counted() {
    let host = Host::with_package().settings("min-drain = '500ms'").boot();
    host.run("sed -i 's/admin_server.port = .*/admin_server.port = 0/' /etc/hhvm/server.ini").ok();
    host.write_file(
        "/etc/systemd/system/hhvm.service.d/test.conf",
        "[Service]\nExecStart=\nExecStart=/usr/bin/hhvm --mode server -c /etc/hhvm/admin-off.ini\n",
    );
    let without = host.read_file("/etc/hhvm/server.ini").replace("hhvm.admin_server.port", ";");
    let waiting = format!("{without}hhvm.server.graceful_shutdown_wait = 5\n");
    host.write_file("/etc/hhvm/admin-off.ini", &waiting);
    host.run("systemctl daemon-reload; systemctl restart hhvm").ok();
    let request = host.request_page(Duration::from_secs(4));
    wait_for("the request to be counted", Duration::from_secs(2), || host.status()["load"] == 1);
    let check = host.run("hhvm-drain check");
    assert!(check.stdout.contains("the connections to 127.0.0.1:9000 are counted"), "{check:?}");
    assert!(check.stdout.contains("graceful_shutdown_wait is 5 s (/etc/hhvm/admin-off.ini:"), "{check:?}");
    let stop = host.stop();
    assert!(stop.took >= Duration::from_millis(1500) && stop.took < Duration::from_secs(6), "{stop:?}");
    host.assert_stopped("drained");
    host.assert_logged("HHVM has no admin port; counting the connections to 127.0.0.1:9000 instead");
    request.wait().ok();
    host.assert_comes_back();
}
