//! A program of the administrator's that knows whether a balancer sends here: it exits with 0 for "out" and with 1 for
//! "in". Anything else is unclear.
//!
//! It runs as root, so nobody else may be able to change it. It gets no shell, nothing of this program's environment, no
//! input, and two seconds; then it and all that it has started are killed. One that cannot be killed, because it waits for
//! a disk or has become another user, is not waited for, and none is started beside it.

use super::reader::{Reader, Wanted, single};
use crate::row::{Named, Sends, Unclear, View};
use crate::text::quote;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use rustix::process::{WaitId, WaitIdOptions, waitid};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io::{self, ErrorKind, PipeReader, Read, pipe};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// So much of the output is kept, for a message.
const OUTPUT_MAX: usize = 4 << 10;
/// How often it is looked whether the program has ended while it keeps its output open.
const LOOK_EVERY: u16 = 20;
/// So long the end of a program may take once it is killed.
const AFTERMATH: Duration = Duration::from_millis(200);
/// How often it is looked for the end where there is nothing to read.
const PAUSE: Duration = Duration::from_millis(2);
/// Others can write.
const OTHERS_WRITE: u32 = 0o022;
/// Where a program looks for others.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Runs one program.
pub(super) struct Command {
    path: PathBuf,
    is_on_host: bool,
    environment: Vec<(&'static str, OsString)>,
    leash: Leash,
    /// What could not be killed.
    stuck: Option<Started>,
}

/// The groups of processes that run. When [`Held`] goes, they are killed, and no other is started: the thread that waits
/// for one may not live to do it.
#[derive(Clone, Default)]
pub(super) struct Leash(Arc<Mutex<Groups>>);

#[derive(Default)]
struct Groups {
    running: BTreeSet<Pid>,
    is_let_go: bool,
}

/// Whoever holds this wants the answers.
pub struct Held(Leash);

impl Leash {
    pub(super) fn held(&self) -> Held {
        Held(self.clone())
    }

    fn groups(&self) -> MutexGuard<'_, Groups> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start(&self, command: &mut std::process::Command) -> io::Result<Started> {
        let mut groups = self.groups();
        if groups.is_let_go {
            return Err(ErrorKind::Interrupted.into());
        }
        let child = command.process_group(0).spawn()?;
        let group = Pid::from_raw(child.id().cast_signed());
        groups.running.insert(group);
        Ok(Started { child, group, began: Instant::now() })
    }

    /// Kills what is left of a group, and takes the status of its first process, whose number is taken until then; none
    /// if that does not end.
    fn end(&self, started: &mut Started) -> io::Result<Option<ExitStatus>> {
        kill(started.group);
        let give_up = Instant::now() + AFTERMATH;
        while !started.has_ended()? {
            if Instant::now() >= give_up {
                return Ok(None);
            }
            std::thread::sleep(PAUSE);
        }
        let mut groups = self.groups();
        groups.running.remove(&started.group);
        started.child.wait().map(Some)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut groups = self.0.groups();
        groups.is_let_go = true;
        groups.running.iter().copied().for_each(kill);
    }
}

fn kill(group: Pid) {
    // A group that has ended is no failure.
    let _ = killpg(group, Signal::SIGKILL);
}

struct Started {
    child: Child,
    group: Pid,
    began: Instant,
}

impl Started {
    /// Whether the program has ended. It is not waited for: its number must not become another's.
    fn has_ended(&self) -> io::Result<bool> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        Ok(waitid(WaitId::Pid(rustix::process::Pid::from_child(&self.child)), options)?.is_some())
    }
}

impl Command {
    pub(super) fn new(wanted: &Wanted<'_>, path: &Path, leash: &Leash) -> Self {
        let name = match wanted.named {
            Named::Auto => wanted.here.name.clone(),
            Named::Server(name) => name.clone(),
            Named::At(address) => address.to_string(),
            Named::Row(backend, server) => format!("{backend}/{server}"),
        };
        let environment = vec![
            ("PATH", PATH.into()),
            ("LANG", "C.UTF-8".into()),
            ("HHVM_DRAIN_NAME", name.into()),
            ("HHVM_DRAIN_UNIT", wanted.context.unit.as_str().into()),
        ];
        let root = &wanted.context.root;
        Self {
            path: root.join(path),
            is_on_host: root.is_host(),
            environment,
            leash: leash.clone(),
            stuck: None,
        }
    }

