//! The unit that a draw asks for: its file, and the scripts that it calls.

use crate::config::{File, PID_FILE};
use crate::draw::{
    Config, Delegate, Draw, Kill, Kind, Listen, Network, NotifyAccess, Patience, PidFile, Root, Sandbox,
    Server, Slice, Start, StopCommand, Template, User,
};

const RUN: &str = "/usr/local/bin/run-hhvm";
const STOP: &str = "/usr/local/bin/stop-hhvm";
/// The words that only HHVM's own processes have.
const PATTERN: &str = "[-][-]mode (server|daemon)";

/// The script of HHVM's own packages, as far as systemd and a drain can tell.
const SYSV: &str = r#"#!/bin/sh
### BEGIN INIT INFO
# Provides:          hhvm
# Required-Start:    $remote_fs $network
# Required-Stop:     $remote_fs $network
# Default-Start:     2 3 4 5
# Default-Stop:      0 1 6
# Short-Description: HHVM
### END INIT INFO
PIDFILE=/run/hhvm/pid
case "$1" in
start)
    mkdir -p /run/hhvm
    touch $PIDFILE
    start-stop-daemon --quiet --start --pidfile $PIDFILE --exec /usr/bin/hhvm -- @ARGUMENTS@ -vPidFile=$PIDFILE
    ;;
stop)
    start-stop-daemon --quiet --stop --retry=TERM/10/KILL/5 --pidfile $PIDFILE --name hhvm
    rm -f $PIDFILE
    ;;
esac
"#;

