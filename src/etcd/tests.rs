//! Servers that are none, or hardly: what real ones do now and then, at every request.

use super::*;
use crate::context::{Context, Env, UnitName};
use crate::fleet::{Change, Compare};
use crate::settings::layers::load;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

const WRITTEN: &str = r#"{"header":{"revision":"7"},"succeeded":true}"#;
const REFUSED: &str = r#"{"header":{"revision":"7"}}"#;
const TOKEN: &str = r#"{"token":"abc.1"}"#;

/// What a server does with a request.
#[derive(Clone, Copy)]
enum Does {
    Answers(u16, &'static str),
    /// It ends the connection.
    Ends,
    /// It says nothing, and leaves the connection open.
    Hangs,
    /// It begins an answer that never ends.
    Drips,
}

/// A server that does this, one after the other, and the last for ever. Its URL, and the requests that came.
fn server(does: &[Does]) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (does, seen) = (does.to_vec(), Arc::new(Mutex::new(Vec::new())));
    let heard = seen.clone();
    thread::spawn(move || {
        let mut open = Vec::new();
        for (at, stream) in listener.incoming().enumerate() {
            let mut stream = stream.unwrap();
            heard.lock().unwrap().push(request(&mut stream));
            match does[at.min(does.len() - 1)] {
                Does::Answers(status, body) => {
                    let start = format!(
                        "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                        body.len()
                    );
                    stream.write_all(start.as_bytes()).unwrap();
                    stream.write_all(body.as_bytes()).unwrap();
                }
                Does::Ends => drop(stream.shutdown(Shutdown::Both)),
                Does::Hangs => open.push(stream),
                Does::Drips => {
                    thread::spawn(move || {
                        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
                        while stream.write_all(b" ").is_ok() {
                            thread::sleep(Duration::from_millis(20));
                        }
                    });
                }
            }
        }
    });
    (url, seen)
}

/// A request: its first line, the token in it, its body.
fn request(stream: &mut impl Read) -> String {
    let mut text = Vec::new();
    let mut byte = [0];
    let body = loop {
        stream.read_exact(&mut byte).unwrap();
        text.push(byte[0]);
        if text.ends_with(b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&text).to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let mut body = vec![0; length.unwrap().parse().unwrap()];
            stream.read_exact(&mut body).unwrap();
            break body;
        }
    };
    String::from_utf8([text, body].concat()).unwrap()
}

fn etcd(urls: &[&str], rest: &str) -> (Etcd, tempfile::TempDir) {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join("etc")).unwrap();
    let text = format!("[fleet]\nmembers = {urls:?}\n{rest}");
    std::fs::write(root.path().join("etc/hhvm-drain.toml"), text).unwrap();
    std::fs::write(root.path().join("pw"), "geheim\n").unwrap();
    let host = Root::new(root.path().to_owned());
    let context = Context::new(host.clone(), Env::default(), UnitName::parse("hhvm").unwrap());
    let (settings, problems) = load(&context, &Vec::new());
    let fleet = settings.fleet.fleet().unwrap_or_else(|| panic!("{problems:?}")).clone();
    // The name adds up to a multiple of 2: the first member is asked first.
    (Etcd::new(&host, &fleet, &Name::parse("n0").unwrap()).unwrap(), root)
}

fn write(etcd: &mut Etcd) -> Result<Committed, Failure> {
    let key = Key::Out(Name::parse("n0").unwrap());
    etcd.commit(&Transaction {
        compare: vec![Compare::Absent(key.clone())],
        then: vec![Change::Put(key, Vec::new(), None)],
    })
}

const LOGIN: &str = "user = \"drain\"\npassword-file = \"/pw\"\n";

