//! The health file in every state that a host may have it in: nothing is lost, and the stop goes on.

use std::time::Duration;

use crate::host::drain::{DISABLED_FILE, HEALTH_FILE};
use crate::host::{Entry, Host, wait_for};

const QUICK: &str = "min-drain = '1s'\ntimeout = '4s'";

/// Like [`Host::assert_comes_back`], where another file lies beside it.
#[track_caller]
fn assert_health_file_comes_back(host: &Host, path: &str) {
    host.run("systemctl start hhvm").ok();
    wait_for("the health file to come back", Duration::from_secs(15), || host.exists(path));
}

pub fn none_is_warned_about_and_waited_for() {
    let host = Host::with_package().settings(QUICK).boot();
    host.run(&format!("rm {HEALTH_FILE}")).ok();
    host.hhvm_says("load = 2>0/2s");
    let took = host.stop().took;
    assert!((2.0..3.5).contains(&took.as_secs_f32()), "{took:?}");
    host.assert_stopped("drained");
    let warned = |text: &str| text.contains(HEALTH_FILE) && text.contains("health-file");
    assert!(host.journal().iter().any(|entry| warned(entry.message())), "{:#?}", host.journal());
}

pub fn both_names_present_loses_neither() {
    let host = Host::with_package().settings(QUICK).file(DISABLED_FILE, "an old one\n").boot();
    let text = host.read_file(HEALTH_FILE);
    let stop = host.begin_stop();
    stop.wait().ok();
    host.assert_stopped("drained");
    assert_health_file_comes_back(&host, HEALTH_FILE);
    assert_eq!(host.read_file(HEALTH_FILE), text);
    assert_eq!(host.read_file(DISABLED_FILE), "an old one\n");
}

pub fn a_deploy_in_mid_drain_wins() {
    let host = Host::with_package().settings("min-drain = '3s'").boot();
    let stop = host.begin_stop();
    host.write_file(HEALTH_FILE, "deployed\n");
    wait_for("the file to go again", Duration::from_secs(2), || !host.exists(HEALTH_FILE));
    stop.wait().ok();
    host.assert_stopped("drained");
    assert_health_file_comes_back(&host, HEALTH_FILE);
    assert_eq!(host.read_file(HEALTH_FILE), "deployed\n");
    let kept = host.run("grep -l OK /var/www/status*").ok().stdout;
    assert!(kept.contains("status.php.disabled"), "the file from before the deploy is lost: {kept:?}");
}

pub fn a_current_link_flips_in_mid_drain() {
    let health_file = "/srv/current/status.php";
    let host = Host::with_package()
        .settings(&format!("min-drain = '3s'\nhealth-file = '{health_file}'"))
        .file("/srv/releases/1/status.php", "one\n")
        .file("/srv/releases/2/status.php", "two\n")
        .boot();
    host.run("ln -s releases/1 /srv/current").ok();
    let stop = host.spawn("systemctl stop hhvm");
    let (one, two) = ("/srv/releases/1/status.php", "/srv/releases/2/status.php");
    wait_for("the file to go", Duration::from_secs(2), || !host.exists(one));
    host.run("ln -s releases/2 /srv/next && mv -T /srv/next /srv/current").ok();
    wait_for("the file of the new release to go", Duration::from_secs(2), || !host.exists(two));
    stop.wait().ok();
    host.assert_stopped("drained");
    assert_health_file_comes_back(&host, one);
    assert_eq!((host.read_file(one), host.read_file(two)), ("one\n".to_owned(), "two\n".to_owned()));
}

pub fn a_read_only_directory_does_not_hold_up_the_stop() {
    let host = Host::with_package().settings(QUICK).boot();
    host.run("mount --bind /var/www /var/www && mount -o remount,ro,bind /var/www").ok();
    host.hhvm_says("load = 2>0/2s");
    let took = host.stop().took;
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert_eq!(host.show("hhvm", "Result"), "success");
    assert!(host.is_pooled());
    host.run("umount /var/www && hhvm-drain restore").ok();
    assert!(host.is_pooled());
}

