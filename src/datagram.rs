//! Datagrams to systemd that are sent at once or not at all: for where nobody may wait until it reads.
//!
//! `sd_notify(3)`; <https://systemd.io/JOURNAL_NATIVE_PROTOCOL>.

use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// Where journald takes entries.
const JOURNAL: &str = "/run/systemd/journal/socket";

/// Sends an entry to the journal.
///
/// # Errors
/// When journald does not take it now.
pub fn to_journal(fields: &[(&str, &str)]) -> io::Result<()> {
    send(&SocketAddr::from_pathname(JOURNAL)?, &entry(fields))
}

/// Sends states to the service manager that listens at `socket`, the value of `$NOTIFY_SOCKET`.
///
/// # Errors
/// When it does not take them now.
pub fn to_manager(socket: &str, states: &str) -> io::Result<()> {
    let address = match socket.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(socket)?,
    };
    send(&address, states.as_bytes())
}

fn send(address: &SocketAddr, bytes: &[u8]) -> io::Result<()> {
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    socket.send_to_addr(bytes, address).map(drop)
}

/// Values with line breaks are sent with their length.
fn entry(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(1024);
    for (name, value) in fields {
        bytes.extend(name.as_bytes());
        if value.contains('\n') {
            bytes.push(b'\n');
            bytes.extend((value.len() as u64).to_le_bytes());
        } else {
            bytes.push(b'=');
        }
        bytes.extend(value.as_bytes());
        bytes.push(b'\n');
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_break_cannot_forge_a_field() {
        let bytes = entry(&[("MESSAGE", "one"), ("TEXT", "a\nPRIORITY=0")]);
        assert_eq!(bytes, b"MESSAGE=one\nTEXT\n\x0c\0\0\0\0\0\0\0a\nPRIORITY=0\n");
    }

    #[test]
    fn nobody_is_waited_for() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        let path = path.to_str().unwrap();
        let full = (0..100_000).find_map(|_| to_manager(path, "STATUS=x").err());
        assert_eq!(full.unwrap().kind(), io::ErrorKind::WouldBlock);
        let mut buffer = [0; 64];
        let length = manager.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], b"STATUS=x");
        assert_eq!(to_manager(&format!("@{path}"), "").unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    }
}
