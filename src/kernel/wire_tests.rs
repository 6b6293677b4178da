//! The kernel's own answers, and noise in their place.

use super::super::sock_diag::Diag;
use super::*;
use proptest::prelude::*;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Instant;

fn rows(requests: &[Request], mut each: impl FnMut(&[u8])) {
    let mut diag = Diag::open().unwrap();
    for request in requests {
        diag.dump(request, Instant::now() + Duration::from_secs(5), |payload| {
            each(payload);
            Ok(())
        })
        .unwrap();
    }
}

#[test]
fn the_kernel_puts_the_times_where_they_are_read() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut client = TcpStream::connect(address).unwrap();
    let mut server = listener.accept().unwrap().0;
    client.write_all(b"?").unwrap();
    server.read_exact(&mut [0]).unwrap();
    std::thread::sleep(Duration::from_millis(60));
    server.write_all(b"!").unwrap();
    client.read_exact(&mut [0]).unwrap();
    let mut times = None;
    rows(&[tcp_request(Wanted::Connections, 0)], |payload| {
        let row = tcp(payload);
        if row.is_some_and(|row| row.local == address && row.state == TcpState::Open) {
            let info = attributes(&payload[72..]).find(|(kind, _)| *kind == INET_DIAG_INFO);
            times = info.and_then(|(_, info)| last_data(info));
        }
    });
    let (sent, received) = times.unwrap();
    assert!(sent < received && received >= Duration::from_millis(40), "{sent:?} {received:?}");
    assert!(received < Duration::from_secs(5), "{received:?}");
}

#[test]
fn both_forms_of_the_question_have_the_same_answer() {
    for (address, peer) in [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("::", "127.0.0.1")] {
        let listener = TcpListener::bind((address, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let _client = TcpStream::connect((peer, port)).unwrap();
        let of = |requests: &[Request]| {
            let mut found = Vec::new();
            rows(requests, |payload| found.extend(tcp(payload).filter(|row| row.local.port() == port)));
            found.sort_by_key(|row| row.local);
            found.iter().map(|row| (row.local, row.state)).collect::<Vec<_>>()
        };
        let both = of(&[tcp_request(Wanted::Connections, 0)]);
        assert_eq!(both.len(), 2, "the listener and its connection: {both:?}");
        assert_eq!(both, of(&tcp_requests_by_family(Wanted::Connections, 0)), "{address}");
        assert_eq!(both, of(&[tcp_request(Wanted::Connections, port)]), "{address}");
        assert_eq!(both, of(&tcp_requests_by_family(Wanted::Connections, port)), "{address}");
        assert_eq!(of(&[tcp_request(Wanted::Connections, port.wrapping_add(1))]).len(), 0);
        assert_eq!(of(&[tcp_request(Wanted::Listeners, 0)]).len(), 1);
        assert_eq!(of(&tcp_requests_by_family(Wanted::Listeners, 0)).len(), 1);
    }
}

/// `NLMSG_DONE` with what became of the list.
fn end_of_list(code: i32) -> Vec<u8> {
    let head = [20, 0, 0, 0, 3, 0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0];
    [&head[..], &code.to_ne_bytes()].concat()
}

fn first(bytes: &[u8]) -> Option<Message<'_>> {
    messages(bytes, 1).next()?
}

#[test]
fn a_list_that_could_not_be_made_is_not_empty() {
    assert!(matches!(first(&end_of_list(0)), Some(Message::End)));
    let Some(Message::Failed(error)) = first(&end_of_list(-2)) else { panic!("no error") };
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
    assert!(matches!(messages(&end_of_list(0), 2).next(), Some(Some(Message::Other))), "another's end");
}

#[test]
fn a_message_that_is_cut_off_makes_no_sense() {
    for bytes in [&[0; 3][..], &[0xff; 64], &end_of_list(0)[..19], &[15; 40]] {
        let mut read = messages(bytes, 1);
        assert!(matches!(read.next(), Some(None)), "{bytes:?}");
        assert!(read.next().is_none(), "{bytes:?}");
    }
}

proptest! {
    #[test]
    fn noise_has_an_end(bytes in proptest::collection::vec(any::<u8>(), 0..200), family in 0..12_u8) {
        for message in messages(&bytes, 1).take(100).flatten() {
            if let Message::Socket(payload) = message {
                let _ = socket(payload);
            }
        }
        prop_assert!(messages(&bytes, 1).count() <= bytes.len());
        let row: Vec<u8> = std::iter::once(family).chain(bytes).collect();
        let _ = socket(&row);
    }
}
