//! What holds for whatever systemctl tells of units, and for every file of a unit.

use super::{Mounts, Own, Unit, calls};
use std::path::Path;

/// A line that says nothing changes nothing, and a stop command that is lost is one that the files have.
///
/// # Panics
/// When one of these does not hold.
pub fn unit(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let units = Unit::parse_all(&text);
    assert!(units.iter().all(|unit| !unit.id.is_empty() && unit.main_pid != Some(0)));
    let own = Own::of(&[text.clone().into_owned()]);
    assert!(Own::of(&[format!("# a remark\n\n{text}")]) == own, "depends on a remark");
    let unit = units.into_iter().next().unwrap_or_default();
    let lost = own.lost_stop_commands(&unit);
    assert!(lost.iter().all(|line| !calls(line, "stop") && own.exec_stop.iter().any(|own| own == line)));
    let mut mounts = Mounts::default();
    for name in ["TemporaryFileSystem", "BindPaths", "BindReadOnlyPaths", "MountImages"] {
        text.lines().for_each(|line| mounts.add(name, line));
    }
    if let Some(hidden) = mounts.hides(Path::new("/var/www"), Path::to_owned) {
        assert!(!hidden.setting.is_empty(), "{hidden:?}");
    }
}

#[cfg(test)]
proptest::proptest! {
    #[test]
    fn what_looks_like_a_unit_is_read_as_one(
        text in "(\\[Service\\]\n|(Id|ExecStop|MainPID|BindPaths|DropInPaths|WatchdogSec)=[-+@\"a/: 0-9\\\\]{0,9}\n|#\n|\n){0,9}",
    ) {
        unit(text.as_bytes());
    }
}
