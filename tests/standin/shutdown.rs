//! The ways HHVM ends, by profile: what a signal does, a second one, `/stop`, and how the process is gone at last.

use std::fs;
use std::process::{self, ExitCode};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};
use std::thread;

use nix::sys::signal::{SigSet, Signal, raise};

use crate::options::{Era, Options, Profile, Protocol};
use crate::pool::Pool;
use crate::server::Server;
use crate::{lock, log};

/// Why the stop began.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    Signal(Signal),
    Stop,
    LightProcess,
}

/// Blocks the signals that the profile handles, in this thread and those it starts; the others keep their default action.
pub fn block(profile: Profile) -> nix::Result<SigSet> {
    let handled = match profile {
        Profile::Old | Profile::Deadlock => [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGUSR1].as_slice(),
        Profile::Mid | Profile::New => &[Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGUSR1],
        Profile::KillOnTerm => &[Signal::SIGINT, Signal::SIGHUP, Signal::SIGUSR1],
    };
    let set: SigSet = handled.iter().copied().collect();
    set.thread_block()?;
    Ok(set)
}

/// The stop of everything.
pub struct Shutdown {
    options: Arc<Options>,
    page: Arc<Server>,
    admin: Arc<Server>,
    jobs: Arc<Pool>,
    begun: Mutex<Option<Cause>>,
    deadlocked: AtomicBool,
}

impl Shutdown {
    pub fn new(options: Arc<Options>, page: Arc<Server>, admin: Arc<Server>, jobs: Arc<Pool>) -> Self {
        Self { options, page, admin, jobs, begun: Mutex::new(None), deadlocked: AtomicBool::new(false) }
    }

    /// Waits for signals in a thread of its own: the first begins the stop, what a later one does is the profile's.
    pub fn listen(self: &Arc<Self>, handled: SigSet, causes: Sender<Cause>) {
        let shutdown = Arc::clone(self);
        thread::spawn(move || {
            while let Ok(signal) = handled.wait() {
                match shutdown.begin(Cause::Signal(signal)) {
                    None => drop(causes.send(Cause::Signal(signal))),
                    Some(Cause::Stop) if shutdown.options.profile == Profile::Deadlock => {
                        shutdown.deadlocked.store(true, SeqCst);
                    }
                    Some(Cause::Signal(_)) if shutdown.options.profile == Profile::Mid => die_by(signal),
                    Some(_) => {}
                }
            }
        });
    }

    /// Notes why the stop began, and tells what it had begun with before.
    fn begin(&self, cause: Cause) -> Option<Cause> {
        let mut begun = lock(&self.begun);
        let before = *begun;
        begun.get_or_insert(cause);
        before
    }

    /// Stops everything in the profile's order. Returns the exit code, unless the process ends by a signal.
    pub fn run(self: &Arc<Self>, cause: Cause) -> ExitCode {
        let cause = self.begin(cause).unwrap_or(cause);
        let era = self.options.profile.era();
        self.limit(cause);
        if era == Era::New {
            self.stop_page();
            self.stop_admin();
        } else {
            self.stop_admin();
            self.stop_page();
        }
        self.jobs.wait_idle();
        self.page.close_connections();
        while self.deadlocked.load(SeqCst) {
            thread::park();
        }
        if let Some(path) = &self.options.pid_file {
            let _ = fs::remove_file(path);
        }
        self.page.remove_sockets();
        self.admin.remove_sockets();
        log("Page server stopped");
        match cause {
            Cause::Signal(signal) if era != Era::New => die_by(signal),
            Cause::LightProcess if era != Era::New => die_by(Signal::SIGTERM),
            _ => ExitCode::SUCCESS,
        }
    }

    fn stop_admin(&self) {
        self.admin.close_doors_for_good();
        self.admin.close_connections();
    }

    /// Without a graceful wait, `FastCGI` clients are reset at once, while their requests run on.
    fn stop_page(&self) {
        self.page.close_doors_for_good();
        if self.options.protocol == Protocol::FastCgi && self.options.graceful_wait.is_zero() {
            self.page.reset_connections();
        } else {
            self.page.finish_connections();
        }
    }

    /// What the graceful wait ends with, if there is one.
    fn limit(self: &Arc<Self>, cause: Cause) {
        let wait = self.options.graceful_wait;
        if wait.is_zero() {
            return;
        }
        let shutdown = Arc::clone(self);
        thread::spawn(move || {
            thread::sleep(wait);
            shutdown.page.reset_connections();
            match (shutdown.options.profile.era(), cause) {
                (Era::New, _) => process::exit(143),
                (Era::Mid, Cause::Stop) => process::exit(1),
                (Era::Old, Cause::Stop) => {}
                _ => drop(raise(Signal::SIGKILL)),
            }
        });
    }
}

/// Ends the process by the default action of a signal that it blocks.
fn die_by(signal: Signal) -> ! {
    let _ = SigSet::from(signal).thread_unblock();
    let _ = raise(signal);
    // Only reached when the signal was ignored from the start, as nohup does with SIGHUP.
    process::exit(1)
}
