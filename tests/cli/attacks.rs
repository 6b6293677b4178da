//! What other users of the host try with locks, records and files that are read. They need another user to play, so
//! without root they do nothing.

use crate::rig::Rig;
use crate::run::{finish, run, wait_for};
use nix::sys::stat::Mode;
use nix::unistd::{Uid, chown, mkfifo};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown};
use std::path::Path;
use std::process::{Child, Command, Stdio};

const LOCKS: [&str; 2] = ["run/hhvm-drain/hhvm.service.lock", "run/hhvm-drain/hhvm.service.drain"];
const RECORD: &str = "var/lib/hhvm-drain/hhvm.service.json";
const NOBODY: u32 = 65534;

/// A node whose directories every user can get into.
fn rig() -> Option<Rig> {
    if !Uid::effective().is_root() {
        return None;
    }
    let rig = Rig::new();
    allow(rig.root.path(), 0o755);
    Some(rig)
}

fn allow(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn give_away(path: &Path) {
    chown(path, Some(Uid::from_raw(NOBODY)), None).unwrap();
}

/// Nobody, who takes every lock that nobody can take, in every way, and keeps it.
struct Holder(Child);

impl Holder {
    fn of(rig: &Rig) -> Self {
        let program = r#"
            use Fcntl qw(:flock F_RDLCK SEEK_SET);
            my @held;
            for my $path (@ARGV) {
                open my $file, "<", $path or next;
                flock $file, LOCK_EX | LOCK_NB;
                my $lock = pack "s s x4 q q l x4", F_RDLCK, SEEK_SET, 0, 0, 0;
                fcntl $file, 37, $lock;
                push @held, $file;
            }
            open my $ready, ">", $ENV{READY}; close $ready;
            sleep 600;
        "#;
        let ready = std::env::temp_dir().join(format!("ready-{}", rig.pid()));
        let _ = fs::remove_file(&ready);
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "perl", "-e", program, "--"]);
        command.args(LOCKS.map(|lock| rig.path(lock))).env("READY", &ready).stdout(Stdio::null());
        let holder = Self(command.spawn().unwrap());
        wait_for(|| ready.exists());
        fs::remove_file(ready).unwrap();
        holder
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn no_lock_that_another_user_can_take_keeps_the_node_out() {
    let Some(rig) = rig() else { return };
    rig.stop(&[]);
    assert!(!rig.is_pooled());
    for lock in LOCKS {
        assert_eq!(rig.path(lock).metadata().unwrap().mode() & 0o777, 0o600, "{lock}");
    }
    let _holder = Holder::of(&rig);
    let restore = run(&mut rig.hook(&["restore"]));
    assert_eq!((restore.code, rig.is_pooled()), (0, true), "{restore:?}");
}

#[test]
fn no_lock_of_an_older_version_that_another_user_holds_keeps_the_node_in_or_out() {
    let Some(rig) = rig() else { return };
    fs::create_dir_all(rig.path("run/hhvm-drain")).unwrap();
    for lock in LOCKS {
        fs::write(rig.path(lock), "").unwrap();
        allow(&rig.path(lock), 0o644);
    }
    let _holder = Holder::of(&rig);
    rig.control("load = 1");
    let stop = rig.begin_stop(&[]);
    wait_for(|| !rig.is_pooled());
    assert_eq!(rig.status()["draining"], true);
    rig.control("load = 0");
    finish(stop);
    assert!(!rig.is_pooled());
    let pool = run(&mut rig.command(&["pool"]));
    assert_eq!((pool.code, rig.is_pooled()), (0, true), "{pool:?}");
}

#[test]
fn a_state_directory_on_another_disk_is_believed() {
    let rig = Rig::new();
    fs::create_dir_all(rig.path("var/lib")).unwrap();
    fs::create_dir_all(rig.path("data")).unwrap();
    std::os::unix::fs::symlink("/data", rig.path("var/lib/hhvm-drain")).unwrap();
    rig.stop(&[]);
    assert!(rig.path("data/hhvm.service.json").exists());
    let restore = run(&mut rig.hook(&["restore"]));
    assert_eq!((restore.code, rig.is_pooled()), (0, true), "{restore:?}");
}

#[test]
fn a_record_that_root_did_not_write_is_not_acted_on() {
    for spoil in [
        give_away as fn(&Path),
        |path| allow(path, 0o666),
        |path| {
            fs::hard_link(path, path.with_extension("second")).unwrap();
        },
    ] {
        let Some(rig) = rig() else { return };
        rig.stop(&[]);
        spoil(&rig.path(RECORD));
        let restore = run(&mut rig.hook(&["restore"]));
        assert_eq!((restore.code, rig.is_pooled()), (1, false), "{restore:?}");
        assert!(
            restore.stderr.contains("remove the record") && restore.stderr.lines().count() == 1,
            "{restore:?}"
        );
        // What it says to do helps.
        fs::remove_file(rig.path(RECORD)).unwrap();
        let pool = run(&mut rig.command(&["pool"]));
        assert_eq!((pool.code, rig.is_pooled()), (0, true), "{pool:?}");
    }
}

#[test]
fn a_directory_of_records_that_is_another_users_is_not_believed() {
    let Some(rig) = rig() else { return };
    rig.stop(&[]);
    give_away(rig.path(RECORD).parent().unwrap());
    let restore = run(&mut rig.hook(&["restore"]));
    assert_eq!((restore.code, rig.is_pooled()), (1, false), "{restore:?}");
    assert!(restore.stderr.contains("others than root own"), "{restore:?}");
}

#[test]
fn a_record_leads_to_no_other_directory_and_to_no_other_name() {
    for (of, to) in [
        ("/var/www/status.php.disabled", "/etc/../etc/status.php.disabled"),
        ("/var/www/status.php.disabled", "/srv/status.php.disabled"),
        ("/var/www/status.php.disabled", "status.php.disabled"),
        ("/var/www/status.php.disabled", "/var/www/shadow"),
    ] {
        let rig = Rig::new();
        rig.stop(&[]);
        let record = fs::read_to_string(rig.path(RECORD)).unwrap();
        fs::write(rig.path(RECORD), record.replace(of, to)).unwrap();
        let restore = run(&mut rig.hook(&["restore"]));
        assert_eq!((restore.code, rig.is_pooled()), (1, false), "{to}: {restore:?}");
        assert!(restore.stderr.contains("is no parked health file"), "{restore:?}");
    }
}

#[test]
fn a_symlink_of_another_user_leads_root_to_no_strangers_files() {
    let Some(rig) = rig() else { return };
    let (site, other) = (rig.path("var/www"), rig.path("srv/other"));
    fs::create_dir_all(&other).unwrap();
    fs::write(other.join("status.php"), "theirs").unwrap();
    fs::remove_dir_all(&site).unwrap();
    std::os::unix::fs::symlink("/srv/other", &site).unwrap();
    lchown(&site, Some(NOBODY), None).unwrap();
    let stop = rig.stop(&["--timeout=1s"]);
    assert!(other.join("status.php").exists(), "{stop:?}");
    assert!(stop.stderr.contains("chown -h"), "{stop:?}");
    assert!(rig.check().stdout.contains("chown -h"));
    // What the line says to do helps, and so does a directory of the same user's.
    for (link, directory) in [(0, 0), (NOBODY, NOBODY)] {
        lchown(&site, Some(link), None).unwrap();
        chown(&other, Some(Uid::from_raw(directory)), None).unwrap();
        let stop = rig.stop(&[]);
        assert!(!other.join("status.php").exists(), "{stop:?}");
        let restore = run(&mut rig.hook(&["restore"]));
        assert!(other.join("status.php").exists(), "{restore:?}");
    }
}

/// Whatever the program reads may be a FIFO, which nobody writes to.
#[test]
fn a_fifo_holds_up_no_command() {
    let last = "var/lib/hhvm-drain/hhvm.service.last.json";
    for fifo in [
        "etc/hhvm-drain.toml",
        "etc/hhvm-drain.toml.d/x.toml",
        "etc/password",
        RECORD,
        last,
        LOCKS[0],
        LOCKS[1],
    ] {
        let rig = Rig::new();
        rig.control("load = 0");
        let path = rig.path(fifo);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
        let stop = rig.stop(if fifo == "etc/password" { &["--password-file=/etc/password"] } else { &[] });
        assert!(!rig.is_pooled(), "{fifo}: {stop:?}");
        for command in ["restore", "status", "check"] {
            run(&mut rig.command(&[command]));
        }
        let pool = run(&mut rig.command(&["pool"]));
        assert!(rig.is_pooled(), "{fifo}: {pool:?}");
    }
}
