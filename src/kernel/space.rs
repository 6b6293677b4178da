//! The network name space of a process, and the kernel's lists of the sockets in it.

use super::look::Wanted;
use super::sock_diag::Diag;
use super::wire::{self, Socket};
use super::{Host, Unseen};
use crate::sockets::Space;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::ops::RangeInclusive;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::thread;
use std::time::Instant;

/// Most sockets of one name space that are looked at.
const SOCKETS_MAX: usize = 500_000;

/// A network name space, and what was listed of it so far.
pub(super) struct NetSpace {
    /// Its number.
    pub(super) id: u64,
    /// What is listed.
    pub(super) listed: Space,
    diag: Diag,
}

/// The number of the network name space of a process.
pub(super) fn id_of(host: &Host, pid: i32) -> io::Result<u64> {
    number(&host.proc.join(pid.to_string()).join("ns/net"))
}

/// The number in `net:[NUMBER]`.
fn number(link: &Path) -> io::Result<u64> {
    let target = fs::read_link(link)?;
    let number = target.to_str().and_then(|text| text.strip_prefix("net:[")?.strip_suffix(']')?.parse().ok());
    number.ok_or_else(|| ErrorKind::InvalidData.into())
}

impl NetSpace {
    /// The name space `id`, which is that of the process `pid`.
    ///
    /// A socket stays in the name space that it was made in: the thread that enters it makes the one by which the kernel
    /// is asked, and ends, so that the program never is where it does not belong.
    pub(super) fn open(host: &Host, pid: i32, id: u64) -> Result<Self, Unseen> {
        let new = |diag, ephemeral| Self { id, listed: Space { ephemeral, ..Space::default() }, diag };
        if number(&host.proc.join("thread-self/ns/net")).is_ok_and(|own| own == id) {
            return Ok(new(Diag::open()?, ephemeral(&host.proc)));
        }
        let failed = move |error: &io::Error| match error.kind() {
            ErrorKind::NotFound => Unseen::Changing,
            kind => Unseen::NameSpace(pid, kind),
        };
        let link =
            File::open(host.proc.join(pid.to_string()).join("ns/net")).map_err(|error| failed(&error))?;
        // It may be another process's by now.
        if link.metadata().map_err(|error| failed(&error))?.ino() != id {
            return Err(Unseen::Changing);
        }
        let proc = host.proc.clone();
        let inside = move || -> Result<_, Unseen> {
            move_into_link_name_space(link.as_fd(), Some(LinkNameSpaceType::Network))
                .map_err(|error| failed(&error.into()))?;
            Ok((Diag::open()?, ephemeral(&proc)))
        };
        let thread = thread::Builder::new().name("netns".to_owned()).spawn(inside);
        let joined = thread.map_err(|error| Unseen::NameSpace(pid, error.kind()))?.join();
        let (diag, ephemeral) = joined.map_err(|_| Unseen::NameSpace(pid, ErrorKind::Other))??;
        Ok(new(diag, ephemeral))
    }

    /// Lists Unix sockets. A kernel that has no such list leaves the unit's unexplained.
    pub(super) fn list_unix(&mut self, wanted: Wanted, deadline: Instant) -> Result<(), Unseen> {
        match self.list(&wire::unix_request(wanted), deadline) {
            Err(Unseen::List(ErrorKind::NotFound)) => Ok(()),
            listed => listed,
        }
    }

    /// Lists TCP sockets of both families.
    pub(super) fn list_tcp(&mut self, wanted: Wanted, deadline: Instant) -> Result<(), Unseen> {
        match self.list(&wire::tcp_request(wanted), deadline) {
            // A kernel that does not know, or does not allow, the old form.
            Err(Unseen::List(_)) => {
                self.listed.tcp.clear();
                let requests = wire::tcp_requests_by_family(wanted);
                requests.iter().try_for_each(|request| self.list(request, deadline))
            }
            listed => listed,
        }
    }

    fn list(&mut self, request: &wire::Request, deadline: Instant) -> Result<(), Unseen> {
        let listed = &mut self.listed;
        self.diag.dump(request, deadline, |payload| {
            match wire::socket(payload).ok_or(Unseen::NotUnderstood)? {
                Socket::Tcp(row) => listed.tcp.push(row),
                Socket::Unix(row) => listed.unix.push(row),
            }
            let count = listed.tcp.len() + listed.unix.len();
            if count > SOCKETS_MAX { Err(Unseen::TooMany("sockets")) } else { Ok(()) }
        })
    }
}

/// The local ports of connections outwards, in the name space of this thread.
fn ephemeral(proc: &Path) -> Option<RangeInclusive<u16>> {
    let text = fs::read_to_string(proc.join("sys/net/ipv4/ip_local_port_range")).ok()?;
    let mut ports = text.split_whitespace().map(str::parse);
    match (ports.next(), ports.next()) {
        (Some(Ok(first)), Some(Ok(last))) => Some(first..=last),
        _ => None,
    }
}
