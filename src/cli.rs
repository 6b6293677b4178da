//! The command line. Settings stay text here, because files, variables and flags share one parser, in
//! [`crate::settings`].

use crate::fleet::{LIMIT_MAX, Name};
use crate::page_url::PageUrl;
use crate::settings::told::Flags;
use crate::settings::{Form, SPECS, Spec};
use clap::{Arg, ArgAction, ArgMatches, Args, FromArgMatches, Parser, Subcommand};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

/// How long `check` may observe.
const OBSERVATION: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(3600);

/// Nobody waits for a turn for longer than a day.
const TURN_WAIT_MAX: Duration = Duration::from_secs(24 * 3600);

/// What `-h` ends with; with the commands and their flags it fits a screen.
const EXAMPLES: &str = "\
Examples:
  hhvm-drain check                          will the next stop drain?
  systemctl stop hhvm                       drains HHVM, then stops it

Settings and hooks: --help. Manual: hhvm-drain(8).";

/// What `--help` ends with.
const MORE: &str = "\
Hooks, called by systemd:
  stop      Take the node out and wait until HHVM may stop (ExecStop=)
  restore   Undo what `stop` did, if repool allows it (ExecStopPost=, ExecStartPre=, ExecStartPost=)
  agent     Answer HAProxy's agent-check (hhvm-drain-agent.socket)

Examples:
  hhvm-drain check                          will the next stop drain?
  hhvm-drain status                         is this node in the pool?
  hhvm-drain depool --reason \"new disk\"     take this node out until `pool`
  hhvm-drain pool                           put it back
  systemctl stop hhvm                       drains HHVM, then stops it

Settings: /etc/hhvm-drain.toml, see hhvm-drain.toml(5). Manual: hhvm-drain(8).
Exit status: 0 done, 1 failed, 2 wrong usage, 3 out by operator, 4 out by drain, 5 unknown.
3 to 5 only of status --exit-code.";

/// Drain HHVM before systemd stops it.
#[derive(Debug, Parser)]
#[command(name = "hhvm-drain", version, about, max_term_width = 100)]
#[command(after_help = EXAMPLES, after_long_help = MORE)]
#[command(disable_help_subcommand = true, args_override_self = true)]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub command: Command,

    /// The unit to drain
    #[arg(long, global = true, value_name = "UNIT", default_value = "hhvm.service")]
    pub unit: String,

    /// Look for settings, state and health files below this directory
    #[arg(long, global = true, value_name = "DIR", default_value = "/", hide_short_help = true)]
    pub root: PathBuf,

    /// Flags that are settings
    #[command(flatten)]
    pub settings: SettingFlags,
}

/// The commands.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Take the node out and wait until HHVM may stop (for ExecStop=)
    #[command(hide = true)]
    Stop {
        /// Do nothing unless the host is shutting down
        #[arg(long)]
        shutdown: bool,
    },
    /// Undo what `stop` did, if repool allows it (for ExecStopPost= and ExecStart*=)
    #[command(hide = true)]
    Restore {
        /// Wait until HHVM serves, for at most start-timeout
        #[arg(long)]
        wait: bool,
        /// Wait as long as HHVM runs (for hhvm-drain-repool@.service)
        #[arg(long, conflicts_with = "wait")]
        after_start: bool,
    },
    /// Answer HAProxy's agent-check (for hhvm-drain-agent.socket)
    #[command(hide = true)]
    Agent,
    /// Take the node out until `pool`, across restarts and reboots
    Depool {
        /// The reason that `status` shows
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        /// Wait until no request is in flight; fail if some are left
        #[arg(long)]
        wait: bool,
        /// In a fleet: also if it is not this node's turn
        #[arg(long)]
        force: bool,
    },
    /// Restart HHVM when it is this node's turn in its fleet, or fail
    Restart {
        /// Wait for the turn this long, in place of the fleet's `wait`
        #[arg(long, value_name = "TIME", value_parser = turn_wait)]
        wait: Option<Duration>,
        /// Also if it is not this node's turn
        #[arg(long)]
        force: bool,
    },
    /// Put the node back, whoever took it out
    Pool {
        /// Wait until the load balancers send requests again, at most 30 s
        #[arg(long)]
        wait: bool,
    },
    /// Show whether the node is in its pool, and if not, why
    Status {
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// Show it anew once a second, from what is published
        #[arg(long, conflicts_with_all = ["json", "exit_code"])]
        watch: bool,
        /// Exit with 0 in the pool, 3 out by an operator, 4 out by a drain, 5 unknown
        #[arg(long)]
        exit_code: bool,
    },
    /// Show past drains: how they ended, and where the time went
    History {
        /// Only those since then: a date, a time (UTC), or how long ago
        #[arg(long, value_name = "TIME", value_parser = moment)]
        since: Option<SystemTime>,
        /// Only those that ended with requests in flight, or without knowing
        #[arg(long)]
        failed: bool,
        /// Print a JSON object for each
        #[arg(long)]
        json: bool,
        /// Show the last one in full
        #[arg(long, short, conflicts_with = "json")]
        verbose: bool,
    },
    /// Check that the next stop will drain
    Check {
        /// Print only what is wrong
        #[arg(long)]
        quiet: bool,
        /// Also request this, as the load balancer does
        #[arg(long, value_name = "URL")]
        url: Option<PageUrl>,
        /// With --url: also take the node out briefly and ask again
        #[arg(long, requires = "url")]
        trial: bool,
        /// Also watch for this long who opens the health file
        #[arg(long, value_name = "TIME", value_parser = observation)]
        observe: Option<Duration>,
    },
    /// Show which nodes of a fleet are out, and which wait
    Fleet {
        /// What to change; nothing is changed without it
        #[command(subcommand)]
        action: Option<FleetAction>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print the drop-in for the unit that --unit names
    DropIn,
}

