//! What the unit tells its hooks, the other commands know, too; and nobody else tells them anything.

use crate::rig::Rig;
use crate::run::{Run, run};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

/// A directory with a systemctl that prints `shown` first, after it has noted that it was called.
fn systemctl(rig: &Rig, shown: &str) -> PathBuf {
    let directory = rig.path("systemd");
    fs::create_dir_all(&directory).unwrap();
    let script = format!(
        "#!/bin/sh\n: >'{}'\ncat <<'END'\n{shown}\nLoadState=loaded\nActiveState=active\nMainPID={}\nEND\n",
        rig.path("asked").display(),
        rig.pid()
    );
    fs::write(directory.join("systemctl"), script).unwrap();
    fs::set_permissions(directory.join("systemctl"), fs::Permissions::from_mode(0o755)).unwrap();
    directory
}

fn asked(rig: &Rig, shown: &str, arguments: &[&str]) -> Run {
    let path = format!("{}:/usr/bin:/bin", systemctl(rig, shown).display());
    run(rig.command(arguments).env("PATH", path))
}

#[test]
fn check_and_status_see_the_settings_in_the_units_environment() {
    let rig = Rig::new();
    fs::write(rig.path("etc/default-hhvm"), "HHVM_DRAIN_MIN_DRAIN='7s'\nHHVM_DRAIN_TIMEOUT=\"5s\"\n")
        .unwrap();
    let shown = "Environment=HHVM_DRAIN_HEALTH_FILE=/srv/other.php A=b\n\
                 EnvironmentFiles=/etc/default-hhvm (ignore_errors=no)";
    let check = asked(&rig, shown, &["check"]);
    assert!(check.code == 1 && check.stdout.contains("there is no /srv/other.php"), "{check:?}");
    assert!(check.stdout.contains("min-drain (7 s) is not shorter than timeout (5 s)"), "{check:?}");
    let status = asked(&rig, shown, &["status"]);
    assert!(status.stdout.contains("/srv/other.php"), "{status:?}");
    let own = asked(&rig, shown, &["status", "--health-file=/var/www/status.php"]);
    assert!(own.stdout.contains("/var/www/status.php (in its place)"), "{own:?}");
}

#[test]
fn check_sees_the_flags_of_the_stop_hook() {
    let rig = Rig::new();
    let hook = |flags: &str| {
        let line = format!("argv[]=/usr/bin/hhvm-drain stop --unit=hhvm.service {flags} ; ignore_errors=yes");
        asked(&rig, &format!("ExecStop={{ path=/usr/bin/hhvm-drain ; {line} }}"), &["check"])
    };
    let other = hook("--health-file=/srv/other.php");
    assert!(other.stdout.contains("there is no /srv/other.php"), "{other:?}");
    assert!(other.stdout.contains("hhvm-drain's other hooks do not have --health-file"), "{other:?}");
    let wrong = hook("--timout=5s");
    assert!(wrong.stdout.contains("ERROR    ExecStop= of hhvm.service: unexpected argument"), "{wrong:?}");
}

#[test]
fn a_unit_in_which_nobody_listens_is_told_so() {
    let mut rig = Rig::new();
    rig.endpoint = "auto".to_owned();
    let mut sleeper = std::process::Command::new("sleep").arg("60").spawn().unwrap();
    let check = asked(&rig, &format!("MainPID={}", sleeper.id()), &["check"]);
    sleeper.kill().unwrap();
    sleeper.wait().unwrap();
    let line = "warning  endpoint: no process of hhvm.service listens, so a stop waits for no request";
    assert!(check.stdout.contains(line), "{check:?}");
}

#[test]
fn php_fpm_that_is_asked_as_hhvm_is_told_so() {
    let rig = Rig::new();
    let start = |program: &str| format!("ExecStart={{ path={program} ; argv[]={program} --nodaemonize ; }}");
    let check = asked(&rig, &start("/usr/sbin/php-fpm8.2"), &["check"]).stdout;
    assert!(
        check.contains("hhvm.service runs PHP-FPM") && check.contains("set kind = \"php-fpm\""),
        "{check}"
    );
    assert!(!asked(&rig, &start("/usr/bin/hhvm"), &["check"]).stdout.contains("PHP-FPM"));
}

#[test]
fn an_alias_is_the_unit_that_it_stands_for() {
    let rig = Rig::new();
    let id = "Id=site.service";
    assert_eq!(asked(&rig, id, &["depool"]).code, 0);
    let status = asked(&rig, id, &["status"]);
    assert!(status.stdout.starts_with("site.service: taken out of the pool by an operator"), "{status:?}");
    let hook = run(&mut rig.hook(&["restore", "--unit=site.service"]));
    assert!(hook.code == 0 && !rig.is_pooled(), "the hooks know of the operator: {hook:?}");
    assert!(asked(&rig, id, &["pool"]).code == 0 && rig.is_pooled());
}

#[test]
fn a_systemctl_that_others_can_change_is_not_run() {
    let rig = Rig::new();
    let directory = systemctl(&rig, "Id=evil.service");
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o777)).unwrap();
    let path = format!("{}:{}", directory.display(), crate::rig::SYSTEMD);
    let mut stop = rig.hook(&["stop", "--shutdown"]);
    let stop = run(stop.env("PATH", &path).env("STANDIN_PID", rig.pid().to_string()));
    assert!(stop.code == 0 && !rig.path("asked").exists(), "{stop:?}");
    let status = run(rig.command(&["status"]).env("PATH", &path));
    assert!(status.stdout.starts_with("hhvm.service: ") && !rig.path("asked").exists(), "{status:?}");
}

#[test]
fn files_that_tell_root_what_to_do_and_that_others_can_change_fail_check() {
    let rig = Rig::new();
    let settings = rig.path("etc/hhvm-drain.toml");
    fs::write(&settings, "").unwrap();
    fs::write(rig.path("etc/app.env"), "A=b\n").unwrap();
    fs::create_dir_all(rig.path("opt/lib")).unwrap();
    let shown =
        "EnvironmentFiles=/etc/app.env (ignore_errors=no)\nEnvironment=LD_LIBRARY_PATH=/opt/lib:/usr/lib";
    let told = || asked(&rig, shown, &["check"]).stdout;
    assert!(!told().contains("others can change"), "{}", told());
    fs::set_permissions(&settings, fs::Permissions::from_mode(0o666)).unwrap();
    fs::set_permissions(rig.path("etc/app.env"), fs::Permissions::from_mode(0o646)).unwrap();
    fs::set_permissions(rig.path("opt/lib"), fs::Permissions::from_mode(0o777)).unwrap();
    for line in [
        "ERROR    /opt/lib: others can change /opt/lib, and so what hhvm-drain's hooks do as root, because the unit sets LD_",
        "ERROR    /etc/hhvm-drain.toml: others can change /etc/hhvm-drain.toml, and so what",
        "ERROR    /etc/app.env: others can change /etc/app.env, and so what hhvm-drain's hooks do as root, because it",
    ] {
        assert!(told().contains(line), "{}", told());
    }
}
