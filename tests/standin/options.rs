//! The settings, checked: HHVM's by their ini names and defaults, and the stand-in's own.

use std::collections::BTreeMap;
use std::fmt;
use std::iter;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use crate::args::Args;

/// What both servers speak, `hhvm.server.type`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    FastCgi,
    Http,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FastCgi => "fastcgi",
            Self::Http => "http",
        })
    }
}

/// Where a server listens.
#[derive(Clone)]
pub enum Door {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

impl fmt::Display for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => path.display().fmt(f),
        }
    }
}

/// How HHVM ends, which differs by its age.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    Old,
    Mid,
    New,
    KillOnTerm,
    Deadlock,
}

/// The age of HHVM that a profile belongs to, where answers differ by age.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Era {
    Old,
    Mid,
    New,
}

impl Profile {
    /// The age of HHVM that had this profile.
    pub fn era(self) -> Era {
        match self {
            Self::Old | Self::Deadlock => Era::Old,
            Self::Mid | Self::KillOnTerm => Era::Mid,
            Self::New => Era::New,
        }
    }
}

/// Everything a run of the stand-in is made of.
#[expect(clippy::struct_excessive_bools, reason = "switches that have nothing to do with each other")]
pub struct Options {
    pub daemon: bool,
    pub protocol: Protocol,
    pub pages: Vec<Door>,
    pub admin: Option<SocketAddr>,
    pub admin_unix: Option<PathBuf>,
    pub threads: usize,
    pub graceful_wait: Duration,
    pub idle_timeout: Duration,
    pub passwords: Vec<String>,
    pub stats_need_password: bool,
    pub instance_id: String,
    pub source_root: PathBuf,
    pub pid_file: Option<PathBuf>,
    pub light_processes: usize,
    pub profile: Profile,
    pub control: Option<PathBuf>,
    pub admin_first: bool,
    pub page_delay: Duration,
    pub check_version_byte: bool,
}

impl Options {
    /// Checks what was typed and fills in HHVM's defaults.
    pub fn new(args: &Args) -> Result<Self, String> {
        let hhvm = Table(&args.settings);
        let knobs = Table(&args.knobs);
        let protocol = match hhvm.text("hhvm.server.type").unwrap_or("proxygen") {
            "fastcgi" => Protocol::FastCgi,
            "proxygen" | "libevent" => Protocol::Http,
            other => {
                return Err(format!("hhvm.server.type \"{other}\" is neither fastcgi nor proxygen"));
            }
        };
        let ip = hhvm.text("hhvm.server.ip").unwrap_or("127.0.0.1");
        let page = match hhvm.text("hhvm.server.file_socket") {
            Some(path) => Door::Unix(path.into()),
            None => Door::Tcp(resolve(ip, hhvm.number("hhvm.server.port")?.unwrap_or(80))?),
        };
        let admin_ip = hhvm.text("hhvm.admin_server.ip").unwrap_or(ip);
        let admin = match hhvm.number("hhvm.admin_server.port")? {
            Some(port) => Some(resolve(admin_ip, port)?),
            None => None,
        };
        let mut passwords = args.passwords.clone();
        passwords.extend(hhvm.text("hhvm.admin_server.password").map(String::from));
        let idle = hhvm.number::<i64>("hhvm.server.connection_timeout_seconds")?.unwrap_or(-1);
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Ok(Self {
            daemon: daemon(&args.mode)?,
            protocol,
            pages: iter::once(page).chain(knobs.address("page-also")?.map(Door::Tcp)).collect(),
            admin,
            admin_unix: knobs.text("admin-unix").map(PathBuf::from),
            threads: hhvm.number("hhvm.server.thread_count")?.unwrap_or(2 * cores),
            graceful_wait: Duration::from_secs(
                hhvm.number("hhvm.server.graceful_shutdown_wait")?.unwrap_or(0),
            ),
            idle_timeout: Duration::from_secs(u64::try_from(idle).unwrap_or(match protocol {
                Protocol::FastCgi => 120,
                Protocol::Http => 50,
            })),
            passwords,
            stats_need_password: hhvm.flag("hhvm.admin_server.stats_need_password")?.unwrap_or(true),
            instance_id: hhvm.text("hhvm.instance_id").unwrap_or_default().into(),
            source_root: hhvm.text("hhvm.server.source_root").unwrap_or(".").into(),
            pid_file: hhvm.text("hhvm.pid_file").or(hhvm.text("pid")).map(PathBuf::from),
            light_processes: hhvm.number("hhvm.server.light_process_count")?.unwrap_or(0),
            profile: profile(knobs.text("profile").unwrap_or("new"))?,
            control: knobs.text("control").map(PathBuf::from),
            admin_first: knobs.flag("admin-first")?.unwrap_or(false),
            page_delay: Duration::from_millis(knobs.number("page-delay")?.unwrap_or(0)),
            check_version_byte: match knobs.text("version-byte").unwrap_or("hang") {
                "close" => true,
                "hang" => false,
                other => {
                    return Err(format!("--standin-version-byte \"{other}\" is neither close nor hang"));
                }
            },
        })
    }
}

fn daemon(mode: &str) -> Result<bool, String> {
    match mode {
        "server" => Ok(false),
        "daemon" => Ok(true),
        other => Err(format!("--mode \"{other}\" is neither server nor daemon")),
    }
}

fn profile(name: &str) -> Result<Profile, String> {
    Ok(match name {
        "old" => Profile::Old,
        "mid" => Profile::Mid,
        "new" => Profile::New,
        "killonterm" => Profile::KillOnTerm,
        "deadlock" => Profile::Deadlock,
        other => {
            return Err(format!(
                "--standin-profile \"{other}\" is none of old, mid, new, killonterm, deadlock"
            ));
        }
    })
}

fn resolve(host: &str, port: u16) -> Result<SocketAddr, String> {
    (host, port)
        .to_socket_addrs()
        .ok()
        .and_then(|mut found| found.next())
        .ok_or_else(|| format!("\"{host}\" is no address of this machine"))
}

/// Settings by name, with an empty value the same as none, as in HHVM.
struct Table<'a>(&'a BTreeMap<String, String>);

impl Table<'_> {
    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    fn number<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>, String> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        text.parse().map(Some).map_err(|_| format!("{name} = \"{text}\" is not such a number"))
    }

    fn address(&self, name: &str) -> Result<Option<SocketAddr>, String> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        text.parse().map(Some).map_err(|_| format!("{name} = \"{text}\" is no address"))
    }

    fn flag(&self, name: &str) -> Result<Option<bool>, String> {
        match self.text(name) {
            None => Ok(None),
            Some("true" | "1" | "on") => Ok(Some(true)),
            Some("false" | "0" | "off") => Ok(Some(false)),
            Some(other) => Err(format!("{name} = \"{other}\" is neither true nor false")),
        }
    }
}