/// What rename(2) refuses: how it comes about (with the rights of this machine, which a container has not all of), and
/// how it ends.
const IMMOVABLE: [(&str, &str, &str); 6] = [
    ("the file is immutable", "chattr +i {root}/var/www/status.php", "chattr -i {root}/var/www/status.php"),
    ("the file is append-only", "chattr +a {root}/var/www/status.php", "chattr -a {root}/var/www/status.php"),
    ("the directory is append-only", "chattr +a {root}/var/www", "chattr -a {root}/var/www"),
    ("the directory is immutable", "chattr +i {root}/var/www", "chattr -i {root}/var/www"),
    (
        "the file is a mount point",
        "echo x >/srv/s; mount --bind /srv/s /var/www/status.php",
        "umount /var/www/status.php",
    ),
    (
        "all names are taken",
        "for i in '' .1 .2 .3 .4 .5 .6 .7 .8 .9; do mkdir /var/www/status.php.disabled$i; done",
        "rmdir /var/www/status.php.disabled*",
    ),
];

fn change(host: &Host, script: &str) {
    if script.contains("{root}") {
        let root = host.path("/").display().to_string();
        let status = std::process::Command::new("sh").args(["-c", &script.replace("{root}", &root)]).status();
        assert!(status.is_ok_and(|status| status.success()), "{script}");
    } else {
        host.run(script).ok();
    }
}

pub fn check_knows_what_a_stop_cannot_move_and_the_stop_tells_it_once() {
    let host = Host::with_package().settings(QUICK).boot();
    for (what, begin, end) in IMMOVABLE {
        change(&host, begin);
        let check = host.run("hhvm-drain check");
        assert!(check.code == Some(1), "{what}: {check:?}");
        assert!(
            check.stdout.contains("ERROR    health-file: /var/www/status.php cannot be moved away"),
            "{what}: {check:?}"
        );
        assert_told_once(&host, what);
        change(&host, end);
        host.run("systemctl start hhvm && hhvm-drain check").ok();
        assert!(host.is_pooled(), "{what}");
    }
}

/// Stops HHVM, whose health file cannot be moved away.
fn assert_told_once(host: &Host, what: &str) {
    let before = host.journal().len();
    host.stop();
    let journal = host.journal();
    let messages: Vec<_> = journal[before..].iter().map(Entry::message).collect();
    let count = |words: &str| messages.iter().filter(|message| message.contains(words)).count();
    assert_eq!(count("cannot be moved away"), 1, "{what}: {messages:#?}");
    assert_eq!(count("came back"), 0, "{what}: {messages:#?}");
    assert_eq!(host.show("hhvm", "Result"), "success", "{what}");
}

pub fn a_read_only_file_system_is_told_once() {
    let host = Host::with_package().settings("min-drain = '1s'\ntimeout = '4s'").boot();
    host.run("mount --bind /var/www /var/www && mount -o remount,bind,ro /var/www").ok();
    host.hhvm_says("load = 1>0/2s");
    assert_told_once(&host, "a read-only file system");
    host.run("umount /var/www").ok();
    assert!(host.is_pooled());
}

pub fn a_record_in_memory_goes_where_the_disk_is_read_only() {
    let host = Host::with_package().settings(QUICK).boot();
    host.run("mount --bind /var/lib /var/lib && mount -o remount,bind,ro /var/lib").ok();
    host.run("hhvm-drain depool && hhvm-drain pool").ok();
    assert!(host.is_pooled());
    host.run("systemctl restart hhvm").ok();
    wait_for("the node to be back", Duration::from_secs(15), || host.is_pooled());
    let left = host.run("ls /run/hhvm-drain").ok().stdout;
    assert!(!left.contains("json") && !left.contains("copies"), "{left}");
    let journal = host.journal();
    let in_memory = |entry: &Entry| entry.message().contains("the record is in /run");
    assert!(journal.iter().any(in_memory), "{journal:#?}");
    let failed = |entry: &Entry| entry.message().contains("cannot be written");
    assert!(!journal.iter().any(failed), "{journal:#?}");
}

