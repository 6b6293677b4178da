//! Units and settings as administrators change them, and a systemd that is told to read them in mid-drain.

use std::time::Duration;

use crate::host::Host;
use crate::host::drain::HEALTH_FILE;

pub fn a_daemon_reload_in_mid_drain_does_not_cut_it() {
    let host = Host::with_package().settings("min-drain = '1s'").boot();
    host.hhvm_says("load = 6>0/6s");
    let stop = host.begin_stop();
    for _ in 0..3 {
        host.run("systemctl daemon-reload && sleep 0.5").ok();
    }
    let took = stop.wait().ok().took;
    assert!(took > Duration::from_secs(6), "{took:?}");
    host.assert_stopped("drained");
    host.assert_comes_back();
}

pub fn a_timeout_beyond_that_of_the_unit_is_granted() {
    let host = Host::with_package().settings("timeout = '3min'").boot();
    host.hhvm_says("load = 1>0/95s");
    let took = host.stop().took;
    assert!((95.0..97.0).contains(&took.as_secs_f32()), "{took:?}");
    host.assert_stopped("drained");
}

pub fn drains_another_user_in_a_sandbox() {
    let host = Host::with_package()
        .settings("min-drain = '1s'")
        .service("User=www-data\nProtectSystem=strict\nProtectHome=yes\nPrivateTmp=yes\nNoNewPrivileges=yes")
        .service("CapabilityBoundingSet=\nPrivateDevices=yes\nUMask=0077")
        .boot();
    host.run(&format!("chown www-data: {HEALTH_FILE}")).ok();
    host.hhvm_says("load = 3>0/3s");
    host.begin_stop().wait().ok();
    host.assert_stopped("drained");
    host.assert_logged("waiting because the load is still");
    host.assert_logged("load was 0 after");
    host.assert_comes_back();
    assert_eq!(host.run(&format!("stat -c '%U %a' {HEALTH_FILE}")).ok().stdout, "www-data 644\n");
    host.run("systemctl start hhvm").ok();
}

/// As `systemctl edit hhvm` writes it.
const OVERRIDE: &str = "/etc/systemd/system/hhvm.service.d/override.conf";

pub fn an_override_takes_effect() {
    let host = Host::with_package().boot();
    host.write_file(OVERRIDE, "[Service]\nEnvironment=HHVM_DRAIN_TIMEOUT=2s HHVM_DRAIN_MIN_DRAIN=0s\n");
    host.run("systemctl daemon-reload").ok();
    host.hhvm_says("load = 5");
    let took = host.stop().took;
    assert!((2.0..3.0).contains(&took.as_secs_f32()), "{took:?}");
    host.assert_stopped("timeout");
}

pub fn check_notices_an_override_that_drops_the_drain() {
    let host = Host::with_package().boot();
    host.write_file(OVERRIDE, "[Service]\nExecStop=\n");
    host.run("systemctl daemon-reload").ok();
    let check = host.run("hhvm-drain check");
    assert_eq!(check.code, Some(1));
    assert!(check.stdout.contains("ExecStop="), "{}", check.stdout);
}

pub fn check_notices_an_override_that_drops_the_way_back() {
    let host = Host::with_package().boot();
    let check = |lines: &str| {
        host.write_file(OVERRIDE, lines);
        host.run("systemctl daemon-reload").ok();
        host.run("hhvm-drain check")
    };
    assert!(!check("").stdout.contains("ExecStartPost"), "all is well");
    let hook = check("[Service]\nExecStartPost=\n").stdout;
    assert!(hook.contains("\"ExecStartPost=-+/usr/bin/hhvm-drain restore --unit=%n --wait\""), "{hook}");
    // An administrator's file in place of the package's, which lacks what came later.
    let drop_in = host.read_file("/usr/lib/systemd/system/hhvm.service.d/drain.conf");
    let old: Vec<&str> = drop_in
        .lines()
        .filter(|line| !line.contains("repool@") && !line.starts_with("ExecStartPost"))
        .collect();
    host.write_file("/etc/systemd/system/hhvm.service.d/drain.conf", &old.join("\n"));
    let neither = check("");
    assert_eq!(neither.code, Some(1));
    assert!(neither.stdout.contains("after a start nothing puts the node back"), "{}", neither.stdout);
    let mended = "[Unit]\nWants=hhvm-drain-repool@%n.service\n[Service]\n\
                  ExecStartPost=-+/usr/bin/hhvm-drain restore --unit=%n --wait\n";
    assert_eq!(check(mended).code, Some(0));
}

pub fn a_file_of_the_same_name_replaces_the_drop_in() {
    let host = Host::with_package().boot();
    let drop_in = "[Service]\nExecStop=-+/usr/bin/hhvm-drain stop --timeout=2s --min-drain=0s\n";
    host.write_file("/etc/systemd/system/hhvm.service.d/drain.conf", drop_in);
    host.run("systemctl daemon-reload").ok();
    assert_eq!(host.show("hhvm", "ExecStopPost"), "");
    host.hhvm_says("load = 5");
    let took = host.stop().took;
    assert!((2.0..3.0).contains(&took.as_secs_f32()), "{took:?}");
}

pub fn a_broken_settings_file_still_drains() {
    let host = Host::with_package()
        .file("/etc/hhvm-drain.toml.d/broken.toml", "min-drain = \"1s\"\ntimeout = 3 min\n")
        .boot();
    let check = host.run("hhvm-drain check");
    assert_eq!(check.code, Some(1));
    assert!(check.stdout.contains("/etc/hhvm-drain.toml.d/broken.toml:2:"), "{}", check.stdout);
    host.begin_stop().wait().ok();
    host.assert_stopped("drained");
    host.assert_comes_back();
    host.assert_logged("/etc/hhvm-drain.toml.d/broken.toml:2:");
}
