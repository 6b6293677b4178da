//! What a process holds, and which of it counts.

use super::unit::{Holder, count, host, places, soon};
use crate::kernel::{Unseen, listeners, look};
use crate::sockets::{Place, Question};
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener, UnixStream};
use std::time::Instant;

fn tcp(address: &str) -> TcpListener {
    TcpListener::bind((address, 0)).unwrap()
}

fn shared(listener: &TcpListener) -> OwnedFd {
    listener.try_clone().unwrap().into()
}

#[test]
fn connections_over_tcp_count_from_the_accept_queue_to_their_end() {
    for (address, peer) in
        [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("0.0.0.0", "127.0.0.1"), ("::", "127.0.0.1")]
    {
        let listener = tcp(address);
        let port = listener.local_addr().unwrap().port();
        let hhvm = Holder::of([shared(&listener)]);
        assert_eq!(places(&hhvm.look()), [listener.local_addr().unwrap().to_string()]);
        assert_eq!(hhvm.in_use(), 0);
        let client = TcpStream::connect((peer, port)).unwrap();
        assert_eq!(hhvm.in_use(), 1, "in the accept queue of {address}");
        let worker = Holder::of([listener.accept().unwrap().0.into()]);
        assert_eq!(hhvm.in_use(), 1, "accepted by a process outside of the unit");
        drop(client);
        assert_eq!(hhvm.in_use(), 1, "the client has gone, the request runs on");
        drop(worker);
        assert_eq!(hhvm.in_use_in_the_end(), 0, "{address}");
    }
}

#[test]
fn connections_of_unix_sockets_count_from_the_accept_queue_on() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sock");
    let name = format!("hhvm-drain-{}", std::process::id());
    let by_name = SocketAddr::from_abstract_name(&name).unwrap();
    let addresses = [SocketAddr::from_pathname(&path).unwrap(), by_name];
    for (address, place) in addresses.iter().zip([path.display().to_string(), format!("@{name}")]) {
        let listener = UnixListener::bind_addr(address).unwrap();
        let hhvm = Holder::of([listener.try_clone().unwrap().into()]);
        assert_eq!(places(&hhvm.look()), [place]);
        assert_eq!(hhvm.in_use(), 0);
        let connect = || UnixStream::connect_addr(address).unwrap();
        let clients = [connect(), connect()];
        assert_eq!(hhvm.in_use(), 2);
        let accepted = listener.accept().unwrap();
        assert_eq!(hhvm.in_use(), 2);
        drop(clients);
        assert_eq!(hhvm.in_use(), 2, "the clients have gone, the requests run on");
        drop((accepted, listener.accept().unwrap()));
        assert_eq!(hhvm.in_use_in_the_end(), 0);
    }
}

#[test]
fn a_count_leaves_out_the_listeners_that_it_is_told_to() {
    let (pages, admin) = (tcp("127.0.0.1"), tcp("127.0.0.1"));
    let hhvm = Holder::of([shared(&pages), shared(&admin)]);
    let _clients = [&pages, &pages, &admin].map(|to| TcpStream::connect(to.local_addr().unwrap()).unwrap());
    let _accepted = admin.accept().unwrap();
    let seen = hhvm.look();
    assert_eq!(count(&seen).total(), 3);
    let admin = Place::Tcp(admin.local_addr().unwrap());
    let pages = Question { counts: &|place| *place != admin, former: &[] };
    assert_eq!(seen.in_use(pages).total(), 2);
}

#[test]
fn connections_of_a_listener_that_is_gone_count() {
    let admin = tcp("127.0.0.1");
    let listener = tcp("127.0.0.1");
    let place = Place::Tcp(listener.local_addr().unwrap());
    let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (accepted, _) = listener.accept().unwrap();
    drop(listener);
    let hhvm = Holder::of([accepted.try_clone().unwrap().into()]);
    assert_eq!(hhvm.in_use(), 1, "the unit has no listener at all");
    drop(hhvm);
    let hhvm = Holder::of([accepted.into(), shared(&admin)]);
    let former = Question { counts: &|_| true, former: std::slice::from_ref(&place) };
    assert_eq!(hhvm.look().in_use(former).total(), 1, "it listened there before");

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sock");
    let listener = UnixListener::bind(&path).unwrap();
    let _client = UnixStream::connect(&path).unwrap();
    let hhvm = Holder::of([listener.accept().unwrap().0.into()]);
    drop(listener);
    fs::remove_file(path).unwrap();
    assert_eq!(hhvm.in_use(), 1);
}

