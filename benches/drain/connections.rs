//! Real connections to a page server. A copy of this program named `hhvm` listens and holds their server ends; this
//! one holds the clients' ends.

use crate::Result;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::symlink;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// The argument by which the copy knows itself.
pub const HOLD: &str = "--hold";
const PORT: &str = "--port=";
const SOCKET: &str = "-vServer.FileSocket=";
/// What a client sends, and the server may read.
const REQUEST: [u8; 64] = [b'?'; 64];
/// Descriptors for all else.
const SPARE: u64 = 200;

/// The kind of a page server's socket.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Family {
    Tcp,
    Unix,
}

/// Connections that are in use, to a server that looks like HHVM.
pub struct Connections {
    server: Server,
    _clients: Vec<Box<dyn Write>>,
}

struct Server(Child);

impl Connections {
    /// `directory` takes the server's name and socket.
    pub fn open(family: Family, count: u32, directory: &Path) -> Result<Self> {
        allow_files(u64::from(count) + SPARE)?;
        let name = directory.join("hhvm");
        if !name.exists() {
            symlink(std::env::current_exe()?, &name)?;
        }
        let socket = directory.join("page.sock");
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let place = match family {
            Family::Tcp => format!("{PORT}{port}"),
            Family::Unix => format!("{SOCKET}{}", socket.display()),
        };
        let mut server = Command::new(name);
        let mut server = Server(server.args([HOLD, &place]).stdout(Stdio::piped()).spawn()?);
        server.0.stdout.take().ok_or("no output")?.read_exact(&mut [0])?;
        let connect = |_| {
            let mut client: Box<dyn Write> = match family {
                Family::Tcp => Box::new(TcpStream::connect(("127.0.0.1", port))?),
                Family::Unix => Box::new(UnixStream::connect(&socket)?),
            };
            client.write_all(&REQUEST)?;
            Ok(client)
        };
        let clients = (0..count).map(connect).collect::<Result<Vec<_>>>()?;
        Ok(Self { server, _clients: clients })
    }

    /// The main process, for hhvm-drain.
    pub fn main_pid(&self) -> u32 {
        self.server.0.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What the copy does: accepts until it is killed.
pub fn hold(arguments: &[String]) -> Result<()> {
    let place = arguments.first().ok_or("no place to listen at")?;
    if let Some(port) = place.strip_prefix(PORT) {
        let listener = TcpListener::bind(("127.0.0.1", port.parse()?))?;
        return keep(|| Ok(listener.accept()?.0));
    }
    let listener = UnixListener::bind(place.strip_prefix(SOCKET).ok_or("listen where?")?)?;
    keep(|| Ok(listener.accept()?.0))
}

/// Reads the requests of every second connection; the others' stay unread.
fn keep<S: Read>(accept: impl Fn() -> Result<S>) -> Result<()> {
    println!("listening");
    let mut held = Vec::new();
    loop {
        let mut connection = accept()?;
        if held.len() % 2 == 0 {
            connection.read_exact(&mut [0; REQUEST.len()])?;
        }
        held.push(connection);
    }
}

/// Raises the limit of open files, which the server inherits.
fn allow_files(wanted: u64) -> Result<()> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft >= wanted {
        return Ok(());
    }
    setrlimit(Resource::RLIMIT_NOFILE, wanted, hard.max(wanted))
        .map_err(|error| format!("{wanted} open files in one process: {error}").into())
}
