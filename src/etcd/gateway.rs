//! One request to one member, and what an answer that is none means.

use super::json::ErrorAnswer;
use crate::names::Names;
use crate::requests;
use crate::settings::fleet::{Member, Scheme};
use crate::text::{quote, tenths};
use crate::tls;
use crate::tls::Tls;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fmt;
use std::io::{self, ErrorKind, Read};
use std::time::{Duration, Instant};
use ureq::unversioned::transport::TcpConnector;
use ureq::{Agent, Timeout};

/// Room for an answer's head, and for what is read at a time.
const BUFFER: usize = 16 << 10;
/// An answer is no longer than this: what 10,000 nodes write of themselves is half of it.
const ANSWER_MAX: usize = 8 << 20;
/// A member to which no connection is made by then is given up.
const CONNECT: Duration = Duration::from_millis(1500);

/// Where etcd's gateway has its paths: both from 3.4 on, the older one only in 3.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Api {
    V3,
    V3Beta,
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Path {
    Range,
    Txn,
    Grant,
    KeepAlive,
    Revoke,
    Authenticate,
    Status,
}

impl Path {
    fn at(self, api: Api) -> String {
        let version = match api {
            Api::V3 => "v3",
            Api::V3Beta => "v3beta",
        };
        let path = match (self, api) {
            (Self::Range, _) => "kv/range",
            (Self::Txn, _) => "kv/txn",
            (Self::Grant, _) => "lease/grant",
            (Self::KeepAlive, _) => "lease/keepalive",
            (Self::Revoke, Api::V3) => "lease/revoke",
            (Self::Revoke, Api::V3Beta) => "kv/lease/revoke",
            (Self::Authenticate, _) => "auth/authenticate",
            (Self::Status, _) => "maintenance/status",
        };
        format!("/{version}/{path}")
    }
}

/// Why a member gives no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Nothing has arrived there.
    NotReached(String),
    /// There is no such path.
    NoSuchPath,
    /// It says no, or that it cannot.
    Said(Refusal),
    /// The connection ended without a byte: some versions say so that a token is no longer good.
    Cut,
    /// What it has done is unknown.
    Lost(String),
}

/// An error in the words of etcd's or its gateway's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// gRPC's code, if it is etcd that speaks.
    pub(super) code: Option<Code>,
    status: u16,
    words: String,
}

/// The codes of gRPC's that tell something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    InvalidArgument,
    NotFound,
    PermissionDenied,
    ResourceExhausted,
    FailedPrecondition,
    OutOfRange,
    Unimplemented,
    Unauthenticated,
    /// Something ended before it was known how it would.
    Other,
}

impl Code {
    /// `google.golang.org/grpc/codes`
    fn of(number: u32) -> Self {
        match number {
            3 => Self::InvalidArgument,
            5 => Self::NotFound,
            7 => Self::PermissionDenied,
            8 => Self::ResourceExhausted,
            9 => Self::FailedPrecondition,
            11 => Self::OutOfRange,
            12 => Self::Unimplemented,
            16 => Self::Unauthenticated,
            _ => Self::Other,
        }
    }
}

impl Refusal {
    /// Whether it is certain that nothing was written.
    pub(super) fn is_certain(&self) -> bool {
        match self.code {
            Some(Code::Other) => false,
            Some(_) => true,
            None => (400..500).contains(&self.status),
        }
    }

    /// Whether every other member would say the same.
    pub(super) fn is_final(&self) -> bool {
        self.code.is_some_and(|code| code != Code::Other)
    }

    /// Whether a new token may help.
    pub(super) fn is_about_the_token(&self) -> bool {
        self.code == Some(Code::Unauthenticated) || self.words.contains("revision of auth store is old")
    }

    pub(super) fn says(&self, words: &str) -> bool {
        self.words.contains(words)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, words, .. } = self;
        if self.says("user name is empty") {
            out.write_str("it wants a user; set user and password-file")
        } else if self.says("authentication failed") {
            out.write_str("it refuses the user or the password")
        } else if self.says("CommonName of client") {
            out.write_str(
                "it takes no user from a client whose certificate has a CN; make cert-file without one",
            )
        } else if self.says("bad certificate") || self.says("connection closed") {
            let words = quote(words);
            write!(
                out,
                "it cannot ask itself ({words}); its server certificate needs extendedKeyUsage=serverAuth,clientAuth"
            )
        } else if words.is_empty() {
            write!(out, "status {status}")
        } else {
            write!(out, "{}", quote(words))
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotReached(why) | Self::Lost(why) => out.write_str(why),
            Self::NoSuchPath => {
                out.write_str("it has no JSON gateway (404); is --enable-grpc-gateway=false set there?")
            }
            Self::Said(refusal) => refusal.fmt(out),
            // Where TLS is spoken, the alert that says why often gets lost.
            Self::Cut => out.write_str(
                "it ended the connection without an answer; does it refuse this node's certificate or token?",
            ),
        }
    }
}