#[test]
fn what_hhvm_has_opened_itself_does_not_count() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("memcached");
    let memcached = UnixListener::bind(&path).unwrap();
    let database = tcp("127.0.0.1");
    let pages = tcp("127.0.0.1");
    let to_database = TcpStream::connect(database.local_addr().unwrap()).unwrap();
    let to_memcached = UnixStream::connect(&path).unwrap();
    let (_their_end, _) = database.accept().unwrap();
    let hhvm = Holder::of([shared(&pages), to_database.into(), to_memcached.into()]);
    assert_eq!(hhvm.in_use(), 0);
    drop((hhvm, memcached));

    let (parent, child) = UnixStream::pair().unwrap();
    let bound = UnixDatagram::bind(directory.path().join("log")).unwrap();
    let lights = [Holder::of([parent.into(), bound.into()]), Holder::of([child.into()])];
    assert_eq!(lights.each_ref().map(Holder::in_use), [0, 0]);

    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let diag = {
        use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
        socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, None).unwrap()
    };
    let listener = tcp("127.0.0.1");
    let reset = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (server, _) = listener.accept().unwrap();
    let mut client = &reset;
    client.write_all(b"unread").unwrap();
    drop((server, listener));
    client.set_read_timeout(Some(soon() - Instant::now())).unwrap();
    assert_eq!(client.read(&mut [0]).map_err(|error| error.kind()), Err(ErrorKind::ConnectionReset));
    let hhvm = Holder::of([udp.into(), diag, reset.into()]);
    let seen = hhvm.look();
    assert_eq!(count(&seen).total(), 0, "{seen:?}");
    assert_eq!(seen.asked.len(), 3, "no list has them");
}

#[test]
fn a_client_that_is_bound_to_a_name_does_not_count() {
    use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, bind, connect, socket};
    use std::os::fd::AsRawFd;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("database");
    let database = UnixListener::bind(&path).unwrap();
    let client = socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).unwrap();
    bind(client.as_raw_fd(), &UnixAddr::new(&directory.path().join("client")).unwrap()).unwrap();
    connect(client.as_raw_fd(), &UnixAddr::new(&path).unwrap()).unwrap();
    let server = Holder::of([database.accept().unwrap().0.into()]);
    let hhvm = Holder::of([client]);
    assert_eq!(hhvm.in_use(), 0);
    assert_eq!(server.in_use(), 1, "the other end was accepted");
}

#[test]
fn a_listener_names_the_processes_that_hold_it() {
    let listener = tcp("127.0.0.1");
    let hhvm = Holder::of([shared(&listener)]);
    let found = listeners(&hhvm.scope(), &host(), soon()).unwrap();
    let [only] = &found[..] else { panic!("{found:?}") };
    let [holder] = &only.holders[..] else { panic!("{found:?}") };
    assert_eq!((holder.process.pid, holder.process.name.as_str()), (hhvm.pid(), "sleep"));
    assert_eq!(holder.process.parent, std::process::id().cast_signed());
}

#[test]
fn what_cannot_be_seen_is_an_error() {
    let hhvm = Holder::of([]);
    let proc = tempfile::tempdir().unwrap();
    let place = proc.path().join(hhvm.pid().to_string());
    fs::create_dir_all(place.join("ns")).unwrap();
    let of_hhvm = |name: &str| format!("/proc/{}/{name}", hhvm.pid());
    fs::copy(of_hhvm("stat"), place.join("stat")).unwrap();
    std::os::unix::fs::symlink(fs::read_link(of_hhvm("ns/net")).unwrap(), place.join("ns/net")).unwrap();
    fs::create_dir(proc.path().join("thread-self")).unwrap();
    std::os::unix::fs::symlink("/proc/self/ns", proc.path().join("thread-self/ns")).unwrap();
    let fake = crate::kernel::Host { proc: proc.path().into(), ..host() };
    let seen = || look(&hhvm.scope(), &fake, soon());
    assert_eq!(seen(), Err(Unseen::Changing), "no list of descriptors");
    fs::write(place.join("fd"), "").unwrap();
    assert_eq!(seen(), Err(Unseen::Descriptors(hhvm.pid())));
    fs::remove_file(place.join("fd")).unwrap();
    fs::create_dir(place.join("fd")).unwrap();
    assert!(seen().is_ok());
    assert_eq!(look(&hhvm.scope(), &fake, Instant::now()), Err(Unseen::TimedOut));
    fs::remove_file(place.join("stat")).unwrap();
    assert!(seen().is_ok_and(|seen| seen.processes.is_empty()), "the main process has ended");
    assert_eq!(look(&crate::kernel::Scope::default(), &fake, soon()), Err(Unseen::NoUnit));
}
