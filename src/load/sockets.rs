//! The load of an HHVM without an admin port: the connections to its page server that are in use, as the kernel lists
//! them (`sock_diag(7)`).
//!
//! A connection counts as in use unless the kernel can tell that it is kept alive and idle: all of its data is read and
//! acknowledged, the last data on it was sent by HHVM and not received, and that was a while ago. An answer that pauses
//! for longer than [`IDLE`] in its midst looks the same. Of a Unix socket the kernel tells no times: each counts.

use super::Unknown;
use netlink_packet_core::{NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload};
use netlink_packet_sock_diag::constants::{AF_INET, AF_INET6, IPPROTO_TCP, TCP_ESTABLISHED};
use netlink_packet_sock_diag::inet::{self, ExtensionFlags, InetRequest, InetResponse, SocketId};
use netlink_packet_sock_diag::unix::{self, ShowFlags, UnixRequest, UnixResponse, nlas::UnixDiagName};
use netlink_packet_sock_diag::{SockDiagMessage, inet::nlas::Nla};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_SOCK_DIAG};
use std::net::IpAddr;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// For so long nothing may have been sent on a connection that counts as idle.
const IDLE: Duration = Duration::from_secs(5);
/// What the kernel sends at a time (`NLMSG_GOODSIZE` is at most this).
const BUFFER: usize = 32 << 10;
/// Most messages that are read for one sample: ten times the connections of a busy host.
const REPLIES_MAX: usize = 10_000;

/// Where a page server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listener {
    /// A TCP port, on one address or on all.
    Tcp(Option<IpAddr>, u16),
    /// A Unix socket, by the path that it was bound to.
    Unix(PathBuf),
}

impl Listener {
    /// How many of its connections are in use.
    ///
    /// # Errors
    /// When the kernel does not tell.
    pub fn in_use(&self) -> Result<u64, Unknown> {
        let mut count = 0;
        for request in self.requests() {
            dump(request, |message| count += self.weight(message))?;
        }
        Ok(count)
    }

    /// The accept queue is among them: over TCP a connection in it is established; of a Unix socket the listening one
    /// tells of it.
    fn requests(&self) -> Vec<SockDiagMessage> {
        match self {
            Self::Unix(_) => vec![SockDiagMessage::UnixRequest(UnixRequest {
                state_flags: unix::StateFlags::ESTABLISHED | unix::StateFlags::LISTEN,
                inode: 0,
                show_flags: ShowFlags::NAME | ShowFlags::ICONS,
                cookie: [0xff; 8],
            })],
            Self::Tcp(_, port) => [(AF_INET, SocketId::new_v4()), (AF_INET6, SocketId::new_v6())]
                .into_iter()
                .map(|(family, mut socket_id)| {
                    socket_id.source_port = *port;
                    let states = inet::StateFlags::ESTABLISHED | inet::StateFlags::CLOSE_WAIT;
                    let (protocol, extensions) = (IPPROTO_TCP, ExtensionFlags::INFO);
                    SockDiagMessage::InetRequest(InetRequest {
                        family,
                        protocol,
                        extensions,
                        states,
                        socket_id,
                    })
                })
                .collect(),
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

impl std::fmt::Display for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp(Some(address), port) => write!(f, "{}", std::net::SocketAddr::new(*address, *port)),
            Self::Tcp(None, port) => write!(f, "port {port}"),
            Self::Unix(path) => write!(f, "{}", path.display()),
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

/// Asks the kernel for all sockets that `request` describes, and gives each to `each`.
fn dump(request: SockDiagMessage, mut each: impl FnMut(&SockDiagMessage)) -> Result<(), Unknown> {
    let mut socket = Socket::new(NETLINK_SOCK_DIAG)?;
    socket.bind_auto()?;
    socket.connect(&SocketAddr::new(0, 0))?;
    nix::sys::socket::setsockopt(&socket.as_fd(), nix::sys::socket::sockopt::ReceiveTimeout, &one_second())
        .map_err(std::io::Error::from)?;
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST | NLM_F_DUMP;
    let mut packet = NetlinkMessage::new(header, NetlinkPayload::from(request));
    packet.finalize();
    let mut bytes = vec![0; packet.buffer_len()];
    packet.serialize(&mut bytes);
    socket.send(&bytes, 0)?;
    let mut buffer = vec![0; BUFFER];
    for _ in 0..REPLIES_MAX {
        let length = socket.recv(&mut &mut buffer[..], 0)?;
        if read_all(&buffer[..length.min(BUFFER)], &mut each)? {
            return Ok(());
        }
    }
    Err(Unknown::Protocol("the kernel's list of connections has no end"))
}

/// Reads the messages of one datagram; whether the list is at its end.
fn read_all(mut bytes: &[u8], each: &mut impl FnMut(&SockDiagMessage)) -> Result<bool, Unknown> {
    while !bytes.is_empty() {
        let message = NetlinkMessage::<SockDiagMessage>::deserialize(bytes)
            .map_err(|_| Unknown::Protocol("the kernel's list of connections is not understood"))?;
        match message.payload {
            NetlinkPayload::InnerMessage(socket) => each(&socket),
            NetlinkPayload::Done(_) => return Ok(true),
            NetlinkPayload::Error(error) => return Err(error.to_io().into()),
            _ => {}
        }
        let length = (message.header.length as usize).next_multiple_of(4);
        bytes = bytes.get(length.max(16)..).unwrap_or_default();
    }
    Ok(false)
}

fn one_second() -> nix::sys::time::TimeVal {
    nix::sys::time::TimeVal::new(1, 0)
}

#[cfg(test)]
#[path = "sockets_tests.rs"]
mod tests;
