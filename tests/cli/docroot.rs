//! What the owner of the document root tries, who may rename, link and delete there as they like. It takes another user to
//! play, so without root these tests do nothing.

use crate::rig::Rig;
use crate::run::{Run, finish, program, run, wait_for};
use hhvm_drain::opens::Opens;
use nix::sys::stat::Mode;
use nix::unistd::{Gid, Uid, chown, mkfifo};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

const WWW_DATA: u32 = 65534;
const RECORD: &str = "var/lib/hhvm-drain/hhvm.service.json";

/// A node whose document root is another user's, and all of whose directories everybody can get into.
fn rig() -> Option<Rig> {
    if !Uid::effective().is_root() {
        return None;
    }
    let rig = Rig::new();
    fs::set_permissions(rig.root.path(), fs::Permissions::from_mode(0o755)).unwrap();
    give_away(&rig.path("var/www"));
    give_away(&rig.path("var/www/status.php"));
    Some(rig)
}

fn give_away(path: &Path) {
    chown(path, Some(Uid::from_raw(WWW_DATA)), Some(Gid::from_raw(WWW_DATA))).unwrap();
}

/// Runs a command as that user.
fn as_owner(command: &str, directory: &Path) {
    let mut shell = as_other("sh");
    let done = shell.args(["-ec", command]).current_dir(directory).status().unwrap();
    assert!(done.success(), "{command}");
}

fn as_other(program: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", program]);
    command
}

#[test]
fn whatever_takes_the_disabled_name_the_node_goes_out_and_comes_back() {
    for taken in
        ["mkdir status.php.disabled", "mkfifo status.php.disabled", "ln -s /etc/passwd status.php.disabled"]
    {
        let Some(rig) = rig() else { return };
        as_owner(taken, &rig.path("var/www"));
        let stop = rig.stop(&[]);
        assert!(!rig.is_pooled(), "{taken}: {stop:?}");
        run(&mut rig.hook(&["restore"]));
        assert!(rig.is_pooled(), "{taken}");
        assert!(rig.path("var/www/status.php.disabled").symlink_metadata().is_ok(), "{taken}: it is theirs");
    }
}

#[test]
fn a_release_whose_name_is_not_text_keeps_no_node_in() {
    let Some(rig) = rig() else { return };
    as_owner("mkdir $(printf 'rel\\351ase'); mv status.php rel*/; ln -s rel* current", &rig.path("var/www"));
    let setting = "--health-file=/var/www/current/status.php";
    let stop = rig.stop(&[setting]);
    let parked = rig.path("var/www").join(OsStr::from_bytes(b"rel\xe9ase/status.php.disabled"));
    assert!(parked.exists(), "{stop:?}");
    let restore = run(&mut rig.hook(&["restore", setting]));
    assert!(restore.code == 0 && rig.path("var/www/current/status.php").exists(), "{restore:?}");
}

/// Nothing but a regular file is ever opened: a device may act on it, and whoever waits at a FIFO would notice.
#[test]
fn what_is_no_file_is_not_even_opened() {
    for place in [
        "var/www/status.php",
        "var/www/status.php.disabled",
        "etc/hhvm-drain.toml",
        "etc/hhvm-drain.toml.d/x.toml",
        "etc/password",
        RECORD,
        "var/lib/hhvm-drain/hhvm.service.last.json",
        "run/hhvm-drain/hhvm.service.json",
        "run/hhvm-drain/hhvm.service.state",
        "run/hhvm-drain/hhvm.service.begun",
        "run/hhvm-drain/hhvm.service.lock",
        "run/hhvm-drain/hhvm.service.drain",
    ] {
        let rig = Rig::without_hhvm();
        let path = rig.path(place);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let _ = fs::remove_file(&path);
        mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
        let mut opens = Opens::of(&path).unwrap();
        for command in ["check", "status", "stop", "restore", "depool", "pool"] {
            let password = ["--password-file=/etc/password", "--min-drain=0s", "--timeout=1s"];
            run(rig.command(&[&[command], &password[..]].concat()).env("SERVICE_RESULT", "success"));
        }
        opens.take(Instant::now()).unwrap();
        assert_eq!(opens.count(), 0, "{place}");
    }
}

/// Who the file belongs to, and who may read it, is as before, also where it has to be written anew.
#[test]
fn a_file_that_is_written_anew_gives_nobody_a_right() {
    let Some(rig) = rig() else { return };
    as_owner("chmod 4755 status.php", &rig.path("var/www"));
    rig.stop(&[]);
    as_owner("rm status.php.disabled", &rig.path("var/www"));
    run(&mut rig.hook(&["restore"]));
    let file = rig.path("var/www/status.php").symlink_metadata().unwrap();
    assert_eq!((file.uid(), file.gid(), file.mode() & 0o7777), (WWW_DATA, WWW_DATA, 0o755));
}

