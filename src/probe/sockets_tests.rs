//! The kernel's list of connections, asked about sockets of this process.

use super::super::sock_diag::read_all;
use super::*;
use netlink_packet_sock_diag::constants::AF_INET;
use netlink_packet_sock_diag::inet::{InetResponseHeader, SocketId};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};

fn tcp(address: &str) -> (TcpListener, Listener) {
    let socket = TcpListener::bind((address, 0)).unwrap();
    let port = socket.local_addr().unwrap().port();
    (socket, Listener::Tcp(None, port))
}

#[test]
fn connections_count_from_the_accept_queue_to_their_end_on_both_families() {
    for address in ["127.0.0.1", "::1"] {
        let (socket, listener) = tcp(address);
        assert_eq!(listener.in_use(), Ok(0));
        let client = TcpStream::connect(socket.local_addr().unwrap()).unwrap();
        assert_eq!(listener.in_use(), Ok(1), "in the accept queue of {address}");
        let (server, _) = socket.accept().unwrap();
        assert_eq!(listener.in_use(), Ok(1));
        drop(client);
        assert_eq!(listener.in_use(), Ok(1), "the client has gone, the request runs on");
        drop(server);
        assert_eq!(listener.in_use(), Ok(0));
    }
}

#[test]
fn other_addresses_and_the_other_end_do_not_count() {
    let (socket, listener) = tcp("127.0.0.1");
    let Listener::Tcp(_, port) = listener else { panic!("{listener:?}") };
    let client = TcpStream::connect(socket.local_addr().unwrap()).unwrap();
    let on = |address: &str| Listener::Tcp(Some(address.parse().unwrap()), port).in_use();
    assert_eq!((on("127.0.0.1"), on("127.0.0.2"), on("::1")), (Ok(1), Ok(0), Ok(0)));
    let other_end = Listener::Tcp(None, client.local_addr().unwrap().port());
    assert_eq!(other_end.in_use(), Ok(1), "it is a connection of that port, too");
}

#[test]
fn both_forms_of_the_question_have_the_same_answer() {
    for (address, peer) in [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("::", "127.0.0.1")] {
        let (_socket, listener) = tcp(address);
        let Listener::Tcp(_, port) = listener else { panic!("{listener:?}") };
        let _client = TcpStream::connect((peer, port)).unwrap();
        let old = listener.count(listener.requests());
        assert_eq!((old, listener.count(each_family(port))), (Ok(1), Ok(1)), "{address}");
    }
}

#[test]
fn connections_of_a_unix_socket_count_from_the_accept_queue_on() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sock");
    let socket = UnixListener::bind(&path).unwrap();
    let listener = Listener::Unix(path.clone());
    assert_eq!(listener.in_use(), Ok(0));
    let clients = [UnixStream::connect(&path).unwrap(), UnixStream::connect(&path).unwrap()];
    assert_eq!(listener.in_use(), Ok(2));
    let server = socket.accept().unwrap();
    assert_eq!(listener.in_use(), Ok(2));
    drop((clients, server));
    drop(socket);
    assert_eq!(listener.in_use(), Ok(0));
}

/// What the kernel says of a connection: the queues, and how many milliseconds ago data was sent and received.
fn connection(queues: (u32, u32), sent: u32, received: u32) -> InetResponse {
    let mut info = vec![0; 104];
    info[44..48].copy_from_slice(&sent.to_ne_bytes());
    info[52..56].copy_from_slice(&received.to_ne_bytes());
    let header = InetResponseHeader {
        family: AF_INET,
        state: 1,
        timer: None,
        socket_id: SocketId::new_v4(),
        recv_queue: queues.0,
        send_queue: queues.1,
        uid: 0,
        inode: 1,
    };
    InetResponse { header, nlas: vec![Nla::TcpInfo(info)].into() }
}

#[test]
fn only_a_connection_that_was_answered_a_while_ago_is_idle() {
    assert!(is_idle(&connection((0, 0), 6_000, 7_000)));
    for (queues, sent, received) in [
        ((1, 0), 6_000, 7_000),
        ((0, 1), 6_000, 7_000),
        ((0, 0), 4_000, 7_000),
        ((0, 0), 7_000, 6_000),
        ((0, 0), 7_000, 7_000),
    ] {
        assert!(!is_idle(&connection(queues, sent, received)), "{queues:?} {sent} {received}");
    }
    let without_times = InetResponse { nlas: Vec::new().into(), ..connection((0, 0), 6_000, 7_000) };
    assert!(!is_idle(&without_times));
}

#[test]
fn the_kernel_puts_the_times_where_they_are_read() {
    let (socket, listener) = tcp("127.0.0.1");
    let mut client = TcpStream::connect(socket.local_addr().unwrap()).unwrap();
    let mut server = socket.accept().unwrap().0;
    client.write_all(b"?").unwrap();
    server.read_exact(&mut [0]).unwrap();
    std::thread::sleep(Duration::from_millis(60));
    server.write_all(b"!").unwrap();
    client.read_exact(&mut [0]).unwrap();
    let mut times = None;
    for request in listener.requests() {
        dump(request, |message| {
            if let SockDiagMessage::InetResponse(response) = message {
                times = response.nlas.iter().find_map(|nla| match nla {
                    Nla::TcpInfo(info) => last_data(info),
                    _ => None,
                });
            }
        })
        .unwrap();
    }
    let (sent, received) = times.unwrap();
    assert!(sent < received && received >= Duration::from_millis(40), "{sent:?} {received:?}");
    assert!(received < Duration::from_secs(5), "{received:?}");
}

#[test]
fn noise_is_no_list() {
    for bytes in [&[0; 3][..], &[0xff; 64]] {
        let mut sockets = 0;
        let list = read_all(bytes, &mut |_| sockets += 1);
        assert!(matches!(list, Err(Unknown::Protocol(_))) && sockets == 0, "{bytes:?}: {list:?} {sockets}");
    }
    assert_eq!(read_all(&[], &mut |_| ()), Ok(false));
}

/// What this thread has used of a processor.
fn used() -> Duration {
    nix::time::clock_gettime(nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap().into()
}

#[test]
fn many_connections_are_counted_at_once() {
    let (socket, listener) = tcp("127.0.0.1");
    let address = socket.local_addr().unwrap();
    let pairs: Vec<_> =
        (0..300).map(|_| (TcpStream::connect(address).unwrap(), socket.accept().unwrap())).collect();
    let before = used();
    assert_eq!(listener.in_use(), Ok(300));
    let took = used().saturating_sub(before);
    // A list takes about 2 ms; one for each connection would take 600.
    assert!(took < Duration::from_millis(200), "{took:?}");
    drop(pairs);
}

/// `NLMSG_DONE` with what became of the list.
fn end_of_list(code: i32) -> Vec<u8> {
    let head = [20, 0, 0, 0, 3, 0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0];
    [&head[..], &code.to_ne_bytes()].concat()
}

#[test]
fn a_list_that_could_not_be_made_is_not_empty() {
    assert_eq!(read_all(&end_of_list(0), &mut |_| ()), Ok(true));
    let without_a_code = [16, 0, 0, 0, 3, 0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(read_all(&without_a_code, &mut |_| ()), Ok(true), "nothing tells of an error");
    let no_such_module = read_all(&end_of_list(-2), &mut |_| ());
    assert_eq!(no_such_module, Err(Unknown::Io(std::io::ErrorKind::NotFound)));
}
