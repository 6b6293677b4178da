//! Units that nobody here wrote: what keeps a stop from draining, and what the drop-in takes away from them. What
//! `check` says to do is done, and the next stop drains.

use std::time::Duration;

use crate::host::{Host, Output, wait_for};

/// What an administrator writes on the advice of `check`; read after all the other files.
const MEND: &str = "/etc/systemd/system/hhvm.service.d/zz-mend.conf";
/// Where a unit's own lines stand, so that the package's drop-in is read after them.
const FIRST: &str = "/usr/lib/systemd/system/hhvm.service.d/00-own.conf";
const SETTINGS: &str = "min-drain = '500ms'\ntimeout = '20s'\n";

/// Writes lines for a unit, and lets systemd read them and start HHVM anew.
fn change(host: &Host, path: &str, lines: &str) {
    host.write_file(path, lines);
    host.run("systemctl daemon-reload; systemctl reset-failed hhvm; systemctl restart hhvm").ok();
    is_up(host);
}

fn is_up(host: &Host) {
    wait_for("HHVM's admin port", Duration::from_secs(10), || host.load().is_some());
}

/// What `check` says of the unit and is not good.
fn complaints(check: &Output) -> Vec<&str> {
    check.stdout.lines().filter(|line| line.contains(" unit: ") && !line.starts_with("ok")).collect()
}

#[track_caller]
fn check_fails(host: &Host, with: &[&str]) -> Output {
    let check = host.run("hhvm-drain check");
    assert_eq!(check.code, Some(1), "{check:?}");
    let errors: Vec<&str> = complaints(&check).into_iter().filter(|line| line.starts_with("ERROR")).collect();
    assert!(errors.len() == 1 && with.iter().all(|part| errors[0].contains(part)), "{errors:#?}");
    check
}

#[track_caller]
fn check_warns(host: &Host, with: &[&str]) {
    let check = host.run("hhvm-drain check").ok();
    let warnings = complaints(&check);
    for part in with {
        assert!(warnings.iter().any(|line| line.contains(part)), "{part}: {warnings:#?}");
    }
}

#[track_caller]
fn check_is_content(host: &Host) {
    let check = host.run("hhvm-drain check").ok();
    assert_eq!(complaints(&check), Vec::<&str>::new());
}

/// A request that is in flight when the stop begins is answered, and the node comes back.
#[track_caller]
fn drains(host: &Host) {
    let request = host.request_page(Duration::from_secs(3));
    wait_for("the request", Duration::from_secs(2), || host.load() == Some(1));
    host.stop();
    let answer = request.wait().ok();
    assert!(answer.stdout.contains("worked 3000 ms"), "{answer:?}");
    host.assert_stopped("drained");
    assert_eq!(host.run("pgrep -x hhvm").code, Some(1), "nobody is left");
    host.run("systemctl start hhvm").ok();
    wait_for("the node to be back", Duration::from_secs(10), || host.is_pooled());
}

/// HHVM and what it needs, below /srv/jail.
const JAIL: &str = "J=/srv/jail; mkdir -p $J/usr/bin $J/etc/hhvm $J/proc $J/sys $J/dev $J/run $J/tmp; cd $J; \
                    cp /usr/bin/hhvm usr/bin; cp /etc/hhvm/server.ini etc/hhvm; \
                    for lib in $(ldd /usr/bin/hhvm | grep -o '/[^ ]*'); do \
                    mkdir -p .${lib%/*}; cp -L $lib .$lib; done";

pub fn below_a_root_directory_check_fails_and_its_line_mends_it() {
    let host = Host::with_package().settings(SETTINGS).boot();
    host.run(JAIL).ok();
    change(&host, FIRST, "[Service]\nRootDirectory=/srv/jail\nMountAPIVFS=yes\n");
    check_fails(
        &host,
        &["RootDirectory=/srv/jail", "set RootDirectoryStartOnly=yes with systemctl edit hhvm.service"],
    );
    let drop_in = host.run("hhvm-drain drop-in").ok().stdout;
    assert!(drop_in.contains("\nRootDirectoryStartOnly=yes\n"), "{drop_in}");
    change(&host, MEND, "[Service]\nRootDirectoryStartOnly=yes\n");
    check_is_content(&host);
    drains(&host);
}

/// A root of the unit's own that has the host's directories, so that systemd finds hhvm-drain there.
const BOUND: &str = "[Service]\nRootDirectory=/srv/bound\nMountAPIVFS=yes\nBindReadOnlyPaths=/usr /etc\n\
                     BindPaths=/var/www /run /tmp\n";

