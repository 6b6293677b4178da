//! `restore`: undoes a depool that `stop` made, when `repool` allows it; nothing else.

use super::{ask, find_main};
use crate::context::{Caller, Context};
use crate::error::Result;
use crate::load::{Load, Unknown};
use crate::message::Message;
use crate::pool::{By, Member, Record, drain_in_progress};
use crate::problem::Problem;
use crate::report::Reporter;
use crate::settings::{Repool, Settings};
use crate::wait::{Signals, Watch, until_healthy};
use std::time::Duration;

/// What `restore` is to do with a record.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Decision {
    BringBack,
    AskHhvm,
    Leave(String),
    /// `ExecStartPre=`: HHVM is not up yet, and `ExecStartPost=` asks it.
    LeaveForNow,
}

/// Decides, from the record, the policy and the hook.
///
/// After a stop HHVM cannot be healthy; its answer is worth something in a start hook, or for a person.
fn decide(record: &Record, repool: Repool, caller: Caller, draining: bool, wait: bool) -> Decision {
    match (record.by, repool) {
        (By::Operator, _) => Decision::Leave(format!("{}; hhvm-drain pool puts it back", record.story())),
        (By::Drain, _) if draining => Decision::Leave("a stop is going on".to_owned()),
        (By::Drain, Repool::AfterStop) => Decision::BringBack,
        (By::Drain, Repool::Never) => {
            Decision::Leave("repool is \"never\"; hhvm-drain pool puts it back".to_owned())
        }
        (By::Drain, Repool::WhenHealthy) if caller == Caller::StopHook => {
            Decision::Leave("repool is \"when-healthy\", and HHVM has stopped".to_owned())
        }
        (By::Drain, Repool::WhenHealthy) if caller == Caller::StartHook && !wait => Decision::LeaveForNow,
        (By::Drain, Repool::WhenHealthy) => Decision::AskHhvm,
    }
}

/// Runs the command.
pub fn run(context: &Context, settings: &Settings, problems: Vec<Problem>, wait: bool) -> Result<()> {
    let member = Member::new(context, &settings.health_files);
    let caller = Caller::of(&context.env);
    let Some(record) = member.store().record()? else { return Ok(()) };
    let signals = Signals::take_over()?;
    let reporter = Reporter::start(context);
    let mut decision = decide(&record, settings.repool, caller, drain_in_progress(member.store()), wait);
    if decision == Decision::AskHhvm {
        reporter.tell_all(problems.into_iter().map(Message::Setting));
        decision = ask_hhvm(context, settings, &signals, &reporter, wait)?;
    }
    let result = match decision {
        Decision::Leave(why) => {
            // The start hooks run right before and after one another: the stop hook has said it.
            if caller != Caller::StartHook || settings.repool == Repool::WhenHealthy {
                reporter.tell(Message::LeftOut(why));
            }
            Ok(())
        }
        Decision::LeaveForNow => Ok(()),
        Decision::BringBack | Decision::AskHhvm => {
            let mut messages = Vec::new();
            let result = member.undo_drain(&mut messages);
            reporter.tell_all(messages);
            result
        }
    };
    reporter.flush();
    result
}

/// Whether HHVM answers with a load; asked once, or until `timeout`.
fn ask_hhvm(
    context: &Context,
    settings: &Settings,
    signals: &Signals,
    reporter: &Reporter,
    wait: bool,
) -> Result<Decision> {
    let patience = if wait { settings.timeout } else { Duration::from_secs(2) };
    let main = find_main(context);
    let asked = ask(context, settings, main.process());
    reporter.tell_all(asked.problems.into_iter().map(Message::Setting));
    if wait {
        reporter.status("Waiting for HHVM to answer before it goes back into the pool".to_owned(), patience);
    }
    let watch = Watch { signals, process: main.process(), prober: None }.asking(asked.source)?;
    let answer = if wait {
        until_healthy(watch, patience, settings.poll_interval)?
    } else {
        until_healthy(watch, patience, patience)?
    };
    Ok(match answer {
        Load::Known(_) => {
            reporter.status("Back in the pool: HHVM answers".to_owned(), Duration::ZERO);
            Decision::BringBack
        }
        Load::Unknown(why) => {
            let why = if why == Unknown::NotAsked { Unknown::TimedOut } else { why };
            Decision::Leave(format!(
                "repool is \"when-healthy\", and HHVM does not answer ({why}); hhvm-drain pool puts it back"
            ))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Stamp;

    #[test]
    fn only_a_drain_is_undone_and_only_as_the_policy_says() {
        let stamp = Stamp { at: String::new(), boot_id: String::new(), boottime_ms: 0 };
        let by = |by| Record::new(by, "hhvm.service", stamp.clone());
        let is_left = |decision| matches!(decision, Decision::Leave(_));
        for caller in [Caller::StopHook, Caller::StartHook, Caller::Person] {
            for repool in [Repool::AfterStop, Repool::WhenHealthy, Repool::Never] {
                assert!(is_left(decide(&by(By::Operator), repool, caller, false, true)));
                assert!(is_left(decide(&by(By::Drain), repool, caller, true, true)));
            }
            assert_eq!(decide(&by(By::Drain), Repool::AfterStop, caller, false, false), Decision::BringBack);
            assert!(is_left(decide(&by(By::Drain), Repool::Never, caller, false, true)));
        }
        let healthy = |caller, wait| decide(&by(By::Drain), Repool::WhenHealthy, caller, false, wait);
        assert!(is_left(healthy(Caller::StopHook, false)));
        assert_eq!(healthy(Caller::StartHook, false), Decision::LeaveForNow);
        assert_eq!(healthy(Caller::Person, false), Decision::AskHhvm);
        assert_eq!(healthy(Caller::StartHook, true), Decision::AskHhvm);
    }
}
