//! Asks the kernel for its lists of sockets (`sock_diag(7)`), by a netlink socket (netlink(7)).

use super::Unseen;
use super::unseen::check;
use super::wire::{Message, Request, messages};
use nix::sys::socket::sockopt::ReceiveTimeout;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, connect, recv, send, setsockopt,
    socket,
};
use nix::sys::time::TimeVal;
use std::io::ErrorKind;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Instant;

/// What the kernel sends at a time (`NLMSG_GOODSIZE` is at most this).
const BUFFER: usize = 32 << 10;

/// A socket by which the kernel tells of the network name space that it was made in.
pub(super) struct Diag {
    socket: OwnedFd,
    questions: u32,
}

impl Diag {
    /// Asks about the name space of this thread.
    pub(super) fn open() -> Result<Self, Unseen> {
        let protocol = SockProtocol::NetlinkSockDiag;
        let socket = socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, protocol)?;
        // From then on nobody but the kernel is heard.
        connect(socket.as_raw_fd(), &NetlinkAddr::new(0, 0))?;
        setsockopt(&socket, ReceiveTimeout, &TimeVal::new(1, 0))?;
        Ok(Self { socket, questions: 0 })
    }

    /// Gives each socket that `request` describes, as the kernel tells of it, to `each`.
    pub(super) fn dump(
        &mut self,
        request: &Request,
        deadline: Instant,
        mut each: impl FnMut(&[u8]) -> Result<(), Unseen>,
    ) -> Result<(), Unseen> {
        self.questions += 1;
        send(self.socket.as_raw_fd(), &request.message(self.questions), MsgFlags::empty())?;
        let mut buffer = vec![0; BUFFER];
        loop {
            check(deadline)?;
            let length = recv(self.socket.as_raw_fd(), &mut buffer, MsgFlags::empty())?;
            for message in messages(buffer.get(..length).unwrap_or_default(), self.questions) {
                match message.ok_or(Unseen::NotUnderstood)? {
                    Message::Socket(payload) => each(payload)?,
                    Message::End => return Ok(()),
                    Message::Failed(error) => return Err(Unseen::List(error.kind())),
                    Message::Other => {}
                }
            }
        }
    }
}

impl From<nix::errno::Errno> for Unseen {
    fn from(error: nix::errno::Errno) -> Self {
        match std::io::Error::from(error).kind() {
            ErrorKind::WouldBlock => Self::TimedOut,
            kind => Self::List(kind),
        }
    }
}
