//! Asks in the network name space of a process.

use super::client::{Client, Reply};
use super::fastcgi::FastCgi;
use super::http::Http;
use crate::endpoint::{Protocol, Target};
use crate::kernel::{Host, Unseen, in_network_of};
use crate::load::Unknown;
use std::time::Instant;

/// A client that connects where a process is.
pub(super) struct Inside {
    host: Host,
    pid: i32,
    client: Box<dyn Client + Send>,
}

impl Inside {
    /// A client for `target`, as the process `pid` reaches it.
    pub(super) fn of(host: &Host, pid: i32, target: &Target) -> Self {
        Self { host: host.clone(), pid, client: client(target) }
    }
}

/// A client for `target`, from where this program is.
pub(super) fn client(target: &Target) -> Box<dyn Client + Send> {
    match target.protocol {
        Protocol::FastCgi => Box::new(FastCgi::new(target.address.clone())),
        Protocol::Http => Box::new(Http::new(&target.address)),
    }
}

impl Client for Inside {
    fn get(&mut self, path: &str, query: &str, limit: usize, deadline: Instant) -> Result<Reply, Unknown> {
        let client = &mut self.client;
        in_network_of(&self.host, self.pid, || client.get(path, query, limit, deadline))?
    }
}

impl From<Unseen> for Unknown {
    fn from(why: Unseen) -> Self {
        match why {
            Unseen::NoUnit => Self::NoPlace,
            why => Self::Unseen(why.to_string()),
        }
    }
}