#[test]
fn a_write_without_an_answer_is_tried_elsewhere_and_a_refusal_there_says_nothing() {
    for (first, second, expected) in [
        (Does::Ends, Does::Answers(200, WRITTEN), Some(Committed::Written(Revision(7)))),
        (
            Does::Answers(503, r#"{"error":"etcdserver: leader changed","code":14}"#),
            Does::Answers(200, REFUSED),
            None,
        ),
        (Does::Ends, Does::Answers(200, REFUSED), None),
        (Does::Answers(404, "404 page not found"), Does::Answers(200, REFUSED), Some(Committed::Refused)),
        (Does::Answers(400, "CommonName of client"), Does::Answers(200, REFUSED), Some(Committed::Refused)),
        (Does::Answers(200, "<html>"), Does::Answers(200, REFUSED), None),
    ] {
        let (one, other) = (server(&[first]).0, server(&[second]).0);
        let (mut etcd, _root) = etcd(&[&one, &other], "");
        match (write(&mut etcd), expected) {
            (Ok(committed), Some(expected)) => assert_eq!(committed, expected),
            (Err(Failure::Unknown(_)), None) => {}
            (committed, expected) => panic!("{committed:?} instead of {expected:?}"),
        }
    }
}

#[test]
fn what_etcd_refuses_is_undone_and_asked_of_nobody_else() {
    let (one, _) = server(&[Does::Answers(403, r#"{"error":"etcdserver: permission denied","code":7}"#)]);
    let (other, heard) = server(&[Does::Answers(200, WRITTEN)]);
    let (mut etcd, _root) = etcd(&[&one, &other], "");
    let refused = write(&mut etcd);
    assert_eq!(refused, Err(Failure::Undone(format!("{one}: etcdserver: permission denied"))));
    assert!(heard.lock().unwrap().is_empty());
}

#[test]
fn a_token_is_got_once_and_once_again_when_it_is_not_taken() {
    let unknown = Does::Answers(401, r#"{"error":"etcdserver: invalid auth token","code":16}"#);
    for end in [unknown, Does::Ends] {
        let written = Does::Answers(200, WRITTEN);
        let token = Does::Answers(200, TOKEN);
        let (url, heard) =
            server(&[token, written, end, Does::Answers(200, r#"{"token":"def.2"}"#), written]);
        let (mut etcd, _root) = etcd(&[&url], LOGIN);
        assert_eq!(write(&mut etcd), Ok(Committed::Written(Revision(7))));
        assert_eq!(write(&mut etcd), Ok(Committed::Written(Revision(7))));
        let heard = heard.lock().unwrap();
        let lines: Vec<(&str, Option<&str>)> = heard
            .iter()
            .map(|request| {
                let path = request.split(' ').nth(1).unwrap();
                let token = request.lines().find_map(|line| {
                    line.to_lowercase()
                        .starts_with("authorization: ")
                        .then(|| line.split(' ').nth(1).unwrap())
                });
                (path, token)
            })
            .collect();
        let expected = [
            ("/v3/auth/authenticate", None),
            ("/v3/kv/txn", Some("abc.1")),
            ("/v3/kv/txn", Some("abc.1")),
            ("/v3/auth/authenticate", None),
            ("/v3/kv/txn", Some("def.2")),
        ];
        assert_eq!(lines, expected);
    }
}

#[test]
fn a_token_that_is_never_taken_ends_it() {
    let token = Does::Answers(200, TOKEN);
    let (url, heard) = server(&[token, Does::Ends, token, Does::Ends]);
    let (mut etcd, _root) = etcd(&[&url], LOGIN);
    assert!(matches!(write(&mut etcd), Err(Failure::Unknown(_))), "it may have been carried out");
    assert_eq!(heard.lock().unwrap().len(), 4);
    for answer in [r#"{"token":""}"#, r#"{"token":"a b"}"#, r#"{"token":"a\r\nX: y"}"#, "{}"] {
        let (url, _) = server(&[Does::Answers(200, answer)]);
        let (mut etcd, _root) = super::tests::etcd(&[&url], LOGIN);
        assert!(matches!(write(&mut etcd), Err(Failure::Undone(_))), "{answer}: nothing was asked for yet");
    }
}

#[test]
fn the_paths_of_an_old_gateway_are_found_and_remembered() {
    let missing = Does::Answers(404, "404 page not found\n");
    let (url, heard) = server(&[missing, Does::Answers(200, WRITTEN)]);
    let (mut etcd, _root) = etcd(&[&url], "");
    write(&mut etcd).unwrap();
    write(&mut etcd).unwrap();
    let paths: Vec<String> =
        heard.lock().unwrap().iter().map(|request| request.split(' ').nth(1).unwrap().to_owned()).collect();
    assert_eq!(paths, ["/v3/kv/txn", "/v3beta/kv/txn", "/v3beta/kv/txn"]);
    let (url, _) = server(&[missing]);
    let (mut etcd, _root) = super::tests::etcd(&[&url], "");
    let told = write(&mut etcd).unwrap_err();
    assert!(matches!(&told, Failure::Undone(why) if why.contains("has no JSON gateway")), "{told:?}");
}

#[test]
fn nobody_holds_a_call_up_for_longer_than_its_time() {
    let servers = [Does::Hangs, Does::Drips, Does::Hangs, Does::Drips].map(|does| server(&[does]).0);
    let (mut etcd, _root) = etcd(&servers.each_ref().map(String::as_str), "");
    let begin = Instant::now();
    let looked = etcd.look(Look::Whole);
    let took = begin.elapsed();
    assert!(matches!(looked, Err(Failure::Undone(_))), "a look changes nothing: {looked:?}");
    assert!((Duration::from_secs(6)..Duration::from_secs(9)).contains(&took), "{took:?}");
}

#[test]
fn answers_to_other_questions_are_none() {
    let kv = |key: &str, rest: &str| {
        let key = keys::encode(key);
        format!(r#"{{"key":"{key}","create_revision":"3","mod_revision":"3"{rest}}}"#)
    };
    let whole = |kv: &str| {
        format!(
            r#"{{"header":{{"revision":"7"}},"succeeded":true,"responses":[{{"response_range":{{"kvs":[{kv}],"count":"1"}}}}]}}"#
        )
    };
    for answer in [
        REFUSED.to_owned(),
        r#"{"header":{"revision":"0"},"responses":[{"response_range":{}}]}"#.to_owned(),
        r#"{"header":{"revision":"-7"},"responses":[{"response_range":{}}]}"#.to_owned(),
        whole(&kv("hhvm-drain/other/out/a", "")),
        whole(&kv("hhvm-drain/hhvm/out/a", r#","create_revision":"0""#)),
        whole(r#"{"key":"aGh2bS1kcmFpbi9oaHZtL291dC9h"}"#),
        whole(&kv("hhvm-drain/hhvm/out/a", r#","value":"?""#)),
    ] {
        let (url, _) = server(&[Does::Answers(200, Box::leak(answer.clone().into_boxed_str()))]);
        let (mut etcd, _root) = etcd(&[&url], "");
        assert!(matches!(etcd.look(Look::Whole), Err(Failure::Undone(_))), "{answer}");
    }
    let fine = whole(&kv("hhvm-drain/hhvm/out/a", r#","lease":"-5","version":"9","new":[1]"#));
    let (url, _) = server(&[Does::Answers(200, Box::leak(fine.into_boxed_str()))]);
    let (mut etcd, _root) = etcd(&[&url], "");
    assert_eq!(etcd.look(Look::Whole).unwrap().out.len(), 1);
}
