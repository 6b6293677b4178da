//! The load over HTTP/1.1, for an HHVM whose server type is proxygen, or through a front end.

use super::client::{Client, Reply, left};
use crate::endpoint::Address;
use crate::load::Unknown;
use crate::requests;
use std::io::Read;
use std::net::ToSocketAddrs;
use std::time::Instant;
use ureq::Agent;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{NextTimeout, TcpConnector};

/// Most addresses of one name that are tried.
const ADDRESSES_MAX: usize = 8;

/// Room for an answer's head; a longer one is taken for something else.
const HEAD_MAX: usize = 4 << 10;
/// Room for a request with the longest password, each byte of it escaped.
const REQUEST_MAX: usize = 4 << 10;

/// Asks one HTTP server.
#[derive(Debug)]
pub struct Http {
    agent: Agent,
    authority: String,
    /// The `Host` to ask for, if it is not the address.
    host: Option<String>,
}

impl Http {
    /// A client for `address`: no proxy from the environment, no redirects, no connection kept.
    #[must_use]
    pub fn new(address: &Address) -> Self {
        let config = requests::config(HEAD_MAX, REQUEST_MAX).build();
        let authority = match address {
            Address::Tcp(host, port) if host.contains(':') => format!("[{host}]:{port}"),
            Address::Tcp(host, port) => format!("{host}:{port}"),
            Address::Unix(_) => String::new(),
        };
        Self { agent: Agent::with_parts(config, TcpConnector::default(), InThread), authority, host: None }
    }

    /// Asks for the pages of `host` there.
    #[must_use]
    pub fn with_host(mut self, host: Option<&str>) -> Self {
        self.host = host.map(str::to_owned);
        self
    }
}

impl Client for Http {
    fn get(&mut self, path: &str, query: &str, limit: usize, deadline: Instant) -> Result<Reply, Unknown> {
        let separator = if query.is_empty() { "" } else { "?" };
        let url = format!("http://{}{path}{separator}{query}", self.authority);
        let mut request = self.agent.get(url);
        if let Some(host) = &self.host {
            request = request.header("Host", host);
        }
        let request = request.config().timeout_global(Some(left(deadline)?)).build();
        let mut response = request.call()?;
        let mut body = Vec::with_capacity(limit + 1);
        response.body_mut().as_reader().take(limit as u64 + 1).read_to_end(&mut body)?;
        Ok(Reply { status: response.status().as_u16(), body })
    }
}

impl From<ureq::Error> for Unknown {
    fn from(error: ureq::Error) -> Self {
        match error {
            ureq::Error::Timeout(_) => Self::TimedOut,
            ureq::Error::Io(error) => error.into(),
            ureq::Error::HostNotFound => Self::Name("of the endpoint".to_owned()),
            ureq::Error::ConnectionFailed => Self::Refused,
            _ => Self::Protocol("the port does not speak HTTP"),
        }
    }
}

/// Resolves names in the thread that asks; ureq's own resolver starts a thread for every request, even for an address.
#[derive(Debug)]
pub struct InThread;

impl Resolver for InThread {
    fn resolve(&self, uri: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let authority = uri.authority().ok_or(ureq::Error::HostNotFound)?;
        let found = authority.as_str().to_socket_addrs().map_err(|_| ureq::Error::HostNotFound)?;
        let mut addresses = self.empty();
        found.take(ADDRESSES_MAX).for_each(|address| addresses.push(address));
        if addresses.is_empty() { Err(ureq::Error::HostNotFound) } else { Ok(addresses) }
    }
}