/// Passes everything through, and knows neither hard links nor flags of a rename, as a shared folder of a virtual machine.
const NO_LINKS: &str = r"
import os, errno
from fusepy import FUSE, Operations, FuseOSError

class Through(Operations):
    def path(self, name): return '/srv/back' + name
    def getattr(self, name, fh=None):
        try: st = os.lstat(self.path(name))
        except OSError as error: raise FuseOSError(error.errno)
        keys = ('st_mode', 'st_size', 'st_uid', 'st_gid', 'st_nlink', 'st_mtime', 'st_atime', 'st_ctime')
        return {key: getattr(st, key) for key in keys}
    def readdir(self, name, fh): return ['.', '..'] + os.listdir(self.path(name))
    def open(self, name, flags): return os.open(self.path(name), flags)
    def create(self, name, mode, fi=None): return os.open(self.path(name), os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)
    def read(self, name, size, offset, fh): return os.pread(fh, size, offset)
    def write(self, name, data, offset, fh): return os.pwrite(fh, data, offset)
    def truncate(self, name, size, fh=None): os.truncate(self.path(name), size)
    def release(self, name, fh): os.close(fh)
    def unlink(self, name): os.unlink(self.path(name))
    def rename(self, old, new): os.rename(self.path(old), self.path(new))
    def link(self, old, new): raise FuseOSError(errno.EPERM)

FUSE(Through(), '/srv/share', foreground=True, nothreads=True, allow_other=True, attr_timeout=0, entry_timeout=0)
";

pub fn a_shared_folder_without_hard_links_goes_and_comes() {
    let mut host = Host::with_package()
        .packages("python3-fusepy,fuse")
        .settings("min-drain = '1s'\ntimeout = '4s'\nhealth-file = '/srv/share/alive.txt'")
        .file("/srv/back/alive.txt", "up\n")
        .file("/usr/local/bin/no-links", NO_LINKS)
        .boot();
    let mount = "mkdir -p /srv/share; [ -e /dev/fuse ] || mknod /dev/fuse c 10 229; \
                 systemd-run --quiet --unit=share python3 /usr/local/bin/no-links; \
                 timeout 20 sh -c 'until mountpoint -q /srv/share; do sleep 0.1; done' || \
                 { journalctl -u share; ls -l /dev/fuse; exit 1; }";
    host.run(mount).ok();
    assert!(
        host.run("cd /srv/share && ln alive.txt other").code != Some(0),
        "the file system has hard links"
    );
    let check = host.run("hhvm-drain check").ok();
    assert!(check.stdout.contains("/srv/share/alive.txt exists and can be moved away"), "{check:?}");
    host.run("systemctl stop hhvm").ok();
    host.assert_logged("moving /srv/share/alive.txt to /srv/share/alive.txt.disabled");
    assert_health_file_comes_back(&host, "/srv/back/alive.txt");
    assert_eq!(host.run("ls -A /srv/back").ok().stdout, "alive.txt\n");

    // Its inodes are made up anew at each mount.
    host.hhvm_says("load = 5");
    let _stop = host.spawn("systemctl stop hhvm");
    wait_for("the file to go", Duration::from_secs(5), || !host.exists("/srv/back/alive.txt"));
    host.power_cut();
    host.boot_again();
    host.run(mount).ok();
    wait_for("the node to be back", Duration::from_secs(15), || host.exists("/srv/back/alive.txt"));
    assert_eq!(host.read_file("/srv/back/alive.txt"), "up\n");
    assert_eq!(host.run("ls -A /srv/back").ok().stdout, "alive.txt\n");
}
