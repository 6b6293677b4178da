//! What holds for every page of a balancer, and for every answer of a server that should have sent one.

use super::page::tell;
use super::reader::ANSWER_MAX;
use super::web::Pages;
use crate::context::Root;
use crate::endpoint::Address;
use crate::probe::Client;
use crate::probe::http::Http;
use crate::row::Sends;
use crate::settings::balancer::{Scheme, Web};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// A node is out or in only if the page has that text, and if it has the other one apart from it, neither. The first two
/// lines are the texts, the rest is the page.
///
/// # Panics
/// When this does not hold.
pub fn page(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut parts = text.splitn(3, '\n');
    let (Some(out), Some(into), Some(page)) = (parts.next(), parts.next(), parts.next()) else { return };
    let is_text = |text: &str| !text.trim().is_empty() && text.len() <= 200;
    // As the settings take them.
    if !is_text(out) || !is_text(into) || out == into {
        return;
    }
    let told = tell(page, out, into);
    assert!(told != Some(Sends::No) || page.contains(out), "{told:?}");
    assert!(told != Some(Sends::Yes) || page.contains(into), "{told:?}");
    let both = format!("{page}\n{out}\n{into}");
    let is_clear = out.contains(into) || into.contains(out);
    assert!(is_clear || tell(&both, out, into).is_none(), "{both:?}");
}

/// The time of a question.
const PATIENCE: Duration = Duration::from_secs(2);
/// So much later it may end on a busy machine.
const LATE: Duration = Duration::from_secs(1);

/// Of a server that answers with `bytes` and closes, no more is kept than there is room for, and it is not waited for.
///
/// # Panics
/// When this does not hold.
pub fn http(bytes: &[u8]) {
    let port = Server::with(bytes);
    let web =
        Web { scheme: Scheme::Http, host: "127.0.0.1".to_owned(), port, path: "/".to_owned(), login: None };
    let began = Instant::now();
    match Pages::of(web, Root::new(PathBuf::from("/"))).get("", began + PATIENCE) {
        // What is no text takes three times its place as a replacement.
        Ok(page) => assert!(page.len() <= 3 * ANSWER_MAX),
        Err(why) => {
            let why = why.to_string();
            assert!(!why.is_empty() && why.len() < 1000 && !why.contains(char::is_control), "{why:?}");
        }
    }
    let mut hhvm = Http::new(&Address::Tcp("127.0.0.1".to_owned(), port));
    if let Ok(reply) = hhvm.get("/check-load", "", 64, began + PATIENCE) {
        assert!(reply.body.len() <= 65 && reply.status >= 100, "{reply:?}");
    }
    assert!(began.elapsed() < PATIENCE + LATE, "{:?}", began.elapsed());
}

/// Answers whoever connects, always the same, whatever is asked.
struct Server {
    port: u16,
    answer: Mutex<Vec<u8>>,
}

static SERVER: LazyLock<Server> = LazyLock::new(|| {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap_or_else(|why| panic!("{why}"));
    let port = listener.local_addr().map_or(0, |address| address.port());
    thread::spawn(move || listener.incoming().flatten().for_each(|client| SERVER.serve(client)));
    Server { port, answer: Mutex::default() }
});

impl Server {
    /// The port where such an answer is to be had.
    fn with(answer: &[u8]) -> u16 {
        answer.clone_into(&mut SERVER.answer.lock().unwrap_or_else(PoisonError::into_inner));
        SERVER.port
    }

    fn serve(&self, mut client: TcpStream) {
        // A request comes in one piece. A client that has gone wants no answer.
        let _ = client.read(&mut [0; 4096]);
        let answer = self.answer.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let _ = client.write_all(&answer);
        let _ = client.shutdown(Shutdown::Write);
        // Else the last bytes may be lost (tcp(7), a reset).
        let _ = client.read(&mut [0; 4096]);
    }
}

#[cfg(test)]
proptest::proptest! {
    #[test]
    fn a_page_tells_what_stands_in_it(text in "[ab ]{1,3}\n[ab ]{1,3}\n[ab ]{0,9}") {
        page(text.as_bytes());
    }
}

#[cfg(test)]
#[test]
fn answers_of_any_kind_end() {
    for answer in [
        "",
        "\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n1",
        "HTTP/1.1 200 OK\r\n\r\n17",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
    ] {
        http(answer.as_bytes());
    }
}