/// `check` fails there, as older kernels give the hooks no way out; on this one they find it.
pub fn below_a_root_that_binds_the_hosts_directories_the_hooks_find_out() {
    let host = Host::with_package().settings(SETTINGS).boot();
    host.run(
        "cd /srv; mkdir -p bound/usr bound/etc bound/proc bound/sys bound/dev bound/run bound/tmp bound/var/www; cd bound; \
         ln -s usr/bin usr/sbin usr/lib usr/lib64 .",
    )
    .ok();
    change(&host, FIRST, BOUND);
    check_fails(&host, &["RootDirectory=/srv/bound"]);
    drains(&host);
    assert!(!host.exists("/srv/bound/var/lib/hhvm-drain"), "the record is where the other hooks look");
}

/// The lines that `check` says to set.
fn advice(check: &Output) -> String {
    let lines = complaints(check).join(" ");
    let settings = lines.split("set ").skip(1).filter_map(|rest| rest.split([',', ';', ' ']).next());
    settings.collect::<Vec<_>>().join("\n")
}

pub fn mounts_that_hide_the_host_from_the_hooks_are_told_with_what_mends_them() {
    let host = Host::with_package().settings(SETTINGS).boot();
    for (lines, hidden) in [
        ("TemporaryFileSystem=/var/lib", "/var/lib/hhvm-drain"),
        ("TemporaryFileSystem=/usr/bin\nBindReadOnlyPaths=/usr/bin/hhvm", "/usr/bin/hhvm-drain"),
        ("TemporaryFileSystem=/var", "/var/www, /var/lib/hhvm-drain"),
        ("BindReadOnlyPaths=/var", "/var/www"),
        (
            "TemporaryFileSystem=/\nBindReadOnlyPaths=/usr /etc /lib /lib64",
            "/proc, /var/www, /var/lib/hhvm-drain",
        ),
    ] {
        host.run(&format!("rm -f {MEND}")).ok();
        change(&host, FIRST, &format!("[Service]\n{lines}\n"));
        let check =
            check_fails(&host, &[&format!("keeps the hooks from {hidden}"), "systemctl edit hhvm.service"]);
        change(&host, MEND, &format!("[Service]\n{}", advice(&check)));
        // The stop before may have left it out: that is what check had said.
        host.run("hhvm-drain pool").ok();
        check_is_content(&host);
        drains(&host);
    }
    // What a "+" lifts is not complained about.
    host.run(&format!("rm -f {MEND}")).ok();
    change(
        &host,
        FIRST,
        "[Service]\nProtectSystem=strict\nReadOnlyPaths=/var/www\nInaccessiblePaths=/var/lib\nUser=www-data\n\
         ProtectProc=invisible\nPrivateUsers=yes\nNoExecPaths=/usr/bin/hhvm-drain\n",
    );
    check_is_content(&host);
    drains(&host);
}

pub fn a_hook_without_its_plus_is_told() {
    let host = Host::with_package().settings(SETTINGS).boot();
    change(
        &host,
        MEND,
        "[Service]\nUser=www-data\nExecStop=\nExecStop=-/usr/bin/hhvm-drain stop --unit=%n\n",
    );
    check_fails(&host, &["no \"+\"", "runs as www-data", "write ExecStop=-+/usr/bin/hhvm-drain stop"]);
    change(
        &host,
        MEND,
        "[Service]\nUser=www-data\nExecStop=\nExecStop=-+/usr/bin/hhvm-drain stop --unit=%n\n",
    );
    check_is_content(&host);
    drains(&host);
}

/// A start script whose child tells systemd that HHVM is up.
const RUN_HHVM: &str = "#!/bin/sh\n\
                        /usr/bin/hhvm --mode server -c /etc/hhvm/server.ini --standin-control /etc/hhvm/stand-in &\n\
                        sleep 1\n(sleep 0.1; systemd-notify --ready; sleep 0.1) &\nwait\n";
const NOTIFIES: &str =
    "NotifyAccess=all\nTimeoutStartSec=8\nExecStart=\nExecStart=/usr/local/bin/run-hhvm\nType=notify";
const KEPT: &str = "/etc/systemd/system/hhvm.service.d/hhvm-drain-notify.conf";

fn install(host: &Host) -> String {
    let package = host.bring_package();
    host.run(&format!("dpkg -i {package}")).ok().stderr
}