/// How requests are sent.
#[derive(Debug)]
pub(super) struct Gateway {
    plain: Agent,
    /// For https; none if no member has that.
    secure: Option<Agent>,
}

impl Gateway {
    pub(super) fn new(tls: Option<&Tls>) -> Self {
        let config = requests::config(BUFFER, BUFFER)
            .timeout_resolve(Some(CONNECT))
            .timeout_connect(Some(CONNECT))
            .build();
        let secure = tls.map(|tls| tls.agent(config.clone(), Names));
        Self { plain: Agent::with_parts(config, TcpConnector::default(), Names), secure }
    }

    /// Asks a member, which has until `deadline`.
    pub(super) fn post<T: DeserializeOwned>(
        &self,
        member: &Member,
        (path, api): (Path, Api),
        body: &Value,
        token: Option<&str>,
        deadline: Instant,
    ) -> Result<T, Trouble> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Trouble::NotReached("there is no time left to ask it".to_owned()));
        }
        let agent = match member.scheme {
            Scheme::Http => &self.plain,
            Scheme::Https => self.secure.as_ref().unwrap_or(&self.plain),
        };
        let mut request = agent.post(format!("{member}{}", path.at(api)));
        if let Some(token) = token {
            request = request.header("Authorization", token);
        }
        let request = request.config().timeout_global(Some(left)).build();
        let mut response = request.send(body.to_string()).map_err(|error| trouble(error, left))?;
        let status = response.status().as_u16();
        let mut text = Vec::new();
        let reader = response.body_mut().as_reader();
        let read = reader.take(ANSWER_MAX as u64 + 1).read_to_end(&mut text);
        read.map_err(|error| of_body(error, left))?;
        answer(status, &text)
    }
}

/// What an answer means.
fn answer<T: DeserializeOwned>(status: u16, text: &[u8]) -> Result<T, Trouble> {
    if text.len() > ANSWER_MAX {
        return Err(Trouble::Lost(format!("its answer is longer than {} MiB", ANSWER_MAX >> 20)));
    }
    let error = serde_json::from_slice(text).ok().and_then(ErrorAnswer::parts);
    match (status, error) {
        (_, Some((code, words))) => Err(Trouble::Said(Refusal { code: Some(Code::of(code)), status, words })),
        (200, None) => serde_json::from_slice(text).map_err(|why| {
            Trouble::Lost(format!("it does not answer as etcd does ({})", quote(&why.to_string())))
        }),
        (404, None) => Err(Trouble::NoSuchPath),
        (_, None) => {
            let words = String::from_utf8_lossy(text).trim().to_owned();
            Err(Trouble::Said(Refusal { code: None, status, words }))
        }
    }
}

fn of_body(error: io::Error, patience: Duration) -> Trouble {
    match error.downcast::<ureq::Error>() {
        Ok(ureq::Error::Timeout(_)) => late(patience),
        Ok(error) => Trouble::Lost(format!("its answer breaks off ({})", quote(&error.to_string()))),
        Err(error) => Trouble::Lost(format!("its answer breaks off ({error})")),
    }
}

fn late(patience: Duration) -> Trouble {
    Trouble::Lost(format!("no answer within {}", tenths(patience)))
}

fn words(error: &io::Error) -> String {
    tls::fault(error).unwrap_or_else(|| quote(&error.to_string()))
}

