//! hhvm-drain takes a web node out of its load balancer's pool, waits until HHVM has no request in flight, lets
//! systemd stop HHVM, and puts the node back.
//!
//! Guarantees:
//! - An unknown load never counts as zero ([`load`]).
//! - A drain ends at its timeout at the latest, and at once when HHVM ends ([`drain`], [`wait`]).
//! - This program only undoes what it did itself: a durable record says who took the node out ([`pool`]).
//! - A health file is only renamed, within its directory, and never over another file. It is only written, from
//!   its copy, if a deploy deleted it meanwhile.
//! - If a setting is invalid, the value before it stays in force, and the drain goes on ([`settings`]).
//!
//! # Layers
//!
//! A file imports from its own layer, never in a circle, and from the layers below it; `tests/layers/` reads this
//! list and holds the code to it. Decisions and effects do not know each other: they share values, and loops and
//! commands bring them together.
//!
//! 1. program: [`cli`], `commands`
//! 2. loops: [`wait`], `agent`, [`lineup`], `progress`, `terminate`
//! 3. decisions: [`back`], [`checkers`], [`confirm`], [`drain`], [`farewell`], [`locate`], [`notice`], [`queue`], [`repool`],
//!    [`slot`], [`tidings`], [`turn`]
//! 4. effects: [`balancers`], [`clock`], [`datagram`], [`discover`], [`etcd`], [`files`], [`fleetlock`], [`pool`] (the only writers of the health
//!    file and the record), [`kernel`] (who listens, and who is connected), [`names`], [`node`], [`opens`], [`power`], [`probe`] (a file per
//!    protocol), [`process`], [`report`], [`requests`],
//!    [`settings::layers`], [`systemd`], [`terminal`], [`tls`], [`way`]
//! 5. words: [`error`], [`message`]
//! 6. values: [`context`], [`curve`], [`endpoint`], [`fleet`], [`hhvm`], [`load`](mod@load), [`order`], [`outcome`],
//!    [`page_url`], [`password`], [`php_fpm`], [`place`], [`problem`], [`row`], [`settings`], [`sockets`], [`text`], [`unit`]
//!
//! Who blocks: [`wait`], for a drain; [`lineup`], for a turn; [`pool`] for its lock (2 s at most), [`systemd`] for systemctl (2 s), [`probe`]
//! in a thread of its own (2 s a question), [`report`] at the end (half a second).

mod agent;
pub mod back;
pub mod balancers;
pub mod checkers;
pub mod cli;
pub mod clock;
mod commands;
pub mod confirm;
pub mod context;
pub mod curve;
pub mod datagram;
pub mod discover;
pub mod drain;
pub mod endpoint;
pub mod error;
pub mod etcd;
pub mod farewell;
pub mod files;
pub mod fleet;
pub mod fleetlock;
pub mod hhvm;
pub mod kernel;
pub mod lineup;
pub mod load;
pub mod locate;
pub mod message;
pub mod names;
pub mod node;
pub mod notice;
pub mod opens;
pub mod order;
pub mod outcome;
pub mod page_url;
pub mod password;
pub mod php_fpm;
pub mod place;
pub mod pool;
pub mod power;
pub mod probe;
pub mod problem;
pub mod process;
mod progress;
pub mod queue;
pub mod repool;
pub mod report;
pub mod requests;
pub mod row;
pub mod settings;
pub mod slot;
pub mod sockets;
pub mod systemd;
pub mod terminal;
mod terminate;
pub mod text;
pub mod tidings;
pub mod tls;
pub mod turn;
pub mod unit;
pub mod wait;
pub mod way;

use clap::Parser;
use clap::error::ErrorKind;
use cli::{Cli, Command};
use context::{Caller, Context, Env, Root, UnitName};
use power::Task;
use problem::{Location, Problem};
use settings::told::Told;
use std::ffi::OsString;
use std::io::Write;
use std::path::Path;

/// Done; also after a drain that timed out.
pub const DONE: u8 = 0;
/// Failed.
pub const FAILED: u8 = 1;
/// Unknown command or option, or an invalid value.
pub const USAGE: u8 = 2;
/// `status --exit-code`: an operator, or somebody by hand, has taken the node out.
pub const OUT_BY_OPERATOR: u8 = 3;
/// `status --exit-code`: a drain has taken the node out.
pub const OUT_BY_DRAIN: u8 = 4;
/// `status --exit-code`: it is not known whether the node is in its pool, or who took it out.
pub const UNKNOWN: u8 = 5;

/// Runs the program with `arguments`, the first of which is its name. Returns the exit status.
#[must_use]
pub fn run(arguments: Vec<OsString>) -> u8 {
    // What is written for everybody to read is so, whatever UMask= the unit has; locks ask for less.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    let env = Env::of_process();
    if Caller::of(&env) != Caller::Person {
        kernel::leave_hidden_root(Path::new("/"));
    }
    let words: Vec<String> =
        arguments.iter().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    match Cli::try_parse_from(arguments) {
        Ok(cli) => run_command(cli, env, None),
        Err(error) if !error.use_stderr() => print_help(&error),
        Err(error) => wrong_usage(&error, &words, env),
    }
}

