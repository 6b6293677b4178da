//! What one run depends on: the file system root and the environment, as values that a test can set.

use crate::order;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The directory below which every absolute path of the program lies; `/` outside tests and image builds.
#[derive(Debug, Clone)]
pub struct Root(PathBuf);

impl Root {
    /// A root at `dir`.
    #[must_use]
    pub fn new(dir: PathBuf) -> Self {
        Self(dir)
    }

    /// The place of the absolute path `path` below this root.
    #[must_use]
    pub fn join(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = path.as_ref();
        self.0.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// Whether that is the host itself, and no image.
    #[must_use]
    pub fn is_host(&self) -> bool {
        self.0 == Path::new("/")
    }

    /// `path` as the administrator knows it: without the root.
    #[must_use]
    pub fn shorten(&self, path: &Path) -> PathBuf {
        path.strip_prefix(&self.0).map_or_else(|_| path.to_owned(), |rest| Path::new("/").join(rest))
    }
}

/// Environment variables whose name and value are UTF-8; others mean nothing to the program.
#[derive(Debug, Clone, Default)]
pub struct Env(BTreeMap<String, String>);

impl Env {
    /// The variables of this process.
    #[must_use]
    pub fn of_process() -> Self {
        let utf8 = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self(order::map(std::env::vars_os().filter_map(utf8)))
    }

    /// The value of `name`, unless it is unset or empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|v| !v.is_empty())
    }

    /// All variables.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl Env {
    /// These variables.
    #[must_use]
    pub fn from_pairs(vars: &[(&str, &str)]) -> Self {
        Self(vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Env {
    fn from(vars: [(&str, &str); N]) -> Self {
        Self::from_pairs(&vars)
    }
}

/// The login name of the person who runs the program, as far as the environment tells.
#[must_use]
pub fn operator(env: &Env) -> Option<&str> {
    ["SUDO_USER", "LOGNAME", "USER"].iter().find_map(|name| env.get(name))
}

/// Who runs the program: a person, or which of systemd's hooks.
///
/// systemd.exec(5), "Environment Variables Set or Propagated by the Service Manager": `$SERVICE_RESULT` is set for
/// `ExecStop=` and `ExecStopPost=` only, `$EXIT_CODE` only when the main process has ended, `$MAINPID` while it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// `ExecStop=` or `ExecStopPost=`.
    StopHook,
    /// `ExecStartPre=` or `ExecStartPost=`.
    StartHook,
    /// `ExecStop=` of `hhvm-drain-shutdown@.service`, which is stopped before HHVM and its web server are.
    ShutdownUnit,
    /// `hhvm-drain-repool@.service`, which goes on after the start.
    RepoolUnit,
    /// A person, or a script of theirs.
    Person,
}

impl Caller {
    /// Tells the caller from the environment.
    #[must_use]
    pub fn of(env: &Env) -> Self {
        if env.get("SERVICE_RESULT").is_some() {
            Self::StopHook
        } else if env.get("NOTIFY_SOCKET").is_some() {
            Self::StartHook
        } else {
            Self::Person
        }
    }
}

/// One run of the program.
#[derive(Debug, Clone)]
pub struct Context {
    /// Where paths begin.
    pub root: Root,
    /// The environment.
    pub env: Env,
    /// The unit that is drained, `hhvm.service` unless `--unit` says otherwise.
    pub unit: UnitName,
    /// Who runs the program.
    pub caller: Caller,
}

impl Context {
    /// A run by whomever the environment tells of.
    #[must_use]
    pub fn new(root: Root, env: Env, unit: UnitName) -> Self {
        let caller = Caller::of(&env);
        Self { root, env, unit, caller }
    }
}

/// The longest name without its suffix: `hhvm-drain-shutdown@NAME.service.service` must be a unit name, too, which has at most
/// 255 characters (systemd.unit(5)).
const LONGEST: usize = 255 - "hhvm-drain-shutdown@.service.service".len();

/// The full name of a service unit, safe to be part of a file name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnitName(String);

impl UnitName {
    /// Takes `hhvm` for `hhvm.service`, as systemctl(1) does.
    ///
    /// # Errors
    /// When the name has a character that systemd.unit(5) forbids in unit names, or is too long.
    pub fn parse(name: &str) -> Result<Self, String> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || ":-_.\\@".contains(c);
        if name.is_empty() || name.starts_with('.') || !name.chars().all(allowed) {
            return Err("not a unit name; expected something like hhvm.service".to_owned());
        }
        let bare = name.strip_suffix(".service").unwrap_or(name);
        if bare.len() > LONGEST {
            return Err(format!(
                "too long: systemd takes no name that is as long as that of its hhvm-drain-shutdown@ unit would be; at most \
                 {LONGEST} characters before .service"
            ));
        }
        Ok(Self(format!("{bare}.service")))
    }

    /// The name with its suffix.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for UnitName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unit_names_cannot_leave_the_state_directory() {
        for bad in ["", "../x", "a/b", ".hidden", "a b"] {
            assert!(UnitName::parse(bad).is_err(), "{bad}");
        }
        assert!(UnitName::parse(&"x".repeat(LONGEST + 1)).is_err());
        assert!(UnitName::parse(&format!("{}.service", "x".repeat(LONGEST))).is_ok());
        assert_eq!(UnitName::parse("hhvm").unwrap().as_str(), "hhvm.service");
        assert_eq!(UnitName::parse("hhvm@8001.service").unwrap().as_str(), "hhvm@8001.service");
    }

    #[test]
    fn the_root_is_invisible_to_the_administrator() {
        let root = Root::new("/tmp/r".into());
        assert_eq!(root.join("/var/www"), Path::new("/tmp/r/var/www"));
        assert_eq!(root.shorten(Path::new("/tmp/r/var/www")), Path::new("/var/www"));
    }
}
