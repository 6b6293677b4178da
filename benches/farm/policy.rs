//! What an operator does about a stop: nothing, the script of 2015, the server's own graceful stop, hhvm-drain.

use crate::balancer::Setting;
use crate::host::{Host, Setup};
use crate::stack::Stack;

/// What is compared.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    Nothing,
    Script,
    /// What PHP-FPM offers by itself: SIGQUIT, and time for its workers to end.
    Graceful,
    Defaults,
    /// hhvm-drain, which puts the node back as soon as HHVM has stopped, as version 0.1.0 did.
    AfterStop,
    /// hhvm-drain, with min-drain set from the balancer's settings.
    Tuned,
}

const SCRIPT: &str = include_str!("../script.sh");

/// Each of the three steps that the script's authors told: wait, be killed, put the file back.
const SCRIPT_DROP_IN: &str = "\
[Service]
TimeoutStopSec=90s
ExecStop=
ExecStop=/bin/bash /usr/local/sbin/drain-hhvm /var/www/status.php http://127.0.0.1:8090/check-load
ExecStopPost=-/bin/mv /var/www/status.php.disabled /var/www/status.php
";

const GRACEFUL_DROP_IN: &str = "\
[Service]
KillSignal=SIGQUIT
TimeoutStopSec=40s
";

impl Policy {
    pub fn name(self) -> &'static str {
        match self {
            Self::Nothing => "no drop-in",
            Self::Script => "the script",
            Self::Graceful => "PHP-FPM's own graceful stop",
            Self::Defaults => "hhvm-drain, defaults",
            Self::AfterStop => "hhvm-drain, back after the stop",
            Self::Tuned => "hhvm-drain, min-drain set",
        }
    }

    /// Whether the package is installed.
    pub fn is_ours(self) -> bool {
        matches!(self, Self::Defaults | Self::AfterStop | Self::Tuned)
    }

    /// A host on which it is in force.
    pub fn host(self, stack: Stack, setting: Setting) -> Setup {
        let host = if self.is_ours() { Host::with_package() } else { Host::bare() };
        match self {
            Self::Nothing => host,
            Self::Script => host
                .file("/usr/local/sbin/drain-hhvm", SCRIPT)
                .file("/etc/systemd/system/hhvm.service.d/script.conf", SCRIPT_DROP_IN),
            Self::Graceful => host
                .file("/etc/systemd/system/php8.2-fpm.service.d/graceful.conf", GRACEFUL_DROP_IN)
                .file("/etc/php/8.2/fpm/pool.d/zz.conf", "[global]\nprocess_control_timeout = 30s\n"),
            Self::Defaults => host.settings(stack.settings()),
            Self::AfterStop => host.settings(&format!("repool = 'after-stop'\n{}", stack.settings())),
            Self::Tuned => {
                let min_drain = format!("min-drain = '{}s'\n", setting.min_drain().as_secs());
                host.settings(&(min_drain + stack.settings()))
            }
        }
    }
}
