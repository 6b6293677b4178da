//! Sockets: TCP and Unix behind one face, and waiting for one without missing the order to stop.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::options::Door;

/// A connection.
pub enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream {
    pub fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(s) => (&*s).read(buffer),
            Self::Unix(s) => (&*s).read(buffer),
        }
    }

    pub fn write_all(&self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Tcp(s) => (&*s).write_all(bytes),
            Self::Unix(s) => (&*s).write_all(bytes),
        }
    }

    /// Ends both directions; what was written still arrives.
    pub fn hang_up(&self) {
        let _ = match self {
            Self::Tcp(s) => s.shutdown(Shutdown::Both),
            Self::Unix(s) => s.shutdown(Shutdown::Both),
        };
    }

    /// Makes the coming close a reset.
    pub fn reset_on_close(&self) {
        if let Self::Tcp(s) = self {
            let _ = rustix::net::sockopt::set_socket_linger(s, Some(Duration::ZERO));
        }
    }

    /// The host at the other end, as the log names it.
    pub fn peer(&self) -> String {
        match self {
            Self::Tcp(s) => s.peer_addr().map(|peer| peer.ip().to_string()).unwrap_or_default(),
            Self::Unix(_) => "localhost".into(),
        }
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(s) => s.as_fd(),
            Self::Unix(s) => s.as_fd(),
        }
    }
}

/// A listening socket.
pub enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    /// Listens, and tells the real address where port 0 was asked for.
    pub fn bind(door: &Door) -> io::Result<(Self, Door)> {
        match door {
            Door::Tcp(address) => {
                let listener = TcpListener::bind(address)?;
                listener.set_nonblocking(true)?;
                let real = Door::Tcp(listener.local_addr()?);
                Ok((Self::Tcp(listener), real))
            }
            Door::Unix(path) => {
                remove_dead_socket(path);
                let listener = UnixListener::bind(path)?;
                listener.set_nonblocking(true)?;
                fs::set_permissions(path, fs::Permissions::from_mode(0o760))?;
                Ok((Self::Unix(listener), door.clone()))
            }
        }
    }

    pub fn accept(&self) -> io::Result<Stream> {
        match self {
            Self::Tcp(l) => {
                let (stream, _) = l.accept()?;
                stream.set_nodelay(true)?;
                Ok(Stream::Tcp(stream))
            }
            Self::Unix(l) => l.accept().map(|(stream, _)| Stream::Unix(stream)),
        }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(l) => l.as_fd(),
            Self::Unix(l) => l.as_fd(),
        }
    }
}

/// What ended a wait.
#[derive(PartialEq, Eq)]
pub enum Woken {
    Ready,
    Halted,
    TimedOut,
}

/// Waits until there is something to read or accept, `halt` is closed or written to, or the time is up.
pub fn wait(fd: BorrowedFd<'_>, halt: BorrowedFd<'_>, limit: Option<Duration>) -> Woken {
    let timeout = limit.and_then(|limit| PollTimeout::try_from(limit).ok()).unwrap_or(PollTimeout::NONE);
    loop {
        let mut fds = [PollFd::new(halt, PollFlags::POLLIN), PollFd::new(fd, PollFlags::POLLIN)];
        match poll(&mut fds, timeout) {
            Err(Errno::EINTR) => {}
            Ok(0) => return Woken::TimedOut,
            _ if fds[0].any() == Some(true) => return Woken::Halted,
            _ => return Woken::Ready,
        }
    }
}

fn remove_dead_socket(path: &Path) {
    if path.exists() && UnixStream::connect(path).is_err() {
        let _ = fs::remove_file(path);
    }
}
