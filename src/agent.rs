//! The agent: answers HAProxy's agent-check (configuration.txt, "agent-check") on a socket that systemd holds.
//!
//! It never waits for a client: the answer fits the buffer of a new connection, so it is written, and the connection
//! closed, before the next one is taken.

use crate::error::{Error, Result};
use crate::farewell::Askers;
use crate::pool::{Store, Word};
use crate::text::clean;
use crate::wait::{NAP, Signals, timeout};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, Shutdown, SocketFlags, acceptfrom_with, recv, send, shutdown};
use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

/// So many connections are answered before signals are looked at again.
const AT_A_TIME: usize = 64;
/// So much of what a client may have sent (`agent-send`) is read: what is left unread would reset the connection.
const SENT_MAX: usize = 4096;
/// A pause when the kernel can give no more connections.
const BREATH: Duration = Duration::from_millis(100);

/// Answers everybody who connects to `socket` until a signal comes; if the package is being removed, until everybody
/// who asks has been told to send requests again.
///
/// # Errors
/// When `socket` is no socket that listens.
pub fn serve(socket: BorrowedFd, signals: &Signals, store: &Store) -> Result<()> {
    let mut agent = Agent::new(store, Instant::now());
    rustix::io::ioctl_fionbio(socket, true).map_err(|error| Error::NoSocket(error.into()))?;
    loop {
        agent.answer_those_who_wait(socket)?;
        let until = agent.leaves.map_or(PollTimeout::NONE, timeout);
        let watched = [signals.descriptor(), Some(socket)].into_iter().flatten();
        let mut fds: Vec<PollFd<'_>> = watched.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        match poll(&mut fds, until) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            // No memory for it.
            Err(_) => std::thread::sleep(NAP),
        }
        let now = Instant::now();
        if signals.arrived() {
            agent.leaves = agent.stay_until(now);
            if agent.leaves.is_none() {
                return Ok(());
            }
        }
        if agent.leaves.is_some_and(|leaves| now >= leaves) {
            return Ok(());
        }
    }
}

struct Agent<'a> {
    store: &'a Store,
    boot_id: String,
    askers: Askers,
    /// When it goes, once it has been told to. Until then it says "ready", whatever is published.
    leaves: Option<Instant>,
    /// Why there was no answer the last time.
    silence: Option<String>,
}

impl<'a> Agent<'a> {
    fn new(store: &'a Store, now: Instant) -> Self {
        let boot_id = store.now().boot_id;
        Self { store, boot_id, askers: Askers::new(now), leaves: None, silence: None }
    }

    fn stay_until(&self, now: Instant) -> Option<Instant> {
        self.store.is_package_leaving().then(|| self.askers.stay_until(now)).flatten()
    }

    fn answer_those_who_wait(&mut self, socket: BorrowedFd) -> Result<()> {
        for _ in 0..AT_A_TIME {
            match acceptfrom_with(socket, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK) {
                Ok((client, address)) => {
                    let address = address.and_then(|address| SocketAddr::try_from(address).ok());
                    self.answer(&client, address.map(|address| address.ip()));
                }
                Err(Errno::AGAIN) => break,
                Err(error @ (Errno::BADF | Errno::INVAL | Errno::NOTSOCK | Errno::OPNOTSUPP)) => {
                    return Err(Error::NoSocket(error.into()));
                }
                Err(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM) => {
                    std::thread::sleep(BREATH);
                    break;
                }
                // That client has gone (accept(2)).
                Err(_) => {}
            }
        }
        Ok(())
    }

    /// Writes the answer and ends the connection. A client that has gone needs none.
    fn answer(&mut self, client: &OwnedFd, who: Option<IpAddr>) {
        let word = if self.leaves.is_some() { Some(Word::Ready) } else { self.word() };
        self.askers.note(who, Instant::now(), word == Some(Word::Ready));
        if let Some(word) = word {
            let _ = send(client, word.line(), SendFlags::NOSIGNAL | SendFlags::DONTWAIT);
        }
        let _ = shutdown(client, Shutdown::Write);
        let _ = recv(client, &mut [0; SENT_MAX], RecvFlags::DONTWAIT);
    }

    /// What is published; for want of that there is no answer, and the balancer goes on as before.
    fn word(&mut self) -> Option<Word> {
        let why = match self.store.published() {
            Ok(Some(state)) if !state.is_about(self.store.unit(), &self.boot_id) => {
                "is of another boot or version".to_owned()
            }
            Ok(Some(state)) => match state.word() {
                Some(word) => {
                    self.silence = None;
                    return Some(word);
                }
                None => "does not tell whether the node is out, because the record cannot be read".to_owned(),
            },
            Ok(None) => "is not there yet; restart the unit, or run hhvm-drain restore".to_owned(),
            Err(error) => format!("cannot be read ({error})"),
        };
        if self.silence.as_ref() != Some(&why) {
            // A closed standard error must not end the answers.
            let path = self.store.published_path();
            let line = format!("hhvm-drain: no answer to balancers: {} {why}", path.display());
            let _ = writeln!(std::io::stderr(), "{}", clean(&line));
            self.silence = Some(why);
        }
        None
    }
}
