//! Which connections are in use: every doubt counts as one that is.
//!
//! - Over TCP, a connection belongs to the listener of its family, port and address, from the handshake on. One that the
//!   unit holds without such a listener counts all the same where the unit listened there before, where connections
//!   outwards never have that port, and where the unit has no listener at all: somebody may have closed it first. Others
//!   are the unit's own, to a database say.
//! - A Unix socket that was accepted has its listener's name; one that was connected outwards, or is one of a pair, has
//!   none.
//! - A socket that the unit holds and that stands in no list counts: an accepted Unix socket belongs to the name space of
//!   the side that connected, which may be any (measured: inside `PrivateNetwork=` only the listening one is seen).

use super::seen::{Listening, Seen};
use super::{Name, Place, Space, TcpRow, TcpState, UnixRow, UnixState};
use std::net::SocketAddr;
use std::ops::RangeInclusive;

/// Linux's default of `net.ipv4.ip_local_port_range`.
const EPHEMERAL: RangeInclusive<u16> = 32_768..=60_999;

/// What is asked about a unit's connections.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// Whether the connections of a listener count; those of an admin port do not.
    pub counts: &'a dyn Fn(&Place) -> bool,
    /// Where else the unit may have listened: at an earlier look, or as its configuration says.
    pub former: &'a [Place],
}

/// How many connections are in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// Connections to the unit's listeners, and those that may be.
    pub connections: u64,
    /// Sockets that the unit holds, and of which nobody tells what they are.
    pub unexplained: u64,
}

impl Count {
    /// All that counts.
    #[must_use]
    pub fn total(self) -> u64 {
        self.connections + self.unexplained
    }
}

impl Seen {
    /// How many connections are in use.
    #[must_use]
    pub fn in_use(&self, question: Question<'_>) -> Count {
        let own: Vec<Listening> = self.listening().collect();
        let judge = Judge { seen: self, question, own: &own };
        let of_space = |(index, space): (usize, &Space)| {
            let tcp = space.tcp.iter().filter(|row| judge.tcp_counts(row, index, space)).count() as u64;
            tcp + space.unix.iter().map(|row| judge.unix_weight(row, index)).sum::<u64>()
        };
        Count {
            connections: self.spaces.iter().enumerate().map(of_space).sum(),
            unexplained: self.unexplained().len() as u64,
        }
    }
}

struct Judge<'a> {
    seen: &'a Seen,
    question: Question<'a>,
    own: &'a [Listening],
}

impl Judge<'_> {
    fn tcp_counts(&self, row: &TcpRow, index: usize, space: &Space) -> bool {
        let closest = self
            .own
            .iter()
            .filter(|listener| listener.space == index)
            .filter_map(|listener| Some((listener.place.takes(row.local)?, &listener.place)))
            .max_by_key(|(fit, _)| *fit);
        match closest {
            Some((_, address)) if !(self.question.counts)(address) => false,
            // In the accept queue: it was never answered, so it cannot be idle.
            Some(_) if row.inode == 0 => matches!(row.state, TcpState::Arriving | TcpState::Open),
            Some(_) if self.seen.holds(row.inode) => is_in_use(row),
            Some((fit, _)) => {
                let other = |other: &TcpRow| {
                    other.state == TcpState::Listening
                        && !self.seen.holds(other.inode)
                        && Place::Tcp(other.local).takes(row.local) >= Some(fit)
                };
                is_in_use(row) && !space.tcp.iter().any(other)
            }
            None => self.seen.holds(row.inode) && is_in_use(row) && self.may_be_accepted(row.local, space),
        }
    }

    /// Whether a connection that the unit holds, and that is none of a listener's, may have been accepted.
    fn may_be_accepted(&self, local: SocketAddr, space: &Space) -> bool {
        let ephemeral = space.ephemeral.as_ref().unwrap_or(&EPHEMERAL);
        let listened = |address: &&Place| address.takes(local).is_some();
        match self.question.former.iter().filter(listened).max_by_key(|address| address.takes(local)) {
            Some(address) => (self.question.counts)(address),
            None => !ephemeral.contains(&local.port()) || !self.has_listener(),
        }
    }

    fn has_listener(&self) -> bool {
        self.own.iter().any(|listener| (self.question.counts)(&listener.place))
    }

    /// For how many connections in use this row stands.
    fn unix_weight(&self, row: &UnixRow, index: usize) -> u64 {
        let holds = self.seen.holds(row.inode);
        let counts = |name: &Name| (self.question.counts)(&Place::Unix(name.clone()));
        match (row.state, &row.name) {
            (UnixState::Listening(queue), Some(name)) if holds && counts(name) => u64::from(queue),
            (UnixState::Connected, Some(name)) => {
                let ours =
                    if holds { !self.is_client(row, name) } else { self.is_accepted(row, name, index) };
                u64::from(ours && counts(name))
            }
            _ => 0,
        }
    }

    /// Whether a connected socket that has a name is the side that has connected: such a one was bound by itself, to a
    /// name where nobody listens, and the other end has the name of a listener.
    fn is_client(&self, row: &UnixRow, name: &Name) -> bool {
        let rows = || self.seen.spaces.iter().flat_map(|space| &space.unix);
        let listens = |name: &Name| {
            rows().any(|row| matches!(row.state, UnixState::Listening(_)) && row.name.as_ref() == Some(name))
        };
        let peer = row.peer.filter(|inode| *inode > 0);
        let other_end = peer.and_then(|inode| rows().find(|row| row.inode == inode));
        other_end.and_then(|row| row.name.as_ref()).is_some_and(listens) && !listens(name)
    }

    /// Whether a connected socket that no process of the unit holds was accepted from a listener of the unit: names
    /// alone may be the same in other mount name spaces.
    fn is_accepted(&self, row: &UnixRow, name: &Name, index: usize) -> bool {
        self.own.iter().any(|listener| match (row.file, listener.file) {
            (Some(file), Some(own)) => file == own,
            _ => listener.space == index && listener.place == Place::Unix(name.clone()),
        })
    }
}

/// Whether a request may be on a connection that was accepted.
fn is_in_use(row: &TcpRow) -> bool {
    match row.state {
        TcpState::Arriving | TcpState::Open => !row.idle,
        TcpState::Ending => row.inode > 0,
        TcpState::Listening | TcpState::Other => false,
    }
}

#[cfg(test)]
#[path = "judgement_tests.rs"]
mod tests;
