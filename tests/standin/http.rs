//! HTTP/1.1 as far as HHVM's proxygen servers show it to a client that asks for one thing after another.

use crate::message::{Request, Response, VERSION};
use crate::session::{Event, Reply};

/// More than this without an empty line is no request.
const LONGEST_HEAD: usize = 64 * 1024;

/// One connection's reading side.
pub struct Session {
    buffer: Vec<u8>,
    client: String,
}

impl Session {
    pub fn new(client: String) -> Self {
        Self { buffer: Vec::new(), client }
    }

    /// Takes bytes from the network.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Event> {
        self.buffer.extend_from_slice(bytes);
        // No method begins otherwise; FastCGI does, and must not wait for an answer.
        if self.buffer.first().is_some_and(|first| !first.is_ascii_uppercase())
            || self.buffer.len() > LONGEST_HEAD
        {
            return vec![refusal()];
        }
        let Some(end) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") else {
            return Vec::new();
        };
        let head = String::from_utf8_lossy(&self.buffer[..end]).into_owned();
        let body = field(&head, "content-length").and_then(|value| value.parse().ok()).unwrap_or(0);
        if self.buffer.len() < end + 4 + body {
            return Vec::new();
        }
        self.buffer.drain(..end + 4 + body);
        match self.start(&head) {
            Some(start) => vec![start, Event::InputEnd],
            None => vec![refusal()],
        }
    }

    fn start(&self, head: &str) -> Option<Event> {
        let mut words = head.lines().next()?.split(' ');
        let (method, target, version) = (words.next()?, words.next()?, words.next()?);
        if !version.starts_with("HTTP/1.") {
            return None;
        }
        let keep = match field(head, "connection") {
            Some(value) => !value.eq_ignore_ascii_case("close"),
            None => version != "HTTP/1.0",
        };
        let reply = Reply::Http { head_only: method == "HEAD", keep };
        Some(Event::Start(Request::new(target, self.client.clone()), reply))
    }
}

/// The bytes of an answer, and how many of them are its head.
pub fn encode(response: &Response, head_only: bool, keep: bool) -> (usize, Vec<u8>) {
    let mut bytes = format!(
        "HTTP/1.1 {} {}\r\nX-Powered-By: {VERSION}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: {}\r\n\r\n",
        response.status,
        response.reason(),
        response.content_type,
        response.body.len(),
        if keep { "keep-alive" } else { "close" },
    )
    .into_bytes();
    let head = bytes.len();
    if !head_only {
        bytes.extend_from_slice(&response.body);
    }
    (head, bytes)
}

fn refusal() -> Event {
    Event::SendAndClose(encode(&Response::text(400, ""), false, false).1)
}

fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines()
        .skip(1)
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| key.trim().eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}
