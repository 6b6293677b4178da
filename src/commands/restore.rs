//! `restore`: undoes a depool that `stop` made, when `repool` allows it; nothing else.

use super::asking::main_process;
use super::session::Session;
use crate::context::{Caller, Context};
use crate::error::Result;
use crate::load::{Load, Unknown};
use crate::message::Message;
use crate::pool::{By, Member, Record, drain_in_progress};
use crate::problem::Problem;
use crate::settings::{Repool, Settings};
use crate::wait::{Signals, until_healthy};
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

/// When `restore` is called.
#[derive(Debug, Clone, Copy)]
struct Moment {
    caller: Caller,
    /// A stop of the unit goes on.
    draining: bool,
    /// The caller has time for HHVM to come up.
    wait: bool,
}

/// Decides, from the record, the policy and the moment.
///
/// After a stop HHVM cannot be healthy; its answer is worth something in a start hook, or for a person.
fn decide(record: &Record, repool: Repool, moment: Moment) -> Decision {
    match (record.by, repool, moment.caller) {
        (By::Operator, ..) => Decision::Leave(format!("{}; hhvm-drain pool puts it back", record.story())),
        (By::Drain, ..) if moment.draining => Decision::Leave("a stop is going on".to_owned()),
        (By::Drain, Repool::AfterStop, _) => Decision::BringBack,
        (By::Drain, Repool::Never, _) => {
            Decision::Leave("repool is \"never\"; hhvm-drain pool puts it back".to_owned())
        }
        (By::Drain, Repool::WhenHealthy, Caller::StopHook) => {
            Decision::Leave("repool is \"when-healthy\", and HHVM has stopped".to_owned())
        }
        (By::Drain, Repool::WhenHealthy, Caller::StartHook) if !moment.wait => Decision::LeaveForNow,
        (By::Drain, Repool::WhenHealthy, _) => Decision::AskHhvm,
    }
}

/// Runs the command.
pub(super) fn run(context: &Context, settings: &Settings, problems: Vec<Problem>, wait: bool) -> Result<()> {
    let member = Member::new(context, &settings.health_files);
    let Some(record) = member.store().record()? else { return Ok(()) };
    let session = Session::start(context, settings, Signals::take_over()?);
    let moment = Moment { caller: context.caller, draining: drain_in_progress(member.store()), wait };
    let mut decision = decide(&record, settings.repool, moment);
    if decision == Decision::AskHhvm {
        session.tell_problems(problems);
        decision = session.ask_hhvm(wait)?;
    }
    let result = match decision {
        Decision::Leave(why) => {
            // The start hooks run right before and after one another: the stop hook has said it.
            if context.caller != Caller::StartHook || settings.repool == Repool::WhenHealthy {
                session.reporter.tell(Message::LeftOut(why));
            }
            Ok(())
        }
        Decision::LeaveForNow => Ok(()),
        Decision::BringBack | Decision::AskHhvm => {
            let mut messages = Vec::new();
            let result = member.undo_drain(&mut messages);
            session.reporter.tell_all(messages);
            result
        }
    };
    session.reporter.flush();
    result
}

impl Session<'_> {
    /// Whether HHVM answers with a load; asked once, or until `timeout`.
    fn ask_hhvm(&self, wait: bool) -> Result<Decision> {
        let patience = if wait { self.settings.timeout } else { Duration::from_secs(2) };
        let interval = if wait { self.settings.poll_interval } else { patience };
        if wait {
            let text = "Waiting for HHVM to answer before it goes back into the pool";
            self.reporter.status(text.to_owned(), patience);
        }
        let main = main_process(self.context);
        let watch = self.watch(main.process())?;
        Ok(match until_healthy(watch, patience, interval)? {
            Load::Known(_) => {
                self.reporter.status("Back in the pool: HHVM answers".to_owned(), Duration::ZERO);
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
        let at = |caller, draining, wait| Moment { caller, draining, wait };
        for caller in [Caller::StopHook, Caller::StartHook, Caller::Person] {
            for repool in [Repool::AfterStop, Repool::WhenHealthy, Repool::Never] {
                assert!(is_left(decide(&by(By::Operator), repool, at(caller, false, true))));
                assert!(is_left(decide(&by(By::Drain), repool, at(caller, true, true))));
            }
            let decided = decide(&by(By::Drain), Repool::AfterStop, at(caller, false, false));
            assert_eq!(decided, Decision::BringBack);
            assert!(is_left(decide(&by(By::Drain), Repool::Never, at(caller, false, true))));
        }
        let healthy = |caller, wait| decide(&by(By::Drain), Repool::WhenHealthy, at(caller, false, wait));
        assert!(is_left(healthy(Caller::StopHook, false)));
        assert_eq!(healthy(Caller::StartHook, false), Decision::LeaveForNow);
        assert_eq!(healthy(Caller::Person, false), Decision::AskHhvm);
        assert_eq!(healthy(Caller::StartHook, true), Decision::AskHhvm);
    }
}
