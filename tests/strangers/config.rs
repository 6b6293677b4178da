//! HHVM's settings as a draw has them: in which notation, in which files, and where that leaves the page and admin servers.

use crate::draw::{Admin, Config, Draw, Graceful, Kind, Light, Listen, PidFile, Profile, Root, Slow, Start};

/// HHVM's pid file, where it has one.
pub const PID_FILE: &str = "/run/hhvm/pid";
/// HHVM's socket, where it has one.
pub const SOCKET: &str = "/run/hhvm/hhvm.sock";

/// A file of HHVM's, as bytes: not all of them are UTF-8.
pub type File = (String, Vec<u8>);

impl Draw {
    /// Where a page is requested.
    pub fn page_peer(&self) -> &'static str {
        match self.listen {
            Listen::Tcp4 | Listen::Any | Listen::Two => "127.0.0.1:9000",
            Listen::Tcp6 | Listen::Any6 => "[::1]:9000",
            Listen::Unix => SOCKET,
            Listen::Odd => "127.0.0.1:8765",
        }
    }

    /// Whether the load can only be had by requests to this listener, which the first page listener does not show.
    pub fn second_peer(&self) -> Option<&'static str> {
        (self.listen == Listen::Two).then_some("127.0.0.1:9002")
    }

    /// HHVM's settings by their ini names.
    fn settings(&self) -> Vec<(&'static str, &'static str)> {
        let mut settings = vec![
            ("hhvm.server.type", "fastcgi"),
            ("hhvm.server.thread_count", "8"),
            ("hhvm.server.source_root", "/var/www"),
        ];
        settings.extend_from_slice(match self.listen {
            Listen::Tcp4 | Listen::Two => &[("hhvm.server.port", "9000")][..],
            Listen::Any => &[("hhvm.server.port", "9000"), ("hhvm.server.ip", "0.0.0.0")],
            Listen::Tcp6 => &[("hhvm.server.port", "9000"), ("hhvm.server.ip", "::1")],
            Listen::Any6 => &[("hhvm.server.port", "9000"), ("hhvm.server.ip", "::")],
            Listen::Unix => &[("hhvm.server.file_socket", SOCKET)],
            Listen::Odd => &[("hhvm.server.port", "8765")],
        });
        settings.extend_from_slice(match self.admin {
            Admin::On => &[("hhvm.admin_server.port", "9001")][..],
            Admin::Off => &[],
            Admin::Password => {
                &[("hhvm.admin_server.port", "9001"), ("hhvm.admin_server.password", "open-sesame")]
            }
            Admin::OtherAddress => {
                &[("hhvm.admin_server.port", "9001"), ("hhvm.admin_server.ip", "127.0.0.7")]
            }
            Admin::OddPort => &[("hhvm.admin_server.port", "8088")],
            Admin::Tcp6 => &[("hhvm.admin_server.port", "9001"), ("hhvm.admin_server.ip", "::1")],
        });
        if self.light == Light::Three {
            settings.push(("hhvm.server.light_process_count", "3"));
        }
        if self.graceful == Graceful::Five {
            settings.push(("hhvm.server.graceful_shutdown_wait", "5"));
        }
        if self.pid_file == PidFile::Named {
            settings.push(("hhvm.pid_file", PID_FILE));
        }
        settings
    }

    /// The words that follow HHVM's name, and the files that they speak of.
    pub fn hhvm_arguments(&self) -> (Vec<String>, Vec<File>) {
        let mode = if self.start == Start::Daemon && self.kind != Kind::Simple { "daemon" } else { "server" };
        let mut words = vec!["--mode".to_owned(), mode.to_owned()];
        let settings = self.settings();
        let ini = lines(&settings, |name, value| format!("{name} = {value}"));
        let mut files = Vec::new();
        match self.config {
            Config::Ini | Config::Edited | Config::Removed | Config::Fifo | Config::Environment => {
                files.push(("/etc/hhvm/server.ini".to_owned(), ini.into_bytes()));
            }
            Config::Hdf => files.push(("/etc/hhvm/server.hdf".to_owned(), hdf(&settings).into_bytes())),
            Config::Options => {
                words.extend(settings.iter().map(|(name, value)| format!("-v{}={value}", hdf_name(name))));
            }
            Config::Define => {
                words.extend(
                    settings.iter().flat_map(|(name, value)| ["-d".into(), format!("{name}={value}")]),
                );
            }
            Config::TwoFiles => {
                let first = "hhvm.server.port = 80\nhhvm.log.level = Warning\n";
                files.push(("/etc/hhvm/php.ini".to_owned(), first.into()));
                files.push(("/etc/hhvm/server.ini".to_owned(), ini.into_bytes()));
            }
            Config::Latin1 => {
                let comment = b"; f\xfcr unsere Kunden\n".to_vec();
                files.push(("/etc/hhvm/server.ini".to_owned(), [comment, ini.into_bytes()].concat()));
            }
            Config::Quoted => {
                let quoted = lines(&settings, |name, value| format!("{name}=\"{value}\" ; as of old"));
                files.push(("/etc/hhvm/server.ini".to_owned(), quoted.into_bytes()));
            }
        }
        let named = files.iter().flat_map(|(path, _)| ["-c".to_owned(), path.clone()]);
        words.extend(named);
        if self.config == Config::Environment {
            // The unit's EnvironmentFile= has them.
            words = vec!["$HHVM_OPTIONS".to_owned()];
            let options =
                format!("HHVM_OPTIONS=--mode {mode} -c /etc/hhvm/server.ini{}\n", self.knobs().join(" "));
            files.push(("/etc/default/hhvm".to_owned(), options.into_bytes()));
        } else {
            words.extend(self.knobs().into_iter().map(|knob| knob.trim().to_owned()));
        }
        (words, files)
    }

    /// What the stand-in is told besides.
    fn knobs(&self) -> Vec<String> {
        let profile = match self.profile {
            Profile::New => "new",
            Profile::Mid => "mid",
            Profile::Old => "old",
            Profile::KillOnTerm => "killonterm",
        };
        let mut knobs = vec![format!(" --standin-profile={profile}")];
        if self.slow == Slow::Yes {
            knobs.push(" --standin-admin-first".to_owned());
            knobs.push(" --standin-page-delay=3000".to_owned());
        }
        knobs.extend(self.second_peer().map(|peer| format!(" --standin-page-also={peer}")));
        knobs
    }

    /// What becomes of HHVM's files once it runs.
    pub fn after_start(&self) -> String {
        let file = self.on_host("/etc/hhvm/server.ini");
        match self.config {
            Config::Edited => format!(
                "sed -i -e 's/server.port = .*/server.port = 9100/' {file}; \
                 echo 'hhvm.admin_server.port = 9101' >>{file}"
            ),
            Config::Removed => format!("rm {file}"),
            Config::Fifo => format!("rm {file}; mkfifo {file}"),
            _ => "true".to_owned(),
        }
    }

    /// What an administrator does before HHVM is started again.
    pub fn mends_config(&self) -> bool {
        matches!(self.config, Config::Edited | Config::Removed | Config::Fifo)
    }

    /// Where a file of HHVM's is on the host.
    pub fn on_host(&self, path: &str) -> String {
        if self.root == Root::Jail { format!("/opt/jail{path}") } else { path.to_owned() }
    }
}

