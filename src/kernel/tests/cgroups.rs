//! The processes of a unit.

use super::unit::{Holder, host, settled};
use crate::kernel::{Host, Looker, Scope, own_cgroup, processes};
use std::fs;
use std::path::{Path, PathBuf};

/// A cgroup that is removed at the end.
struct Cgroup(PathBuf);

impl Cgroup {
    fn new(path: PathBuf) -> Option<Self> {
        match fs::create_dir(&path) {
            Ok(()) => Some(Self(path)),
            Err(why) => {
                eprintln!("skipped: {} cannot be made ({why})", path.display());
                None
            }
        }
    }

    fn add(&self, holder: &Holder) {
        fs::write(self.0.join("cgroup.procs"), holder.pid().to_string()).unwrap();
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        // The processes in it were killed; they leave it when they have ended.
        for _ in 0..100 {
            if fs::remove_dir(&self.0).is_ok() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }
}

fn pids(scope: &Scope, host: &Host) -> Vec<i32> {
    settled(|deadline| processes(scope, host, deadline)).into_iter().map(|process| process.pid).collect()
}

fn named(cgroup: &str) -> Scope {
    Scope { cgroup: Some(cgroup.to_owned()), main: None }
}

#[test]
fn all_processes_of_a_cgroup_and_below_it_are_found_oldest_first_in_every_hierarchy() {
    let name = format!("hhvm-drain-{}", std::process::id());
    let mounts = ["systemd", "unified", ""].map(|hierarchy| Path::new("/sys/fs/cgroup").join(hierarchy));
    let is_of_processes =
        |mount: &&PathBuf| mount.join("cgroup.procs").exists() && !mount.join("cpu.shares").exists();
    for mount in mounts.iter().filter(is_of_processes) {
        let Some(unit) = Cgroup::new(mount.join(&name)) else { continue };
        let below = Cgroup::new(unit.0.join("worker.slice")).unwrap();
        let holders: Vec<Holder> = (0..4)
            .map(|_| {
                std::thread::sleep(std::time::Duration::from_millis(30));
                Holder::of([])
            })
            .collect();
        for (index, holder) in holders.iter().enumerate() {
            if index % 2 == 0 { &below } else { &unit }.add(holder);
        }
        let all: Vec<i32> = holders.iter().map(Holder::pid).collect();
        let scope = named(&format!("/{name}"));
        assert_eq!(pids(&scope, &host()), all, "{}", mount.display());
        // Where no cgroup file system is mounted, the processes themselves tell.
        let without = Host { cgroups: "/nowhere".into(), ..host() };
        assert_eq!(pids(&scope, &without), all);
        assert_eq!(pids(&named(&format!("/{name}/worker.slice")), &host()), [all[0], all[2]]);
        assert!(pids(&named(&format!("/{name}x")), &without).is_empty());
        // A hook, and what it has started.
        let hook = Host { looker: Looker { pid: all[1], program: None }, ..host() };
        assert_eq!(pids(&scope, &hook), [all[0], all[2], all[3]]);
        drop(holders);
    }
}

#[test]
fn a_main_process_outside_of_the_cgroup_is_looked_at_with_its_descendants() {
    let hhvm = Holder::of([]);
    let me = std::process::id().cast_signed();
    let scope = Scope { cgroup: Some("/no.such.cgroup".to_owned()), main: Some(me) };
    let found = pids(&scope, &host());
    assert!(found.contains(&me) && found.contains(&hhvm.pid()), "{found:?}");
    let mine = Host { looker: Looker { pid: me, program: None }, ..host() };
    assert!(pids(&scope, &mine).is_empty(), "who looks is not the unit's, nor are its children");
}

#[test]
fn a_hook_knows_the_cgroup_of_its_unit() {
    let of = |text: &str| {
        let proc = tempfile::tempdir().unwrap();
        fs::create_dir(proc.path().join("self")).unwrap();
        fs::write(proc.path().join("self/cgroup"), text).unwrap();
        own_cgroup(proc.path())
    };
    let unit = Some("/system.slice/hhvm.service".to_owned());
    assert_eq!(of("0::/system.slice/hhvm.service\n"), unit);
    assert_eq!(of("0::/system.slice/hhvm.service/.control\n"), unit, "with Delegate=");
    assert_eq!(of("4:cpu:/\n1:name=systemd:/system.slice/hhvm.service\n0::/\n"), unit);
    assert_eq!(of("1:name=systemd:/\n0::/\n"), None);
    assert_eq!(of(""), None);
}
