//! Both protocols, byte for byte, and the admin commands.

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::time::Duration;
use std::{fs, io};

use crate::harness::{Standin, record, request, stdout};

const HEAD: &str = "X-Powered-By: HHVM/3.30.1\r\nContent-type: text/plain; charset=utf-8\r\n\r\n";

fn exchange(stream: &mut (impl Read + Write), bytes: &[u8]) -> Vec<u8> {
    stream.write_all(bytes).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    answer
}

#[test]
fn check_load_is_answered_in_these_very_bytes() {
    let standin = Standin::start(&[]);
    let asked = b"\x01\x01\x00\x01\x00\x08\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\
        \x01\x04\x00\x01\x00\x18\x00\x00\x0b\x0bSCRIPT_NAME/check-load\
        \x01\x04\x00\x01\x00\x00\x00\x00\x01\x05\x00\x01\x00\x00\x00\x00";
    let answered = b"\x01\x06\x00\x01\x00\x47\x01\x00\
        X-Powered-By: HHVM/3.30.1\r\nContent-type: text/plain; charset=utf-8\r\n\r\n0\x00\
        \x01\x03\x00\x01\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00";
    assert_eq!(exchange(&mut standin.admin(), asked), answered);
}

#[test]
fn commands_have_hhvms_texts_and_newlines() {
    let standin = Standin::start(&["-vInstanceId=seven"]);
    assert_eq!(standin.ask("check-queued"), format!("{HEAD}0"));
    assert_eq!(standin.ask("/check-ev"), format!("{HEAD}0"));
    assert_eq!(standin.ask("/instance-id"), format!("{HEAD}seven"));
    assert_eq!(standin.ask("/prepare-to-stop"), format!("{HEAD}OK\n"));
    assert_eq!(standin.ask("/nope"), format!("Status: 404 Not Found\r\n{HEAD}Unknown command: nope\n"));
    assert_eq!(
        standin.ask("/stop?instance-id=six"),
        format!("Status: 500 Internal Server Error\r\n{HEAD}Instance ID doesn't match.")
    );
    assert!(standin.body("").starts_with("/stop:"));
    assert!(standin.body("status.json").contains(&format!("\"id\":{},", standin.child.id())));
    assert!(!standin.body("check-health").contains("load"));
}

#[test]
fn an_old_hhvm_answers_as_old_ones_did() {
    let standin = Standin::start(&["--standin-profile=old"]);
    assert!(standin.ask("check-load").contains("Content-type: text/plain\r\n"));
    assert!(standin.ask("prepare-to-stop").starts_with("Status: 404 "));
    assert!(standin.body("check-health").starts_with("{\n\"load\":0\n, \"queued\":0\n, "));
}

#[test]
fn the_password_is_asked_for_where_hhvm_asks() {
    let standin = Standin::start(&["-dhhvm.admin_server.password=a b&c"]);
    let refusal = format!("Status: 401 Unauthorized\r\n{HEAD}Unauthorized");
    assert_eq!(standin.ask("/check-load"), refusal);
    assert_eq!(standin.ask("/check-load?auth=a"), refusal);
    assert_eq!(standin.ask("/nope"), refusal);
    assert_eq!(standin.body("/check-load?auth=a+b%26c"), "0");
    assert_eq!(standin.body("/build-id"), "standin");
    assert!(standin.body("/help").starts_with("/stop:"));
}

#[test]
fn statistics_can_do_without_the_password() {
    let standin = Standin::start(&["-vAdminServer.Password=x", "-vAdminServer.StatsNeedPassword=false"]);
    assert_eq!(standin.body("/check-load"), "0");
    assert_eq!(standin.body("/stop"), "Unauthorized");
}

#[test]
fn nothing_is_answered_before_the_parameters_and_the_input_have_ended() {
    let standin = Standin::start(&[]);
    let bytes = request(1, 0, &[("SCRIPT_NAME", "/check-load")]);
    for missing in [8, 16] {
        let mut stream = standin.admin();
        stream.write_all(&bytes[..bytes.len() - missing]).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        let silence = stream.read(&mut [0; 1]).unwrap_err();
        assert_eq!(silence.kind(), io::ErrorKind::WouldBlock);
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let answer = exchange(&mut stream, &bytes[bytes.len() - missing..]);
        assert_eq!(stdout(&answer), format!("{HEAD}0"));
    }
}

