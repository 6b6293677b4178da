//! Asks a socket that stands in no list what it is, by a descriptor of one's own for it.

use crate::sockets::{Held, Nature, Process};
use rustix::fs::{fstat, getxattr};
use rustix::net::sockopt::{socket_acceptconn, socket_domain, socket_protocol, socket_type};
use rustix::net::{AddressFamily, SocketType, ipproto};
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};
use std::io;
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;

/// The protocol of a socket, as the kernel calls it (`sockfs_xattr_handlers` in `net/socket.c`), on every kernel.
const PROTOCOL: &str = "system.sockprotoname";
/// Names of protocols on which no pages are requested.
const OTHERS: [&[u8]; 11] = [
    b"UDP",
    b"UDPv6",
    b"UDP-Lite",
    b"UDPLITEv6",
    b"NETLINK",
    b"PACKET",
    b"RAW",
    b"RAWv6",
    b"PING",
    b"PINGv6",
    b"ALG",
];

/// What the socket is; in use if that cannot be found out.
pub(super) fn nature(proc: &Path, process: &Process, held: Held) -> Nature {
    let link = proc.join(process.pid.to_string()).join("fd").join(held.descriptor.to_string());
    let mut name = [0; 32];
    let length = getxattr(&link, PROTOCOL, &mut name).unwrap_or(0);
    let name = name[..length].split(|byte| *byte == 0).next().unwrap_or_default();
    if OTHERS.contains(&name) {
        return Nature::Harmless;
    }
    match duplicate(process.pid, held).and_then(own_word) {
        Ok(nature) => nature,
        Err(_) => Nature::InUse,
    }
}

/// A descriptor for the same socket; Linux knows this since 5.6.
fn duplicate(pid: i32, held: Held) -> io::Result<OwnedFd> {
    let pid = Pid::from_raw(pid).ok_or(io::ErrorKind::NotFound)?;
    let process = pidfd_open(pid, PidfdFlags::empty())?;
    let socket = pidfd_getfd(process, held.descriptor, PidfdGetfdFlags::empty())?;
    // The descriptor, or the process itself, may be another by now.
    if fstat(&socket)?.st_ino == held.inode { Ok(socket) } else { Err(io::ErrorKind::NotFound.into()) }
}

fn own_word(socket: OwnedFd) -> io::Result<Nature> {
    let domain = socket_domain(&socket)?;
    let is_stream = matches!(socket_type(&socket)?, SocketType::STREAM | SocketType::SEQPACKET);
    let is_tcp = matches!(domain, AddressFamily::INET | AddressFamily::INET6)
        && socket_protocol(&socket)? == Some(ipproto::TCP);
    if domain == AddressFamily::UNIX && !is_stream {
        return Ok(Nature::Harmless);
    }
    // Who waits at a listener that no list shows, nobody tells.
    if !(domain == AddressFamily::UNIX || is_tcp) || socket_acceptconn(&socket)? {
        return Ok(Nature::InUse);
    }
    let not_connected =
        |peer: io::Result<()>| peer.is_err_and(|error| error.kind() == io::ErrorKind::NotConnected);
    if is_tcp {
        let peer = TcpStream::from(socket).peer_addr().map(|_| ());
        return Ok(if not_connected(peer) { Nature::Harmless } else { Nature::InUse });
    }
    let socket = UnixStream::from(socket);
    let is_outwards = socket.local_addr()?.is_unnamed() || not_connected(socket.peer_addr().map(|_| ()));
    Ok(if is_outwards { Nature::Harmless } else { Nature::InUse })
}
