//! A systemctl that hangs holds up nothing: each command ends, and says what it could not find out.

use crate::rig::Rig;
use crate::run::run;

/// A path with a systemctl that takes far longer than [`crate::run::PATIENCE`].
const HUNG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/hung:/usr/bin:/bin");

#[test]
fn the_shutdown_unit_ends() {
    let rig = Rig::new();
    let stop = run(rig.hook(&["stop", "--shutdown"]).env("PATH", HUNG));
    assert_eq!(stop.code, 0, "{stop:?}");
    assert!(rig.is_pooled(), "nobody said that the host goes down");
}

#[test]
fn status_and_check_say_what_they_do_not_know() {
    let rig = Rig::new();
    let status = run(rig.command(&["status"]).env("PATH", HUNG));
    assert!(status.code == 0 && status.stdout.contains("in the pool"), "{status:?}");
    let check = run(rig.command(&["check"]).env("PATH", HUNG));
    assert!(check.stdout.contains("warning  unit: systemctl does not work here"), "{check:?}");
}

#[test]
fn the_stop_of_the_unit_itself_does_not_ask() {
    let rig = Rig::new();
    let asked = rig.path("asked");
    let stop = run(rig.hook(&["stop", "--min-drain=100ms"]).env("PATH", HUNG).env("ASKED", &asked));
    assert!(stop.code == 0 && stop.stderr.contains("load was 0"), "{stop:?}");
    assert!(!asked.exists(), "{stop:?}");
    run(rig.command(&["status"]).env("PATH", HUNG).env("ASKED", &asked));
    assert!(asked.exists(), "status asks");
}
