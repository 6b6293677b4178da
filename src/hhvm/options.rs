//! The options of HHVM that matter to a drain, under the names that they have in ini files and in hdf files.

use super::number::{self, Number};
use super::origin::{Cause, Found, Origin, Value};
use super::tree::{Answer, Tree};
use super::value::Text;
use crate::password::Password;
use crate::text::quote;
use std::ffi::OsString;
use std::fmt;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// The types of server that HHVM has had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerType {
    /// FastCGI.
    FastCgi,
    /// HTTP; the default.
    Proxygen,
    /// HTTP, in the first years.
    LibEvent,
}

impl fmt::Display for ServerType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FastCgi => "fastcgi",
            Self::Proxygen => "proxygen",
            Self::LibEvent => "libevent",
        })
    }
}

/// What is known of each option.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// `Server.Type`.
    pub server_type: Value<ServerType>,
    /// `Server.IP`.
    pub ip: Value<String>,
    /// `Server.Port`, 80 by default.
    pub port: Value<u16>,
    /// `Server.FileSocket`; empty for none.
    pub file_socket: Value<PathBuf>,
    /// `AdminServer.IP`, that of the page server by default.
    pub admin_ip: Value<String>,
    /// `AdminServer.Port`; 0, its default, means none.
    pub admin_port: Value<u16>,
    /// `AdminServer.Password`.
    admin_password: Value<Password>,
    /// One of `AdminServer.Passwords`.
    admin_passwords: Value<Password>,
    /// One of `AdminServer.HashedPasswords`.
    hashed_passwords: Value<Password>,
    /// `Server.GracefulShutdownWait`, in seconds.
    pub graceful_wait: Value<u32>,
}

/// The names of an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key {
    /// In an ini file (`Config::IniName`).
    pub(super) ini: &'static str,
    /// In an hdf file.
    pub(super) hdf: &'static str,
    what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Type,
    Ip,
    Port,
    FileSocket,
    AdminIp,
    AdminPort,
    Password,
    Passwords,
    HashedPasswords,
    GracefulWait,
}

const fn key(ini: &'static str, hdf: &'static str, what: What) -> Key {
    Key { ini, hdf, what }
}

/// The page port.
pub(super) const PORT: Key = KEYS[2];
/// The admin port.
const ADMIN_PORT: Key = KEYS[5];

/// All of them.
pub(super) const KEYS: [Key; 10] = [
    key("hhvm.server.type", "Server.Type", What::Type),
    key("hhvm.server.ip", "Server.IP", What::Ip),
    key("hhvm.server.port", "Server.Port", What::Port),
    key("hhvm.server.file_socket", "Server.FileSocket", What::FileSocket),
    key("hhvm.admin_server.ip", "AdminServer.IP", What::AdminIp),
    key("hhvm.admin_server.port", "AdminServer.Port", What::AdminPort),
    key("hhvm.admin_server.password", "AdminServer.Password", What::Password),
    key("hhvm.admin_server.passwords", "AdminServer.Passwords", What::Passwords),
    key("hhvm.admin_server.hashed_passwords", "AdminServer.HashedPasswords", What::HashedPasswords),
    key("hhvm.server.graceful_shutdown_wait", "Server.GracefulShutdownWait", What::GracefulWait),
];

impl Key {
    /// The names of the other kind of file, under which HHVM takes no notice of it: as in an hdf file, and without
    /// what every name in an ini file begins with.
    pub(super) fn foreign_in_ini(self) -> [&'static str; 2] {
        [self.hdf, self.ini.strip_prefix("hhvm.").unwrap_or(self.ini)]
    }

    /// And in an hdf file.
    pub(super) fn foreign_in_hdf(self) -> [&'static str; 2] {
        [self.ini, self.ini.strip_prefix("hhvm.").unwrap_or(self.ini)]
    }

    /// Whether it has several values.
    pub(super) fn is_list(self) -> bool {
        matches!(self.what, What::Passwords | What::HashedPasswords)
    }
}

/// What becomes of a value that is set: a remark, where HHVM takes it for something else than it looks like.
type Remark = Option<Cause>;

impl Options {
    /// Sets the option `key`, found in an ini file or behind `-d`.
    pub(super) fn set_ini(&mut self, key: Key, value: &Text, origin: Origin) -> Remark {
        self.set(key, value, origin, number::of_ini)
    }

    /// Sets the options that the tree has values for, which win over those of ini files.
    pub(super) fn set_hdf(&mut self, tree: &Tree) -> Vec<Cause> {
        let mut remarks = Vec::new();
        for key in KEYS {
            let answer = if key.is_list() {
                tree.last_child(key.hdf.as_bytes())
            } else {
                tree.get(key.hdf.as_bytes())
            };
            match answer {
                Answer::Silent => {}
                Answer::Value(text, origin) => remarks.extend(self.set(key, &text, origin, number::of_hdf)),
                Answer::Unknown(cause) => self.not_known(key, &cause),
            }
        }
        remarks
    }

    /// `--port`, `--admin-port`, which win over all.
    pub(super) fn set_port(&mut self, is_admin: bool, value: &[u8], origin: Origin) -> Remark {
        let key = if is_admin { ADMIN_PORT } else { PORT };
        match number::of_word(value) {
            // The default of these flags.
            Some(-1) => None,
            Some(value) => {
                let number = Number { value, is_whole: true };
                self.set(key, &Text::Known(value.to_string().into_bytes()), origin, |_| number)
            }
            None => {
                let cause = Cause { origin, why: not_understood(key, value) };
                self.not_known(key, &cause);
                Some(cause)
            }
        }
    }

