//! Network name spaces of one's own. They take root; without it these tests say that they were skipped.

use super::unit::{Holder, count, host, places, settled};
use crate::kernel::look;
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::{fs, thread};

type Task = Box<dyn FnOnce() + Send>;

/// A thread in a network name space of its own.
struct Elsewhere(Sender<Task>);

impl Elsewhere {
    /// None, and a line that says so, where this machine allows none.
    fn new() -> Option<Self> {
        let (tasks, to_do): (Sender<Task>, Receiver<Task>) = channel();
        let (told, entered) = channel();
        thread::spawn(move || {
            told.send(nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET)).unwrap();
            for task in to_do {
                task();
            }
        });
        match entered.recv().unwrap() {
            Ok(()) => Some(Self(tasks)),
            Err(why) => {
                eprintln!("skipped: no network name space can be made here ({why})");
                None
            }
        }
    }

    fn run<T: Send + 'static>(&self, task: impl FnOnce() -> T + Send + 'static) -> T {
        let (done, result) = channel();
        let task = move || drop(done.send(task()));
        self.0.send(Box::new(task)).unwrap();
        result.recv().unwrap()
    }
}

/// The network name space of a process.
fn space(process: &str) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{process}/ns/net")).ok()
}

#[test]
fn an_accepted_unix_connection_counts_whichever_name_space_its_client_is_in() {
    let Some(private) = Elsewhere::new() else { return };
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sock");
    let listener = private.run({
        let path = path.clone();
        move || UnixListener::bind(path).unwrap()
    });
    let before = space("thread-self");
    let connect = {
        let path = path.clone();
        move || UnixStream::connect(path).unwrap()
    };
    // In the name space that PID 1 is in, which shows the accepted socket, and in one that nobody looks at.
    let third = Elsewhere::new().unwrap();
    let ways: [&dyn Fn() -> UnixStream; 2] = [&|| connect.clone()(), &|| third.run(connect.clone())];
    for (way, connect) in ways.iter().enumerate() {
        let held: OwnedFd = listener.try_clone().unwrap().into();
        let hhvm = private.run(move || Holder::of([held]));
        assert_eq!((hhvm.in_use(), places(&hhvm.look())), (0, vec![path.display().to_string()]));
        let client = connect();
        assert_eq!(hhvm.in_use(), 1, "waiting to be accepted, {way}");
        let held = [listener.try_clone().unwrap().into(), listener.accept().unwrap().0.into()];
        let hhvm = private.run(move || Holder::of(held));
        let seen = hhvm.look();
        assert_eq!(count(&seen).total(), 1, "accepted, {way}: {seen:?}");
        if space("1").is_some_and(|of_pid_1| Some(of_pid_1) == space("self")) {
            assert_eq!(count(&seen).unexplained, way as u64);
        }
        drop(client);
        assert_eq!(hhvm.in_use(), 1, "the client has gone, {way}");
    }
    assert_eq!(space("thread-self"), before);
}

#[test]
fn what_was_made_outside_and_goes_outwards_does_not_count() {
    let Some(private) = Elsewhere::new() else { return };
    let other = Elsewhere::new().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal");
    let journal = UnixListener::bind(&path).unwrap();
    // Standard output, which systemd connects before it gives the process its own network.
    let stdout = UnixStream::connect(&path).unwrap();
    let of_nobody = other.run(move || UnixStream::connect(path).unwrap());
    let hhvm = private.run(|| Holder::of([stdout.into(), of_nobody.into()]));
    let seen = hhvm.look();
    assert_eq!(count(&seen).total(), 0, "{seen:?}");
    drop(journal);
}

#[test]
fn each_name_space_of_a_unit_is_looked_at() {
    let Some(private) = Elsewhere::new() else { return };
    let up = private.run(|| Command::new("ip").args(["link", "set", "lo", "up"]).status());
    if !up.is_ok_and(|status| status.success()) {
        eprintln!("skipped: no ip(8) to set up the loopback interface by");
        return;
    }
    let (listener, _client) = private.run(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (listener, client)
    });
    let place = listener.local_addr().unwrap();
    let (accepted, _) = listener.accept().unwrap();
    let hhvm = private.run(move || Holder::of([listener.into(), accepted.into()]));
    assert_eq!((hhvm.in_use(), places(&hhvm.look())), (1, vec![place.to_string()]));
    let outside = TcpListener::bind("127.0.0.1:0").unwrap();
    let _waits = TcpStream::connect(outside.local_addr().unwrap()).unwrap();
    let helper = Holder::of([outside.into()]);
    let mut scope = hhvm.scope();
    scope.main = Some(std::process::id().cast_signed());
    let seen = settled(|deadline| look(&scope, &host(), deadline));
    assert!(seen.processes.iter().any(|process| process.pid == helper.pid()));
    assert!(seen.spaces.len() >= 2);
    assert!(places(&seen).contains(&place.to_string()));
}
