//! The package where a host is not as it should be: the installation succeeds, or fails with one clear line.

use crate::host::Host;
use crate::host::drain::HEALTH_FILE;

pub fn in_a_chroot_without_systemd() {
    let mut host = Host::bare().off();
    host.bring_package();
    let install = host.chroot("apt-get install -y /root/hhvm-drain.deb").ok();
    assert_eq!(told_by_us(&install.stderr), "", "nothing is wrong");
    host.boot_again();
    host.run("hhvm-drain check").ok();
    assert_eq!(host.show("hhvm-drain-shutdown@hhvm.service.service", "ActiveState"), "active");

    host.power_cut();
    host.chroot("hhvm-drain depool").ok();
    let purge = host.chroot("apt-get purge -y hhvm-drain").ok();
    let told = told_by_us(&purge.stderr);
    assert!(told.contains("stays out of its pool; to put it back, rename "), "{told}");
    assert!(!host.exists(HEALTH_FILE) && !host.exists("/var/lib/hhvm-drain"));
}

pub fn without_hhvm() {
    let host = Host::bare().boot();
    host.run("systemctl disable --now hhvm && rm /usr/lib/systemd/system/hhvm.service /usr/bin/hhvm").ok();
    host.run("systemctl daemon-reload && rm -r /var/www").ok();
    host.bring_package();
    let install = host.run("apt-get install -y /root/hhvm-drain.deb").ok();
    assert_eq!(told_by_us(&install.stderr), "");
    assert_eq!(host.show("hhvm-drain-shutdown@hhvm.service.service", "ActiveState"), "inactive");
    assert_eq!(host.run("hhvm-drain check").code, Some(1));
    host.run("apt-get purge -y hhvm-drain").ok();
    assert_eq!(host.run("systemctl --failed --no-legend").ok().stdout, "");
}

pub fn with_a_read_only_etc() {
    let host = Host::bare().boot();
    let pid = host.show("hhvm", "MainPID");
    host.bring_package();
    host.run("mount --bind /etc /etc && mount -o remount,ro,bind /etc").ok();
    let install = host.run("apt-get install -y /root/hhvm-drain.deb");
    assert_eq!(install.code, Some(100));
    let why: Vec<_> = install.stdout.lines().filter(|line| line.contains("Read-only file system")).collect();
    assert_eq!(why.len(), 1, "{install:#?}");
    assert_eq!(host.show("hhvm", "MainPID"), pid);
    host.run("systemctl restart hhvm").ok();

    host.run("umount /etc && apt-get install -y /root/hhvm-drain.deb").ok();
    host.run("hhvm-drain check").ok();
}

/// The lines that are ours: apt and debconf have their own to say.
fn told_by_us(stderr: &str) -> String {
    stderr.lines().filter(|line| line.contains("hhvm")).collect::<Vec<_>>().join("\n")
}
