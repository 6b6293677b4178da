//! The command line. Settings stay text here: files, variables and flags have one parser, in [`crate::settings`].

use crate::settings::{Flags, Key};
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  hhvm-drain check                          does the next stop drain?
  hhvm-drain status                         in the pool or not, by whom, and why
  hhvm-drain depool --reason \"new disk\"     take this node out until `pool`
  hhvm-drain pool                           put it back
  systemctl stop hhvm                       drains by itself

Settings: /etc/hhvm-drain.toml, see hhvm-drain.toml(5). Manual: hhvm-drain(8).
Exit status: 0 done, 1 failed, 2 wrong usage.";

/// Drain HHVM before systemd stops it.
#[derive(Debug, Parser)]
#[command(name = "hhvm-drain", version, about, after_help = EXAMPLES, max_term_width = 100)]
#[command(disable_help_subcommand = true, args_override_self = true)]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub command: Command,

    /// The unit that is drained
    #[arg(long, global = true, value_name = "UNIT", default_value = "hhvm.service")]
    pub unit: String,

    /// Look for settings, state and health files below this directory
    #[arg(long, global = true, value_name = "DIR", default_value = "/")]
    pub root: PathBuf,

    /// Flags that are settings
    #[command(flatten)]
    pub settings: SettingFlags,
}

/// The commands.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Take the node out and wait until HHVM may stop (for ExecStop=)
    Stop {
        /// Only if the host is going down (for hhvm-drain-shutdown@.service)
        #[arg(long)]
        shutdown: bool,
    },
    /// Undo what `stop` did, if repool allows it (for ExecStopPost= and ExecStart*=)
    Restore {
        /// With repool = "when-healthy": wait until HHVM answers
        #[arg(long)]
        wait: bool,
    },
    /// Take the node out until `pool`, over restarts and reboots
    Depool {
        /// Why, for `status`
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        /// Wait until no request is in flight; fail if some are left
        #[arg(long)]
        wait: bool,
    },
    /// Put the node back, whoever took it out
    Pool,
    /// Say whether the node is in its pool, and why not
    Status {
        /// For machines
        #[arg(long)]
        json: bool,
    },
    /// Prove that the next stop will drain
    Check {
        /// Ask this, as the load balancer does
        #[arg(long, value_name = "URL")]
        url: Option<String>,
        /// With --url: take the node out for a moment, and see whether the answer changes
        #[arg(long, requires = "url")]
        trial: bool,
    },
    /// Print the drop-in for the unit that --unit names
    DropIn,
}

/// One flag for every setting.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Settings")]
pub struct SettingFlags {
    /// The load balancer's file; repeatable [default: /var/www/status.php]
    #[arg(long, global = true, value_name = "PATH")]
    health_file: Vec<String>,
    /// Where the load is read [default: auto]
    #[arg(long, global = true, value_name = "URL")]
    endpoint: Option<String>,
    /// What answers there: hhvm or php-fpm [default: hhvm]
    #[arg(long, global = true, value_name = "KIND")]
    kind: Option<String>,
    /// File with HHVM's admin password
    #[arg(long, global = true, value_name = "PATH")]
    password_file: Option<String>,
    /// Believe no zero before; balancer's interval x (fall+1) [default: 10s]
    #[arg(long, global = true, value_name = "TIME")]
    min_drain: Option<String>,
    /// Carry on after this time in any case [default: 30s]
    #[arg(long, global = true, value_name = "TIME")]
    timeout: Option<String>,
    /// Time between two looks at the load [default: 100ms]
    #[arg(long, global = true, value_name = "TIME")]
    poll_interval: Option<String>,
    /// So many zeros in a row [default: 3]
    #[arg(long, global = true, value_name = "N")]
    zero_samples: Option<String>,
    /// Load that counts as zero [default: 0]
    #[arg(long, global = true, value_name = "N")]
    threshold: Option<String>,
    /// after-stop, when-healthy or never [default: after-stop]
    #[arg(long, global = true, value_name = "WHEN")]
    repool: Option<String>,
}

impl SettingFlags {
    /// The flags that were given.
    #[must_use]
    pub fn given(&self) -> Flags {
        let one = |key, value: &Option<String>| value.clone().map(|value| (key, vec![value]));
        let health_files =
            (!self.health_file.is_empty()).then(|| (Key::HealthFile, self.health_file.clone()));
        [
            health_files,
            one(Key::Endpoint, &self.endpoint),
            one(Key::Kind, &self.kind),
            one(Key::PasswordFile, &self.password_file),
            one(Key::MinDrain, &self.min_drain),
            one(Key::Timeout, &self.timeout),
            one(Key::PollInterval, &self.poll_interval),
            one(Key::ZeroSamples, &self.zero_samples),
            one(Key::Threshold, &self.threshold),
            one(Key::Repool, &self.repool),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// The value of `flag` in arguments that clap refuses: a drain goes on, for the right unit, in spite of a wrong flag.
#[must_use]
pub fn salvage(arguments: &[String], flag: &str) -> Option<String> {
    let with_value = |word: &String| word.strip_prefix(flag)?.strip_prefix('=').map(str::to_owned);
    let at = arguments.iter().position(|word| word == flag || with_value(word).is_some())?;
    with_value(&arguments[at]).or_else(|| arguments.get(at + 1).cloned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_has_a_flag() {
        for key in Key::ALL {
            let flag = format!("--{}", key.name());
            let cli = Cli::try_parse_from(["hhvm-drain", "stop", &flag, "x"]).unwrap();
            assert_eq!(cli.settings.given(), vec![(key, vec!["x".to_owned()])]);
        }
    }

    #[test]
    fn the_unit_is_found_among_nonsense() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let unit = |text| salvage(&words(text), "--unit");
        assert_eq!(unit("stop --bogus --unit=a.service").as_deref(), Some("a.service"));
        assert_eq!(unit("stop --unit b.service").as_deref(), Some("b.service"));
        assert_eq!(unit("stop --unit"), None);
        assert_eq!(unit("stop --units=x"), None);
    }
}
