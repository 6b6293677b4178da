//! The health file and the record, as commands find them that meet: in each other's way, and where file systems come and
//! go.

use crate::rig::{FAST, Rig};
use crate::run::{Run, finish, program, run, wait_for};
use std::fs;
use std::process::Command;

/// Runs a script as root of a mount name space of its own; `drain` is the program, `$root` the node.
fn in_mount_namespace(rig: &Rig, script: &str) -> Run {
    let script = format!("drain() {{ \"$program\" --root \"$root\" \"$@\"; }}; {script}");
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--mount", "sh", "-c", &script]).env_clear();
    command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("HHVM_DRAIN_ENDPOINT", &rig.endpoint);
    command.env("root", rig.root.path()).env("program", program());
    run(&mut command)
}

#[test]
fn a_check_in_mid_drain_leaves_the_record_alone() {
    let rig = Rig::new();
    rig.control("load = 1");
    let stop = rig.begin_stop(&[]);
    wait_for(|| !rig.is_pooled());
    let record = rig.path("var/lib/hhvm-drain/hhvm.service.json");
    let before = fs::read(&record).unwrap();
    let checks: Vec<_> = (0..8).map(|_| rig.command(&["check"]).spawn().unwrap()).collect();
    for check in checks {
        let output = check.wait_with_output().unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        assert!(stdout.contains("ok       record: can be written"), "{stdout}");
        assert_eq!(fs::read(&record).unwrap(), before);
    }
    rig.control("load = 0");
    finish(stop);
    run(&mut rig.hook(&["restore"]));
    assert!(rig.is_pooled());
    let left: Vec<_> =
        fs::read_dir(rig.path("var/lib/hhvm-drain")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["hhvm.service.last.json"]);
}

#[test]
fn what_cannot_be_moved_away_is_known_to_check_and_told_once() {
    let rig = Rig::new();
    for number in ["", ".1", ".2", ".3", ".4", ".5", ".6", ".7", ".8", ".9"] {
        fs::create_dir(rig.path(&format!("var/www/status.php.disabled{number}"))).unwrap();
    }
    let check = rig.check();
    assert_eq!(check.code, 1);
    assert!(
        check.stdout.contains("ERROR    health-file: /var/www/status.php cannot be moved away"),
        "{check:?}"
    );
    rig.control("load = 1>0/1s");
    let stop = rig.stop(&[]);
    assert_eq!(stop.code, 0);
    assert_eq!(stop.stderr.matches("cannot be moved away").count(), 1, "{stop:?}");
    assert!(!stop.stderr.contains("came back"), "{stop:?}");
}

#[test]
fn whatever_has_the_disabled_name_the_node_goes_out() {
    let rig = Rig::new();
    nix::unistd::mkfifo(&rig.path("var/www/status.php.disabled"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let stop = rig.stop(&[]);
    assert!(stop.stderr.contains("to /var/www/status.php.disabled.1"), "{stop:?}");
    assert!(!rig.is_pooled());
    run(&mut rig.hook(&["restore"]));
    assert!(rig.is_pooled() && rig.path("var/www/status.php.disabled").exists());
}

#[test]
fn a_mount_that_is_away_is_waited_for() {
    let rig = Rig::without_hhvm();
    fs::create_dir(rig.path("data")).unwrap();
    fs::rename(rig.path("var/www/status.php"), rig.path("data/status.php")).unwrap();
    let run = in_mount_namespace(
        &rig,
        "set -e; mount --bind \"$root/data\" \"$root/var/www\"; drain depool --reason disk; umount \"$root/var/www\"; \
         drain status; ! drain pool; test -e \"$root/var/lib/hhvm-drain/hhvm.service.json\"; \
         mount --bind \"$root/data\" \"$root/var/www\"; drain pool; test ! -e \"$root/var/lib/hhvm-drain/hhvm.service.json\"",
    );
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.stdout.starts_with("hhvm.service: taken out of the pool by an operator since"), "{run:?}");
    assert!(
        run.stdout.contains("/var/www is not the directory that it was; is its file system mounted?"),
        "{run:?}"
    );
    assert!(
        run.stderr.contains(
            "/var/www/status.php cannot be put back yet (/var/www is not the directory that it was"
        ),
        "{run:?}"
    );
    assert!(rig.path("data/status.php").exists() && !rig.path("data/status.php.disabled").exists());
}

#[test]
fn a_health_file_that_is_a_mount_point_cannot_be_moved_and_check_knows() {
    let rig = Rig::without_hhvm();
    fs::write(rig.path("other"), "").unwrap();
    let run = in_mount_namespace(
        &rig,
        "mount --bind \"$root/other\" \"$root/var/www/status.php\"; drain check; ! drain depool",
    );
    assert_eq!(run.code, 0, "{run:?}");
    assert!(
        run.stdout
            .contains("ERROR    health-file: /var/www/status.php cannot be moved away (it is a mount point")
    );
    assert!(run.stderr.contains("/var/www/status.php cannot be moved away"), "{run:?}");
}

#[test]
fn two_units_with_one_health_file_wait_for_each_other() {
    let rig = Rig::new();
    rig.control("load = 1");
    let flags = [&FAST[..], &["--timeout=30s"]].concat();
    let [one, two] = ["hhvm@1", "hhvm@2"].map(|unit| {
        let child = rig.hook(&[&["--unit", unit, "stop"], &flags[..]].concat()).spawn().unwrap();
        wait_for(|| rig.path(&format!("var/lib/hhvm-drain/{unit}.service.json")).exists());
        child
    });
    rustix::process::kill_process(
        rustix::process::Pid::from_raw(one.id().cast_signed()).unwrap(),
        rustix::process::Signal::TERM,
    )
    .unwrap();
    one.wait_with_output().unwrap();
    let restore = run(&mut rig.hook(&["--unit", "hhvm@1", "restore"]));
    assert!(
        restore.stderr.contains("hhvm@2.service needs /var/www/status.php to be away, too"),
        "{restore:?}"
    );
    assert!(!rig.is_pooled());
    rig.control("load = 0");
    two.wait_with_output().unwrap();
    run(&mut rig.hook(&["--unit", "hhvm@2", "restore"]));
    assert!(rig.is_pooled());
}
