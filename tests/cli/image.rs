//! What an image below `--root` tries: its symlinks, its settings and its programs lead to nothing of the host's.

use crate::rig::Rig;
use crate::run::run;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

/// The rig's root is the image; what lies beside it is the host's.
struct Host(tempfile::TempDir);

impl Host {
    fn new() -> Self {
        let host = Self(tempfile::tempdir().unwrap());
        fs::write(host.0.path().join("status.php"), "the host's").unwrap();
        fs::write(host.0.path().join("hhvm.service.json"), "the host's").unwrap();
        host
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Whether everything is as it was.
    fn is_untouched(&self) -> bool {
        let mut names: Vec<_> =
            fs::read_dir(self.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        let holds = |name: &str| fs::read_to_string(self.path().join(name)).unwrap() == "the host's";
        names == ["hhvm.service.json", "status.php"] && names.iter().all(|name| holds(name.to_str().unwrap()))
    }
}

#[test]
fn no_symlink_of_an_image_leads_to_a_file_of_the_hosts() {
    for place in ["var", "var/lib", "var/lib/hhvm-drain", "run", "run/hhvm-drain", "var/www"] {
        for up in [false, true] {
            let (rig, host) = (Rig::without_hhvm(), Host::new());
            let link = rig.path(place);
            fs::create_dir_all(link.parent().unwrap()).unwrap();
            let _ = fs::remove_dir_all(&link);
            let away = host.path().strip_prefix("/").unwrap();
            let target = if up { Path::new(&"../".repeat(30)).join(away) } else { host.path().to_owned() };
            symlink(target, &link).unwrap();
            for command in ["check", "depool", "status", "restore", "pool", "stop"] {
                run(&mut rig.command(&[command, "--min-drain=0s", "--timeout=1s"]));
                assert!(host.is_untouched(), "{place}: {command}");
            }
        }
    }
}

/// What an image's own absolute symlinks mean is what they would mean if it had been booted.
#[test]
fn an_images_symlinks_lead_to_its_own_files() {
    let rig = Rig::without_hhvm();
    fs::create_dir_all(rig.path("data/state")).unwrap();
    fs::create_dir_all(rig.path("var/lib")).unwrap();
    symlink("/data/state", rig.path("var/lib/hhvm-drain")).unwrap();
    fs::rename(rig.path("var/www"), rig.path("data/site")).unwrap();
    symlink("/data/site", rig.path("var/www")).unwrap();
    let depool = run(&mut rig.command(&["depool"]));
    assert_eq!(depool.code, 0, "{depool:?}");
    assert!(rig.path("data/site/status.php.disabled").exists());
    assert!(rig.path("data/state/hhvm.service.json").exists());
    let pool = run(&mut rig.command(&["pool"]));
    assert!(pool.code == 0 && rig.path("data/site/status.php").exists(), "{pool:?}");
}

#[test]
fn no_secret_of_the_hosts_is_read_for_an_image() {
    let rig = Rig::without_hhvm();
    let secret = tempfile::NamedTempFile::new().unwrap();
    fs::write(secret.path(), "s3same = open\n").unwrap();
    for (link, settings) in [
        ("etc/hhvm-drain.toml", ""),
        ("etc/hhvm-drain.toml.d/x.toml", ""),
        ("etc/password", "password-file = '/etc/password'\n"),
        (
            "etc/password",
            "[[balancer]]\nurl = 'haproxy+http://127.0.0.1:1/x'\nuser = 'u'\npassword-file = '/etc/password'\n",
        ),
    ] {
        let _ = fs::remove_dir_all(rig.path("etc"));
        fs::create_dir_all(rig.path("etc/hhvm-drain.toml.d")).unwrap();
        fs::write(rig.path("etc/hhvm-drain.toml"), settings).unwrap();
        let _ = fs::remove_file(rig.path(link));
        symlink(secret.path(), rig.path(link)).unwrap();
        let check = rig.check();
        assert!(!check.stdout.contains("s3same"), "{link}: {check:?}");
        if link == "etc/password" {
            assert!(check.stdout.contains("/etc/password"), "{check:?}");
            assert!(check.stdout.contains("No such file"), "it is not there, for the image: {check:?}");
        }
    }
}

/// A check of an image must not run what the image brings along.
#[test]
fn no_program_of_an_image_is_run() {
    let rig = Rig::new();
    let marker = tempfile::tempdir().unwrap();
    let program = rig.path("usr/lb-state");
    fs::create_dir_all(rig.path("usr")).unwrap();
    fs::write(&program, format!("#!/bin/sh\ntouch {}/was-run\n", marker.path().display())).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(rig.path("etc/hhvm-drain.toml"), "balancer = { command = '/usr/lb-state' }\n").unwrap();
    let check = rig.check();
    assert!(check.stdout.contains("a program of the image"), "{check:?}");
    run(&mut rig.command(&["status"]));
    assert!(!marker.path().join("was-run").exists());
}