    /// Nothing is known of any option.
    pub(super) fn forget(&mut self, cause: &Cause) {
        for key in KEYS {
            self.not_known(key, cause);
        }
    }

    /// Nothing is known of the options that are not set.
    pub(super) fn doubt(&mut self, cause: &Cause) {
        self.server_type.doubt(cause);
        self.ip.doubt(cause);
        self.port.doubt(cause);
        self.file_socket.doubt(cause);
        self.admin_ip.doubt(cause);
        self.admin_port.doubt(cause);
        self.admin_password.doubt(cause);
        self.admin_passwords.doubt(cause);
        self.hashed_passwords.doubt(cause);
        self.graceful_wait.doubt(cause);
    }

    pub(super) fn not_known(&mut self, key: Key, cause: &Cause) {
        let cause = cause.clone();
        match key.what {
            What::Type => self.server_type = Value::Unknown(cause),
            What::Ip => self.ip = Value::Unknown(cause),
            What::Port => self.port = Value::Unknown(cause),
            What::FileSocket => self.file_socket = Value::Unknown(cause),
            What::AdminIp => self.admin_ip = Value::Unknown(cause),
            What::AdminPort => self.admin_port = Value::Unknown(cause),
            What::Password => self.admin_password = Value::Unknown(cause),
            What::Passwords => self.admin_passwords = Value::Unknown(cause),
            What::HashedPasswords => self.hashed_passwords = Value::Unknown(cause),
            What::GracefulWait => self.graceful_wait = Value::Unknown(cause),
        }
    }

    fn set(&mut self, key: Key, text: &Text, origin: Origin, read: impl Fn(&[u8]) -> Number) -> Remark {
        let bytes = match text {
            Text::Known(bytes) => bytes,
            Text::Unknown(why) => {
                let cause = Cause { origin, why: format!("the value of {} is unknown: {why}", key.ini) };
                self.not_known(key, &cause);
                return Some(cause);
            }
        };
        let string = String::from_utf8_lossy(bytes);
        let understood = match key.what {
            What::Type => {
                let types = [ServerType::FastCgi, ServerType::Proxygen, ServerType::LibEvent];
                let of = types.into_iter().find(|of| of.to_string() == string);
                put(&mut self.server_type, of, &origin)
            }
            What::Ip => put(&mut self.ip, Some(string.into_owned()), &origin),
            What::AdminIp => put(&mut self.admin_ip, Some(string.into_owned()), &origin),
            What::FileSocket => {
                put(&mut self.file_socket, Some(PathBuf::from(OsString::from_vec(bytes.clone()))), &origin)
            }
            What::Password => put(&mut self.admin_password, Some(Password::new(bytes)), &origin),
            What::Passwords => put(&mut self.admin_passwords, Some(Password::new(bytes)), &origin),
            What::HashedPasswords => put(&mut self.hashed_passwords, Some(Password::new(bytes)), &origin),
            What::Port => put(&mut self.port, u16::try_from(read(bytes).value).ok(), &origin),
            What::AdminPort => put(&mut self.admin_port, u16::try_from(read(bytes).value).ok(), &origin),
            What::GracefulWait => {
                put(&mut self.graceful_wait, u32::try_from(read(bytes).value).ok(), &origin)
            }
        };
        if !understood {
            let cause = Cause { origin, why: not_understood(key, bytes) };
            self.not_known(key, &cause);
            return Some(cause);
        }
        let is_number = matches!(key.what, What::Port | What::AdminPort | What::GracefulWait);
        let number = is_number.then(|| read(bytes)).filter(|number| !number.is_whole)?;
        let why = format!("invalid value \"{}\" for {}; HHVM uses {}", shown(bytes), key.ini, number.value);
        Some(Cause { origin, why })
    }

    /// The password that the admin port asks for; an empty one, or none, is none. Where there are `Passwords`, the one
    /// `Password` is none of them, and of `HashedPasswords` no file has the password itself
    /// (`hphp/runtime/server/admin-request-handler.cpp`).
    #[must_use]
    pub fn admin_password(&self) -> Value<Password> {
        if let Value::Set(found) = &self.hashed_passwords {
            let why = "only a hash of the admin password is set; set password-file".to_owned();
            return Value::Unknown(Cause { origin: found.origin.clone(), why });
        }
        let is_set = |found: &Found<Password>| !found.value.is_empty();
        match &self.admin_passwords {
            Value::Set(found) if is_set(found) => self.admin_passwords.clone(),
            Value::Unknown(_) => self.admin_passwords.clone(),
            _ if self.admin_password.found().is_some_and(|found| !is_set(found)) => Value::Default,
            _ => self.admin_password.clone(),
        }
    }
}

fn put<T>(value: &mut Value<T>, new: Option<T>, origin: &Origin) -> bool {
    let Some(new) = new else { return false };
    *value = Value::Set(Found { value: new, origin: origin.clone() });
    true
}

fn not_understood(key: Key, value: &[u8]) -> String {
    format!("invalid value \"{}\" for {}; the value is unknown", shown(value), key.ini)
}

fn shown(value: &[u8]) -> String {
    quote(&String::from_utf8_lossy(value))
}