    fn start(&self, deadline: Instant) -> io::Result<(Started, Output)> {
        let (from, end) = pipe()?;
        let time = deadline.saturating_duration_since(Instant::now());
        let mut command = std::process::Command::new(&self.path);
        command.env_clear().envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.env("HHVM_DRAIN_DEADLINE", format!("{}.{}", time.as_secs(), time.subsec_millis() / 100));
        command.current_dir("/").stdin(Stdio::null()).stdout(end.try_clone()?).stderr(end);
        let started = self.leash.start(&mut command)?;
        Ok((started, Output { from, kept: Vec::new(), is_open: true }))
    }

    /// Ends the program.
    ///
    /// # Errors
    /// When it does not end: then it is kept, and hinders the next one.
    fn end(&mut self, mut started: Started) -> Result<ExitStatus, Unclear> {
        match self.leash.end(&mut started).map_err(|why| cannot_run(&why))? {
            Some(status) => Ok(status),
            None => Err(Unclear::Hung(self.stuck.insert(started).began.elapsed())),
        }
    }
}

fn cannot_run(why: &io::Error) -> Unclear {
    Unclear::File(format!("cannot be run ({why})"))
}

impl Reader for Command {
    fn view(&mut self, deadline: Instant) -> Result<View, Unclear> {
        if !self.is_on_host {
            return Err(Unclear::File("is not run: it is a program of the image below --root".to_owned()));
        }
        only_roots(&self.path).map_err(Unclear::File)?;
        if let Some(stuck) = self.stuck.take() {
            self.end(stuck)?;
        }
        let (started, mut output) = self.start(deadline).map_err(|why| cannot_run(&why))?;
        let ended = wait(&started, &mut output, deadline);
        let time = started.began.elapsed();
        let status = self.end(started)?;
        if ended.map_err(|why| cannot_run(&why))? {
            judge(status, &output.kept)
        } else {
            Err(Unclear::Hung(time))
        }
    }
}

/// What a program prints.
struct Output {
    from: PipeReader,
    kept: Vec<u8>,
    is_open: bool,
}

impl Output {
    /// Waits a moment for output, and reads it, so that a program that prints much goes on; a part is kept.
    fn read(&mut self, patience: u16) -> io::Result<bool> {
        let mut fds = [PollFd::new(self.from.as_fd(), PollFlags::POLLIN)];
        if !self.is_open || poll(&mut fds, PollTimeout::from(patience)).is_ok_and(|ready| ready == 0) {
            return Ok(false);
        }
        let mut buffer = [0; OUTPUT_MAX];
        let count = self.from.read(&mut buffer)?;
        self.is_open = count > 0;
        let room = OUTPUT_MAX - self.kept.len();
        self.kept.extend_from_slice(&buffer[..count.min(room)]);
        Ok(self.is_open)
    }
}

/// Waits until the program ends; whether it has by `deadline`. Others that have its output open are not waited for.
fn wait(started: &Started, output: &mut Output, deadline: Instant) -> io::Result<bool> {
    while !started.has_ended()? {
        if Instant::now() >= deadline {
            return Ok(false);
        }
        if output.is_open {
            output.read(LOOK_EVERY)?;
        } else {
            std::thread::sleep(PAUSE);
        }
    }
    while output.kept.len() < OUTPUT_MAX && output.read(0)? {}
    Ok(true)
}

fn judge(status: ExitStatus, output: &[u8]) -> Result<View, Unclear> {
    match status.code() {
        Some(0) => return Ok(single(Sends::No)),
        Some(1) => return Ok(single(Sends::Yes)),
        _ => {}
    }
    let text = String::from_utf8_lossy(output);
    let said = text.lines().map(str::trim).find(|line| !line.is_empty()).map(quote);
    let said = said.map(|line| format!(": \"{line}\"")).unwrap_or_default();
    Err(Unclear::Command(match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}, not 0 for out or 1 for in{said}"),
        (None, signal) => format!("ended by signal {}{said}", signal.unwrap_or_default()),
    }))
}

/// Whether only root can change what runs: the file, and each directory that leads to it. A symlink would lead past them.
fn only_roots(path: &Path) -> Result<(), String> {
    let real = fs::canonicalize(path).map_err(|why| format!("cannot be run ({why})"))?;
    if real != path {
        return Err(format!("is reached through a symlink; set command to {}", real.display()));
    }
    for place in path.ancestors() {
        let meta = fs::symlink_metadata(place).map_err(|why| format!("{}: {why}", place.display()))?;
        if meta.uid() != 0 || meta.mode() & OTHERS_WRITE != 0 {
            let place = place.display();
            return Err(format!(
                "is not run, because others can change {place}; run: chown root: {place} && chmod go-w {place}"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "command_tests.rs"]
mod tests;
