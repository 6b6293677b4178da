//! One page over HTTP: a user where one is set, no proxy, no redirect, no connection kept, a bound on the answer.

use super::reader::{ANSWER_MAX, left};
use crate::context::Root;
use crate::files;
use crate::password::Password;
use crate::probe::http::InThread;
use crate::requests;
use crate::row::Unclear;
use crate::settings::balancer::{Login, Proof, Scheme, Web};
use crate::tls::{self, Tls};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use std::io::{self, Read};
use std::net::ToSocketAddrs;
use std::time::Instant;
use ureq::Agent;
use ureq::unversioned::transport::TcpConnector;

/// Room for an answer's head, and for what is read at a time.
const BUFFER: usize = 16 << 10;
/// Room for a request with the longest password.
const REQUEST_MAX: usize = 8 << 10;
/// A larger password file is a mistake.
const PASSWORD_MAX: u64 = 1023;

/// Asks for one page again and again.
pub(super) struct Pages {
    /// Made at the first question, for that takes reading certificates.
    agent: Option<Agent>,
    web: Web,
    root: Root,
}

impl Pages {
    pub(super) fn of(web: Web, root: Root) -> Self {
        Self { agent: None, web, root }
    }

    fn agent(&mut self) -> Result<&Agent, Unclear> {
        if self.agent.is_none() {
            self.agent = Some(self.new_agent()?);
        }
        self.agent.as_ref().ok_or(Unclear::NotAsked)
    }

    fn new_agent(&self) -> Result<Agent, Unclear> {
        let config = requests::config(BUFFER, REQUEST_MAX).build();
        match &self.web.scheme {
            Scheme::Http => Ok(Agent::with_parts(config, TcpConnector::default(), InThread)),
            Scheme::Https(file) => {
                let tls = Tls::new(&self.root, file.as_deref(), None).map_err(Unclear::File)?;
                Ok(tls.agent(config, InThread))
            }
        }
    }

    /// The page, with `suffix` after its path.
    pub(super) fn get(&mut self, suffix: &str, deadline: Instant) -> Result<String, Unclear> {
        let url = format!("{}://{}{}{suffix}", self.web.scheme.name(), self.web.authority(), self.web.path);
        let login = self.web.login.as_ref().map(|login| self.authorization(login)).transpose()?;
        let mut request = self.agent()?.get(url);
        if let Some(login) = login {
            request = request.header("Authorization", login);
        }
        let request = request.config().timeout_global(Some(left(deadline)?)).build();
        let mut response = request.call().map_err(unclear)?;
        if response.status() != 200 {
            return Err(Unclear::Status(response.status().as_u16()));
        }
        let mut body = Vec::new();
        let reader = response.body_mut().as_reader();
        reader.take(ANSWER_MAX as u64 + 1).read_to_end(&mut body).map_err(of_body)?;
        if body.len() > ANSWER_MAX {
            return Err(Unclear::TooLong);
        }
        Ok(String::from_utf8_lossy(&body).into_owned())
    }

    /// Whether the page's host is this one.
    pub(super) fn is_local(&self, own: &[std::net::IpAddr]) -> bool {
        let Ok(found) = (self.web.host.as_str(), self.web.port).to_socket_addrs() else { return false };
        let mut found = found.map(|address| address.ip().to_canonical()).peekable();
        found.peek().is_some() && found.all(|ip| ip.is_loopback() || own.contains(&ip))
    }

    /// RFC 7617.
    fn authorization(&self, login: &Login) -> Result<String, Unclear> {
        let mut words = format!("{}:", login.user).into_bytes();
        match &login.password {
            Proof::Written(password) => words.extend_from_slice(password.bytes()),
            Proof::File(path) => {
                let bad = |why: String| Unclear::File(format!("password-file {}: {why}", path.display()));
                let bytes = files::read(&self.root, path, PASSWORD_MAX)
                    .map_err(|why| bad(format!("cannot be read ({why})")))?;
                let password = Password::of_file(&bytes).ok_or_else(|| bad("is empty".to_owned()))?;
                words.extend_from_slice(password.bytes());
            }
        }
        Ok(format!("Basic {}", BASE64_STANDARD.encode(words)))
    }
}

fn of_body(error: io::Error) -> Unclear {
    match error.downcast::<ureq::Error>() {
        Ok(error) => unclear(error),
        Err(error) => error.into(),
    }
}

fn unclear(error: ureq::Error) -> Unclear {
    match error {
        ureq::Error::Timeout(_) => Unclear::TimedOut,
        ureq::Error::Io(error) => tls::fault(&error).map_or_else(|| error.into(), Unclear::CannotAsk),
        ureq::Error::HostNotFound => Unclear::NoSuchName,
        ureq::Error::ConnectionFailed => Unclear::Unreachable(io::ErrorKind::ConnectionRefused),
        other => Unclear::CannotAsk(crate::text::quote(&format!("it does not speak HTTP ({other})"))),
    }
}
