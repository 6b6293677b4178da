//! A FastCGI client for one small request: role responder, one request per connection, an absolute deadline, a
//! bounded answer.
//!
//! Sources: the FastCGI Specification 1.0 (section numbers below), and what HHVM's `fastcgi-session.cpp` accepts and
//! answers.

use super::client::{Client, Reply, left};
use crate::endpoint::Address;
use crate::load::Unknown;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

/// Section 3.3: the only version.
const VERSION: u8 = 1;
/// Section 8: record types.
const BEGIN_REQUEST: u8 = 1;
const END_REQUEST: u8 = 3;
const PARAMS: u8 = 4;
const STDIN: u8 = 5;
const STDOUT: u8 = 6;
/// Section 5.1: `FCGI_RESPONDER`, and no `FCGI_KEEP_CONN`, so that the server closes.
const RESPONDER: [u8; 8] = [0, 1, 0, 0, 0, 0, 0, 0];
/// Any id but 0, which is for management records (section 3.3).
const REQUEST_ID: u16 = 1;
/// Section 3.3: length of a record's header.
const HEADER_LEN: usize = 8;
/// Most bytes of CGI headers that are read before the answer is taken for something else.
const HEAD_MAX: usize = 8 << 10;
/// Most bytes of records of whatever type that are read for one answer, or twice the body that is wanted.
const TOTAL_MAX: usize = 128 << 10;

/// Asks one FastCGI server.
#[derive(Debug)]
pub struct FastCgi {
    address: Address,
}

impl FastCgi {
    /// A client for `address`.
    #[must_use]
    pub fn new(address: Address) -> Self {
        Self { address }
    }

    fn connect(&self, deadline: Instant) -> Result<Box<dyn Connection>, Unknown> {
        match &self.address {
            Address::Unix(path) => Ok(Box::new(connect_unix(path, left(deadline)?)?)),
            Address::Tcp(host, port) => {
                let found = (host.as_str(), *port).to_socket_addrs();
                let addresses = found.map_err(|_| Unknown::Name(crate::text::quote(host)))?;
                let mut failure = Unknown::Name(crate::text::quote(host));
                for address in addresses {
                    match TcpStream::connect_timeout(&address, left(deadline)?) {
                        Ok(stream) => return Ok(Box::new(stream)),
                        Err(error) => failure = error.into(),
                    }
                }
                Err(failure)
            }
        }
    }
}

/// A full backlog keeps connect(2) waiting, but for no longer than a socket may take to send (socket(7)).
fn connect_unix(path: &Path, patience: Duration) -> std::io::Result<UnixStream> {
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    set_socket_timeout(&socket, Timeout::Send, Some(patience))?;
    connect(&socket, &SocketAddrUnix::new(path)?)?;
    Ok(UnixStream::from(socket))
}