pub fn an_installation_keeps_the_notify_access_that_a_start_needs() {
    let mut host =
        Host::bare().service(NOTIFIES).file("/usr/local/bin/run-hhvm", RUN_HHVM).settings(SETTINGS).off();
    host.chroot("chmod 755 /usr/local/bin/run-hhvm").ok();
    host.boot_again();
    let said = install(&host);
    assert!(said.contains("hhvm.service needs its NotifyAccess=all to start, so "), "{said}");
    host.run("systemctl restart hhvm").ok();
    assert_eq!(
        (host.show("hhvm", "NotifyAccess"), host.show("hhvm", "Result")),
        ("all".into(), "success".into())
    );
    check_is_content(&host);
    drains(&host);

    // Without that file it is as it would be without its cure.
    host.run(&format!("rm {KEPT}; systemctl daemon-reload")).ok();
    check_fails(&host, &["NotifyAccess=all", "with systemctl edit hhvm.service"]);
    assert!(host.run("hhvm-drain drop-in").ok().stdout.contains("\nNotifyAccess=all\n"));
    assert_ne!(host.run("systemctl restart hhvm").code, Some(0));
    host.run("systemctl stop hhvm").ok();

    // An upgrade brings it back; somebody else's file stays.
    install(&host);
    assert_eq!(host.show("hhvm", "NotifyAccess"), "all");
    host.write_file(KEPT, "[Service]\nNotifyAccess=all\n# mine\n");
    let said = install(&host);
    assert!(!said.contains("NotifyAccess"), "{said}");
    host.run("dpkg -P hhvm-drain").ok();
    assert!(host.read_file(KEPT).contains("mine"));
    host.run(&format!("rm {KEPT}")).ok();
    install(&host);
    assert!(host.exists(KEPT));
    host.run("dpkg -P hhvm-drain").ok();
    assert!(!host.exists("/etc/systemd/system/hhvm.service.d"));
    assert_eq!(
        (host.show("hhvm", "NotifyAccess"), host.show("hhvm", "NeedDaemonReload")),
        ("all".into(), "no".into())
    );
    host.run("systemctl restart hhvm").ok();
}

/// A watchdog that a child feeds.
const FED: &str = "#!/bin/sh\n(while sleep 1; do systemd-notify WATCHDOG=1; done) &\n\
                   exec /usr/bin/hhvm --mode server -c /etc/hhvm/server.ini --standin-control /etc/hhvm/stand-in\n";

pub fn an_installation_from_outside_keeps_a_watchdog_fed() {
    let mut host = Host::bare()
        .service("NotifyAccess=all\nWatchdogSec=3\nExecStart=\nExecStart=/usr/local/bin/run-hhvm")
        .file("/usr/local/bin/run-hhvm", FED)
        .settings(SETTINGS)
        .off();
    let package = host.bring_package();
    host.chroot(&format!("chmod 755 /usr/local/bin/run-hhvm; dpkg -i {package}")).ok();
    assert!(host.exists(KEPT));
    host.boot_again();
    let pid = host.show("hhvm", "MainPID");
    std::thread::sleep(Duration::from_secs(5));
    assert_eq!(host.show("hhvm", "MainPID"), pid, "the watchdog has not barked");
    check_is_content(&host);
    drains(&host);
    // Where the unit no longer asks for it, an upgrade takes it away again.
    host.run("sed -i /^NotifyAccess/d /usr/lib/systemd/system/hhvm.service; systemctl daemon-reload").ok();
    install(&host);
    assert!(!host.exists(KEPT));
}

pub fn with_killmode_none_the_units_own_command_stops_hhvm_after_the_drain() {
    let host = Host::with_package()
        .settings(SETTINGS)
        .service("KillMode=none\nExecStop=/bin/kill -TERM $MAINPID")
        .boot();
    check_fails(
        &host,
        &["KillMode=none", "set ExecStop=/bin/kill -TERM $MAINPID with systemctl edit hhvm.service"],
    );
    let said = install(&host);
    assert!(
        said.contains("hhvm.service has to be changed before its stops can drain; run hhvm-drain check"),
        "{said}"
    );
    // What the journal says of a stop without that line.
    host.write_file("/etc/systemd/system/hhvm.service.d/zz-quick.conf", "[Service]\nTimeoutStopSec=7\n");
    host.run("systemctl daemon-reload; systemctl stop hhvm").ok();
    host.assert_logged("HHVM (process ");
    host.run("pkill -x hhvm; rm /etc/systemd/system/hhvm.service.d/zz-quick.conf").ok();
    wait_for("HHVM to end", Duration::from_secs(5), || host.run("pgrep -x hhvm").code == Some(1));

    host.run("mkdir -p /etc/systemd/system/hhvm.service.d").ok();
    host.run("hhvm-drain drop-in >/etc/systemd/system/hhvm.service.d/drain.conf").ok();
    host.run("systemctl daemon-reload; systemctl reset-failed hhvm; systemctl start hhvm").ok();
    is_up(&host);
    check_is_content(&host);
    drains(&host);
}