fn trouble(error: ureq::Error, patience: Duration) -> Trouble {
    use ErrorKind::{
        AddrNotAvailable, BrokenPipe, ConnectionAborted, ConnectionRefused, ConnectionReset, HostUnreachable,
        NetworkUnreachable, UnexpectedEof,
    };
    let not_reached = |why: &str| Trouble::NotReached(why.to_owned());
    match error {
        ureq::Error::Timeout(Timeout::Resolve) => not_reached("its name was not resolved in time"),
        ureq::Error::Timeout(Timeout::Connect) => {
            Trouble::NotReached(format!("no connection within {}", tenths(CONNECT.min(patience))))
        }
        ureq::Error::Timeout(_) => late(patience),
        ureq::Error::HostNotFound => not_reached("its name is not known here"),
        ureq::Error::ConnectionFailed => not_reached("connection refused"),
        ureq::Error::Io(error) if tls::is_of_handshake(&error) => Trouble::NotReached(words(&error)),
        ureq::Error::Io(error) => match error.kind() {
            ConnectionRefused => not_reached("connection refused"),
            AddrNotAvailable | HostUnreachable | NetworkUnreachable => Trouble::NotReached(error.to_string()),
            BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof => Trouble::Cut,
            _ => Trouble::Lost(words(&error)),
        },
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => not_reached("it cannot be asked by this name"),
        other => Trouble::Lost(format!("it does not speak HTTP ({})", quote(&other.to_string()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::etcd::json::{LeaseAnswer, Streamed, TxnAnswer};

    fn refusal(status: u16, text: &str) -> Refusal {
        match answer::<TxnAnswer>(status, text.as_bytes()) {
            Err(Trouble::Said(refusal)) => refusal,
            other => panic!("{text}: {other:?}"),
        }
    }

    /// Answers of etcd 3.4 and 3.5, but for the last one, which is what its gateway's next version would send.
    #[test]
    fn an_error_is_certain_when_etcd_has_looked_at_the_request_and_refused_it() {
        for (status, text, is_certain, is_final) in [
            (404, r#"{"error":"etcdserver: requested lease not found","message":"","code":5}"#, true, true),
            (403, r#"{"error":"etcdserver: permission denied","code":7}"#, true, true),
            (400, r#"{"error":"etcdserver: user name is empty","code":3}"#, true, true),
            (
                503,
                r#"{"error":"etcdserver: request timed out, possibly due to previous leader failure","code":14}"#,
                false,
                false,
            ),
            (503, r#"{"error":"etcdserver: leader changed","code":14}"#, false, false),
            (500, r#"{"error":"context deadline exceeded","code":2}"#, false, false),
            (429, r#"{"error":"etcdserver: mvcc: database space exceeded","code":8}"#, true, true),
            (
                503,
                r#"{"error":{"grpc_code":14,"http_code":503,"message":"etcdserver: no leader"}}"#,
                false,
                false,
            ),
            (
                400,
                "CommonName of client sending a request against gateway will be ignored and not used as expected",
                true,
                false,
            ),
            (502, "<html>Bad Gateway", false, false),
            (500, "", false, false),
            (404, r#"{"code":5,"message":"etcdserver: requested lease not found","details":[]}"#, true, true),
        ] {
            let refusal = refusal(status, text);
            assert_eq!((refusal.is_certain(), refusal.is_final()), (is_certain, is_final), "{text}");
            let told = refusal.to_string();
            assert!(!told.is_empty() && !told.contains('\n'), "{told}");
        }
    }

    #[test]
    fn what_an_administrator_can_mend_is_told() {
        for (text, part) in [
            (r#"{"error":"etcdserver: user name is empty","code":3}"#, "set user and password-file"),
            ("CommonName of client sending a request", "make cert-file without one"),
            (r#"{"error":"connection closed","code":14}"#, "serverAuth,clientAuth"),
            (r#"{"error":"...remote error: tls: bad certificate","code":14}"#, "serverAuth,clientAuth"),
        ] {
            let told = refusal(503, text).to_string();
            assert!(told.contains(part), "{told}");
        }
    }

    #[test]
    fn nonsense_is_no_answer() {
        for text in
            ["", "{", "[]", "{}", "null", "<html>", r#"{"header":{"revision":"x"}}"#, r#"{"header":{}}"#]
        {
            let answer = answer::<TxnAnswer>(200, text.as_bytes());
            assert!(matches!(answer, Err(Trouble::Lost(_))), "{text}: {answer:?}");
        }
        assert_eq!(answer::<TxnAnswer>(404, b"404 page not found").unwrap_err(), Trouble::NoSuchPath);
        let endless = vec![b' '; ANSWER_MAX + 1];
        assert!(matches!(answer::<TxnAnswer>(200, &endless), Err(Trouble::Lost(_))));
        let gone: Streamed<LeaseAnswer> = answer(200, br#"{"result":{"header":{},"ID":"99999"}}"#).unwrap();
        assert_eq!(gone.result.ttl.positive(), None);
        let deep = "[".repeat(100_000);
        assert!(matches!(answer::<TxnAnswer>(200, deep.as_bytes()), Err(Trouble::Lost(_))));
    }
}
