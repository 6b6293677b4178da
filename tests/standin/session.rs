//! What a connection's bytes mean, and the bytes of an answer, for either protocol.

use std::time::Duration;

use crate::message::{Pace, Request, Response};
use crate::options::Protocol;
use crate::server::Server;
use crate::{fastcgi, http};

/// What came of the bytes.
pub enum Event {
    /// A request that a worker can begin with.
    Start(Request, Reply),
    /// The request's input is complete: its answer may go out.
    InputEnd,
    /// An answer of the protocol itself.
    Send(Vec<u8>),
    /// The same, and the end of the connection.
    SendAndClose(Vec<u8>),
    /// The end of the connection.
    Close,
}

/// One connection's reading side.
pub enum Session {
    FastCgi(fastcgi::Session),
    Http(http::Session),
}

impl Session {
    pub fn new(server: &Server, client: String) -> Self {
        match server.protocol {
            Protocol::FastCgi => Self::FastCgi(fastcgi::Session::new(client, server.check_version_byte)),
            Protocol::Http => Self::Http(http::Session::new(client)),
        }
    }

    /// Takes bytes from the network; `answered` says that the request begun before has had its answer.
    pub fn feed(&mut self, bytes: &[u8], answered: bool) -> Vec<Event> {
        match self {
            Self::FastCgi(session) => session.feed(bytes, answered),
            Self::Http(session) => session.feed(bytes),
        }
    }
}

/// What an answer needs to know of its request.
pub enum Reply {
    FastCgi { id: u16, keep: bool },
    Http { head_only: bool, keep: bool },
}

/// The bytes of an answer and how to hand them over.
pub struct Wire {
    pub bytes: Vec<u8>,
    /// How many bytes go out in the first write.
    pub at_once: usize,
    /// How many in each later one, after a pause.
    pub step: usize,
    pub pause: Duration,
    /// The connection stays open afterwards.
    pub keep: bool,
    /// The server is to stop afterwards.
    pub stop: bool,
}

const SECOND: Duration = Duration::from_secs(1);
/// Enough for the kernel not to join two segments.
const BETWEEN_SEGMENTS: Duration = Duration::from_millis(2);
/// The record of one byte: header, byte, padding.
const SMALLEST_RECORD: usize = 16;

impl Reply {
    /// The answer as bytes.
    pub fn wire(&self, response: &Response, pace: Pace) -> Wire {
        let (record, separate_head) = match pace {
            Pace::Whole | Pace::DripAll => (fastcgi::LARGEST, false),
            Pace::Split => (7, false),
            Pace::DripBody => (1, true),
        };
        let (head, bytes, keep, one_byte) = match *self {
            Self::FastCgi { id, keep } => {
                let (head, bytes) = fastcgi::encode(id, response, record, separate_head);
                (head, bytes, keep, SMALLEST_RECORD)
            }
            Self::Http { head_only, keep } => {
                let (head, bytes) = http::encode(response, head_only, keep);
                (head, bytes, keep, 1)
            }
        };
        let (at_once, step, pause) = match pace {
            Pace::Whole => (bytes.len(), 1, SECOND),
            Pace::Split => (0, 5, BETWEEN_SEGMENTS),
            Pace::DripBody => (head, one_byte, SECOND),
            Pace::DripAll => (0, 1, SECOND),
        };
        Wire { bytes, at_once, step, pause, keep, stop: response.stop }
    }
}
