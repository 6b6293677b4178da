//! Wrong words, wrong settings, wrong surroundings: one line that helps, and never an abrupt stop.

use crate::rig::{FAST, Rig};
use crate::run::{finish, program, run};
use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

fn one_line(text: &str) -> bool {
    text.starts_with("hhvm-drain: ") && text.matches('\n').count() == 1
}

#[test]
fn wrong_usage_is_one_line_and_status_2() {
    let rig = Rig::without_hhvm();
    for (arguments, part) in [
        (&["explode"][..], "unrecognized subcommand 'explode'"),
        (&["stop", "--timout=5s"], "--timeout"),
        (&["stop", "--timeout=soon"], "--timeout: \"soon\" is not a duration"),
        (&["status", "--unit=../../etc/passwd"], "not a unit name"),
        (&["status", "--health-file=\n\x1b[31m"], "is not an absolute path"),
    ] {
        let run = run(&mut rig.command(arguments));
        assert_eq!(run.code, 2, "{run:?}");
        assert!(one_line(&run.stderr) && run.stderr.contains(part), "{run:?}");
        assert!(!run.stderr.contains('\x1b'), "{run:?}");
    }
    let bare = run(Command::new(program()).stdin(Stdio::null()));
    assert_eq!(
        (bare.code, bare.stderr.as_str()),
        (2, "hhvm-drain: no command given; see hhvm-drain --help\n")
    );
}

#[test]
fn a_wrong_flag_in_a_unit_file_still_drains() {
    let rig = Rig::new();
    fs::write(rig.path("etc/hhvm-drain.toml"), "min-drain = \"200ms\"\n").unwrap();
    for (flags, mistake) in [
        (&["--timout=5s"][..], "'--timout'"),
        (&["--timeout=soon", "--min-drain=200ms"], "--timeout: \"soon\""),
    ] {
        let stop = run(&mut rig.hook(&[&["stop"], flags].concat()));
        assert_eq!(stop.code, 0, "{stop:?}");
        assert!(stop.stderr.contains(mistake), "{stop:?}");
        assert!(stop.drained_after() < Duration::from_secs(9), "the rest is in force: {stop:?}");
        run(&mut rig.hook(&["restore"]));
    }
}

#[test]
fn a_broken_file_still_drains_and_check_names_the_place() {
    let rig = Rig::new();
    fs::write(rig.path("etc/hhvm-drain.toml"), "min-drain = \"200ms\"\ntimeout = = \"3s\"\ncolour = 1\n")
        .unwrap();
    let stop = run(&mut rig.hook(&["stop"]));
    assert!(stop.stderr.contains("hhvm-drain: /etc/hhvm-drain.toml:2:11: "), "{stop:?}");
    assert!(stop.stderr.contains("load was 0 after"), "{stop:?}");
    run(&mut rig.hook(&["restore"]));
    let check = run(&mut rig.command(&["check"]));
    assert_eq!(check.code, 1);
    assert!(check.stdout.contains("ERROR    /etc/hhvm-drain.toml:2:11: "), "{check:?}");
    assert!(check.stdout.contains("warning  /etc/hhvm-drain.toml:3:1: unknown key \"colour\""), "{check:?}");
    assert!(one_line(&check.stderr), "{check:?}");
}

fn help(flags: &[&str]) -> String {
    let help = run(Command::new(program()).args(flags));
    assert_eq!(help.code, 0);
    help.stdout
}

#[test]
fn short_help_fits_a_screen_and_has_examples() {
    for flags in [&["-h"][..], &["check", "-h"], &["depool", "-h"]] {
        let help = help(flags);
        assert!(help.lines().count() <= 24, "{help}");
        assert!(help.lines().all(|line| line.chars().count() <= 80), "{help}");
    }
    let help = help(&["-h"]);
    for part in ["Examples:", "depool", "pool", "status", "check", "drop-in", "--unit"] {
        assert!(help.contains(part), "{part}: {help}");
    }
}

#[test]
fn long_help_has_the_hooks_and_every_setting() {
    let help = help(&["--help"]);
    assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
    let settings = hhvm_drain::settings::SPECS.iter().map(|spec| format!("--{}", spec.name));
    for part in ["Hooks", "stop  ", "restore  ", "Examples:", "Exit status:"]
        .map(str::to_owned)
        .into_iter()
        .chain(settings)
    {
        assert!(help.contains(&part), "{part}: {help}");
    }
}

/// What nobody reads.
fn closed() -> std::io::PipeWriter {
    std::io::pipe().unwrap().1
}

#[test]
fn a_closed_output_is_no_panic() {
    let rig = Rig::without_hhvm();
    let status = finish(rig.command(&["status"]).stdout(closed()).spawn().unwrap());
    assert_eq!((status.code, status.stderr.as_str()), (0, ""));
    let usage = finish(rig.command(&["explode"]).stderr(closed()).spawn().unwrap());
    assert_eq!(usage.code, 2);
}

#[test]
fn a_closed_log_does_not_end_a_drain() {
    let rig = Rig::new();
    let stop = finish(rig.hook(&[&["stop"], &FAST[..]].concat()).stderr(closed()).spawn().unwrap());
    assert_eq!(stop.code, 0);
    assert_eq!(rig.status()["last_drain"]["outcome"], "drained");
}
