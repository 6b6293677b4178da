//! What the program may do while it waits.

use crate::rig::{FAST, Rig};
use crate::run::{finish, program, terminate, wait_for};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

/// `CAP_DAC_OVERRIDE`, `CAP_FOWNER`, `CAP_SYS_PTRACE`; see the manual.
const OF_THE_WAIT: u64 = 1 << 1 | 1 << 3 | 1 << 19;
/// What the children of a drain may have at most: besides `CAP_KILL`, `CAP_SETGID`, `CAP_SETUID`, `CAP_SYS_ADMIN`.
const OF_A_STOP: u64 = OF_THE_WAIT | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 21;
/// `CAP_SYS_ADMIN`, which stays where processes have networks of their own, as other programs of this machine may; the
/// host tests know better.
const PERHAPS: u64 = 1 << 21;
/// `CAP_SETPCAP`
const MAY_BOUND: u64 = 1 << 8;

/// A line of `/proc/…/status`.
fn field(status: &str, name: &str) -> String {
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.unwrap_or_else(|| panic!("no {name} in {status}")).trim().to_owned()
}

fn capabilities(status: &str, set: &str) -> u64 {
    u64::from_str_radix(&field(status, set), 16).unwrap()
}

fn draining(rig: &Rig) -> Child {
    rig.control("load = 1");
    let stop = rig.hook(&[&["stop"], &FAST[..]].concat()).spawn().unwrap();
    wait_for(|| rig.notifications().iter().any(|text| text.contains("STATUS=Draining: 1 in flight, ")));
    stop
}

#[test]
fn while_it_waits_it_has_what_it_uses_and_nothing_else() {
    let rig = Rig::new();
    let stop = draining(&rig);
    let ours = fs::read_to_string("/proc/self/status").unwrap();
    let process = format!("/proc/{}", stop.id());
    let threads = fs::read_dir(format!("{process}/task")).unwrap();
    let threads: Vec<String> =
        threads.map(|thread| fs::read_to_string(thread.unwrap().path().join("status")).unwrap()).collect();
    assert!(threads.len() >= 4, "{threads:?}");
    for status in &threads {
        let name = field(status, "Name");
        let uses = if ["log", "notify"].contains(&name.as_str()) { 0 } else { OF_THE_WAIT };
        for set in ["CapPrm", "CapEff"] {
            let perhaps = if uses == 0 { 0 } else { PERHAPS };
            let found = capabilities(status, set) & !perhaps;
            assert_eq!(found, capabilities(&ours, "CapPrm") & uses, "{name}: {set}");
        }
        for set in ["CapInh", "CapAmb"] {
            assert_eq!(capabilities(status, set), 0, "{name}: {set}");
        }
        // Who may not take away is left with what there was.
        let bound = if capabilities(&ours, "CapEff") & MAY_BOUND == 0 { u64::MAX } else { OF_A_STOP };
        assert_eq!(capabilities(status, "CapBnd"), capabilities(&ours, "CapBnd") & bound, "{name}");
        assert_eq!(field(status, "NoNewPrivs"), "1", "{name}");
    }
    let limits = fs::read_to_string(format!("{process}/limits")).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"], "{core}");
    rig.control("load = 0");
    let stop = finish(stop);
    assert!(stop.code == 0 && stop.stderr.contains("load was 0 after"), "{stop:?}");
}

/// Whose the files of a process in `/proc` are: root's, if it cannot be dumped (proc(5)).
fn owner(stop: &Child) -> u32 {
    fs::metadata(format!("/proc/{}/environ", stop.id())).unwrap().uid()
}

#[test]
fn its_memory_is_for_nobody_else_of_its_user() {
    let rig = Rig::new();
    let own = rig.root.path().metadata().unwrap().uid();
    if own != 0 {
        let stop = draining(&rig);
        assert_eq!(owner(&stop), 0);
        terminate(stop);
        return;
    }
    // As another user, for root's own files look the same either way.
    let program_for_all = rig.path("hhvm-drain");
    // Not by this process: what another test starts meanwhile would have it open for writing, and nobody could run it.
    let copied = Command::new("cp").arg(program()).arg(&program_for_all).status().unwrap();
    assert!(copied.success());
    for directory in ["", "var/www"] {
        fs::set_permissions(rig.path(directory), fs::Permissions::from_mode(0o777)).unwrap();
        chown(rig.path(directory), Some(65_534), Some(65_534)).unwrap();
    }
    fs::set_permissions(rig.path("notify"), fs::Permissions::from_mode(0o777)).unwrap();
    rig.control("load = 1");
    let hook = rig.hook(&[&["stop"], &FAST[..]].concat());
    let mut stop = Command::new(program_for_all);
    stop.args(hook.get_args()).env_clear().uid(65_534).gid(65_534);
    stop.envs(hook.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let stop = stop.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for(|| rig.notifications().iter().any(|text| text.contains("STATUS=Draining")));
    assert_eq!(owner(&stop), 0);
    assert_eq!(terminate(stop).code, 0);
}