fn lines(settings: &[(&str, &str)], line: impl Fn(&str, &str) -> String) -> String {
    settings.iter().map(|(name, value)| line(name, value) + "\n").collect()
}

/// `Server.FileSocket` for `hhvm.server.file_socket`.
fn hdf_name(ini: &str) -> String {
    let part = |part: &str| -> String {
        part.split('_').map(|word| if word == "ip" { "IP".to_owned() } else { capital(word) }).collect()
    };
    ini.split('.').skip(1).map(part).collect::<Vec<_>>().join(".")
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
}

/// The same in the older notation, with a block for each server.
fn hdf(settings: &[(&str, &str)]) -> String {
    let mut lines = vec!["# HHVM's older notation".to_owned()];
    for block in ["Server", "AdminServer"] {
        lines.push(format!("{block} {{"));
        lines.extend(settings.iter().filter_map(|(name, value)| {
            let name = hdf_name(name);
            let key = name.strip_prefix(block)?.strip_prefix('.')?;
            Some(format!("  {key} = {value}"))
        }));
        lines.push("}".to_owned());
    }
    let others = settings.iter().map(|(name, value)| (hdf_name(name), value));
    lines.extend(
        others.filter(|(name, _)| !name.contains('.')).map(|(name, value)| format!("{name} = {value}")),
    );
    lines.join("\n") + "\n"
}
