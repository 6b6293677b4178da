//! Whatever is no complete answer is a failure, with its reason.

use crate::load::{Author, Kind, Reason};
use crate::run::{class, reason, reason_at, requests};
use crate::server::{Server, request, reset};
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

#[test]
fn a_status_of_the_balancer() {
    let server = Server::answering("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(reason(&server, Kind::Plain), Reason::Status(503, Author::Nameless));
    assert_eq!(reason(&server, Kind::KeptAlive), Reason::Status(503, Author::Nameless));
}

#[test]
fn a_status_of_nginx() {
    let server =
        Server::answering("HTTP/1.1 502 Bad Gateway\r\nServer: nginx/1.22.1\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(reason(&server, Kind::Plain), Reason::Status(502, Author::Nginx));
}

#[test]
fn closed_before_the_answer() {
    let server = Server::answering("");
    assert_eq!(reason(&server, Kind::Plain), Reason::Closed);
    assert_eq!(reason(&server, Kind::KeptAlive), Reason::Closed);
}

#[test]
fn closed_within_the_head() {
    assert_eq!(reason(&Server::answering("HTTP/1.1 200 OK\r\nCont"), Kind::Plain), Reason::Closed);
}

#[test]
fn a_body_cut_short() {
    let length = Server::answering("HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nworked");
    assert_eq!(reason(&length, Kind::Plain), Reason::Incomplete);
    let chunked =
        Server::answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nc\r\nworked 5 ms\n\r\n");
    assert_eq!(reason(&chunked, Kind::Plain), Reason::Incomplete);
    let to_the_end = Server::answering("HTTP/1.1 200 OK\r\n\r\nworked");
    assert_eq!(reason(&to_the_end, Kind::Plain), Reason::Incomplete);
}

#[test]
fn another_page() {
    let server = Server::answering("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nsorry");
    assert_eq!(reason(&server, Kind::Plain), Reason::WrongBody);
}

#[test]
fn a_reset() {
    for bytes in ["", "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nworked"] {
        let server = Server::new(move |mut stream| {
            let _ = request(&mut stream);
            stream.write_all(bytes.as_bytes()).unwrap();
            // A reset overtakes what the client has not yet read.
            std::thread::sleep(Duration::from_millis(50));
            reset(&stream);
        });
        assert_eq!(reason(&server, Kind::Plain), Reason::Reset, "after {bytes:?}");
    }
}

#[test]
fn no_answer() {
    let server = Server::new(|mut stream| drop(stream.read_to_end(&mut Vec::new())));
    assert_eq!(reason(&server, Kind::Plain), Reason::TimedOut);
}

#[test]
fn a_port_that_nobody_listens_on() {
    let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    assert_eq!(reason_at(address, Kind::Plain), Reason::Connect(ErrorKind::ConnectionRefused));
}

#[test]
fn something_else_than_http() {
    assert_eq!(reason(&Server::answering("220 ready\r\n\r\n"), Kind::Plain), Reason::NotHttp);
}

/// A failure in the middle of others is counted where it belongs, and nothing is tried again.
#[test]
fn one_failure_among_many_requests() {
    static SERVED: AtomicU64 = AtomicU64::new(0);
    let server = Server::new(|mut stream| {
        let _ = request(&mut stream);
        if SERVED.fetch_add(1, Ordering::SeqCst) != 20 {
            stream.write_all(crate::server::WHOLE.as_bytes()).unwrap();
        }
    });
    let tally = requests(50, server.address, vec![class(Kind::Plain, 200.0)]);
    assert_eq!((tally.failed(), tally.classes[0].complete), (1, tally.sent() - 1));
    assert_eq!(tally.failures[0].reason, Reason::Closed);
    assert_eq!(SERVED.load(Ordering::SeqCst), tally.sent());
}
