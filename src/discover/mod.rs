//! Finds out, from a running HHVM's command line and its ini files, where its admin port and its pages are.
//!
//! HHVM's side is not trusted: of whatever file the command line names, only known keys are read, up to a bound.

mod arguments;
mod ini;
mod options;

pub use options::{Found, Options, Origin};

use crate::endpoint::{Address, Protocol, Target};
use crate::load::sockets::Listener;
use crate::problem::{Place, Problem};
use crate::text::quote;
use arguments::Argument;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// What is known of an HHVM.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hhvm {
    /// Its options, each with its origin.
    pub options: Options,
    /// Files that it reads and this program does not, and why not.
    pub unread: Vec<(PathBuf, String)>,
    /// Options with a value that means nothing: their names, their values, and where they are.
    pub misread: Vec<(String, String, Origin)>,
}

impl Hhvm {
    /// Looks at the process `pid`, if its name is that of HHVM. `proc` is the mounted procfs.
    ///
    /// Paths are those of the process: below its own root, relative to its own directory.
    #[must_use]
    pub fn of_process(pid: i32, proc: &Path) -> Option<Self> {
        let process = proc.join(pid.to_string());
        let name = fs::read_to_string(process.join("comm")).ok()?;
        if name.trim_end() != "hhvm" {
            return None;
        }
        let command_line = fs::read(process.join("cmdline")).ok().filter(|bytes| !bytes.is_empty())?;
        let root = process.join("root");
        let directory = fs::read_link(process.join("cwd")).unwrap_or_default();
        Some(Self::of_command_line(&command_line, &root, &directory))
    }

    /// Reads the arguments, and the files that they name: below `root`, relative to `directory`. What comes later
    /// wins; the command line wins over files, and `--port` and `--admin-port` over all
    /// (`hphp/runtime/base/program-functions.cpp`).
    fn of_command_line(command_line: &[u8], root: &Path, directory: &Path) -> Self {
        let arguments = arguments::read(command_line);
        let mut hhvm = Self::default();
        let names_files =
            |argument: &Argument| matches!(argument, Argument::Config(_) | Argument::NoDefaults);
        if !arguments.iter().any(names_files) {
            for path in default_files(root) {
                hhvm.read_file(root, path);
            }
        }
        for argument in &arguments {
            if let Argument::Config(path) = argument {
                hhvm.read_file(root, directory.join(path));
            }
        }
        for argument in arguments {
            if let Argument::Option { name, value, word } = argument {
                hhvm.set(name, value, Origin::CommandLine(word));
            }
        }
        hhvm
    }

    fn read_file(&mut self, root: &Path, name: PathBuf) {
        if name.extension().is_some_and(|extension| extension == "hdf") {
            self.unread.push((name, "is in the hdf format, which is not read".to_owned()));
            return;
        }
        match ini::read(&root.join(name.strip_prefix("/").unwrap_or(&name))) {
            Ok(settings) => {
                for setting in settings {
                    self.set(setting.name, setting.value, Origin::File(name.clone(), setting.line));
                }
            }
            Err(error) => self.unread.push((name, format!("cannot be read ({error})"))),
        }
    }

    /// Sets an option, or notes that its value is not understood.
    pub fn set(&mut self, name: String, value: String, origin: Origin) {
        if !self.options.set(&name, &value, &origin) {
            self.misread.push((name, value, origin));
        }
    }

    /// What could not be read or understood, and what counts instead.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let unread = self.unread.iter().map(|(path, why)| {
            let instead = "for what it sets, HHVM's other files and its defaults are taken";
            Problem::warning(Place::Path(path.clone()), format!("{why}; {instead}"))
        });
        let misread = self.misread.iter().map(|(name, value, origin)| {
            let instead = self.options.in_force(name);
            let what = format!("{name} is \"{}\", which is not understood; taking {instead}", quote(value));
            Problem::warning(Place::Hhvm(origin.clone()), what)
        });
        unread.chain(misread).collect()
    }

    /// Where the admin port answers; none if it is off.
    ///
    /// An empty address means both loopback addresses: versions differ in which one they bind.
    #[must_use]
    pub fn admin_targets(&self) -> Option<Vec<Target>> {
        let port = self.options.admin_port.as_ref().map(|found| found.value).filter(|port| *port > 0)?;
        let address = self.options.admin_ip.as_ref().or(self.options.ip.as_ref());
        let hosts = match address.map_or("", |found| found.value.as_str()) {
            "" | "*" | "::" | "0.0.0.0" | "localhost" => vec!["127.0.0.1", "::1"],
            host => vec![host],
        };
        let target = |host: &str| Target {
            protocol: self.protocol(),
            address: Address::Tcp(host.to_owned(), port),
            path: "/check-load".to_owned(),
        };
        Some(hosts.into_iter().map(target).collect())
    }

    /// Where its pages are served; port 80 by default.
    #[must_use]
    pub fn listener(&self) -> Listener {
        if let Some(found) = &self.options.file_socket {
            return Listener::Unix(found.value.clone());
        }
        let address: Option<IpAddr> = self.options.ip.as_ref().and_then(|found| found.value.parse().ok());
        let port = self.options.port.as_ref().map_or(80, |found| found.value);
        Listener::Tcp(address.filter(|address| !address.is_unspecified()), port)
    }

    /// Both servers speak the language of `Server.Type`; its default is proxygen.
    #[must_use]
    pub fn protocol(&self) -> Protocol {
        match &self.options.server_type {
            Some(found) if found.value == "fastcgi" => Protocol::FastCgi,
            _ => Protocol::Http,
        }
    }
}

/// What HHVM reads when it is told of no file: `/etc/hhvm/php*.ini` and `config*.hdf`, each by name.
fn default_files(root: &Path) -> Vec<PathBuf> {
    let directory = Path::new("/etc/hhvm");
    let mut names: Vec<PathBuf> = fs::read_dir(root.join("etc/hhvm"))
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.file_name().into()))
        .collect();
    names.retain(|name| {
        let name = name.to_string_lossy();
        (name.starts_with("php") && name.ends_with(".ini"))
            || (name.starts_with("config") && name.ends_with(".hdf"))
    });
    names.sort();
    names.into_iter().map(|name| directory.join(name)).collect()
}

#[cfg(any(test, fuzzing))]
#[path = "../../tests/fuzz/properties/discover.rs"]
pub mod properties;

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
