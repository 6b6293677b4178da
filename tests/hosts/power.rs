//! What the program may do as root: in the hooks of HHVM's unit, and in units of its own.

use std::time::Duration;

use crate::host::{Host, wait_for};

/// `CAP_DAC_OVERRIDE`, `CAP_FOWNER`, `CAP_SYS_PTRACE`; see the manual.
const OF_THE_WAIT: u64 = 1 << 1 | 1 << 3 | 1 << 19;
/// `CAP_SYS_ADMIN`
const ENTER_NETWORKS: u64 = 1 << 21;
/// With `CAP_SETGID` and `CAP_SETUID`.
const OF_THE_SHUTDOWN_UNIT: u64 = OF_THE_WAIT | ENTER_NETWORKS | 1 << 6 | 1 << 7;
/// With `CAP_KILL`.
const OF_A_STOP: u64 = OF_THE_SHUTDOWN_UNIT | 1 << 5;

/// The permitted, the effective and the bounding set of the thread that waits.
fn sets(host: &Host) -> [u64; 3] {
    let status = host.run("cat /proc/$(pgrep -xo hhvm-drain)/status").ok().stdout;
    let set = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        u64::from_str_radix(line.trim(), 16).expect("a set of capabilities")
    };
    [set("CapPrm:"), set("CapEff:"), set("CapBnd:")]
}

fn wait_until_it_counts(host: &Host) {
    wait_for("the first load", Duration::from_secs(5), || {
        host.show("hhvm", "StatusText").starts_with("Draining: 5 in flight")
    });
}

pub fn a_stop_has_what_it_uses_and_nothing_else() {
    let host = Host::with_package().boot();
    host.hhvm_says("load = 5");
    let stop = host.begin_stop();
    wait_until_it_counts(&host);
    assert_eq!(sets(&host), [OF_THE_WAIT, OF_THE_WAIT, OF_A_STOP]);
    host.hhvm_says("load = 0");
    stop.wait().ok();
    host.assert_stopped("drained");
}

pub fn an_hhvm_in_a_network_of_its_own_is_still_entered() {
    let host = Host::with_package().boot();
    host.write_file("/etc/systemd/system/hhvm.service.d/own.conf", "[Service]\nPrivateNetwork=yes\n");
    host.run("systemctl daemon-reload && systemctl restart hhvm").ok();
    assert_ne!(
        host.run("readlink /proc/$(pgrep -xo hhvm)/ns/net").ok().stdout,
        host.run("readlink /proc/1/ns/net").ok().stdout
    );
    wait_for("HHVM in its network", Duration::from_secs(20), || {
        host.show("hhvm", "ActiveState") == "active" && host.status()["load"] == 0
    });
    host.hhvm_says("load = 5");
    let stop = host.begin_stop();
    wait_until_it_counts(&host);
    let kept = OF_THE_WAIT | ENTER_NETWORKS;
    assert_eq!(sets(&host), [kept, kept, OF_A_STOP]);
    host.hhvm_says("load = 0");
    stop.wait().ok();
    host.assert_stopped("drained");
}

pub fn who_has_little_power_drains_all_the_same() {
    let host = Host::with_package().settings("min-drain = '500ms'").boot();
    let little = "-p CapabilityBoundingSet=CAP_SYS_PTRACE -p NoNewPrivileges=yes";
    let depool = host.run(&format!("systemd-run --wait --pipe {little} hhvm-drain depool --wait"));
    assert!(depool.code == Some(0) && !host.is_pooled(), "{depool:?}");
    assert!(host.run("hhvm-drain pool").code == Some(0) && host.is_pooled());
}

pub fn the_packages_own_units_are_exposed_little_and_work() {
    let mut host = Host::with_package().settings("min-drain = '500ms'").boot();
    for unit in ["hhvm-drain-shutdown@hhvm.service.service", "hhvm-drain-repool@hhvm.service.service"] {
        let said = host.run(&format!("systemd-analyze security --no-pager {unit}")).stdout;
        let level = said.rsplit_once(&format!("exposure level for {unit}: ")).map(|(_, level)| level);
        let level: Option<f32> = level.and_then(|level| level.split(' ').next()?.parse().ok());
        assert!(level.is_some_and(|level| level <= 5.0), "{unit}: {said}");
    }
    // The repool unit puts a file back for which it needs every right that it has: of another user, in the home of one.
    host.run("useradd -m web; install -d -o web -m 700 /home/web/www").ok();
    host.run("install -o web -m 600 /var/www/status.php /home/web/www/status.php").ok();
    host.write_file(
        "/etc/hhvm-drain.toml.d/home.toml",
        "health-file = '/home/web/www/status.php'\nstart-timeout = '1s'\n",
    );
    host.write_file(
        "/etc/systemd/system/hhvm.service.d/slow.conf",
        "[Service]\nExecStart=\nExecStart=/usr/bin/hhvm --mode server -c /etc/hhvm/server.ini \
         --standin-control /etc/hhvm/stand-in --standin-admin-first --standin-page-delay=4000\n",
    );
    host.run("systemctl daemon-reload && systemctl restart hhvm").ok();
    assert!(!host.exists("/home/web/www/status.php"), "the start is over before HHVM serves");
    host.run("rm /home/web/www/status.php.disabled").ok();
    wait_for("the health file", Duration::from_secs(15), || host.exists("/home/web/www/status.php"));
    let owner = host.run("stat -c '%U %a' /home/web/www/status.php").ok().stdout;
    assert_eq!(owner, "web 600\n", "it is made anew from its copy");
    // And the shutdown unit drains.
    host.hhvm_says("load = 4>0/3s");
    host.shut_down();
    host.power_on();
    host.assert_logged("load was 0 after ");
}
