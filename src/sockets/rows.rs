//! The kernel's lists of sockets, row by row.

use super::Name;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

/// For so long nothing may have been sent on a connection that counts as idle.
const IDLE: Duration = Duration::from_secs(5);

/// What the kernel lists in one network name space.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Space {
    /// The number of a process that is in it.
    pub inside: i32,
    /// TCP, of both families. Of connections that are neither held by the unit nor to a port of its, some may be missing.
    pub tcp: Vec<TcpRow>,
    /// Unix sockets.
    pub unix: Vec<UnixRow>,
    /// The local ports that connections outwards are given (`net.ipv4.ip_local_port_range`); none where that cannot be
    /// read.
    pub ephemeral: Option<RangeInclusive<u16>>,
}

/// A TCP socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TcpRow {
    /// Its number; 0 while no process has it: not accepted yet, or closed already.
    pub inode: u64,
    /// Its state.
    pub state: TcpState,
    /// Its address on this host.
    pub local: SocketAddr,
    /// The user who has made it, by number.
    pub user: u32,
    /// Whether it is kept alive without a request on it, see [`is_idle`].
    pub idle: bool,
}

/// The state of a TCP socket, as far as it matters whether a request is on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TcpState {
    /// LISTEN
    Listening,
    /// SYN-RECEIVED: a client connects.
    Arriving,
    /// ESTABLISHED, and CLOSE-WAIT: the client has gone, the request may run on.
    Open,
    /// FIN-WAIT-1, CLOSING, LAST-ACK: this side has closed it, and its last bytes may still be on their way.
    Ending,
    /// All other states: nothing that this side sends any more, or a connection outwards that is not made yet.
    Other,
}

/// A Unix socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnixRow {
    /// Its number. Sockets without one, of connections that are not accepted yet, are not listed.
    pub inode: u64,
    /// Its state.
    pub state: UnixState,
    /// What it is bound to. An accepted socket has the name of the one that it was accepted from, a client's usually
    /// none.
    pub name: Option<Name>,
    /// The file that it is bound to, shared with accepted sockets like the name.
    pub file: Option<FileId>,
    /// The number of the socket at the other end; 0 if that is closed.
    pub peer: Option<u64>,
}

/// The state of a Unix socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnixState {
    /// It listens, and so many connections wait to be accepted.
    Listening(u32),
    /// A stream, or a sequence of packets, with another end.
    Connected,
    /// Not connected, or of datagrams.
    Other,
}

/// A file: the number of its device and its own (`UNIX_DIAG_VFS`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileId {
    /// The device.
    pub device: u32,
    /// The lower half of the inode's number.
    pub inode: u32,
}

/// Whether a TCP connection is kept alive and idle: all of its data is read and acknowledged, the last data on it was
/// sent by this side and not received, and that was a while ago. An answer that pauses for longer than [`IDLE`] in its
/// midst looks the same.
///
/// `queues` are the bytes not read and not acknowledged yet; `last_data`, if known, how long ago data was sent and
/// received.
#[must_use]
pub fn is_idle(queues: (u32, u32), last_data: Option<(Duration, Duration)>) -> bool {
    queues == (0, 0) && last_data.is_some_and(|(sent, received)| sent < received && sent >= IDLE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_connection_that_was_answered_a_while_ago_is_idle() {
        let millis = |sent, received| Some((Duration::from_millis(sent), Duration::from_millis(received)));
        assert!(is_idle((0, 0), millis(6_000, 7_000)));
        for (queues, sent, received) in [
            ((1, 0), 6_000, 7_000),
            ((0, 1), 6_000, 7_000),
            ((0, 0), 4_000, 7_000),
            ((0, 0), 7_000, 6_000),
            ((0, 0), 7_000, 7_000),
        ] {
            assert!(!is_idle(queues, millis(sent, received)), "{queues:?} {sent} {received}");
        }
        assert!(!is_idle((0, 0), None));
    }
}
