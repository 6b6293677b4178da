//! Asks a server at one of its own listeners: in the network name space of its process, below the root of that.

use super::client::{Client, Reply};
use super::fastcgi::FastCgi;
use crate::endpoint::Address;
use crate::kernel::{Host, in_network_of};
use crate::load::Unknown;
use crate::sockets::{Name, Place};
use rustix::fs::{Mode, OFlags, open};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// A FastCGI server of a process.
pub(super) struct Own {
    host: Host,
    pid: i32,
    place: Place,
}

impl Own {
    /// The server that the process `pid` has at `place`.
    pub(super) fn of(host: &Host, pid: i32, place: &Place) -> Self {
        Self { host: host.clone(), pid, place: place.clone() }
    }
}

impl Client for Own {
    fn get(&mut self, path: &str, query: &str, limit: usize, deadline: Instant) -> Result<Reply, Unknown> {
        let ask = |address| FastCgi::new(address).get(path, query, limit, deadline);
        match &self.place {
            Place::Tcp(at) => {
                let address = Address::Tcp(at.ip().to_string(), at.port());
                in_network_of(&self.host, self.pid, || ask(address))?
            }
            Place::Unix(Name::Path(socket)) => {
                let root = self.host.proc.join(self.pid.to_string()).join("root");
                below(&root, socket, |address| ask(Address::Unix(address)))
            }
            Place::Unix(Name::Abstract(_)) => Err(Unknown::Protocol("the socket has no path")),
        }
    }
}

/// Calls `ask` with a path for `socket` below `root` that is short enough for a socket (unix(7)).
fn below<T>(
    root: &Path,
    socket: &Path,
    ask: impl FnOnce(PathBuf) -> Result<T, Unknown>,
) -> Result<T, Unknown> {
    let (Some(directory), Some(name)) = (socket.parent(), socket.file_name()) else {
        return Err(Unknown::Refused);
    };
    let directory = root.join(directory.strip_prefix("/").unwrap_or(directory));
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let opened =
        open(&directory, flags, Mode::empty()).map_err(|error| Unknown::from(std::io::Error::from(error)))?;
    ask(PathBuf::from(format!("/proc/self/fd/{}", opened.as_raw_fd())).join(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::{UnixListener, UnixStream};

    #[test]
    fn a_socket_with_the_longest_path_is_reached_below_a_root() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("d".repeat(90));
        std::fs::create_dir(&directory).unwrap();
        let socket = Path::new("/").join("d".repeat(90)).join("fpm.sock");
        let made = below(root.path(), &socket, |path| Ok(UnixListener::bind(path)?));
        let _listener = made.unwrap();
        assert!(below(root.path(), &socket, |path| Ok(UnixStream::connect(path)?)).is_ok());
        let missing = below(root.path(), Path::new("/none/fpm.sock"), |path| Ok(UnixStream::connect(path)?));
        assert_eq!(missing.unwrap_err(), Unknown::Refused);
    }
}
