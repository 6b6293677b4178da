//! `FastCGI` as HHVM speaks it, on the server's side: records in, requests out, and answers padded to eight bytes.

use std::collections::BTreeMap;
use std::mem;

use crate::message::{Request, Response, VERSION};
use crate::session::{Event, Reply};

const BEGIN_REQUEST: u8 = 1;
const ABORT_REQUEST: u8 = 2;
const END_REQUEST: u8 = 3;
const PARAMS: u8 = 4;
const STDIN: u8 = 5;
const STDOUT: u8 = 6;

const RESPONDER: u16 = 1;
const KEEP_CONN: u8 = 1;
const COMPLETE: u8 = 0;
const CANT_MULTIPLEX: u8 = 1;
const UNKNOWN_ROLE: u8 = 3;

const HEADER: usize = 8;
/// The largest content that needs no padding.
pub const LARGEST: usize = 0xfff8;

/// One connection's reading side.
pub struct Session {
    buffer: Vec<u8>,
    client: String,
    check_version: bool,
    open: Option<Open>,
}

struct Open {
    id: u16,
    keep: bool,
    params: Vec<u8>,
    started: bool,
}

impl Session {
    /// `check_version` is what HHVM did up to about 3.6: another version byte ends the connection. Later versions read on.
    pub fn new(client: String, check_version: bool) -> Self {
        Self { buffer: Vec::new(), client, check_version, open: None }
    }

    /// Takes bytes from the network; `answered` says that the request begun before has had its answer.
    pub fn feed(&mut self, bytes: &[u8], answered: bool) -> Vec<Event> {
        self.buffer.extend_from_slice(bytes);
        if answered && self.open.as_ref().is_some_and(|open| open.started) {
            self.open = None;
        }
        let mut events = Vec::new();
        while let Some(&[version, kind, id_high, id_low, high, low, padding, _]) =
            self.buffer.first_chunk::<HEADER>()
        {
            if self.check_version && version != 1 {
                events.push(Event::Close);
                break;
            }
            let length = usize::from(u16::from_be_bytes([high, low]));
            let end = HEADER + length + usize::from(padding);
            if self.buffer.len() < end {
                break;
            }
            let record: Vec<u8> = self.buffer.drain(..end).collect();
            let id = u16::from_be_bytes([id_high, id_low]);
            if id != 0 {
                events.extend(self.record(kind, id, &record[HEADER..HEADER + length]));
            }
        }
        events
    }

    fn record(&mut self, kind: u8, id: u16, content: &[u8]) -> Option<Event> {
        if kind == BEGIN_REQUEST {
            return self.begin(id, content);
        }
        let open = self.open.as_mut().filter(|open| open.id == id)?;
        match kind {
            ABORT_REQUEST => Some(Event::Close),
            PARAMS if content.is_empty() && !open.started => {
                open.started = true;
                let params = pairs(&mem::take(&mut open.params));
                let reply = Reply::FastCgi { id, keep: open.keep };
                Some(Event::Start(request(params, &self.client), reply))
            }
            PARAMS => {
                open.params.extend_from_slice(content);
                None
            }
            STDIN if content.is_empty() => Some(Event::InputEnd),
            _ => None,
        }
    }

    fn begin(&mut self, id: u16, content: &[u8]) -> Option<Event> {
        let &[role_high, role_low, flags, ..] = content.first_chunk::<HEADER>()?;
        let keep = flags & KEEP_CONN != 0;
        if self.open.is_some() {
            return Some(Event::Send(end_request(id, CANT_MULTIPLEX)));
        }
        if u16::from_be_bytes([role_high, role_low]) != RESPONDER {
            let refusal = end_request(id, UNKNOWN_ROLE);
            return Some(if keep { Event::Send(refusal) } else { Event::SendAndClose(refusal) });
        }
        self.open = Some(Open { id, keep, params: Vec::new(), started: false });
        None
    }
}

/// HHVM takes the address from `SCRIPT_NAME` alone, with or without its slash.
fn request(params: BTreeMap<String, String>, peer: &str) -> Request {
    let get = |name: &str| params.get(name).map_or("", String::as_str);
    let target = match get("QUERY_STRING") {
        "" => get("SCRIPT_NAME").into(),
        query => format!("{}?{query}", get("SCRIPT_NAME")),
    };
    let client = match get("REMOTE_ADDR") {
        "" => peer,
        address => address,
    };
    let request = Request::new(&target, client.into());
    Request { params, ..request }
}

/// The records of an answer, and how many bytes of them are the head when that has records of its own.
pub fn encode(id: u16, response: &Response, largest: usize, separate_head: bool) -> (usize, Vec<u8>) {
    let status = match response.status {
        200 => String::new(),
        code => format!("Status: {code} {}\r\n", response.reason()),
    };
    let head = format!("{status}X-Powered-By: {VERSION}\r\nContent-type: {}\r\n\r\n", response.content_type);
    let mut bytes = Vec::new();
    let mut stream = head.into_bytes();
    if separate_head {
        push_record(&mut bytes, STDOUT, id, &stream);
        stream.clear();
    }
    let head_length = bytes.len();
    stream.extend_from_slice(&response.body);
    for content in stream.chunks(largest) {
        push_record(&mut bytes, STDOUT, id, content);
    }
    bytes.extend(end_request(id, COMPLETE));
    (head_length, bytes)
}

fn end_request(id: u16, status: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    push_record(&mut bytes, END_REQUEST, id, &[0, 0, 0, 0, status, 0, 0, 0]);
    bytes
}

fn push_record(bytes: &mut Vec<u8>, kind: u8, id: u16, content: &[u8]) {
    let [id_high, id_low] = id.to_be_bytes();
    let [high, low] = u16::try_from(content.len()).unwrap_or(u16::MAX).to_be_bytes();
    let padding = content.len().wrapping_neg() % 8;
    bytes.extend_from_slice(&[1, kind, id_high, id_low, high, low, u8::try_from(padding).unwrap_or(0), 0]);
    bytes.extend_from_slice(content);
    bytes.resize(bytes.len() + padding, 0);
}

fn pairs(mut bytes: &[u8]) -> BTreeMap<String, String> {
    let mut params = BTreeMap::new();
    while let Some((name, value)) = pair(&mut bytes) {
        params.insert(name, value);
    }
    params
}

fn pair(bytes: &mut &[u8]) -> Option<(String, String)> {
    let name = length(bytes)?;
    let value = length(bytes)?;
    let name = bytes.split_off(..name)?;
    let value = bytes.split_off(..value)?;
    Some((String::from_utf8_lossy(name).into_owned(), String::from_utf8_lossy(value).into_owned()))
}

fn length(bytes: &mut &[u8]) -> Option<usize> {
    if bytes.first()? & 0x80 == 0 {
        return bytes.split_off_first().map(|&short| usize::from(short));
    }
    let long = u32::from_be_bytes(*bytes.split_off(..4)?.first_chunk()?);
    usize::try_from(long & 0x7fff_ffff).ok()
}
