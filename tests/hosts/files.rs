//! The health file in every state that a host may have it in: nothing is lost, and the stop goes on.

use std::time::Duration;

use crate::host::drain::{DISABLED_FILE, HEALTH_FILE};
use crate::host::{Host, wait_for};

const QUICK: &str = "min-drain = '1s'\ntimeout = '4s'";

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
