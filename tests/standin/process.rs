//! Processes around the main one: the detached child of `--mode daemon`, light processes, and the pid file.

use std::io::{self, Read};
use std::os::unix::process::parent_id;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::Sender;
use std::{env, fs, process, thread};

use nix::sys::signal::SigSet;

use crate::log;
use crate::shutdown::Cause;

/// HHVM's `Process::Daemonize` does nothing under the init process.
pub fn parent_is_not_init() -> bool {
    parent_id() != 1
}

/// Starts this program again as a child that outlives it.
pub fn detach() -> io::Result<()> {
    Command::new(env::current_exe()?)
        .args(env::args_os().skip(1))
        .arg("--standin-detached")
        .stdin(Stdio::null())
        .spawn()
        .map(drop)
}

/// Leaves the terminal's session, as HHVM's daemon and its light processes do.
pub fn leave_session() {
    let _ = rustix::process::setsid();
}

/// Starts the light processes; the death of any of them begins the stop.
pub fn start_light(count: usize, causes: &Sender<Cause>) -> io::Result<()> {
    for _ in 0..count {
        let mut child = Command::new(env::current_exe()?)
            .arg("--standin-light")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()?;
        // The child ends when this end closes with the main process.
        let tether = child.stdin.take();
        let causes = causes.clone();
        thread::spawn(move || {
            let _ = child.wait();
            drop(tether);
            log("lost light process child");
            let _ = causes.send(Cause::LightProcess);
        });
    }
    Ok(())
}

/// The whole life of a light process: it has no handlers, so a signal ends it.
pub fn be_light() -> ! {
    let _ = SigSet::empty().thread_set_mask();
    leave_session();
    let _ = io::stdin().read_to_end(&mut Vec::new());
    process::exit(0)
}

/// Writes the pid file as HHVM does: late, and without a newline.
pub fn write_pid(path: Option<&Path>) {
    let Some(path) = path else { return };
    if let Err(why) = fs::write(path, process::id().to_string()) {
        log(&format!("cannot write {}: {why}", path.display()));
    }
}
