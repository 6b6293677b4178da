//! The load of an HHVM without an admin port: the connections to its page server that are in use, as the kernel lists
//! them (`sock_diag(7)`).
//!
//! A connection counts as in use unless the kernel can tell that it is kept alive and idle: all of its data is read and
//! acknowledged, the last data on it was sent by HHVM and not received, and that was a while ago. An answer that pauses
//! for longer than [`IDLE`] in its midst looks the same. Of a Unix socket the kernel tells no times: each counts.

use super::gauge::Gauge;
use super::sock_diag::{Request, both_families, dump, each_family};
use crate::load::Unknown;
use crate::place::Listener;
use netlink_packet_sock_diag::SockDiagMessage;
use netlink_packet_sock_diag::constants::TCP_ESTABLISHED;
use netlink_packet_sock_diag::inet::{InetResponse, nlas::Nla};
use netlink_packet_sock_diag::unix::{self, ShowFlags, UnixRequest, UnixResponse, nlas::UnixDiagName};
use std::net::IpAddr;
use std::path::Path;
use std::time::{Duration, Instant};

/// For so long nothing may have been sent on a connection that counts as idle.
const IDLE: Duration = Duration::from_secs(5);

/// The connections to a listener.
pub(super) struct Connections(Listener);

impl Connections {
    /// The connections to `listener`.
    pub(super) fn to(listener: Listener) -> Self {
        Self(listener)
    }
}

impl Gauge for Connections {
    /// The kernel answers at once, so `deadline` is not needed.
    fn read(&mut self, _deadline: Instant) -> Result<u64, Unknown> {
        self.0.in_use()
    }
}

impl Listener {
    /// How many of its connections are in use.
    ///
    /// # Errors
    /// When the kernel does not tell.
    pub fn in_use(&self) -> Result<u64, Unknown> {
        match (self, self.count(self.requests())) {
            // A kernel that does not know, or does not allow, the old form.
            (Self::Tcp(_, port), Err(Unknown::Io(_) | Unknown::Refused)) => self.count(each_family(*port)),
            (_, counted) => counted,
        }
    }

    fn count(&self, requests: impl IntoIterator<Item = Request>) -> Result<u64, Unknown> {
        let mut count = 0;
        for request in requests {
            dump(request, |message| count += self.weight(message))?;
        }
        Ok(count)
    }

    /// The accept queue is among them: over TCP a connection in it is established; of a Unix socket the listening one
    /// tells of it.
    fn requests(&self) -> [Request; 1] {
        match self {
            Self::Unix(_) => [Request::Usual(SockDiagMessage::UnixRequest(UnixRequest {
                state_flags: unix::StateFlags::ESTABLISHED | unix::StateFlags::LISTEN,
                inode: 0,
                show_flags: ShowFlags::NAME | ShowFlags::ICONS,
                cookie: [0xff; 8],
            }))],
            Self::Tcp(_, port) => [both_families(*port)],
        }
    }

    /// How many connections in use this socket stands for.
    fn weight(&self, message: &SockDiagMessage) -> u64 {
        match (self, message) {
            (Self::Tcp(address, port), SockDiagMessage::InetResponse(response)) => {
                let id = &response.header.socket_id;
                let here = address.is_none_or(|address| same_host(address, id.source_address));
                u64::from(here && id.source_port == *port && !is_idle(response))
            }
            (Self::Unix(path), SockDiagMessage::UnixResponse(response)) if is_bound_to(response, path) => {
                let queue = response.pending_connections().map_or(0, <[u32]>::len);
                u64::from(response.header.state == TCP_ESTABLISHED) + queue as u64
            }
            _ => 0,
        }
    }
}

/// An IPv4 connection to a socket that listens on `::` has a mapped address.
fn same_host(a: IpAddr, b: IpAddr) -> bool {
    a.to_canonical() == b.to_canonical()
}

fn is_bound_to(response: &UnixResponse, path: &Path) -> bool {
    matches!(response.name(), Some(UnixDiagName::Pathname(name)) if name == path.as_os_str())
}

fn is_idle(response: &InetResponse) -> bool {
    let queues_are_empty = response.header.recv_queue == 0 && response.header.send_queue == 0;
    let info = response.nlas.iter().find_map(|nla| match nla {
        Nla::TcpInfo(info) => Some(info.as_slice()),
        _ => None,
    });
    queues_are_empty
        && info.and_then(last_data).is_some_and(|(sent, received)| sent < received && sent >= IDLE)
}

/// `tcpi_last_data_sent` and `tcpi_last_data_recv` of `struct tcp_info` (`linux/tcp.h`): how long ago, for every kernel
/// alike, as fields are only ever added at its end.
fn last_data(info: &[u8]) -> Option<(Duration, Duration)> {
    let millis = |offset: usize| {
        let bytes = info.get(offset..offset + 4)?.try_into().ok()?;
        Some(Duration::from_millis(u64::from(u32::from_ne_bytes(bytes))))
    };
    Some((millis(44)?, millis(52)?))
}

#[cfg(test)]
#[path = "sockets_tests.rs"]
mod tests;
