//! `status --watch`, to a pipe and on a terminal.

use crate::rig::{FAST, Rig};
use crate::run::{PATIENCE, finish, run, terminate, wait_for};
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

fn watch(rig: &Rig) -> Child {
    rig.command(&["status", "--watch"]).spawn().unwrap()
}

/// The lines of a watch, as they come.
fn lines(watch: &mut Child) -> Receiver<String> {
    let (sender, lines) = channel();
    let output = BufReader::new(watch.stdout.take().unwrap());
    std::thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
    lines
}

fn wait_for_line(lines: &Receiver<String>, part: &str) -> String {
    loop {
        let line = lines.recv_timeout(PATIENCE).unwrap_or_else(|error| panic!("{part}: {error}"));
        if line.contains(part) {
            return line;
        }
    }
}

#[test]
fn a_pipe_gets_a_line_a_second_until_a_signal() {
    let rig = Rig::new();
    let mut watching = watch(&rig);
    let lines = lines(&mut watching);
    wait_for_line(&lines, "nothing is known: hhvm-drain has not run");
    rig.control("load = 3");
    let stop = rig.begin_stop(&[]);
    let line = wait_for_line(&lines, "draining, 3 in flight, ");
    assert!(
        line.contains("hhvm.service: taken out of the pool by a drain since ") && !line.contains('\x1b'),
        "{line}"
    );
    rig.control("load = 0");
    finish(stop);
    run(&mut rig.hook(&["restore"]));
    wait_for_line(&lines, "hhvm.service: in the pool");
    assert_eq!(terminate(watching).code, 0);
}

#[test]
fn a_watcher_takes_no_lock_and_who_does_not_read_ends_it() {
    let rig = Rig::new();
    let mut watching = watch(&rig);
    let lines = lines(&mut watching);
    wait_for_line(&lines, "nothing is known");
    assert!(
        !rig.path("run/hhvm-drain").exists() && !rig.path("var/lib/hhvm-drain").exists(),
        "it only looks"
    );
    drop(lines);
    assert_eq!(finish(watching).code, 0);
}

#[test]
fn a_drain_that_was_killed_is_told_to_who_watches() {
    let rig = Rig::new();
    rig.control("load = 1");
    let mut stop = rig.hook(&[&["stop"], &FAST[..]].concat()).spawn().unwrap();
    let mut watching = watch(&rig);
    let lines = lines(&mut watching);
    wait_for_line(&lines, "draining, 1 in flight");
    stop.kill().unwrap();
    stop.wait().unwrap();
    wait_for_line(&lines, &format!("hhvm-drain (process {}) has ended without a word", stop.id()));
    terminate(watching);
}

#[test]
fn what_there_is_to_see_is_published_once_a_second() {
    let rig = Rig::new();
    rig.control("load = 4");
    let stop = rig.begin_stop(&[]);
    let state = || -> serde_json::Value {
        let text = fs::read(rig.path("run/hhvm-drain/hhvm.service.state")).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    };
    wait_for(|| state()["activity"]["live"]["load"] == 4);
    let live = &state()["activity"]["live"];
    assert!(live["curve"]["points"].as_array().is_some_and(|points| points.len() > 1), "{live}");
    assert!(live["lines"][0].as_str().unwrap().starts_with("waiting because the load is still 4"), "{live}");
    rig.control("load = 0");
    finish(stop);
    assert!(state()["activity"].is_null(), "it is over");
}

/// script(1) of util-linux is a terminal that keeps what it was sent.
#[test]
fn a_terminal_is_left_as_it_was() {
    let rig = Rig::new();
    run(&mut rig.hook(&["restore"]));
    let watch = format!(
        "stty cols 40 rows 10; exec {} --root '{}' status --watch",
        crate::run::program().display(),
        rig.root.path().display()
    );
    let mut script = Command::new("script");
    script
        .args(["--quiet", "--flush", "--command", &watch, "/dev/null"])
        .env("TERM", "xterm")
        .env("LANG", "C.UTF-8");
    let mut script = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut output = script.stdout.take().unwrap();
    let (mut seen, mut buffer) = (String::new(), [0; 4096]);
    while !seen.contains("in the pool") {
        let length = output.read(&mut buffer).unwrap();
        assert!(length > 0, "{seen}");
        seen.push_str(&String::from_utf8_lossy(&buffer[..length]));
    }
    // Ctrl-C.
    std::io::Write::write_all(script.stdin.as_mut().unwrap(), b"\x03").unwrap();
    output.read_to_string(&mut seen).unwrap();
    script.wait().unwrap();
    assert!(seen.starts_with("\x1b[?1049h\x1b[?25l\x1b[H"), "{seen:?}");
    assert!(seen.trim_end().ends_with("\x1b[?25h\x1b[?1049l"), "{seen:?}");
    assert_eq!(
        (seen.matches("\x1b[?1049h").count(), seen.matches("\x1b[?1049l").count()),
        (1, 1),
        "{seen:?}"
    );
}
