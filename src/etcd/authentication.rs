//! Who asks: etcd gives a token for a user and a password, which stands in each request from then on.

use super::gateway::Trouble;
use crate::context::Root;
use crate::files;
use crate::password::Password;
use crate::settings::fleet::Login;
use serde_json::{Value, json};

/// A larger password file is a mistake.
const PASSWORD_MAX: u64 = 1023;

/// What proves who asks.
#[derive(Debug)]
pub(super) struct Keyring {
    root: Root,
    login: Option<Login>,
    token: Token,
}

/// etcd keeps a token for five minutes after its last use, and all members know it.
#[derive(Debug)]
enum Token {
    /// There is none yet.
    None,
    /// The one to show.
    Some(String),
    /// etcd asks nobody who they are.
    NotNeeded,
}

impl Keyring {
    pub(super) fn new(root: Root, login: Option<Login>) -> Self {
        let token = if login.is_some() { Token::None } else { Token::NotNeeded };
        Self { root, login, token }
    }

    /// The token to show, if there is one.
    pub(super) fn token(&self) -> Option<&str> {
        match &self.token {
            Token::Some(token) => Some(token),
            Token::None | Token::NotNeeded => None,
        }
    }

    /// Whether a token must be got first.
    pub(super) fn is_empty(&self) -> bool {
        matches!(self.token, Token::None)
    }

    /// The request for a token.
    pub(super) fn request(&self) -> Result<Value, String> {
        let Some(Login { user, password_file }) = &self.login else {
            return Err("no user is set".to_owned());
        };
        let name = password_file.display();
        let bytes = files::read(&self.root, password_file, PASSWORD_MAX)
            .map_err(|why| format!("password-file {name} cannot be read ({why})"))?;
        let password = Password::of_file(&bytes).ok_or_else(|| format!("password-file {name} is empty"))?;
        let password = str::from_utf8(password.bytes())
            .map_err(|_| format!("password-file {name} is not in UTF-8, as etcd wants a password"))?;
        Ok(json!({"name": user, "password": password}))
    }

    /// What came of it.
    pub(super) fn keep(&mut self, answer: Result<String, Trouble>) -> Result<(), Trouble> {
        match answer {
            // A header cannot hold anything else.
            Ok(token) if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) => {
                return Err(Trouble::NotReached("its token is none".to_owned()));
            }
            Ok(token) => self.token = Token::Some(token),
            Err(Trouble::Said(refusal)) if refusal.says("authentication is not enabled") => {
                self.token = Token::NotNeeded;
            }
            // Nothing but this has been asked yet.
            Err(Trouble::Lost(why)) => return Err(Trouble::NotReached(why)),
            Err(Trouble::Cut) => return Err(Trouble::NotReached(Trouble::Cut.to_string())),
            Err(other) => return Err(other),
        }
        Ok(())
    }

    /// Lets the next request get a new one.
    pub(super) fn forget(&mut self) {
        if self.login.is_some() {
            self.token = Token::None;
        }
    }
}