impl Client for FastCgi {
    fn get(&mut self, path: &str, query: &str, limit: usize, deadline: Instant) -> Result<Reply, Unknown> {
        let mut connection = self.connect(deadline)?;
        connection.limit_write(left(deadline)?)?;
        connection.write_all(&request(path, query))?;
        let mut answer = Answer::of(limit);
        let mut buffer = [0; 4096];
        loop {
            connection.limit_read(left(deadline)?)?;
            match connection.read(&mut buffer) {
                Ok(0) => return answer.end(),
                Ok(n) => {
                    if let Some(reply) = answer.take(&buffer[..n])? {
                        return Ok(reply);
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// A stream whose calls can be given an end.
trait Connection: Read + Write {
    fn limit_read(&self, timeout: Duration) -> std::io::Result<()>;
    fn limit_write(&self, timeout: Duration) -> std::io::Result<()>;
}

impl Connection for TcpStream {
    fn limit_read(&self, timeout: Duration) -> std::io::Result<()> {
        self.set_read_timeout(Some(timeout))
    }
    fn limit_write(&self, timeout: Duration) -> std::io::Result<()> {
        self.set_write_timeout(Some(timeout))
    }
}

impl Connection for UnixStream {
    fn limit_read(&self, timeout: Duration) -> std::io::Result<()> {
        self.set_read_timeout(Some(timeout))
    }
    fn limit_write(&self, timeout: Duration) -> std::io::Result<()> {
        self.set_write_timeout(Some(timeout))
    }
}

/// The bytes of a whole request.
///
/// HHVM takes the command from `SCRIPT_NAME` alone. `PATH_TRANSLATED` and `DOCUMENT_ROOT` are left out: versions of
/// 2014 preferred them.
fn request(path: &str, query: &str) -> Vec<u8> {
    let mut params = Vec::new();
    for (name, value) in [
        ("SCRIPT_NAME", path),
        ("SCRIPT_FILENAME", path),
        ("QUERY_STRING", query),
        ("REQUEST_METHOD", "GET"),
        ("REQUEST_URI", path),
        ("SERVER_PROTOCOL", "HTTP/1.1"),
        ("GATEWAY_INTERFACE", "CGI/1.1"),
        ("CONTENT_LENGTH", "0"),
        ("REMOTE_ADDR", "127.0.0.1"),
    ] {
        pair(&mut params, name, value);
    }
    let mut bytes = Vec::with_capacity(512);
    record(&mut bytes, BEGIN_REQUEST, &RESPONDER);
    for chunk in params.chunks(usize::from(u16::MAX)) {
        record(&mut bytes, PARAMS, chunk);
    }
    record(&mut bytes, PARAMS, &[]);
    record(&mut bytes, STDIN, &[]);
    bytes
}

/// Section 3.3; `content` is at most 65535 bytes long.
fn record(bytes: &mut Vec<u8>, kind: u8, content: &[u8]) {
    let length = u16::try_from(content.len()).unwrap_or(u16::MAX);
    let [id_high, id_low] = REQUEST_ID.to_be_bytes();
    let [length_high, length_low] = length.to_be_bytes();
    bytes.extend([VERSION, kind, id_high, id_low, length_high, length_low, 0, 0]);
    bytes.extend(&content[..usize::from(length)]);
}

/// Section 3.4: a name-value pair, lengths in one byte below 128 and in four from there.
fn pair(bytes: &mut Vec<u8>, name: &str, value: &str) {
    for length in [name.len(), value.len()] {
        match u8::try_from(length) {
            Ok(short) if short < 128 => bytes.push(short),
            _ => bytes.extend((u32::try_from(length).unwrap_or(u32::MAX >> 1) | 1 << 31).to_be_bytes()),
        }
    }
    bytes.extend(name.as_bytes());
    bytes.extend(value.as_bytes());
}

/// Takes an answer apart as it arrives, in pieces of any size.
#[derive(Debug)]
struct Answer {
    pending: Vec<u8>,
    stdout: Vec<u8>,
    total: usize,
    total_max: usize,
    limit: usize,
}

impl Answer {
    /// An answer of whose body `limit` bytes and one are wanted.
    fn of(limit: usize) -> Self {
        let total_max = TOTAL_MAX.max(2 * limit);
        Self { pending: Vec::new(), stdout: Vec::new(), total: 0, total_max, limit }
    }

    /// Takes more bytes; the reply once it is complete.
    ///
    /// HHVM sends no empty STDOUT record before `END_REQUEST`, and some versions did not close: `END_REQUEST` ends it.
    /// Bytes beyond the most that is read do not count, so that what comes out does not depend on how they are cut.
    fn take(&mut self, bytes: &[u8]) -> Result<Option<Reply>, Unknown> {
        let room = self.total_max.saturating_sub(self.total);
        self.total += bytes.len();
        self.pending.extend(&bytes[..bytes.len().min(room)]);
        while let Some((kind, id, content)) = self.next_record()? {
            match kind {
                _ if id != REQUEST_ID => {}
                STDOUT => {
                    self.stdout.extend(content);
                    if let Some(reply) = self.too_much()? {
                        return Ok(Some(reply));
                    }
                }
                END_REQUEST => return ended(&content, &self.stdout, self.limit).map(Some),
                _ => {}
            }
        }
        if self.total > self.total_max {
            return Err(Unknown::Protocol("the answer is too long"));
        }
        Ok(None)
    }

    /// The connection was closed.
    fn end(&self) -> Result<Reply, Unknown> {
        Err(if self.total == 0 { Unknown::Closed } else { Unknown::Protocol("the answer is cut off") })
    }

    /// A body that is longer than wanted need not be read to its end.
    fn too_much(&self) -> Result<Option<Reply>, Unknown> {
        match split(&self.stdout) {
            Some((_, body)) if body.len() > self.limit => Ok(reply(&self.stdout, self.limit)),
            None if self.stdout.len() > HEAD_MAX => {
                Err(Unknown::Protocol("the headers of the answer have no end"))
            }
            _ => Ok(None),
        }
    }

    /// Takes the first whole record from the pending bytes: its type, request id and content.
    fn next_record(&mut self) -> Result<Option<(u8, u16, Vec<u8>)>, Unknown> {
        let Some(&[version, kind, id_high, id_low, length_high, length_low, padding, _]) =
            self.pending.first_chunk::<HEADER_LEN>()
        else {
            return Ok(None);
        };
        if version != VERSION {
            return Err(Unknown::Protocol(if self.pending.starts_with(b"HTTP/") {
                "the port speaks HTTP, not FastCGI"
            } else {
                "the port does not speak FastCGI"
            }));
        }
        let end = HEADER_LEN + usize::from(u16::from_be_bytes([length_high, length_low]));
        let whole = end + usize::from(padding);
        if self.pending.len() < whole {
            return Ok(None);
        }
        let content = self.pending[HEADER_LEN..end].to_vec();
        self.pending.drain(..whole);
        Ok(Some((kind, u16::from_be_bytes([id_high, id_low]), content)))
    }
}

/// Section 5.5: a request has ended; only protocol status 0 is `FCGI_REQUEST_COMPLETE`.
fn ended(content: &[u8], stdout: &[u8], limit: usize) -> Result<Reply, Unknown> {
    match content.get(4) {
        Some(0) => reply(stdout, limit).ok_or(Unknown::Protocol("the headers of the answer have no end")),
        Some(_) => Err(Unknown::Protocol("the server rejected the FastCGI request")),
        None => Err(Unknown::Protocol("the answer is cut off")),
    }
}

/// A reply with as much of the body as is wanted; none while the headers have no end.
fn reply(stdout: &[u8], limit: usize) -> Option<Reply> {
    let (status, body) = split(stdout)?;
    Some(Reply { status, body: body[..body.len().min(limit + 1)].to_vec() })
}

/// Takes the status out of CGI headers (RFC 3875, section 6.2), and the body from behind them; none while they have no
/// end.
fn split(stdout: &[u8]) -> Option<(u16, &[u8])> {
    let mut status = 200;
    let mut rest = stdout;
    loop {
        let newline = rest.iter().position(|&b| b == b'\n')?;
        let line = rest[..newline].trim_ascii();
        rest = &rest[newline + 1..];
        if line.is_empty() {
            return Some((status, rest));
        }
        if let Some(value) = header(line, b"status") {
            let code = value.split(|b| *b == b' ').next().unwrap_or_default();
            status = std::str::from_utf8(code).ok().and_then(|code| code.parse().ok()).unwrap_or(0);
        }
    }
}

fn header<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let colon = line.iter().position(|&b| b == b':')?;
    line[..colon].trim_ascii().eq_ignore_ascii_case(name).then(|| line[colon + 1..].trim_ascii())
}

#[cfg(any(test, fuzzing))]
#[path = "../../tests/fuzz/properties/fastcgi.rs"]
pub mod properties;

#[cfg(test)]
#[path = "fastcgi_tests.rs"]
mod tests;