/// The owner flips the file in and out as fast as it goes: the stop ends in its time, and so does all that follows.
#[test]
fn a_document_root_in_motion_holds_up_nothing() {
    let Some(rig) = rig() else { return };
    rig.control("load = 0");
    let churn = "while :; do mv -nT status.php.disabled status.php; mv -nT status.php a; mkdir status.php; \
                 rmdir status.php; mv -nT a status.php; done 2>/dev/null";
    let mut churn = as_other("sh").args(["-c", churn]).current_dir(rig.path("var/www")).spawn().unwrap();
    let began = Instant::now();
    let stop = rig.stop(&["--timeout=2s"]);
    let restore = run(&mut rig.hook(&["restore"]));
    let took = began.elapsed();
    churn.kill().unwrap();
    churn.wait().unwrap();
    assert!(took.as_secs() < 15, "{took:?}: {stop:?} {restore:?}");
    assert!(!stop.stderr.contains("panicked") && !restore.stderr.contains("panicked"));
    let pool = run(&mut rig.command(&["pool"]));
    let names: Vec<_> =
        fs::read_dir(rig.path("var/www")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    let holds = |name: &OsStr| {
        let text = fs::read_to_string(rig.path("var/www").join(name));
        text.is_ok_and(|text| text == "1-AM-ALIVE")
    };
    assert!(names.iter().any(|name| holds(name)), "{names:?}: {pool:?}");
}

fn as_nobody(rig: &Rig, arguments: &[&str]) -> Run {
    // Where the checkout lies may be closed to others.
    let copy = rig.path("program");
    if !copy.exists() {
        fs::copy(program(), &copy).unwrap();
        fs::set_permissions(&copy, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let mut command = as_other(copy.to_str().unwrap());
    command.env_clear().env("PATH", "/usr/bin:/bin").arg("--root").arg(rig.root.path()).args(arguments);
    run(&mut command)
}

#[test]
fn others_learn_who_took_the_node_out_and_see_no_record() {
    let Some(rig) = rig() else { return };
    run(rig.command(&["depool", "--reason=new disk"]).env("SUDO_USER", "ada"));
    let mode = |path: &str| rig.path(path).metadata().unwrap().mode() & 0o777;
    assert_eq!((mode("var/lib/hhvm-drain"), mode(RECORD)), (0o700, 0o600));
    assert_eq!((mode("run/hhvm-drain"), mode("run/hhvm-drain/hhvm.service.state")), (0o755, 0o644));
    let status = as_nobody(&rig, &["status"]);
    assert!(status.stdout.contains("taken out of the pool by ada since 20"), "{status:?}");
    assert!(status.stdout.contains(": new disk") && !status.stdout.contains("Record:"), "{status:?}");
    for command in ["depool", "pool", "restore"] {
        let refused = as_nobody(&rig, &[command]);
        assert!(refused.stderr.contains("run as root"), "{command}: {refused:?}");
        assert!(!rig.is_pooled() && rig.path(RECORD).exists(), "{command}");
    }
    run(&mut rig.command(&["pool"]));
    let status = as_nobody(&rig, &["status"]);
    assert!(status.stdout.contains("in the pool") && !status.stdout.contains("Record:"), "{status:?}");
}

#[test]
fn an_older_versions_open_state_directory_is_closed_by_the_next_stop() {
    let Some(rig) = rig() else { return };
    fs::create_dir_all(rig.path("var/lib/hhvm-drain")).unwrap();
    fs::set_permissions(rig.path("var/lib/hhvm-drain"), fs::Permissions::from_mode(0o755)).unwrap();
    rig.control("load = 1");
    let stop = rig.begin_stop(&[]);
    wait_for(|| !rig.is_pooled());
    assert_eq!(rig.path("var/lib/hhvm-drain").metadata().unwrap().mode() & 0o777, 0o700);
    let status = as_nobody(&rig, &["status", "--json"]);
    let status: serde_json::Value = serde_json::from_str(&status.stdout).unwrap();
    assert_eq!((&status["by"], &status["draining"]), (&"drain".into(), &true.into()));
    rig.control("load = 0");
    finish(stop);
}

/// A file that root is told to read there is no way to what its owner cannot read.
#[test]
fn a_symlink_to_roots_secret_is_not_followed_for_its_owner() {
    let Some(rig) = rig() else { return };
    fs::write(rig.path("etc/shadow"), "s3same").unwrap();
    fs::set_permissions(rig.path("etc/shadow"), fs::Permissions::from_mode(0o600)).unwrap();
    as_owner("ln -s /etc/shadow password", &rig.path("var/www"));
    let check = run(&mut rig.command(&["check", "--password-file=/var/www/password"]));
    assert!(
        check.stdout.contains("password-file cannot be read") && check.stdout.contains("chown -h"),
        "{check:?}"
    );
    // What root links is root's word.
    symlink("/etc/shadow", rig.path("etc/password")).unwrap();
    let check = run(&mut rig.command(&["check", "--password-file=/etc/password"]));
    assert!(!check.stdout.contains("password-file cannot be read"), "{check:?}");
}
