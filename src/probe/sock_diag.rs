//! Asks the kernel about its sockets (`sock_diag(7)`).

use crate::load::Unknown;
use netlink_packet_core::{
    DecodeError, Emitable, NLM_F_DUMP, NLM_F_REQUEST, NetlinkDeserializable, NetlinkHeader, NetlinkMessage,
    NetlinkPayload, NetlinkSerializable, ParseableParametrized,
};
use netlink_packet_sock_diag::constants::{AF_INET, AF_INET6, IPPROTO_TCP};
use netlink_packet_sock_diag::inet::{self, ExtensionFlags, InetRequest, SocketId};
use netlink_packet_sock_diag::{SOCK_DIAG_BY_FAMILY, SockDiagMessage};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_SOCK_DIAG};
use std::os::fd::AsFd;

/// What the kernel sends at a time (`NLMSG_GOODSIZE` is at most this).
const BUFFER: usize = 32 << 10;
/// Most messages that are read for one sample: ten times the connections of a busy host.
const REPLIES_MAX: usize = 10_000;

/// A question for each family, where the old form is not known.
pub fn each_family(port: u16) -> [Request; 2] {
    [AF_INET, AF_INET6].map(|family| Request::Usual(SockDiagMessage::InetRequest(of_port(port, family))))
}

/// Connections of both families, in use or not.
pub fn both_families(port: u16) -> Request {
    Request::BothFamilies(of_port(port, AF_INET))
}

fn of_port(port: u16, family: u8) -> InetRequest {
    let mut socket_id = if family == AF_INET { SocketId::new_v4() } else { SocketId::new_v6() };
    socket_id.source_port = port;
    let states = inet::StateFlags::ESTABLISHED | inet::StateFlags::CLOSE_WAIT;
    InetRequest { family, protocol: IPPROTO_TCP, extensions: ExtensionFlags::INFO, states, socket_id }
}

/// A question to the kernel.
pub enum Request {
    /// Its form since Linux 3.3, for one family.
    Usual(SockDiagMessage),
    /// Linux's first form of the question (`struct inet_diag_req`), answered for both families at once. For each family
    /// the kernel would walk through all connections of the host.
    BothFamilies(InetRequest),
}

/// `TCPDIAG_GETSOCK`
const OLD_FORM: u16 = 18;

impl NetlinkSerializable for Request {
    fn message_type(&self) -> u16 {
        match self {
            Self::Usual(message) => message.message_type(),
            Self::BothFamilies(_) => OLD_FORM,
        }
    }

    fn buffer_len(&self) -> usize {
        match self {
            Self::Usual(message) => NetlinkSerializable::buffer_len(message),
            Self::BothFamilies(request) => 4 + request.socket_id.buffer_len() + 8,
        }
    }

    fn serialize(&self, buffer: &mut [u8]) {
        match self {
            Self::Usual(message) => message.serialize(buffer),
            Self::BothFamilies(request) => {
                let (head, rest) = buffer.split_at_mut(4);
                let (id, tail) = rest.split_at_mut(request.socket_id.buffer_len());
                head.copy_from_slice(&[request.family, 0, 0, request.extensions.bits()]);
                request.socket_id.emit(id);
                tail[..4].copy_from_slice(&request.states.bits().to_ne_bytes());
                tail[4..].fill(0);
            }
        }
    }
}

/// A socket, as the kernel tells of it; the same in answer to both forms.
struct Reply(SockDiagMessage);

impl NetlinkDeserializable for Reply {
    type Error = DecodeError;

    fn deserialize(_: &NetlinkHeader, payload: &[u8]) -> Result<Self, DecodeError> {
        SockDiagMessage::parse_with_param(payload, SOCK_DIAG_BY_FAMILY).map(Self)
    }
}

/// Asks the kernel for all sockets that `request` describes, and gives each to `each`.
pub fn dump(request: Request, mut each: impl FnMut(&SockDiagMessage)) -> Result<(), Unknown> {
    let mut socket = Socket::new(NETLINK_SOCK_DIAG)?;
    socket.bind_auto()?;
    socket.connect(&SocketAddr::new(0, 0))?;
    nix::sys::socket::setsockopt(&socket.as_fd(), nix::sys::socket::sockopt::ReceiveTimeout, &one_second())
        .map_err(std::io::Error::from)?;
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST | NLM_F_DUMP;
    let mut packet = NetlinkMessage::new(header, NetlinkPayload::InnerMessage(request));
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
    Err(Unknown::Protocol("the kernel's list of connections is incomplete"))
}

/// Reads the messages of one datagram; whether the list is at its end.
pub(super) fn read_all(mut bytes: &[u8], each: &mut impl FnMut(&SockDiagMessage)) -> Result<bool, Unknown> {
    while !bytes.is_empty() {
        let message = NetlinkMessage::<Reply>::deserialize(bytes)
            .map_err(|_| Unknown::Protocol("the kernel's list of connections cannot be parsed"))?;
        match message.payload {
            NetlinkPayload::InnerMessage(Reply(socket)) => each(&socket),
            // A list that the kernel could not make ends like one that is empty, but for this number.
            NetlinkPayload::Done(done) if done.code < 0 => {
                let error = std::io::Error::from_raw_os_error(done.code.saturating_neg());
                return Err(Unknown::Io(error.kind()));
            }
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