impl Draw {
    /// The unit's name.
    pub fn unit(&self) -> &'static str {
        match (self.server, self.template) {
            (Server::PhpFpm, _) => "php8.2-fpm.service",
            (Server::Hhvm, Template::No) => "hhvm.service",
            (Server::Hhvm, Template::Instance) => "hhvm@site.service",
        }
    }

    /// Where the unit's drop-ins belong.
    pub fn drop_in_directory(&self) -> String {
        let name = if self.template == Template::Instance { "hhvm@.service" } else { self.unit() };
        format!("/etc/systemd/system/{name}.d")
    }

    /// Whether hhvm-drain's own drop-in is there without an administrator.
    pub fn is_covered(&self) -> bool {
        self.unit() == "hhvm.service"
    }

    /// The file that the unit runs, as it sees it.
    pub fn program(&self) -> &'static str {
        match (self.server, self.start) {
            (Server::PhpFpm, _) => "/usr/sbin/php-fpm8.2",
            (_, Start::Linked) => "/opt/hhvm/4.172/bin/hhvm",
            (_, Start::Renamed) => "/opt/app/bin/webserver",
            _ => "/usr/bin/hhvm",
        }
    }

    /// The unit's files, but for hhvm-drain's drop-in.
    pub fn unit_files(&self) -> Vec<File> {
        let mut files: Vec<(String, String)> = Vec::new();
        let directory = self.drop_in_directory();
        let site = format!("[Service]\n{}", self.service_lines().join("\n"));
        match (self.server, self.start) {
            (Server::PhpFpm, _) => files.push((format!("{directory}/10-site.conf"), site)),
            (Server::Hhvm, Start::Sysv) => {
                let arguments = self.hhvm_arguments().0.join(" ").replace("--mode server", "--mode daemon");
                files.push(("/etc/init.d/hhvm".to_owned(), SYSV.replace("@ARGUMENTS@", &arguments)));
                files.push((format!("{directory}/10-site.conf"), site));
            }
            (Server::Hhvm, _) => {
                let name = if self.template == Template::Instance { "hhvm@.service" } else { "hhvm.service" };
                let unit = format!(
                    "[Unit]\nDescription=HHVM\nAfter=network.target\nStartLimitIntervalSec=0\n\n{site}\n{}\n\n\
                     [Install]\nWantedBy=multi-user.target\n",
                    self.commands().join("\n")
                );
                files.push((format!("/usr/lib/systemd/system/{name}"), unit));
                files.push((RUN.to_owned(), self.run_script()));
                files.push((STOP.to_owned(), stop_script()));
            }
        }
        let override_ = match self.patience {
            Patience::OverrideShort => "[Service]\nTimeoutStopSec=8s\n",
            Patience::OverrideInfinite => "[Service]\nTimeoutStopSec=infinity\n",
            _ => "",
        };
        if !override_.is_empty() {
            files.push((format!("{directory}/override.conf"), override_.to_owned()));
        }
        files.into_iter().map(|(path, text)| (path, text.into_bytes())).collect()
    }

    /// How the unit starts HHVM, and stops it.
    fn commands(&self) -> Vec<String> {
        let arguments = self.hhvm_arguments().0.join(" ");
        let hhvm = format!(
            "{} {arguments}",
            if self.start == Start::Linked { "/usr/bin/hhvm" } else { self.program() }
        );
        let mut lines = vec![match self.start {
            Start::Direct | Start::Linked | Start::Renamed => format!("ExecStart={hhvm}"),
            Start::Setsid if self.kind == Kind::Forking => format!("ExecStart=/usr/bin/setsid --fork {hhvm}"),
            Start::Setsid => format!("ExecStart=/usr/bin/setsid --wait {hhvm}"),
            Start::ExecScript | Start::Script | Start::Daemon | Start::Sysv => format!("ExecStart={RUN}"),
        }];
        if self.config == Config::Environment {
            lines.push("EnvironmentFile=/etc/default/hhvm".to_owned());
        }
        match self.stop_command {
            StopCommand::None => {}
            StopCommand::Kill => lines.push("ExecStop=/bin/kill -TERM $MAINPID".to_owned()),
            StopCommand::Script => lines.push(format!("ExecStop={STOP}")),
        }
        lines
    }

    /// The script that starts HHVM, where there is one.
    fn run_script(&self) -> String {
        let hhvm = format!("{} {}", self.program(), self.hhvm_arguments().0.join(" "));
        let serves = "until /usr/local/bin/page 0 >/dev/null 2>&1; do sleep 0.1; done";
        let body = match (self.kind, self.start) {
            (Kind::Notify, Start::ExecScript) => {
                format!("({serves}; systemd-notify --ready; sleep 1) &\nexec {hhvm}")
            }
            (Kind::Notify, _) => format!("{hhvm} &\n{serves}\nsystemd-notify --ready\nwait"),
            (Kind::Forking, Start::Script) => format!("{hhvm} &\n{serves}"),
            (_, Start::ExecScript) => format!("exec {hhvm}"),
            (_, Start::Script) => format!("{hhvm} &\nwait $!"),
            _ => format!("{hhvm}\n{serves}"),
        };
        format!("#!/bin/sh\n{body}\n")
    }

    /// The lines of `[Service]` that do not start or stop anything.
    fn service_lines(&self) -> Vec<String> {
        let mut lines: Vec<&str> = Vec::new();
        if self.server == Server::Hhvm && self.start != Start::Sysv {
            lines.push(match self.kind {
                Kind::Simple => "Type=simple",
                Kind::Exec => "Type=exec",
                Kind::Forking => "Type=forking",
                Kind::Notify => "Type=notify",
                Kind::Oneshot => "Type=oneshot\nRemainAfterExit=yes",
            });
            if self.listen == Listen::Unix || self.pid_file == PidFile::Named {
                lines.push("RuntimeDirectory=hhvm");
            }
            lines.push("TimeoutStartSec=20s");
        }
        lines.push(match self.kill {
            Kill::ControlGroup => "",
            Kill::Mixed => "KillMode=mixed",
            Kill::Process => "KillMode=process",
            Kill::None => "KillMode=none",
        });
        lines.push(match self.notify_access {
            NotifyAccess::Unset => "",
            NotifyAccess::Main => "NotifyAccess=main",
            NotifyAccess::All => "NotifyAccess=all",
        });
        lines.push(match self.patience {
            Patience::Long => "TimeoutStopSec=10min",
            Patience::Infinite => "TimeoutStopSec=infinity",
            Patience::Unset | Patience::OverrideShort | Patience::OverrideInfinite => "",
        });
        lines.push(if self.delegate == Delegate::Yes { "Delegate=yes" } else { "" });
        lines.push(match self.slice {
            Slice::System => "",
            Slice::Own => "Slice=web.slice",
            Slice::Nested => "Slice=web-php.slice",
        });
        lines.push(if self.network == Network::Private { "PrivateNetwork=yes" } else { "" });
        lines.push(match self.root {
            Root::Host => "",
            Root::Jail => "RootDirectory=/opt/jail\nMountAPIVFS=yes",
            Root::Bound => {
                "RootDirectory=/opt/bound\nMountAPIVFS=yes\nBindReadOnlyPaths=/usr /etc /opt/app /opt/hhvm\n\
                 BindPaths=/run /var/www /srv /tmp"
            }
        });
        lines.push(if self.user == User::WwwData { "User=www-data" } else { "" });
        lines.push(match self.sandbox {
            Sandbox::None => "",
            Sandbox::PrivateTmp => "PrivateTmp=yes",
            Sandbox::Strict => {
                "ProtectSystem=strict\nProtectHome=yes\nPrivateTmp=yes\nReadWritePaths=/run /var/log"
            }
            Sandbox::Hardened => {
                "NoNewPrivileges=yes\nPrivateDevices=yes\nProtectProc=invisible\nProtectKernelTunables=yes\n\
                 ProtectControlGroups=yes\nRestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX\n\
                 SystemCallFilter=@system-service\nRestrictNamespaces=yes\nLockPersonality=yes"
            }
            Sandbox::Hidden => "TemporaryFileSystem=/var/lib:ro\nInaccessiblePaths=-/etc/hhvm-drain.toml.d",
        });
        let mut lines: Vec<_> =
            lines.into_iter().filter(|line| !line.is_empty()).map(str::to_owned).collect();
        if self.pid_file == PidFile::Named {
            lines.push(format!("PIDFile={PID_FILE}"));
        }
        lines
    }
}

/// Ends HHVM, and waits for it, as people write such scripts.
fn stop_script() -> String {
    format!(
        "#!/bin/sh\npkill -TERM -o -f -e '{PATTERN}' || exit 0\n\
         for i in $(seq 100); do pgrep -f '{PATTERN}' >/dev/null || exit 0; sleep 0.1; done\n"
    )
}
