//! The bytes of questions about sockets and of their answers: `linux/netlink.h`, `linux/sock_diag.h`,
//! `linux/inet_diag.h`, `linux/unix_diag.h`. Numbers are in the order of this machine, ports in that of the network.

use crate::sockets::{FileId, Name, TcpRow, TcpState, UnixRow, UnixState, is_idle};
use std::ffi::OsStr;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

/// What is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Sockets that listen.
    Listeners,
    /// All sockets.
    Connections,
}

const NLMSG_HEADER: usize = 16;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
/// `NLM_F_REQUEST | NLM_F_DUMP`
const DUMP: u16 = 0x301;
const SOCK_DIAG_BY_FAMILY: u16 = 20;
/// Linux's first form of a question about TCP, answered for both families at once; by the other one the kernel walks
/// through all connections of the host for each family.
const TCPDIAG_GETSOCK: u16 = 18;
const AF_UNIX: u8 = 1;
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
const IPPROTO_TCP: u8 = 6;
const INET_DIAG_INFO: u16 = 2;
/// `UDIAG_SHOW_NAME | UDIAG_SHOW_VFS | UDIAG_SHOW_PEER | UDIAG_SHOW_RQLEN`: of the connections that wait to be accepted
/// the number is enough, and a long list of them (`UDIAG_SHOW_ICONS`) would not fit into an answer.
const UNIX_SHOW: u32 = 0x17;

const TCP_ESTABLISHED: u8 = 1;
const TCP_SYN_RECV: u8 = 3;
const TCP_FIN_WAIT1: u8 = 4;
const TCP_TIME_WAIT: u8 = 6;
const TCP_CLOSE_WAIT: u8 = 8;
const TCP_LAST_ACK: u8 = 9;
const TCP_LISTEN: u8 = 10;
const TCP_CLOSING: u8 = 11;
const SOCK_DGRAM: u8 = 2;

/// A question.
pub(super) struct Request {
    kind: u16,
    body: Vec<u8>,
}

impl Request {
    /// It as a message; its answers have the same number.
    pub(super) fn message(&self, number: u32) -> Vec<u8> {
        let length = u32::try_from(NLMSG_HEADER + self.body.len()).unwrap_or(u32::MAX);
        let mut bytes = length.to_ne_bytes().to_vec();
        bytes.extend(self.kind.to_ne_bytes());
        bytes.extend(DUMP.to_ne_bytes());
        bytes.extend(number.to_ne_bytes());
        bytes.extend([0; 4]);
        bytes.extend(&self.body);
        bytes
    }
}

/// Sockets without an owner that only wait for late packets are many, and nobody's.
fn states(wanted: Wanted) -> u32 {
    match wanted {
        Wanted::Listeners => 1 << TCP_LISTEN,
        Wanted::Connections => !(1 << TCP_TIME_WAIT),
    }
}

/// TCP sockets of both families (`struct inet_diag_req`), of that local port or, if it is 0, of any.
pub(super) fn tcp_request(wanted: Wanted, port: u16) -> Request {
    let mut body = vec![AF_INET, 0, 0, 1 << (INET_DIAG_INFO - 1)];
    body.extend(port.to_be_bytes());
    body.extend([0; 46]);
    body.extend(states(wanted).to_ne_bytes());
    body.extend([0; 4]);
    Request { kind: TCPDIAG_GETSOCK, body }
}

/// The same, a question for each family (`struct inet_diag_req_v2`).
pub(super) fn tcp_requests_by_family(wanted: Wanted, port: u16) -> [Request; 2] {
    [AF_INET, AF_INET6].map(|family| {
        let mut body = vec![family, IPPROTO_TCP, 1 << (INET_DIAG_INFO - 1), 0];
        body.extend(states(wanted).to_ne_bytes());
        body.extend(port.to_be_bytes());
        body.extend([0; 46]);
        Request { kind: SOCK_DIAG_BY_FAMILY, body }
    })
}

/// Unix sockets (`struct unix_diag_req`).
pub(super) fn unix_request(wanted: Wanted) -> Request {
    let mut body = vec![AF_UNIX, 0, 0, 0];
    body.extend(states(wanted).to_ne_bytes());
    body.extend([0; 4]);
    body.extend(UNIX_SHOW.to_ne_bytes());
    body.extend([0xff; 8]);
    Request { kind: SOCK_DIAG_BY_FAMILY, body }
}

/// A part of an answer.
pub(super) enum Message<'a> {
    Socket(&'a [u8]),
    End,
    Failed(io::Error),
    /// Not an answer to this question.
    Other,
}

/// The messages in what was received; none in place of one that makes no sense, which is the last.
pub(super) fn messages(mut bytes: &[u8], number: u32) -> impl Iterator<Item = Option<Message<'_>>> {
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let message = message(bytes, number);
        let length = message.as_ref().and_then(|_| u32_at(bytes, 0)).unwrap_or(u32::MAX) as usize;
        bytes = bytes.get(length.saturating_add(3) & !3..).unwrap_or_default();
        Some(message)
    })
}

