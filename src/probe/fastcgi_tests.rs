//! The FastCGI codec against literal bytes, in pieces of every size, and against noise.

use super::super::count::COUNT_MAX;
use super::*;
use proptest::prelude::*;

/// What HHVM 3.30 answers to `/check-load`, after its source: STDOUT padded to 8 bytes, then `END_REQUEST`.
fn drained() -> Vec<u8> {
    let stdout = b"X-Powered-By: HHVM/3.30.1\r\nContent-type: text/plain; charset=utf-8\r\n\r\n0";
    let mut bytes = vec![1, STDOUT, 0, 1, 0, u8::try_from(stdout.len()).unwrap(), 2, 0];
    bytes.extend(stdout);
    bytes.extend([0, 0]);
    bytes.extend([1, END_REQUEST, 0, 1, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    bytes
}

fn stdout_only(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    record(&mut bytes, STDOUT, text);
    record(&mut bytes, END_REQUEST, &[0; 8]);
    bytes
}

#[test]
fn the_request_is_what_the_specification_says() {
    let bytes = request("/check-load", "auth=x");
    assert_eq!(bytes[..16], [1, 1, 0, 1, 0, 8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    assert_eq!(bytes[16..20], [1, 4, 0, 1]);
    assert_eq!(&bytes[24..48], b"\x0b\x0bSCRIPT_NAME/check-load");
    assert!(bytes.windows(20).any(|w| w == b"\x0c\x06QUERY_STRINGauth=x"));
    assert_eq!(bytes[bytes.len() - 16..], [1, 4, 0, 1, 0, 0, 0, 0, 1, 5, 0, 1, 0, 0, 0, 0]);
}

#[test]
fn long_values_have_four_bytes_of_length() {
    let mut bytes = Vec::new();
    pair(&mut bytes, "A", &"x".repeat(300));
    assert_eq!(bytes[..6], [1, 0x80, 0, 1, 44, b'A']);
}

#[test]
fn an_answer_is_read_in_pieces_of_every_size() {
    let bytes = drained();
    for size in 1..=bytes.len() {
        let mut answer = Answer::of(COUNT_MAX);
        let reply = bytes.chunks(size).find_map(|piece| answer.take(piece).unwrap());
        assert_eq!(reply, Some(Reply { status: 200, body: b"0".to_vec() }), "size {size}");
    }
}

#[test]
fn an_answer_without_its_end_is_not_an_answer() {
    let bytes = drained();
    for cut in 0..bytes.len() {
        let mut answer = Answer::of(COUNT_MAX);
        assert_eq!(answer.take(&bytes[..cut]).unwrap(), None, "cut at {cut}");
        assert!(answer.end().is_err());
    }
}

#[test]
fn the_status_header_counts_in_any_case() {
    let bytes = stdout_only(b"STATUS: 401 Unauthorized\r\n\r\nUnauthorized");
    assert_eq!(Answer::of(COUNT_MAX).take(&bytes).unwrap().unwrap().status, 401);
    let nonsense = stdout_only(b"Status: fine\r\n\r\n0");
    assert_eq!(Answer::of(COUNT_MAX).take(&nonsense).unwrap().unwrap().status, 0);
}

#[test]
fn records_of_other_requests_and_stderr_are_passed_over() {
    let mut bytes = vec![1, STDOUT, 0, 2, 0, 3, 0, 0, b'\n', b'\n', b'7'];
    bytes.extend([1, 7, 0, 1, 0, 1, 0, 0, b'!']);
    bytes.extend(drained());
    assert_eq!(Answer::of(COUNT_MAX).take(&bytes).unwrap().unwrap().body, b"0");
}

#[test]
fn a_rejected_request_and_another_protocol_are_named() {
    let mut rejected = Vec::new();
    record(&mut rejected, END_REQUEST, &[0, 0, 0, 0, 3, 0, 0, 0]);
    assert_eq!(
        Answer::of(COUNT_MAX).take(&rejected),
        Err(Unknown::Protocol("the server rejected the FastCGI request"))
    );
    assert_eq!(
        Answer::of(COUNT_MAX).take(b"HTTP/1.1 400 Bad Request\r\n"),
        Err(Unknown::Protocol("the port speaks HTTP, not FastCGI"))
    );
}

#[test]
fn endless_answers_are_left() {
    let mut long_body = b"\r\n".to_vec();
    long_body.extend([b'0'; 100]);
    let mut bytes = Vec::new();
    record(&mut bytes, STDOUT, &long_body);
    let reply = Answer::of(COUNT_MAX).take(&bytes).unwrap().unwrap();
    assert_eq!(reply.body.len(), COUNT_MAX + 1);

    let mut answer = Answer::of(COUNT_MAX);
    let mut headers = Vec::new();
    record(&mut headers, STDOUT, &[b'x'; 1000]);
    assert!((0..10).any(|_| answer.take(&headers).is_err()));

    let mut answer = Answer::of(COUNT_MAX);
    let mut noise = Vec::new();
    record(&mut noise, 7, &vec![b'x'; 60_000]);
    assert!((0..3).any(|_| answer.take(&noise).is_err()));
}

#[test]
fn where_an_answer_is_too_long_does_not_depend_on_its_pieces() {
    let mut bytes = Vec::new();
    for length in [65_000, 65_000, 2_000] {
        record(&mut bytes, 7, &vec![b'x'; length]);
    }
    bytes.extend(drained());
    for size in [1, 4096, bytes.len()] {
        let mut answer = Answer::of(COUNT_MAX);
        let error = bytes.chunks(size).find_map(|piece| answer.take(piece).err());
        assert_eq!(error, Some(Unknown::Protocol("the answer is too long")), "size {size}");
    }
}

proptest! {
    #[test]
    fn noise_never_panics_and_never_is_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let result = Answer::of(COUNT_MAX).take(&bytes);
        prop_assert!(!matches!(result, Ok(Some(reply)) if reply.body == b"0"));
    }

    #[test]
    fn records_mean_the_same_in_pieces_of_every_size(
        size: u8,
        room in prop_oneof![Just(0), 240..=255_u8],
        records in proptest::collection::vec((prop_oneof![Just(STDOUT), Just(END_REQUEST), any::<u8>()], 0..3_u8, "[0H\n]{0,9}"), 0..6),
        rest in "(HTTP/1.1 400|.{0,9})",
    ) {
        let mut bytes = vec![size, room];
        for (kind, id, content) in records {
            bytes.extend([VERSION, kind, 0, id, 0, u8::try_from(content.len()).unwrap(), 0, 0]);
            bytes.extend(content.as_bytes());
        }
        bytes.extend(rest.as_bytes());
        properties::answer(&bytes);
    }

    #[test]
    fn any_body_comes_back_whole(body in proptest::collection::vec(any::<u8>(), 0..COUNT_MAX), size in 1_usize..50) {
        let mut stdout = b"Content-type: text/plain\r\n\r\n".to_vec();
        stdout.extend(&body);
        let mut answer = Answer::of(COUNT_MAX);
        let reply = stdout_only(&stdout).chunks(size).find_map(|piece| answer.take(piece).unwrap());
        prop_assert_eq!(reply.map(|r| r.body), Some(body));
    }
}

#[test]
fn a_full_backlog_holds_nobody_up() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("fpm.sock");
    // Nobody accepts there.
    let _listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let mut waiting = Vec::new();
    let full = loop {
        match connect_unix(&path, Duration::from_millis(20)) {
            Ok(stream) => waiting.push(stream),
            Err(error) => break error,
        }
    };
    assert_eq!(full.kind(), ErrorKind::WouldBlock, "after {} connections", waiting.len());
    let (mut client, began) = (FastCgi::new(Address::Unix(path)), Instant::now());
    let answer = client.get("/check-load", "", COUNT_MAX, began + Duration::from_millis(300));
    assert_eq!(answer.unwrap_err(), Unknown::TimedOut);
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
}