pub fn a_stop_command_that_the_drop_in_resets_is_told() {
    let host = Host::with_package()
        .settings(SETTINGS)
        .file(
            "/usr/local/bin/stop-hhvm",
            "#!/bin/sh\n[ \"$1\" != kill ] || kill -TERM \"$MAINPID\"\necho $1 >>/root/stopped\n",
        )
        .service("ExecStop=-/usr/local/bin/stop-hhvm kill\nExecStop=+/usr/local/bin/stop-hhvm tidy")
        .boot();
    host.run("chmod 755 /usr/local/bin/stop-hhvm").ok();
    let lines = "ExecStop=-/usr/local/bin/stop-hhvm kill and ExecStop=+/usr/local/bin/stop-hhvm tidy";
    check_warns(&host, &[&format!("set {lines} with systemctl edit hhvm.service")]);
    drains(&host);
    assert!(!host.exists("/root/stopped"));
    change(&host, MEND, &format!("[Service]\n{}\n", lines.replace(" and ", "\n")));
    check_is_content(&host);
    drains(&host);
    assert_eq!(host.read_file("/root/stopped"), "kill\ntidy\n".repeat(2));
}

/// With `Delegate=` the hooks are in a cgroup below the one of HHVM, and here systemd knows no main process.
pub fn a_oneshot_that_delegates_its_cgroup_is_drained() {
    let host = Host::with_package()
        .settings(SETTINGS)
        .file("/usr/local/bin/run-hhvm", &RUN_HHVM.replace("wait\n", "sleep 0.5\n"))
        .service("Type=oneshot\nRemainAfterExit=yes\nDelegate=yes\nExecStart=\nExecStart=/bin/sh /usr/local/bin/run-hhvm")
        .boot();
    assert_eq!(host.show("hhvm", "SubState"), "exited");
    check_is_content(&host);
    drains(&host);
}

/// A site of nginx's that passes pages to HHVM.
const SITE: &str = "server { listen 8080; root /var/www; location ~ \\.php$ { include fastcgi_params;\n\
                    fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name; fastcgi_pass 127.0.0.1:9000; } }\n";
const NGINX: &str = "/etc/systemd/system/nginx.service.d/hhvm.conf";
const TARGET: &str = "/etc/systemd/system/web.target";

/// Whether a page that takes longer than nginx's own stop is answered over a restart of HHVM.
fn survives_a_restart(host: &Host) -> bool {
    let request = host.spawn("curl -s 'http://127.0.0.1:8080/p.php?ms=7000'");
    wait_for("the request", Duration::from_secs(3), || host.load() == Some(1));
    host.run("systemctl restart hhvm").ok();
    let answer = request.wait();
    wait_for("nginx", Duration::from_secs(10), || host.show("nginx", "ActiveState") == "active");
    is_up(host);
    answer.stdout.contains("worked 7000 ms")
}

fn with_front_end() -> Host {
    let host = Host::with_package().settings(SETTINGS).boot();
    host.write_file("/etc/nginx/sites-available/default", SITE);
    host.run("systemctl start nginx").ok();
    host
}

pub fn a_front_end_that_is_stopped_before_the_drain_fails_check() {
    let host = with_front_end();
    for (line, instead) in [
        ("Requires", "replace Requires=hhvm.service by Wants=hhvm.service"),
        ("BindsTo", "replace BindsTo=hhvm.service by Wants=hhvm.service"),
        ("Requisite", "replace Requisite=hhvm.service by Wants=hhvm.service"),
        ("PartOf", "remove PartOf=hhvm.service"),
        ("StopPropagatedFrom", "remove StopPropagatedFrom=hhvm.service"),
    ] {
        for order in ["", "After=hhvm.service\n"] {
            host.write_file(NGINX, &format!("[Unit]\n{line}=hhvm.service\n{order}"));
            host.run("systemctl daemon-reload; systemctl start nginx").ok();
            check_fails(&host, &[&format!("nginx.service has {line}=hhvm.service"), instead]);
        }
    }
    host.write_file(NGINX, "[Unit]\nRequires=hhvm.service\nAfter=hhvm.service\n");
    host.run("systemctl daemon-reload; systemctl start nginx").ok();
    assert!(!survives_a_restart(&host), "or there is nothing to warn of");
    host.write_file(NGINX, "[Unit]\nWants=hhvm.service\nAfter=hhvm.service\n");
    host.run("systemctl daemon-reload").ok();
    check_is_content(&host);
    assert!(survives_a_restart(&host));
}

