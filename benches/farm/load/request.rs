//! One request: its connection, its answer, and why it failed.

use super::failure::{Author, Failed, Reason};
use super::pool::{Connection, Pool};
use super::{Class, Kind};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{CONNECTION, HOST, SERVER};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use nix::errno::Errno;
use std::error::Error;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::time::{timeout, timeout_at};

/// So long the server may take to close a connection that it has answered for the last time.
const CLOSE_MAX: Duration = Duration::from_secs(1);

/// What all requests of a class have in common.
pub struct Target {
    address: SocketAddr,
    host: String,
    class: Class,
}

impl Target {
    pub fn new(address: SocketAddr, class: Class) -> Self {
        Self { address, host: address.to_string(), class }
    }

    fn keeps_alive(&self) -> bool {
        self.class.kind == Kind::KeptAlive
    }
}

/// Sends one request, once. The connection comes back if it may serve another one.
pub async fn run(
    target: &Target,
    pool: &Pool,
    deadline: Instant,
) -> (Result<(), Failed>, Option<Connection>) {
    let kept = if target.keeps_alive() { pool.take() } else { None };
    let reused = kept.is_some();
    match timeout_at(deadline.into(), exchange(target, kept)).await {
        Ok(Ok(connection)) => (Ok(()), target.keeps_alive().then_some(connection)),
        Ok(Err(reason)) => (Err(Failed { reason, reused }), None),
        Err(_) => (Err(Failed { reason: Reason::TimedOut, reused }), None),
    }
}

async fn exchange(target: &Target, kept: Option<Connection>) -> Result<Connection, Reason> {
    let mut connection = match kept {
        Some(connection) => connection,
        None => connect(target).await?,
    };
    let request = request(target)?;
    let answer = connection.send_request(request).await.map_err(|error| cut(&error, Reason::Closed))?;
    if answer.status() != StatusCode::OK {
        return Err(Reason::Status(answer.status().as_u16(), author(&answer)));
    }
    read(answer.into_body(), target.class.body.as_bytes()).await?;
    Ok(connection)
}

async fn connect(target: &Target) -> Result<Connection, Reason> {
    let stream = TcpStream::connect(target.address).await.map_err(|error| no_connection(&error))?;
    let (sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| cut(&error, Reason::Closed))?;
    // What becomes of the connection, the request learns from hyper, too.
    if target.keeps_alive() {
        tokio::spawn(connection);
    } else {
        tokio::spawn(async move {
            if let Ok(parts) = connection.without_shutdown().await {
                let _ = timeout(CLOSE_MAX, closed(&parts.io.into_inner())).await;
            }
        });
    }
    Ok(sender)
}

/// Waits for the server to close, so that it is the server which has to remember the connection (`TIME_WAIT`).
async fn closed(stream: &TcpStream) -> io::Result<()> {
    let mut rest = [0; 64];
    loop {
        stream.readable().await?;
        match stream.try_read(&mut rest) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

fn request(target: &Target) -> Result<Request<Empty<Bytes>>, Reason> {
    let request = Request::get(&target.class.path).header(HOST, &target.host);
    let request = if target.keeps_alive() { request } else { request.header(CONNECTION, "close") };
    request.body(Empty::new()).map_err(|_| Reason::Generator(ErrorKind::InvalidInput))
}

/// Reads the whole body, and compares it on the way.
async fn read(mut body: Incoming, expected: &[u8]) -> Result<(), Reason> {
    let mut missing = expected;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| cut(&error, Reason::Incomplete))?;
        if let Ok(data) = frame.into_data() {
            missing = missing.strip_prefix(&*data).ok_or(Reason::WrongBody)?;
        }
    }
    // A body without a length ends where the connection does, so hyper takes a part of it for the whole.
    if missing.is_empty() { Ok(()) } else { Err(Reason::Incomplete) }
}

fn author(answer: &Response<Incoming>) -> Author {
    match answer.headers().get(SERVER) {
        Some(name) if name.as_bytes().starts_with(b"nginx") => Author::Nginx,
        Some(_) => Author::Other,
        None => Author::Nameless,
    }
}

/// What ran out here must not be blamed on the farm.
fn no_connection(error: &io::Error) -> Reason {
    let ours = [Errno::EADDRNOTAVAIL, Errno::EMFILE, Errno::ENFILE, Errno::ENOBUFS, Errno::ENOMEM];
    if error.raw_os_error().is_some_and(|code| ours.contains(&Errno::from_raw(code))) {
        Reason::Generator(error.kind())
    } else {
        Reason::Connect(error.kind())
    }
}

/// Why hyper gave up; `ended` says what an orderly end of the connection means at this point.
fn cut(error: &hyper::Error, ended: Reason) -> Reason {
    let cause = std::iter::successors(Some(error as &(dyn Error + 'static)), |&error| error.source())
        .find_map(|error| error.downcast_ref::<io::Error>())
        .map(io::Error::kind);
    match cause {
        Some(ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted) => {
            Reason::Reset
        }
        Some(ErrorKind::UnexpectedEof) => ended,
        Some(kind) => Reason::Connection(kind),
        None if error.is_incomplete_message() || error.is_canceled() || error.is_closed() => ended,
        None if error.is_parse() => Reason::NotHttp,
        None => Reason::Connection(ErrorKind::Other),
    }
}
