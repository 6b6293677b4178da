//! Resolves the names of a fleet's servers: an address at once, a name in a thread, because a name server that is silent would
//! hold up a stop for longer than they may.

use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::mpsc::channel;
use std::thread;
use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// Most addresses of one name that are tried.
const ADDRESSES_MAX: usize = 8;

/// Asks the system's resolver, for as long as the request may take.
#[derive(Debug)]
pub struct Names;

impl Resolver for Names {
    fn resolve(&self, uri: &Uri, _: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let authority = uri.authority().ok_or(Error::HostNotFound)?.as_str();
        let found = match authority.parse::<SocketAddr>() {
            Ok(address) => vec![address],
            Err(_) => in_thread(authority.to_owned(), &timeout)?,
        };
        let mut addresses = self.empty();
        found.into_iter().take(ADDRESSES_MAX).for_each(|address| addresses.push(address));
        if addresses.is_empty() { Err(Error::HostNotFound) } else { Ok(addresses) }
    }
}

fn in_thread(authority: String, timeout: &NextTimeout) -> Result<Vec<SocketAddr>, Error> {
    let (answer, answers) = channel();
    let ask = move || {
        let found: Vec<SocketAddr> = authority.to_socket_addrs().map(Iterator::collect).unwrap_or_default();
        // Nobody waits any longer for what comes too late.
        let _ = answer.send(found);
    };
    thread::Builder::new().name("resolver".to_owned()).spawn(ask)?;
    answers.recv_timeout(*timeout.after).map_err(|_| Error::Timeout(timeout.reason))
}
