//! A server that does to each connection what the test says.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

pub const BODY: &str = "worked 5 ms\n";
pub const WHOLE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nworked 5 ms\n";

/// Serves until the test's process ends.
pub struct Server {
    pub address: SocketAddr,
    connections: Arc<AtomicU64>,
}

impl Server {
    /// Each connection gets a thread.
    pub fn new(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicU64::new(0));
        let (serve, accepted) = (Arc::new(serve), Arc::clone(&connections));
        thread::spawn(move || {
            for stream in listener.incoming() {
                accepted.fetch_add(1, Ordering::SeqCst);
                let (serve, stream) = (Arc::clone(&serve), stream.unwrap());
                thread::spawn(move || serve(stream));
            }
        });
        Self { address, connections }
    }

    /// Answers the first request of each connection with these bytes, and closes it.
    pub fn answering(bytes: &'static str) -> Self {
        Self::new(move |mut stream| {
            if request(&mut stream).is_some() {
                let _ = stream.write_all(bytes.as_bytes());
            }
        })
    }

    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::SeqCst)
    }
}

/// Reads a request up to its empty line; None at the end of the connection.
pub fn request(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    Some(String::from_utf8(head).unwrap())
}

/// Makes the coming close a reset.
pub fn reset(stream: &TcpStream) {
    rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO)).unwrap();
}