fn message(bytes: &[u8], number: u32) -> Option<Message<'_>> {
    let payload = bytes.get(NLMSG_HEADER..u32_at(bytes, 0)? as usize)?;
    if u32_at(bytes, 8)? != number {
        return Some(Message::Other);
    }
    let failed = |error: i32| Message::Failed(io::Error::from_raw_os_error(error.saturating_neg()));
    Some(match u16_at(bytes, 4)? {
        SOCK_DIAG_BY_FAMILY | TCPDIAG_GETSOCK => Message::Socket(payload),
        NLMSG_ERROR => failed(u32_at(payload, 0)?.cast_signed()),
        // A list that the kernel could not make ends like one that is empty, but for this number.
        NLMSG_DONE => match u32_at(payload, 0).map_or(0, u32::cast_signed) {
            error if error < 0 => failed(error),
            _ => Message::End,
        },
        _ => Message::Other,
    })
}

/// A row of a list.
#[derive(Debug)]
pub(super) enum Socket {
    Tcp(TcpRow),
    Unix(UnixRow),
}

/// Reads a row; none if it makes no sense.
pub(super) fn socket(payload: &[u8]) -> Option<Socket> {
    match payload.first()? {
        &AF_INET | &AF_INET6 => tcp(payload).map(Socket::Tcp),
        &AF_UNIX => unix(payload).map(Socket::Unix),
        _ => None,
    }
}

/// `struct inet_diag_msg`
fn tcp(payload: &[u8]) -> Option<TcpRow> {
    let state = match *payload.get(1)? {
        TCP_LISTEN => TcpState::Listening,
        TCP_SYN_RECV => TcpState::Arriving,
        TCP_ESTABLISHED | TCP_CLOSE_WAIT => TcpState::Open,
        TCP_FIN_WAIT1 | TCP_CLOSING | TCP_LAST_ACK => TcpState::Ending,
        _ => TcpState::Other,
    };
    let port = u16::from_be_bytes(bytes_at(payload, 4)?);
    let ip = match payload.first()? {
        &AF_INET => IpAddr::V4(Ipv4Addr::from(bytes_at::<4>(payload, 8)?)),
        _ => IpAddr::V6(Ipv6Addr::from(bytes_at::<16>(payload, 8)?)),
    };
    let queues = (u32_at(payload, 56)?, u32_at(payload, 60)?);
    let inode = u64::from(u32_at(payload, 68)?);
    let info = attributes(payload.get(72..)?).find(|(kind, _)| *kind == INET_DIAG_INFO);
    let idle = is_idle(queues, info.and_then(|(_, info)| last_data(info)));
    let user = u32_at(payload, 64)?;
    Some(TcpRow { inode, state, local: SocketAddr::new(ip, port), user, idle })
}

/// `tcpi_last_data_sent` and `tcpi_last_data_recv` of `struct tcp_info` (`linux/tcp.h`): how long ago, for every kernel
/// alike, as fields are only ever added at its end.
fn last_data(info: &[u8]) -> Option<(Duration, Duration)> {
    let millis = |offset| Some(Duration::from_millis(u64::from(u32_at(info, offset)?)));
    Some((millis(44)?, millis(52)?))
}

/// `struct unix_diag_msg`
fn unix(payload: &[u8]) -> Option<UnixRow> {
    let (kind, state) = (*payload.get(1)?, *payload.get(2)?);
    let inode = u64::from(u32_at(payload, 4)?);
    let mut row = UnixRow { inode, state: UnixState::Other, name: None, file: None, peer: None };
    let mut waiting = 0;
    for (kind, value) in attributes(payload.get(16..)?) {
        match kind {
            0 => row.name = name(value),
            1 => row.file = Some(FileId { inode: u32_at(value, 0)?, device: u32_at(value, 4)? }),
            2 => row.peer = Some(u64::from(u32_at(value, 0)?)),
            4 => waiting = u32_at(value, 0)?,
            _ => {}
        }
    }
    row.state = match state {
        TCP_LISTEN => UnixState::Listening(waiting),
        TCP_ESTABLISHED if kind != SOCK_DGRAM => UnixState::Connected,
        _ => UnixState::Other,
    };
    Some(row)
}

fn name(value: &[u8]) -> Option<Name> {
    if let Some((0, name)) = value.split_first() {
        return Some(Name::Abstract(name.to_vec()));
    }
    let path = value.split(|byte| *byte == 0).next().filter(|path| !path.is_empty())?;
    Some(Name::Path(OsStr::from_bytes(path).into()))
}

/// `struct nlattr`: the kinds and the values.
fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let length = usize::from(u16_at(bytes, 0)?);
        let attribute = (u16_at(bytes, 2)? & 0x3fff, bytes.get(4..length)?);
        bytes = bytes.get((length + 3) & !3..).unwrap_or_default();
        Some(attribute)
    })
}

fn bytes_at<const N: usize>(bytes: &[u8], offset: usize) -> Option<[u8; N]> {
    bytes.get(offset..offset + N)?.try_into().ok()
}

fn u16_at(bytes: &[u8], offset: usize) -> Option<u16> {
    bytes_at(bytes, offset).map(u16::from_ne_bytes)
}

fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    bytes_at(bytes, offset).map(u32::from_ne_bytes)
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
