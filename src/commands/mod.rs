//! The commands, each in its own file. What a library module can decide is not decided here.

mod agent;
mod asking;
mod balancing;
mod check;
mod confined;
mod drop_in;
mod effective;
mod finding;
mod fleet;
mod found;
mod giving_back;
mod history;
mod in_fleet;
mod known;
mod last_words;
mod left_running;
mod metrics;
mod neighbours;
mod noticed;
mod observe;
mod operator;
mod password;
mod php_fpm;
mod restart;
mod restore;
mod returning;
mod roster;
mod serving;
mod session;
mod sharing;
mod status;
mod stop;
mod stopped_first;
mod taken_away;
mod tellers;
mod trial;
mod turn;
mod unit_load;
mod watch;

use crate::DONE;
use crate::cli::Command;
use crate::context::Context;
use crate::error::Result;
use crate::problem::Problem;
use crate::settings::Settings;
use check::{Front, Shown};

/// Runs `command`; the exit status.
///
/// # Errors
/// What the command could not do.
pub fn run(command: &Command, context: &Context, settings: &Settings, problems: Vec<Problem>) -> Result<u8> {
    last_words::prepare(context, matches!(command, Command::Stop { .. }));
    match command {
        Command::Stop { .. } => {
            stop::run(context, settings, problems);
            metrics::write(context, settings);
        }
        Command::Restore { wait, .. } => {
            let restored = restore::run(context, settings, problems, *wait);
            metrics::write(context, settings);
            restored?;
        }
        Command::Restart { wait, force } => {
            let asked = restart::Asked { wait: *wait, force: *force };
            restart::run(context, settings, &problems, asked)?;
        }
        Command::Depool { reason, wait, force } => {
            let asked = operator::Asked { reason: reason.as_deref(), wait: *wait, force: *force };
            let depooled = operator::depool(context, settings, problems, asked);
            metrics::write(context, settings);
            depooled?;
        }
        Command::Pool { wait } => {
            let pooled = operator::pool(context, settings, *wait);
            metrics::write(context, settings);
            pooled?;
        }
        Command::Status { watch: true, .. } => watch::run(context)?,
        Command::Status { json, exit_code, .. } => {
            let standing = status::run(context, settings, *json)?;
            return Ok(if *exit_code { standing } else { DONE });
        }
        Command::History { since, failed, json, verbose } => {
            let form = match (json, verbose) {
                (true, _) => history::Form::Json,
                (false, true) => history::Form::Full,
                (false, false) => history::Form::Table,
            };
            history::run(context, history::Wanted { since: *since, failed: *failed, form })?;
        }
        Command::Check { quiet, url, trial, observe } => {
            let front = match url {
                None => Front::Unasked,
                Some(url) if *trial => Front::Tried(url),
                Some(url) => Front::Asked(url),
            };
            let shown = if *quiet { Shown::WhatIsWrong } else { Shown::All };
            check::run(context, settings, problems, &front, *observe, shown)?;
        }
        Command::Agent => agent::run(context)?,
        Command::Fleet { action, json } => {
            fleet::run(context, settings, &problems, action.as_ref(), *json)?;
        }
        Command::DropIn => drop_in::run(context, settings)?,
    }
    Ok(DONE)
}
