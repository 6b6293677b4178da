//! What a command may be, and how it ends.

use super::*;
use crate::context::{Context, Env, Root, UnitName};
use crate::power::{self, Task};
use crate::row::Here;
use std::os::unix::fs::PermissionsExt;

/// A script of root's. Only root can have one, and a directory that nobody else can write.
struct Program {
    command: Command,
    _held: Held,
    _directory: tempfile::TempDir,
}

impl Program {
    fn ask(&mut self) -> Result<View, Unclear> {
        self.command.view(Instant::now() + Duration::from_millis(700))
    }
}

fn run(script: &str, mode: u32) -> Option<(Result<View, Unclear>, Duration)> {
    let mut program = program(script, mode)?;
    let began = Instant::now();
    let view = program.ask();
    Some((view, began.elapsed()))
}

fn program(script: &str, mode: u32) -> Option<Program> {
    if !nix::unistd::getuid().is_root() {
        return None;
    }
    let directory = tempfile::Builder::new().tempdir_in("/var/lib").unwrap();
    let path = directory.path().join("lb-state");
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    let context = Context::new(Root::new("/".into()), Env::default(), UnitName::parse("hhvm").unwrap());
    let here = Here { name: "web1".to_owned(), ..Here::default() };
    let wanted = Wanted { context: &context, named: &Named::Auto, here };
    let leash = Leash::default();
    let command = Command::new(&wanted, &path, &leash);
    Some(Program { command, _held: leash.held(), _directory: directory })
}

fn said(script: &str) -> Option<String> {
    run(script, 0o755).map(|(view, _)| match view {
        Ok(view) => view.rows[0].said.clone(),
        Err(why) => why.to_string(),
    })
}

#[test]
fn the_exit_status_tells_and_the_environment_is_fixed() {
    for (script, part) in [
        ("exit 0", "out"),
        ("exit 1", "in"),
        ("echo no such server; exit 3", "exit status 3, not 0 for out or 1 for in: \"no such server\""),
        ("kill -9 $$", "ended by signal 9"),
        ("yes | head -c 1000000; exit 1", "in"),
        (
            "test \"$HHVM_DRAIN_NAME $HHVM_DRAIN_UNIT\" = \"web1 hhvm.service\" && test -z \"$HOME$CARGO\"",
            "out",
        ),
    ] {
        if let Some(said) = said(script) {
            assert_eq!(said, part, "{script}");
        }
    }
}

#[test]
fn one_that_hangs_is_killed_with_all_that_it_has_started() {
    let marker = tempfile::NamedTempFile::new().unwrap();
    let path = marker.path().display();
    let script = format!("(sleep 2; echo late >{path}) & sleep 100");
    let Some((view, took)) = run(&script, 0o755) else { return };
    assert!(matches!(view, Err(Unclear::Hung(_))), "{view:?}");
    assert!(took < Duration::from_millis(1500), "{took:?}");
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(fs::read_to_string(marker.path()).unwrap(), "", "what it has started went on");
}

/// As during a drain, which keeps no right to kill.
#[test]
fn one_that_cannot_be_killed_holds_up_nobody_and_is_not_started_again() {
    let count = tempfile::NamedTempFile::new().unwrap();
    let path = count.path().display();
    let script =
        format!("echo $$ >>{path}; exec setpriv --reuid=65534 --regid=65534 --clear-groups sleep 100");
    let ask = || {
        let mut command = program(&script, 0o755)?;
        power::keep(&[Task::ActAsUser]);
        let began = Instant::now();
        let views = [(); 2].map(|()| command.ask());
        drop(command);
        Some((views, began.elapsed()))
    };
    let Some((views, took)) = std::thread::scope(|scope| scope.spawn(ask).join()).unwrap() else { return };
    let pids = fs::read_to_string(count.path()).unwrap();
    let pids: Vec<i32> = pids.lines().map(|pid| pid.parse().unwrap()).collect();
    for pid in &pids {
        nix::sys::signal::kill(Pid::from_raw(*pid), Signal::SIGKILL).unwrap();
    }
    assert!(views.iter().all(|view| matches!(view, Err(Unclear::Hung(_)))), "{views:?}");
    assert_eq!(pids.len(), 1);
    assert!(took < Duration::from_secs(3), "{took:?}");
}

#[test]
fn one_that_leaves_something_behind_with_its_output_open_is_not_waited_for() {
    let Some((view, took)) = run("sleep 100 & exit 0", 0o755) else { return };
    assert_eq!(view.map(|view| view.rows[0].sends), Ok(Sends::No));
    assert!(took < Duration::from_millis(600), "{took:?}");
}

#[test]
fn one_that_others_can_change_is_not_run() {
    for mode in [0o775, 0o757] {
        let Some((view, _)) = run("exit 0", mode) else { return };
        let why = view.unwrap_err().to_string();
        assert!(why.contains("others can change") && why.contains("chmod go-w"), "{why}");
    }
    let why = only_roots(Path::new("/tmp/lb-state")).unwrap_err();
    assert!(why.contains("No such file"), "{why}");
    let in_tmp = tempfile::NamedTempFile::new_in("/tmp").unwrap();
    assert!(only_roots(in_tmp.path()).unwrap_err().contains("others can change /tmp"));
    std::os::unix::fs::symlink("/usr/bin/true", in_tmp.path().with_extension("link")).unwrap();
    let link = in_tmp.path().with_extension("link");
    let why = only_roots(&link).unwrap_err();
    fs::remove_file(&link).unwrap();
    assert!(why.contains("set command to /usr/bin/true"), "{why}");
}
