//! A systemctl that hangs holds up nothing: each command ends, and says what it could not find out.

use crate::rig::{Rig, run};
use std::time::Duration;

/// Before this systemctl, or a child of it, would end.
const BEFORE_SYSTEMCTL: Duration = Duration::from_secs(60);

const HUNG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/hung:/usr/bin:/bin");

#[test]
fn the_shutdown_unit_ends() {
    let rig = Rig::new();
    let stop = run(rig.hook(&["stop", "--shutdown"]).env("PATH", HUNG));
    assert!(stop.code == 0 && stop.took < BEFORE_SYSTEMCTL, "{stop:?}");
    assert!(rig.is_pooled(), "nobody said that the host goes down");
}

#[test]
fn status_and_check_say_what_they_do_not_know() {
    let rig = Rig::new();
    let status = run(rig.command(&["status"]).env("PATH", HUNG));
    assert!(status.code == 0 && status.took < BEFORE_SYSTEMCTL, "{status:?}");
    assert!(status.stdout.contains("in the pool"), "{status:?}");
    let check = run(rig.command(&["check"]).env("PATH", HUNG));
    assert!(check.took < BEFORE_SYSTEMCTL, "{check:?}");
    assert!(check.stdout.contains("warning  unit: systemctl does not work here"), "{check:?}");
}

#[test]
fn the_stop_of_the_unit_itself_does_not_ask() {
    let rig = Rig::new();
    let stop = run(rig.hook(&["stop", "--min-drain=100ms"]).env("PATH", HUNG));
    assert!(stop.code == 0 && stop.stderr.contains("load was 0"), "{stop:?}");
    assert!(stop.took < Duration::from_secs(30), "{stop:?}");
}
