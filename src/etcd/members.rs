//! Which member is asked: any that answers, the same one as before, and in one call each of them once at most.

use super::authentication::Keyring;
use super::gateway::{Api, Code, Gateway, Path, Trouble};
use super::json::TokenAnswer;
use crate::fleet::Failure;
use crate::settings::fleet::Member;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::time::{Duration, Instant};

/// So long one member may take for all that one call asks of it. A follower without a leader would take seven seconds to
/// say so, and the next member may know the new one.
const MEMBER: Duration = Duration::from_millis(2500);
/// So long a call may take.
const CALL: Duration = Duration::from_secs(7);

/// What a request does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// Nothing.
    None,
    /// Something.
    Writes,
}

/// An answer.
pub(super) struct Answered<T> {
    pub(super) value: T,
    /// Whether the same request, sent before, may have been carried out besides.
    pub(super) is_repeated: bool,
}

/// No answer.
#[derive(Debug)]
pub(super) struct Unanswered {
    pub(super) failure: Failure,
    /// What etcd said last, if it did.
    pub(super) code: Option<Code>,
}

struct Peer {
    member: Member,
    /// Where its paths are, once that is known.
    api: Option<Api>,
}

/// All members, and how they are asked.
pub(super) struct Members {
    gateway: Gateway,
    keyring: Keyring,
    peers: Vec<Peer>,
    /// Who answered last.
    current: usize,
}

impl Members {
    /// `first` is whom to ask first, by any number: not all nodes ask the same one.
    pub(super) fn new(gateway: Gateway, keyring: Keyring, members: &[Member], first: usize) -> Self {
        let peers: Vec<Peer> =
            members.iter().map(|member| Peer { member: member.clone(), api: None }).collect();
        let current = first % peers.len().max(1);
        Self { gateway, keyring, peers, current }
    }

    /// Asks until one answers.
    pub(super) fn ask<T: DeserializeOwned>(
        &mut self,
        path: Path,
        body: &Value,
        effect: Effect,
    ) -> Result<Answered<T>, Unanswered> {
        let deadline = Instant::now() + CALL;
        let mut said = Said::default();
        for step in 0..self.peers.len() {
            let at = (self.current + step) % self.peers.len();
            let patience = deadline.min(Instant::now() + MEMBER);
            match self.ask_one(at, path, body, patience, &mut said) {
                Ok(value) => {
                    self.current = at;
                    return Ok(Answered { value, is_repeated: said.is_uncertain });
                }
                Err(trouble) => {
                    let is_final = matches!(&trouble, Trouble::Said(refusal) if refusal.is_final());
                    said.note(&self.peers[at].member, trouble);
                    if is_final {
                        self.current = at;
                        break;
                    }
                }
            }
            if Instant::now() >= deadline {
                break;
            }
        }
        Err(said.failure(effect))
    }

    /// Asks this one, by a new token if the old one may be why it did not answer.
    pub(super) fn ask_one<T: DeserializeOwned>(
        &mut self,
        at: usize,
        path: Path,
        body: &Value,
        deadline: Instant,
        said: &mut Said,
    ) -> Result<T, Trouble> {
        self.authenticate(at, deadline)?;
        let first = match self.post(at, path, body, deadline) {
            Err(trouble) if self.keyring.token().is_some() && trouble.may_be_the_token() => trouble,
            other => return other,
        };
        said.is_uncertain |= first == Trouble::Cut;
        self.keyring.forget();
        self.authenticate(at, deadline)?;
        self.post(at, path, body, deadline)
    }

    fn authenticate(&mut self, at: usize, deadline: Instant) -> Result<(), Trouble> {
        if !self.keyring.is_empty() {
            return Ok(());
        }
        let request = self.keyring.request().map_err(Trouble::NotReached)?;
        let answer = self.post(at, Path::Authenticate, &request, deadline);
        self.keyring.keep(answer.map(|TokenAnswer { token }| token))
    }

    /// One request to one member, under the paths that it has.
    fn post<T: DeserializeOwned>(
        &mut self,
        at: usize,
        path: Path,
        body: &Value,
        deadline: Instant,
    ) -> Result<T, Trouble> {
        let Some(Peer { member, api }) = self.peers.get_mut(at) else { return Err(Trouble::NoSuchPath) };
        let known = api.unwrap_or(Api::V3);
        let other = match known {
            Api::V3 => Api::V3Beta,
            Api::V3Beta => Api::V3,
        };
        let token = self.keyring.token();
        for api_tried in [known, other] {
            match self.gateway.post(member, (path, api_tried), body, token, deadline) {
                Err(Trouble::NoSuchPath) => {}
                answer => {
                    let has_spoken = matches!(answer, Ok(_) | Err(Trouble::Said(_)));
                    *api = has_spoken.then_some(api_tried).or(*api);
                    return answer;
                }
            }
        }
        Err(Trouble::NoSuchPath)
    }

    /// The URL of one.
    pub(super) fn name(&self, at: usize) -> String {
        self.peers.get(at).map(|peer| peer.member.to_string()).unwrap_or_default()
    }

    /// Whether a token was given.
    pub(super) fn knows_users(&self) -> bool {
        self.keyring.token().is_some()
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.peers.len()
    }

    /// So long may be asked for what one member has to say.
    pub(super) fn patience() -> Instant {
        Instant::now() + MEMBER
    }
}

impl Trouble {
    fn may_be_the_token(&self) -> bool {
        match self {
            Self::Cut => true,
            Self::Said(refusal) => refusal.is_about_the_token(),
            Self::NotReached(_) | Self::NoSuchPath | Self::Lost(_) => false,
        }
    }

    fn is_certain(&self) -> bool {
        match self {
            Self::NotReached(_) | Self::NoSuchPath => true,
            Self::Said(refusal) => refusal.is_certain(),
            Self::Cut | Self::Lost(_) => false,
        }
    }
}

/// What was said instead of an answer.
#[derive(Default)]
pub(super) struct Said {
    words: Vec<String>,
    is_uncertain: bool,
    code: Option<Code>,
}

impl Said {
    fn note(&mut self, member: &Member, trouble: Trouble) {
        self.is_uncertain |= !trouble.is_certain();
        self.words.push(format!("{member}: {trouble}"));
        self.code = match trouble {
            Trouble::Said(refusal) => refusal.code,
            _ => None,
        };
    }

    fn failure(self, effect: Effect) -> Unanswered {
        let words =
            if self.words.is_empty() { "there was no time to ask".to_owned() } else { self.words.join("; ") };
        let failure = match effect {
            Effect::Writes if self.is_uncertain => Failure::Unknown(words),
            Effect::Writes | Effect::None => Failure::Undone(words),
        };
        Unanswered { failure, code: self.code }
    }
}