/// What an operator changes in a fleet.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum FleetAction {
    /// Let this many nodes be out at once
    Limit {
        /// From 1 to 10000
        #[arg(value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(LIMIT_MAX)))]
        nodes: u32,
    },
    /// Free the slot of a node that will not give it back
    Free {
        /// The node's name, as `fleet` shows it
        #[arg(value_name = "NODE", value_parser = Name::parse)]
        node: Name,
    },
    /// End the waiting of this node's stop
    Go,
}

/// One flag for every setting of the table.
#[derive(Debug, Clone, Default)]
pub struct SettingFlags {
    given: Flags,
}

impl SettingFlags {
    /// The flags that were given.
    #[must_use]
    pub fn given(&self) -> &Flags {
        &self.given
    }
}

impl Args for SettingFlags {
    fn augment_args(command: clap::Command) -> clap::Command {
        command.args(SPECS.iter().filter(|spec| !spec.is_for_files_only()).map(flag))
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for SettingFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = SPECS.iter().filter_map(|spec| {
            let values = matches.try_get_many::<String>(spec.name).ok()??;
            Some((spec, values.cloned().collect()))
        });
        Ok(Self { given: given.collect() })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

fn flag(spec: &'static Spec) -> Arg {
    let default = spec.default.map(|default| format!(" [default: {default}]")).unwrap_or_default();
    let action = match spec.form {
        Form::One => ArgAction::Set,
        Form::List(_) | Form::Tables => ArgAction::Append,
    };
    Arg::new(spec.name)
        .long(spec.name)
        .global(true)
        .value_name(spec.value_name)
        .help(format!("{}{default}", spec.help))
        .help_heading("Settings")
        .hide_short_help(true)
        .action(action)
}

/// How long `restart` waits for a turn.
fn turn_wait(text: &str) -> Result<Duration, String> {
    let time = humantime::parse_duration(text).ok();
    time.filter(|time| *time <= TURN_WAIT_MAX).ok_or("not a time up to 24h".to_owned())
}

/// How long `check` observes.
fn observation(text: &str) -> Result<Duration, String> {
    let time = humantime::parse_duration(text).ok();
    time.filter(|time| OBSERVATION.contains(time)).ok_or("not a time from 1s to 1h".to_owned())
}

/// `2d`, `2026-11-25`, `2026-11-25 14:00`, `2026-11-25T14:00:00Z`.
fn moment(text: &str) -> Result<SystemTime, String> {
    let whole = match text.len() {
        10 => format!("{text} 00:00:00"),
        16 => format!("{text}:00"),
        _ => text.to_owned(),
    };
    let ago = || SystemTime::now().checked_sub(humantime::parse_duration(text).ok()?);
    let moment = humantime::parse_rfc3339_weak(&whole).ok().or_else(ago);
    // What was before has no name in this form.
    let moment = moment.filter(|moment| *moment >= SystemTime::UNIX_EPOCH);
    moment.ok_or("not a time; expected something like 2d, 2026-11-25 or \"2026-11-25 14:00\"".to_owned())
}

/// The value of `flag` in arguments that clap rejects: in spite of a wrong flag, a drain goes on, for the right unit.
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
    fn every_setting_has_a_flag_unless_it_takes_tables() {
        for spec in SPECS.iter().filter(|spec| !spec.is_for_files_only()) {
            let flag = format!("--{}", spec.name);
            let cli = Cli::try_parse_from(["hhvm-drain", "stop", &flag, "x"]).unwrap();
            assert_eq!(*cli.settings.given(), vec![(spec, vec!["x".to_owned()])]);
        }
    }

    #[test]
    fn a_list_is_a_flag_that_may_be_repeated() {
        let words =
            ["hhvm-drain", "stop", "--health-file=/a", "--health-file", "/b", "--timeout=1s", "--timeout=2s"];
        let given = Cli::try_parse_from(words).unwrap().settings.given().clone();
        let told: Vec<_> = given.iter().map(|(spec, values)| (spec.name, values.join(" "))).collect();
        assert_eq!(told, [("health-file", "/a /b".to_owned()), ("timeout", "2s".to_owned())]);
    }

    #[test]
    fn a_moment_is_a_date_a_time_or_how_long_ago() {
        let at = |text| moment(text).map(|at| humantime::format_rfc3339_seconds(at).to_string());
        assert_eq!(at("2026-11-25").as_deref(), Ok("2026-11-25T00:00:00Z"));
        assert_eq!(at("2026-11-25 14:00").as_deref(), Ok("2026-11-25T14:00:00Z"));
        assert_eq!(at("2026-11-25T14:00:05Z").as_deref(), Ok("2026-11-25T14:00:05Z"));
        let ago = SystemTime::now().duration_since(moment("2d").unwrap()).unwrap();
        assert!((2 * 24 * 3600 - 60..=2 * 24 * 3600).contains(&ago.as_secs()), "{ago:?}");
        assert!(moment("yesterday").is_err() && moment("999999years").is_err());
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
