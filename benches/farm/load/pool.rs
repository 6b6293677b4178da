//! The connections that are kept alive.

use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::client::conn::http1::SendRequest;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A connection over which requests are sent.
pub type Connection = SendRequest<Empty<Bytes>>;

/// Less than any server's keep-alive timeout, so that no request meets a connection about to be closed.
const IDLE_MAX: Duration = Duration::from_secs(5);

/// Idle connections, the last one used at the back.
#[derive(Default)]
pub struct Pool(Mutex<VecDeque<(Connection, Instant)>>);

impl Pool {
    /// A connection that neither side has closed, as far as is known here.
    pub fn take(&self) -> Option<Connection> {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some((connection, since)) = idle.pop_back() {
            if connection.is_ready() && since.elapsed() < IDLE_MAX {
                return Some(connection);
            }
        }
        None
    }

    /// Takes a connection back once its answer is read, unless the server closes it.
    pub async fn keep(&self, mut connection: Connection) {
        if connection.ready().await.is_err() {
            return;
        }
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push_back((connection, Instant::now()));
        while idle.front().is_some_and(|(_, since)| since.elapsed() >= IDLE_MAX) {
            idle.pop_front();
        }
    }
}
