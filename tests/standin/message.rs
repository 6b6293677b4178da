//! A request and its answer, whatever the protocol.

use std::collections::BTreeMap;

/// HHVM's version, as its answers show it.
pub const VERSION: &str = "HHVM/3.30.1";

/// One request, page or admin.
#[derive(Default)]
pub struct Request {
    /// The path, with or without its leading slash, up to the question mark.
    pub path: String,
    /// What follows the question mark.
    pub query: String,
    /// `FastCGI`'s parameters; empty over HTTP.
    pub params: BTreeMap<String, String>,
    /// Whom the log names.
    pub client: String,
}

impl Request {
    /// Cuts a target at its question mark.
    pub fn new(target: &str, client: String) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Self { path: path.into(), query: query.into(), client, ..Self::default() }
    }

    /// A parameter of the query string, decoded.
    pub fn query_value(&self, name: &str) -> Option<String> {
        self.query
            .split('&')
            .filter_map(|part| part.split_once('='))
            .find_map(|(key, value)| (decode(key) == name).then(|| decode(value)))
    }

    /// A `FastCGI` parameter that was sent and is not empty.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

/// The answer to a request.
pub struct Response {
    pub status: u16,
    pub content_type: &'static str,
    pub body: Vec<u8>,
    /// The server is to stop once this answer is out.
    pub stop: bool,
}

impl Response {
    /// A plain text answer.
    pub fn text(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, content_type: "text/plain; charset=utf-8", body: body.into(), stop: false }
    }

    /// The words that go with the status.
    pub fn reason(&self) -> &'static str {
        match self.status {
            200 => "OK",
            400 => "Bad Request",
            401 => "Unauthorized",
            404 => "Not Found",
            500 => "Internal Server Error",
            502 => "Bad Gateway",
            503 => "Service Unavailable",
            _ => "Unknown",
        }
    }
}

/// How the bytes of an answer are handed to the network.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// As few writes as possible.
    Whole,
    /// Small records, cut across small segments.
    Split,
    /// The head at once, then a byte of the body a second.
    DripBody,
    /// Every byte a second.
    DripAll,
}

/// Percent-decoding with `+` as a space; a stray `%` stands for itself.
fn decode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        out.push(match (byte, tail.get(..2).and_then(hex)) {
            (b'+', _) => b' ',
            (b'%', Some(value)) => {
                rest = &tail[2..];
                value
            }
            _ => byte,
        });
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn hex(digits: &[u8]) -> Option<u8> {
    u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}
