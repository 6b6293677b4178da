//! The network name space of a process, and the kernel's lists of the sockets in it.

use super::enter::in_network_of;
use super::sock_diag::Diag;
use super::wire::{self, Socket, Wanted};
use super::{Host, Unseen};
use crate::sockets::Space;
use std::fs;
use std::io::ErrorKind;
use std::ops::RangeInclusive;
use std::path::Path;
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

impl NetSpace {
    /// The name space `id`, which is that of the process `pid`. A socket stays in the name space that it was made in, and
    /// so does the one by which the kernel is asked.
    pub(super) fn open(host: &Host, pid: i32, id: u64) -> Result<Self, Unseen> {
        let (diag, ephemeral) = in_network_of(host, pid, || (Diag::open(), ephemeral(&host.proc)))?;
        let listed = Space { inside: pid, ephemeral, ..Space::default() };
        Ok(Self { id, listed, diag: diag? })
    }

    /// Lists Unix sockets. A kernel that has no such list leaves the unit's unexplained.
    pub(super) fn list_unix(&mut self, wanted: Wanted, deadline: Instant) -> Result<(), Unseen> {
        match self.list(&wire::unix_request(wanted), deadline) {
            Err(Unseen::List(ErrorKind::NotFound)) => Ok(()),
            listed => listed,
        }
    }

    /// Lists TCP sockets of both families, of that local port or, if it is 0, of any.
    pub(super) fn list_tcp(&mut self, wanted: Wanted, port: u16, deadline: Instant) -> Result<(), Unseen> {
        let before = self.listed.tcp.len();
        match self.list(&wire::tcp_request(wanted, port), deadline) {
            // A kernel that does not know, or does not allow, the old form.
            Err(Unseen::List(_)) => {
                self.listed.tcp.truncate(before);
                let requests = wire::tcp_requests_by_family(wanted, port);
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
