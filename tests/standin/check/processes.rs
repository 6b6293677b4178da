//! Its processes: the name, the daemon, the light ones; and the order in which it starts.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::harness::{End, Standin, program, until};

fn comm(pid: &str) -> String {
    fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim().into()
}

fn children(pid: u32) -> Vec<String> {
    let list = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    list.split_whitespace().map(String::from).collect()
}

fn signal(pid: &str, signal: Signal) {
    kill(Pid::from_raw(pid.parse().unwrap()), signal).unwrap();
}

#[test]
fn the_process_is_called_hhvm_and_the_pid_file_has_no_newline() {
    let standin = Standin::start(&[]);
    let pid = standin.child.id().to_string();
    assert_eq!(comm(&pid), "hhvm");
    assert_eq!(fs::read_to_string(standin.path("pid")).unwrap(), pid);
}

#[test]
fn the_death_of_a_light_process_begins_the_stop() {
    for (profile, end) in [("new", End::Code(0)), ("old", End::Signal(15))] {
        let mut standin = Standin::start(&["-vServer.LightProcessCount=2", "--standin-profile", profile]);
        let light = children(standin.child.id());
        assert_eq!(light.len(), 2);
        until("their name", || light.iter().all(|pid| comm(pid) == "hhvm"));
        signal(&light[0], Signal::SIGTERM);
        assert_eq!(standin.end(), end);
        until("the end of the other", || comm(&light[1]).is_empty());
    }
}

#[test]
fn a_daemon_outlives_the_process_that_was_started() {
    let dir = TempDir::new().unwrap();
    let pid_file = dir.path().join("pid");
    let mut first = Command::new(program())
        .args(["--mode=daemon", "-vServer.Type=fastcgi", "--port=0"])
        .arg(format!("-vPidFile={}", pid_file.display()))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    assert!(first.wait().unwrap().success());
    let mut lines = BufReader::new(first.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().starts_with("page server on 127.0.0.1:"));
    let pid = loop {
        match fs::read_to_string(&pid_file) {
            Ok(pid) if !pid.is_empty() => break pid,
            _ => std::thread::yield_now(),
        }
    };
    assert_ne!(pid, first.id().to_string());
    assert_eq!(comm(&pid), "hhvm");
    signal(&pid, Signal::SIGTERM);
    // Its end closes the pipe.
    assert!(lines.next().is_none());
}

#[test]
fn configuration_files_are_read_and_the_command_line_wins() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("server.ini");
    fs::write(
        &file,
        "; as packaged\nhhvm.server.type = fastcgi\nhhvm.server.thread_count = 1\nhhvm.admin_server.password = \"x\"\nhhvm.log.level = Warning\n",
    )
    .unwrap();
    let config = format!("--config={}", file.display());
    let standin = Standin::start(&[&config, "-dhhvm.admin_server.password=y", "--user", "www-data"]);
    assert_eq!(standin.body("check-load?auth=x"), "Unauthorized");
    assert_eq!(standin.body("check-load?auth=y"), "0");
}

#[test]
fn the_admin_server_can_come_first() {
    let mut child = Command::new(program())
        .args(["-mserver", "--port=0", "--admin-port=0", "--standin-admin-first", "--standin-page-delay=50"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let names: Vec<_> = lines.take(2).map(|line| line.unwrap()[..5].to_owned()).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(names, ["admin", "page "]);
}

#[test]
fn bad_arguments_and_taken_ports_end_the_start() {
    let run =
        |args: &[&str]| Command::new(program()).args(args).stderr(Stdio::null()).status().unwrap().code();
    assert_eq!(run(&["--nonsense", "1"]), Some(1));
    assert_eq!(run(&["--standin-profile=newest"]), Some(1));
    let taken = Standin::start(&[]);
    let port = taken.doors[0].rsplit(':').next().unwrap();
    assert_eq!(run(&["--port", port]), Some(127));
    assert_eq!(run(&["--port", port, "--standin-profile=old"]), Some(1));
}
