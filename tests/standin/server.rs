//! A server: its doors, its connections, its workers. The page server and the admin server are two of these.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write};
use std::mem;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::connection::Connection;
use crate::lock;
use crate::message::{Pace, Request, Response};
use crate::net::{Listener, Stream, Woken, wait};
use crate::options::{Door, Options, Protocol};
use crate::pool::Pool;

/// What a server does with requests.
pub trait Service: Send + Sync {
    /// Runs in the connection's thread before anything is read from it.
    fn accepted(&self) {}
    /// Runs in a worker.
    fn answer(&self, request: &Request) -> Response;
    /// How answers are handed to the network.
    fn pace(&self) -> Pace {
        Pace::Whole
    }
    /// Runs in the worker once an answer that asks for the end is out.
    fn stop(&self) {}
}

/// One server.
pub struct Server {
    pub protocol: Protocol,
    pub check_version_byte: bool,
    pub idle_timeout: Duration,
    pub jobs: Arc<Pool>,
    pub service: Arc<dyn Service>,
    doors: Mutex<Doors>,
    connections: Mutex<Connections>,
    /// Closed to make every connection's thread let go at once.
    halt: Mutex<Option<UnixStream>>,
    halted: UnixStream,
}

#[derive(Default)]
struct Doors {
    addresses: Vec<Door>,
    open: Vec<(UnixStream, JoinHandle<()>)>,
    closed_for_good: bool,
}

#[derive(Default)]
struct Connections {
    next: u64,
    open: HashMap<u64, Arc<Connection>>,
}

impl Server {
    /// A server that does not listen yet.
    pub fn new(options: &Options, jobs: Arc<Pool>, service: Arc<dyn Service>) -> Result<Arc<Self>, String> {
        let (halt, halted) = UnixStream::pair().map_err(|e| format!("cannot make a socket pair: {e}"))?;
        Ok(Arc::new(Self {
            protocol: options.protocol,
            check_version_byte: options.check_version_byte,
            idle_timeout: options.idle_timeout,
            jobs,
            service,
            doors: Mutex::default(),
            connections: Mutex::default(),
            halt: Mutex::new(Some(halt)),
            halted,
        }))
    }

    /// Listens, and says so on stdout, so that a test knows when and where.
    pub fn open(self: &Arc<Self>, name: &str, doors: &[Door]) -> Result<(), String> {
        for door in doors {
            let address =
                self.listen(door).map_err(|e| format!("{name} server cannot listen on {door}: {e}"))?;
            let _ = writeln!(io::stdout(), "{name} server on {address} ({})", self.protocol);
        }
        let _ = io::stdout().flush();
        Ok(())
    }

    fn listen(self: &Arc<Self>, door: &Door) -> io::Result<Door> {
        let (listener, address) = Listener::bind(door)?;
        let mut doors = lock(&self.doors);
        doors.open.push(self.answer_door(listener)?);
        doors.addresses.push(address.clone());
        Ok(address)
    }

    fn answer_door(self: &Arc<Self>, listener: Listener) -> io::Result<(UnixStream, JoinHandle<()>)> {
        let (wake, woken) = UnixStream::pair()?;
        let server = Arc::clone(self);
        let thread = thread::spawn(move || {
            while wait(listener.as_fd(), woken.as_fd(), None) == Woken::Ready {
                if let Ok(stream) = listener.accept() {
                    server.admit(stream);
                }
            }
        });
        Ok((wake, thread))
    }

    /// Stops listening; returns when nobody can connect any more.
    pub fn close_doors(&self) {
        let open = mem::take(&mut lock(&self.doors).open);
        for (wake, thread) in open {
            drop(wake);
            let _ = thread.join();
        }
    }

    /// Stops listening and will not listen again.
    pub fn close_doors_for_good(&self) {
        lock(&self.doors).closed_for_good = true;
        self.close_doors();
    }

    /// Listens again where it did, unless it does or has ended.
    pub fn reopen_doors(self: &Arc<Self>) {
        let mut doors = lock(&self.doors);
        if doors.closed_for_good || !doors.open.is_empty() {
            return;
        }
        for door in doors.addresses.clone() {
            let opened = Listener::bind(&door).and_then(|(listener, _)| self.answer_door(listener));
            doors.open.extend(opened);
        }
    }

    /// Removes the files of its Unix sockets.
    pub fn remove_sockets(&self) {
        for door in &lock(&self.doors).addresses {
            if let Door::Unix(path) = door {
                let _ = fs::remove_file(path);
            }
        }
    }

    fn admit(self: &Arc<Self>, stream: Stream) {
        let connection = Arc::new(Connection::new(stream));
        let mut connections = lock(&self.connections);
        let id = connections.next;
        connections.next += 1;
        connections.open.insert(id, Arc::clone(&connection));
        drop(connections);
        let server = Arc::clone(self);
        thread::spawn(move || {
            server.service.accepted();
            connection.serve(&server);
            lock(&server.connections).open.remove(&id);
        });
    }

    /// How many connections are open, idle ones included.
    pub fn connections(&self) -> usize {
        lock(&self.connections).open.len()
    }

    /// Becomes readable when connections are to be let go.
    pub fn halted(&self) -> BorrowedFd<'_> {
        self.halted.as_fd()
    }

    /// Closes idle connections now and busy ones after their answer.
    pub fn finish_connections(&self) {
        for connection in lock(&self.connections).open.values() {
            connection.finish();
        }
    }

    /// Closes every connection, after what has been written to it.
    pub fn close_connections(&self) {
        for connection in lock(&self.connections).open.values() {
            connection.hang_up();
        }
    }

    /// Resets every connection, answered or not.
    pub fn reset_connections(&self) {
        for connection in lock(&self.connections).open.values() {
            connection.reset_on_close();
        }
        lock(&self.halt).take();
    }
}
