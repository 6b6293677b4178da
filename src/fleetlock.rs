//! A `FleetLock` server (the protocol of zincati, `docs/development/fleetlock/protocol.md`): it gives a node a slot or not, by
//! its own word. There is no queue, no list and no lease, so what a fleet can do with etcd, it cannot do here.

use crate::context::Root;
use crate::fleet::{Failure, Name};
use crate::names::Names;
use crate::requests;
use crate::settings::fleet::{Fleet, Member, Scheme};
use crate::text::quote;
use crate::tls::{self, Identity, Tls};
use serde::Deserialize;
use serde_json::json;
use std::io::Read;
use std::time::Duration;
use ureq::unversioned::transport::TcpConnector;
use ureq::{Agent, Timeout};

/// So long the server may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// Its answers are a line.
const ANSWER_MAX: u64 = 64 << 10;
/// Room for an answer's head, and for what is read at a time.
const BUFFER: usize = 16 << 10;

/// What the server says to a request for a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// The slot is this node's, now or since before.
    Yes,
    /// Not now; in its words.
    NotNow(String),
}

/// A server, as one node asks it.
#[derive(Debug)]
pub struct FleetLock {
    agent: Agent,
    server: Member,
    /// The request: it is the same for all.
    body: String,
}

/// An error's answer.
#[derive(Deserialize)]
struct Refusal {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    value: String,
}

impl FleetLock {
    /// `server` is asked for slots of the fleet's pool for `node`. Nobody is asked yet.
    ///
    /// # Errors
    /// One line that names what cannot be used.
    pub fn new(root: &Root, fleet: &Fleet, server: &Member, node: &Name) -> Result<Self, String> {
        let config = requests::config(BUFFER, BUFFER)
            .timeout_resolve(Some(PATIENCE))
            .timeout_connect(Some(PATIENCE))
            .timeout_global(Some(PATIENCE))
            .build();
        let agent = match server.scheme {
            Scheme::Http => Agent::with_parts(config, TcpConnector::default(), Names),
            Scheme::Https => {
                let own = fleet.certificate.as_ref();
                let identity = own.map(|own| Identity { certificates: &own.certificate, key: &own.key });
                Tls::new(root, fleet.ca_file.as_deref(), identity)?.agent(config, Names)
            }
        };
        let body = json!({"client_params": {"id": node.as_str(), "group": fleet.pool.as_str()}}).to_string();
        Ok(Self { agent, server: server.clone(), body })
    }

    /// Asks for a slot. Who has one gets it again.
    ///
    /// # Errors
    /// Why there is no answer. It may have given the slot all the same, unless that is [`Failure::Undone`].
    pub fn take(&self) -> Result<Taken, Failure> {
        let (status, words) = self.post("pre-reboot")?;
        match status {
            200 => Ok(Taken::Yes),
            // Three servers, three words for "full": 423 by two of them, and 500 by coreos/airlock, which has no other for
            // anything. 202 reserves a slot that is not free yet.
            202 | 423 | 500 => Ok(Taken::NotNow(words)),
            _ => Err(self.refused(status, &words)),
        }
    }

    /// Gives the slot back. Who has none does no harm.
    ///
    /// # Errors
    /// Why it may still be taken.
    pub fn release(&self) -> Result<(), Failure> {
        match self.post("steady-state")? {
            (200, _) => Ok(()),
            (status, words) => Err(self.refused(status, &words)),
        }
    }

    fn refused(&self, status: u16, words: &str) -> Failure {
        let why = format!("{}: {words}", self.server);
        if (400..500).contains(&status) { Failure::Undone(why) } else { Failure::Unknown(why) }
    }

    /// The status, and what was said with it.
    fn post(&self, what: &str) -> Result<(u16, String), Failure> {
        let request =
            self.agent.post(format!("{}/v1/{what}", self.server)).header("fleet-lock-protocol", "true");
        let mut response = request.send(self.body.as_str()).map_err(|error| self.failure(error))?;
        let status = response.status().as_u16();
        let mut text = Vec::new();
        if let Err(why) = response.body_mut().as_reader().take(ANSWER_MAX).read_to_end(&mut text) {
            return Err(Failure::Unknown(format!(
                "{}: its answer breaks off ({})",
                self.server,
                quote(&why.to_string())
            )));
        }
        let words = match serde_json::from_slice::<Refusal>(&text) {
            Ok(Refusal { kind, value }) => quote(&format!("{kind}: {value}")),
            Err(_) => format!("status {status}"),
        };
        Ok((status, words))
    }

    fn failure(&self, error: ureq::Error) -> Failure {
        let why = |what: &str| format!("{}: {what}", self.server);
        match error {
            ureq::Error::Timeout(Timeout::Resolve | Timeout::Connect) => {
                Failure::Undone(why("no connection within 3 s"))
            }
            ureq::Error::Timeout(_) => Failure::Unknown(why("no answer within 3 s")),
            ureq::Error::HostNotFound => Failure::Undone(why("its name is not known here")),
            ureq::Error::ConnectionFailed => Failure::Undone(why("connection refused")),
            ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
                Failure::Undone(why("connection refused"))
            }
            ureq::Error::Io(error) => {
                let words = tls::fault(&error).unwrap_or_else(|| quote(&error.to_string()));
                if tls::is_of_handshake(&error) {
                    Failure::Undone(why(&words))
                } else {
                    Failure::Unknown(why(&words))
                }
            }
            other => Failure::Unknown(why(&quote(&other.to_string()))),
        }
    }
}

#[cfg(test)]
#[path = "fleetlock_tests.rs"]
mod tests;