#[test]
fn roles_ids_and_second_requests_are_treated_as_hhvm_treats_them() {
    let standin = Standin::start(&[]);
    let filter = record(1, 1, &[0, 3, 0, 0, 0, 0, 0, 0]);
    assert_eq!(exchange(&mut standin.admin(), &filter), record(3, 1, &[0, 0, 0, 0, 3, 0, 0, 0]));

    let whole = request(1, 0, &[("SCRIPT_NAME", "/check-load")]);
    let dropped = [request(0, 0, &[("SCRIPT_NAME", "/nope")]), whole.clone()].concat();
    assert_eq!(stdout(&exchange(&mut standin.admin(), &dropped)), format!("{HEAD}0"));

    let (begin, rest) = whole.split_at(16);
    let second = record(1, 2, &[0, 1, 0, 0, 0, 0, 0, 0]);
    let answer = exchange(&mut standin.admin(), &[begin, &second, rest].concat());
    assert_eq!(answer[..16], record(3, 2, &[0, 0, 0, 0, 1, 0, 0, 0]));
    assert_eq!(stdout(&answer[16..]), format!("{HEAD}0"));
}

#[test]
fn a_connection_is_kept_when_the_client_asks_for_it() {
    let standin = Standin::start(&[]);
    let mut stream = standin.admin();
    for _ in 0..3 {
        stream.write_all(&request(1, 1, &[("SCRIPT_NAME", "/check-load")])).unwrap();
        let mut answer = [0; 8 + 72 + 16];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(stdout(&answer), format!("{HEAD}0"));
    }
}

#[test]
fn http_on_a_fastcgi_port_is_cut_off_or_left_hanging() {
    let ask = b"GET /check-load HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let closing = Standin::start(&["--standin-version-byte", "close"]);
    let mut stream = closing.admin();
    stream.write_all(ask).unwrap();
    let end = stream.read(&mut [0; 1]).map_err(|error| error.kind());
    // The bytes that nobody read make it a reset, as curl's "empty reply" also covers.
    assert!(matches!(end, Ok(0) | Err(io::ErrorKind::ConnectionReset)), "{end:?}");

    let hanging = Standin::start(&[]);
    let mut stream = hanging.admin();
    stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    stream.write_all(ask).unwrap();
    assert_eq!(stream.read(&mut [0; 1]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
}

#[test]
fn http_is_spoken_when_the_server_type_says_so() {
    let standin = Standin::start_http(&[]);
    let answer = exchange(
        &mut standin.admin(),
        b"GET /check-load?x=1 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
    );
    assert_eq!(
        String::from_utf8(answer).unwrap(),
        "HTTP/1.1 200 OK\r\nX-Powered-By: HHVM/3.30.1\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Length: 1\r\nConnection: close\r\n\r\n0"
    );
    let fastcgi = exchange(&mut standin.admin(), &request(1, 0, &[("SCRIPT_NAME", "/check-load")]));
    assert!(fastcgi.starts_with(b"HTTP/1.1 400 "));
}

#[test]
fn the_page_server_on_a_unix_socket_serves_status_php_while_the_file_is_there() {
    let mut standin = Standin::start(&["-vServer.FileSocket=DIR/sock"]);
    let socket = standin.path("sock");
    assert_eq!(fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o760);
    let file = standin.path("status.php");
    let params = [("SCRIPT_NAME", "/status.php"), ("SCRIPT_FILENAME", file.to_str().unwrap())];
    let ask = || stdout(&exchange(&mut UnixStream::connect(&socket).unwrap(), &request(1, 0, &params)));
    assert!(ask().starts_with("Status: 404 ") && ask().ends_with("\r\n\r\n404 File Not Found"));
    fs::write(&file, "").unwrap();
    assert!(!ask().contains("Status") && ask().ends_with("\r\n\r\n1-AM-ALIVE"));
    standin.body("stop");
    standin.end();
    assert!(!socket.exists());
}

#[test]
fn an_admin_socket_of_its_own_answers_like_the_port() {
    let standin = Standin::start(&["--standin-admin-unix=DIR/admin"]);
    let mut stream = UnixStream::connect(standin.path("admin")).unwrap();
    let answer = exchange(&mut stream, &request(1, 0, &[("SCRIPT_NAME", "/check-load")]));
    assert_eq!(stdout(&answer), format!("{HEAD}0"));
}
