//! A server made after the protocol, with the words of each real one.

use super::*;
use crate::context::{Context, Env, UnitName};
use crate::settings::fleet::Members;
use crate::settings::layers::load;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

/// Who holds a slot: the group and the node of each.
type Holders = Arc<Mutex<Vec<(String, String)>>>;

/// How a server says that there is no slot left.
#[derive(Clone, Copy)]
struct Dialect {
    status: u16,
    kind: &'static str,
}

const AIRLOCK: Dialect = Dialect { status: 500, kind: "failed_lock" };
const POSEIDON: Dialect = Dialect { status: 423, kind: "lock_held" };
const HEATHCLIFF: Dialect = Dialect { status: 423, kind: "all_slots_full" };
const RESERVED: Dialect = Dialect { status: 202, kind: "slot_reserved" };

/// A server with one slot for each group, on loopback; its port, and who holds what.
fn server(dialect: Dialect) -> (u16, Holders) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let holders = Arc::new(Mutex::new(Vec::new()));
    let held = holders.clone();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(&stream);
            let mut lines = Vec::new();
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if line.trim().is_empty() {
                    break;
                }
                lines.push(line.trim().to_lowercase());
            }
            let length = lines.iter().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            let mut body = vec![0; length.parse().unwrap()];
            std::io::Read::read_exact(&mut reader, &mut body).unwrap();
            let (status, answer) = if lines.contains(&"fleet-lock-protocol: true".to_owned()) {
                handle(&lines[0], &body, dialect, &mut held.lock().unwrap())
            } else {
                (400, r#"{"kind":"bad_request","value":"no header"}"#.to_owned())
            };
            let _ =
                write!(&stream, "HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{answer}", answer.len());
        }
    });
    (port, holders)
}

fn handle(line: &str, body: &[u8], dialect: Dialect, held: &mut Vec<(String, String)>) -> (u16, String) {
    let body: serde_json::Value = serde_json::from_slice(body).unwrap();
    let text = |key: &str| body["client_params"][key].as_str().unwrap().to_owned();
    let mine = (text("group"), text("id"));
    match line {
        "post /base/v1/pre-reboot http/1.1" => {
            if held.iter().any(|other| other.0 == mine.0 && *other != mine) {
                return (dialect.status, format!(r#"{{"kind":"{}","value":"full\n"}}"#, dialect.kind));
            }
            if !held.contains(&mine) {
                held.push(mine);
            }
            (200, String::new())
        }
        "post /base/v1/steady-state http/1.1" => {
            held.retain(|other| *other != mine);
            (200, String::new())
        }
        _ => (404, "not found".to_owned()),
    }
}

fn client(url: &str, node: &str) -> FleetLock {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join("etc")).unwrap();
    let text = format!("[fleet]\nmembers = \"fleetlock+{url}\"\npool = \"web\"\n");
    std::fs::write(root.path().join("etc/hhvm-drain.toml"), text).unwrap();
    let host = Root::new(root.path().to_owned());
    let context = Context::new(host.clone(), Env::default(), UnitName::parse("hhvm").unwrap());
    let settings = load(&context, &Vec::new()).0;
    let fleet = settings.fleet.fleet().unwrap();
    let Members::FleetLock(member) = &fleet.members else { panic!("{fleet:?}") };
    FleetLock::new(&host, fleet, member, &Name::parse(node).unwrap()).unwrap()
}

#[test]
fn a_slot_is_taken_again_by_its_holder_and_full_in_every_dialect() {
    for dialect in [AIRLOCK, POSEIDON, HEATHCLIFF, RESERVED] {
        let (port, holders) = server(dialect);
        let url = format!("http://127.0.0.1:{port}/base");
        let (one, other) = (client(&url, "n1"), client(&url, "n2"));
        assert_eq!(one.take(), Ok(Taken::Yes));
        assert_eq!(one.take(), Ok(Taken::Yes), "it has it");
        assert_eq!(other.take(), Ok(Taken::NotNow(format!("{}: full", dialect.kind))));
        assert_eq!(*holders.lock().unwrap(), [("web".to_owned(), "n1".to_owned())]);
        assert_eq!(other.release(), Ok(()), "who has none does no harm");
        assert_eq!(other.take(), Ok(Taken::NotNow(format!("{}: full", dialect.kind))));
        assert_eq!(one.release(), Ok(()));
        assert_eq!(other.take(), Ok(Taken::Yes));
    }
}

#[test]
fn what_is_no_answer_is_told() {
    let (port, _) = server(POSEIDON);
    let elsewhere = client(&format!("http://127.0.0.1:{port}/other"), "n1");
    let why = format!("http://127.0.0.1:{port}/other: status 404");
    assert_eq!(elsewhere.take(), Err(Failure::Undone(why.clone())));
    assert_eq!(elsewhere.release(), Err(Failure::Undone(why)));
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = client(&format!("http://{free}"), "n1");
    assert_eq!(nobody.take(), Err(Failure::Undone(format!("http://{free}: connection refused"))));
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let hangs = client(&format!("http://{}", silent.local_addr().unwrap()), "n1");
    assert!(matches!(hangs.take(), Err(Failure::Unknown(why)) if why.ends_with("no answer within 3 s")));
}
