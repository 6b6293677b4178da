//! HAProxy's runtime API (management.txt, 9.3): one connection, one line of commands, one answer.

use super::reader::{ANSWER_MAX, Reader, left};
use crate::order;
use crate::row::{Hidden, Mine, Named, Row, Table, Unclear, View, hidden};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// All servers of all backends: type 4.
const ALL: &str = "show info;show stat -1 4 -1";
/// With more backends than this, one table of all is shorter.
const BACKENDS_MAX: usize = 16;
/// HAProxy ends every answer with an empty line.
const END: &str = "\n\n";
/// How often a socket with a full queue is tried.
const FULL: Duration = Duration::from_millis(20);

enum At {
    Socket(PathBuf),
    Port(String, u16),
}

/// Asks one process of HAProxy's.
pub(super) struct RuntimeApi {
    at: At,
    mine: Mine,
    /// Where this node was found, and in which process.
    found: Option<Found>,
}

struct Found {
    process: Option<u64>,
    question: String,
    hidden: Vec<Hidden>,
}

impl RuntimeApi {
    pub(super) fn at_socket(path: PathBuf, mine: Mine) -> Self {
        Self { at: At::Socket(path), mine: Mine { is_local: true, ..mine }, found: None }
    }

    pub(super) fn at_port(host: String, port: u16, mine: Mine) -> Self {
        Self { at: At::Port(host, port), mine, found: None }
    }

    /// Looks through all backends, and remembers those that have this node.
    fn look(&mut self, deadline: Instant) -> Result<View, Unclear> {
        self.found = None;
        let Table { process, rows } = self.table(ALL, deadline)?;
        let hidden = if self.needs_addresses(&rows) {
            hidden(&self.talk("show servers state", deadline)?)?
        } else {
            Vec::new()
        };
        let rows = self.mine.of(shown(rows, &hidden))?;
        let mut backends: Vec<&str> = rows.iter().map(|row| row.id.backend.as_str()).collect();
        backends.dedup();
        let can_be_asked = backends.len() <= BACKENDS_MAX && backends.iter().all(|name| is_name(name));
        let question = if can_be_asked { question(&backends) } else { ALL.to_owned() };
        let of_mine =
            |one: &Hidden| rows.iter().any(|row| (&row.id.backend, &row.id.server) == (&one.0, &one.1));
        let hidden = hidden.into_iter().filter(of_mine).collect();
        self.found = Some(Found { process, question, hidden });
        Ok(View { process, rows })
    }

    /// A level below operator shows no addresses in the table.
    fn needs_addresses(&self, rows: &[Row]) -> bool {
        let is_by_address = matches!(self.mine.named, Named::Auto | Named::At(_));
        is_by_address && rows.iter().all(|row| row.id.address.is_none())
    }

    fn table(&mut self, commands: &str, deadline: Instant) -> Result<Table, Unclear> {
        Table::read(&self.talk(commands, deadline)?)
    }

    fn talk(&mut self, commands: &str, deadline: Instant) -> Result<String, Unclear> {
        match &self.at {
            At::Socket(path) => {
                let stream = unix(path, deadline)?;
                stream.set_write_timeout(Some(left(deadline)?))?;
                exchange(stream, commands, |stream| {
                    stream.set_read_timeout(Some(left(deadline)?)).map_err(Unclear::from)
                })
            }
            At::Port(host, port) => {
                let stream = tcp(host, *port, deadline)?;
                let peer = stream.peer_addr()?.ip().to_canonical();
                self.mine.is_local = peer.is_loopback() || self.mine.here.addresses.contains(&peer);
                stream.set_write_timeout(Some(left(deadline)?))?;
                exchange(stream, commands, |stream| {
                    stream.set_read_timeout(Some(left(deadline)?)).map_err(Unclear::from)
                })
            }
        }
    }
}

impl Reader for RuntimeApi {
    fn view(&mut self, deadline: Instant) -> Result<View, Unclear> {
        let Some(Found { process, question, hidden }) = self.found.take() else { return self.look(deadline) };
        match self.table(&question, deadline) {
            Ok(table) if table.process == process => {
                let rows = self.mine.of(shown(table.rows, &hidden));
                let Ok(rows) = rows else { return self.look(deadline) };
                self.found = Some(Found { process, question, hidden });
                Ok(View { process, rows })
            }
            // Another process may have other backends.
            Ok(_) | Err(Unclear::NoSuchBackend) => self.look(deadline),
            Err(why) => Err(why),
        }
    }
}

fn question(backends: &[&str]) -> String {
    let tables: Vec<String> = backends.iter().map(|name| format!(";show stat {name} 4 -1")).collect();
    format!("show info{}", tables.concat())
}

/// What HAProxy allows in a name (configuration.txt, "proxies"): anything else could be another command.
fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:".contains(c)) && name != "-1"
}

/// The rows with the addresses that they do not show themselves.
fn shown(mut rows: Vec<Row>, hidden: &[Hidden]) -> Vec<Row> {
    if hidden.is_empty() {
        return rows;
    }
    let addresses =
        order::map(hidden.iter().map(|(backend, server, at)| ((backend.as_str(), server.as_str()), *at)));
    for row in &mut rows {
        let key = (row.id.backend.as_str(), row.id.server.as_str());
        row.id.address = row.id.address.or_else(|| addresses.get(&key).copied());
    }
    rows
}

/// A connection that never blocks for longer: HAProxy's socket has room for ten that wait.
fn unix(path: &Path, deadline: Instant) -> Result<UnixStream, Unclear> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket =
        socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None).map_err(io::Error::from)?;
    let address = SocketAddrUnix::new(path).map_err(io::Error::from)?;
    while let Err(error) = connect(&socket, &address).map_err(io::Error::from) {
        if error.kind() != ErrorKind::WouldBlock {
            return Err(error.into());
        }
        left(deadline)?;
        sleep(FULL);
    }
    let stream = UnixStream::from(socket);
    stream.set_nonblocking(false)?;
    Ok(stream)
}

fn tcp(host: &str, port: u16, deadline: Instant) -> Result<TcpStream, Unclear> {
    let addresses = (host, port).to_socket_addrs().map_err(|_| Unclear::NoSuchName)?;
    let mut failure = Unclear::NoSuchName;
    for address in addresses {
        match TcpStream::connect_timeout(&address, left(deadline)?) {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = error.into(),
        }
    }
    Err(failure)
}

/// Sends the commands, and reads until HAProxy closes. `limit` bounds each read.
fn exchange<S: Read + Write>(
    mut stream: S,
    commands: &str,
    limit: impl Fn(&S) -> Result<(), Unclear>,
) -> Result<String, Unclear> {
    stream.write_all(format!("{commands}\n").as_bytes())?;
    let mut answer = Vec::new();
    let mut buffer = vec![0; 16 << 10];
    loop {
        limit(&stream)?;
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => answer.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
        if answer.len() > ANSWER_MAX {
            return Err(Unclear::TooLong);
        }
    }
    let text = String::from_utf8_lossy(&answer).into_owned();
    // An empty one is that of a HAProxy that is ending.
    if text.ends_with(END) { Ok(text) } else { Err(Unclear::CutOff) }
}
