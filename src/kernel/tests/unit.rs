//! A unit of real processes, each of which does nothing but hold what it was given.

use crate::kernel::{Host, Looker, Scope, Unseen, look};
use crate::sockets::{Count, Place, Question, Seen};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The process.
pub(super) struct Holder(Child);

impl Holder {
    /// A process that holds up to three sockets, in the name spaces of this thread.
    pub(super) fn of<const N: usize>(sockets: [OwnedFd; N]) -> Self {
        let mut stdio = sockets.into_iter().map(Stdio::from);
        let mut next = || stdio.next().unwrap_or_else(Stdio::null);
        let mut sleep = Command::new("sleep");
        Self(sleep.arg("60").stdin(next()).stdout(next()).stderr(next()).spawn().unwrap())
    }

    pub(super) fn pid(&self) -> i32 {
        self.0.id().cast_signed()
    }

    pub(super) fn scope(&self) -> Scope {
        Scope { cgroup: None, main: Some(self.pid()) }
    }

    pub(super) fn look(&self) -> Seen {
        look(&self.scope(), &host(), soon()).unwrap()
    }

    /// The connections in use on all of its listeners.
    pub(super) fn in_use(&self) -> u64 {
        count(&self.look()).total()
    }

    /// The same, as soon as there are none, or by the deadline: between its fork and its exec, what another test starts
    /// holds all that this process has closed meanwhile.
    pub(super) fn in_use_in_the_end(&self) -> u64 {
        let deadline = soon();
        loop {
            let in_use = self.in_use();
            if in_use == 0 || Instant::now() >= deadline {
                return in_use;
            }
        }
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(super) fn count(seen: &Seen) -> Count {
    seen.in_use(Question { counts: &|_: &Place| true, former: &[] })
}

pub(super) fn places(seen: &Seen) -> Vec<String> {
    seen.listeners().into_iter().map(|listener| listener.place.to_string()).collect()
}

/// What `look` finds while nothing comes or goes: other tests start and end processes of this one.
pub(super) fn settled<T>(look: impl Fn(Instant) -> Result<T, Unseen>) -> T {
    let deadline = soon();
    loop {
        match look(deadline) {
            Err(_) if Instant::now() < deadline => {}
            found => return found.unwrap(),
        }
    }
}

/// This machine, looked at by nobody, so that the children of this process are a unit's.
pub(super) fn host() -> Host {
    let looker = Looker { pid: -1, program: None };
    Host { proc: "/proc".into(), cgroups: "/sys/fs/cgroup".into(), looker }
}

pub(super) fn soon() -> Instant {
    Instant::now() + Duration::from_secs(10)
}