pub fn a_front_end_that_follows_by_way_of_a_target_fails_check() {
    let host = with_front_end();
    host.write_file(TARGET, "[Unit]\nBindsTo=hhvm.service\n");
    // Under a name of its own, and known by its program.
    host.run("cp /lib/systemd/system/nginx.service /etc/systemd/system/site.service; systemctl stop nginx")
        .ok();
    host.write_file("/etc/systemd/system/site.service.d/web.conf", "[Unit]\nPartOf=web.target\n");
    host.run("systemctl daemon-reload; systemctl start web.target site").ok();
    check_fails(
        &host,
        &[
            "site.service is stopped when the drain begins",
            "web.target has BindsTo=hhvm.service, site.service has PartOf=web.target",
            "or set After=site.service under [Unit] with systemctl edit hhvm.service",
        ],
    );
    host.write_file(MEND, "[Unit]\nAfter=site.service\n");
    host.run("systemctl daemon-reload").ok();
    check_is_content(&host);
    // What is no front end, as far as one can tell, is worth a warning.
    host.write_file(
        "/etc/systemd/system/exporter.service",
        "[Unit]\nBindsTo=hhvm.service\n[Service]\nExecStart=/bin/sleep 1000\n",
    );
    host.run("systemctl start exporter").ok();
    check_warns(
        &host,
        &["exporter.service is stopped when the drain begins", "if it passes requests to HHVM"],
    );
}

pub fn a_longer_patience_of_the_unit_is_told() {
    let host = Host::with_package().settings(SETTINGS).service("TimeoutStopSec=10min").boot();
    host.run("echo 'hhvm.server.graceful_shutdown_wait = 300' >>/etc/hhvm/server.ini").ok();
    host.run("systemctl restart hhvm").ok();
    is_up(&host);
    check_warns(
        &host,
        &[
            "90 s in place of 600 s",
            "set TimeoutStopSec=600 with systemctl edit hhvm.service",
            "TimeoutStopSec=90 s is shorter than the timeout of 20 s and HHVM's graceful_shutdown_wait of 300 s",
        ],
    );
    host.write_file(MEND, "[Service]\nTimeoutStopSec=600\nSuccessExitStatus=143\n");
    host.run("systemctl daemon-reload").ok();
    check_is_content(&host);
    assert!(host.run("hhvm-drain drop-in").ok().stdout.contains("\nTimeoutStopSec=600\n"));

    // systemd's own default is the unit's, too.
    host.run("sed -i /^TimeoutStopSec/d /usr/lib/systemd/system/hhvm.service").ok();
    host.write_file(MEND, "[Service]\nSuccessExitStatus=143\n");
    host.write_file("/etc/systemd/system.conf.d/patience.conf", "[Manager]\nDefaultTimeoutStopSec=7min\n");
    host.run("systemctl daemon-reexec").ok();
    check_warns(
        &host,
        &["90 s in place of 420 s", "set TimeoutStopSec=380 with systemctl edit hhvm.service"],
    );
    assert!(host.run("hhvm-drain drop-in").ok().stdout.contains("\nTimeoutStopSec=420\n"));
}

pub fn a_start_that_is_never_over_and_a_journal_that_hears_nothing_are_told() {
    let host = Host::with_package().settings(SETTINGS).boot();
    host.write_file(
        MEND,
        "[Service]\nType=notify\nTimeoutStartSec=infinity\nStandardOutput=null\nStandardError=null\n",
    );
    host.run("systemctl daemon-reload; systemctl --no-block restart hhvm").ok();
    wait_for("the start", Duration::from_secs(10), || {
        host.load().is_some() && host.show("hhvm", "ActiveState") == "activating"
    });
    check_fails(&host, &["a stop in that time does not drain", "set Type=exec"]);
    change(&host, MEND, "[Service]\nType=exec\nStandardOutput=null\n");
    let check = host.run("hhvm-drain check").ok();
    assert!(matches!(complaints(&check)[..], [line] if line.contains("StandardError=null")), "{check:?}");
    host.stop();
    assert_eq!(
        (host.status()["last_drain"]["outcome"].as_str(), host.outcome()),
        (Some("drained"), String::new())
    );
}