/// `usage` says what is wrong with the command line, if the command runs anyway.
fn run_command(cli: Cli, env: Env, usage: Option<String>) -> u8 {
    power::begin(tasks(&cli.command));
    let unit = match UnitName::parse(&cli.unit) {
        Ok(unit) => unit,
        Err(message) => return complain(&format!("--unit \"{}\": {message}", text::quote(&cli.unit)), USAGE),
    };
    let root = cli.root.canonicalize().unwrap_or(cli.root);
    let mut context = Context::new(Root::new(root), env, unit);
    match cli.command {
        Command::Stop { shutdown: true } => context.caller = Caller::ShutdownUnit,
        Command::Restore { after_start: true, .. } => context.caller = Caller::RepoolUnit,
        _ => {}
    }
    let caller = context.caller;
    let told = if matches!(cli.command, Command::Agent) { Told::default() } else { ask_unit(&mut context) };
    let (settings, mut problems) = settings::layers::load_as_told(&context, &told, cli.settings.given());
    problems.extend(told.problems);
    problems.extend(usage.map(|what| Problem::error(Location::CommandLine, what)));
    let is_wrong_flag = |problem: &&Problem| matches!(problem.location, Location::Flag(_));
    if caller == Caller::Person
        && let Some(problem) = problems.iter().find(is_wrong_flag)
    {
        return complain(&problem.to_string(), USAGE);
    }
    match commands::run(&cli.command, &context, &settings, problems) {
        Ok(status) => status,
        Err(error::Error::Output(source)) if source.kind() == std::io::ErrorKind::BrokenPipe => DONE,
        Err(error) if caller == Caller::Person => complain(&error.to_string(), FAILED),
        Err(error) => {
            let reporter = report::Reporter::start(&context);
            reporter.tell(message::Message::Failed(error.to_string()));
            reporter.flush();
            FAILED
        }
    }
}

/// What the unit tells its hooks, of which whoever else calls the program knows nothing; and its own name, which the hooks
/// have, in place of an alias.
fn ask_unit(context: &mut Context) -> Told {
    if matches!(context.caller, Caller::StopHook | Caller::StartHook) {
        return Told::default();
    }
    let Some(unit) = systemd::unit(&context.unit).filter(|unit| unit.is_loaded) else {
        return Told::default();
    };
    if let Ok(own) = UnitName::parse(&unit.id) {
        context.unit = own;
    }
    let mut told = Told { variables: systemd::variables(&unit, &context.root), ..Told::default() };
    let Some(hook) = unit.exec_stop.iter().find(|line| unit::calls(line, "stop")) else { return told };
    let location = Location::Option(format!("ExecStop= of {}", context.unit));
    match Cli::try_parse_from(hook.split_whitespace()) {
        Ok(hook) => {
            let names = hook.settings.given().iter().map(|(spec, _)| format!("--{}", spec.name));
            let names = names.collect::<Vec<_>>().join(", ");
            if !names.is_empty() {
                let message = format!(
                    "hhvm-drain's other hooks do not have {names}; set it in /etc/hhvm-drain.toml, below [unit.\"{}\"]",
                    context.unit
                );
                told.problems.push(Problem::warning(location, message));
            }
            told.flags.clone_from(hook.settings.given());
        }
        Err(error) => {
            let message =
                format!("{}; all its options but --unit and --root are ignored", first_line(&error));
            told.problems.push(Problem::error(location, message));
        }
    }
    told
}

/// What a command may have to do.
fn tasks(command: &Command) -> &'static [Task] {
    use Task::{ActAsUser, EnterNetworks, MakeAnew, Move, See, Signal};
    match command {
        Command::Stop { .. } | Command::Restart { .. } | Command::Depool { .. } | Command::Status { .. } => {
            &[Move, See, ActAsUser, EnterNetworks, Signal]
        }
        Command::Restore { .. } | Command::Pool { .. } | Command::Check { .. } => {
            &[Move, MakeAnew, See, ActAsUser, EnterNetworks, Signal]
        }
        Command::DropIn => &[Move, See, ActAsUser, EnterNetworks],
        Command::Agent | Command::History { .. } | Command::Fleet { .. } => &[],
    }
}

/// A wrong flag in an `ExecStop=` line must not turn a drained stop into an abrupt one. A person only gets an error.
fn wrong_usage(error: &clap::Error, words: &[String], env: Env) -> u8 {
    let what = first_line(error);
    let hook = Caller::of(&env) != Caller::Person;
    let command = match words.iter().find(|word| *word == "stop" || *word == "restore") {
        Some(word) if hook && word == "stop" => {
            Command::Stop { shutdown: words.iter().any(|word| word == "--shutdown") }
        }
        Some(_) if hook => {
            Command::Restore { wait: false, after_start: words.iter().any(|word| word == "--after-start") }
        }
        _ => return complain(&format!("{what}; see hhvm-drain --help"), USAGE),
    };
    let unit = cli::salvage(words, "--unit").unwrap_or_else(|| "hhvm.service".to_owned());
    let root = cli::salvage(words, "--root").unwrap_or_else(|| "/".to_owned()).into();
    let settings = cli::SettingFlags::default();
    run_command(
        Cli { command, unit, root, settings },
        env,
        Some(format!("{what}; all options but --unit and --root are ignored")),
    )
}

fn print_help(error: &clap::Error) -> u8 {
    // A closed pipe behind --help is no failure.
    let _ = error.print();
    DONE
}

/// Clap's message without its usage block: one line, like every other.
fn first_line(error: &clap::Error) -> String {
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand
    ) {
        return "no command given".to_owned();
    }
    let text = error.render().to_string();
    let (what, hint) =
        (text.lines().next().unwrap_or_default(), text.lines().find(|line| line.contains("tip:")));
    let what = what.strip_prefix("error: ").unwrap_or(what);
    let hint = hint.map(|line| format!(" ({})", line.trim().trim_start_matches("tip: "))).unwrap_or_default();
    text::clean(&format!("{what}{hint}"))
}

fn complain(message: &str, status: u8) -> u8 {
    // Nobody is left to tell if standard error is closed.
    let _ = writeln!(std::io::stderr(), "hhvm-drain: {message}");
    status
}
