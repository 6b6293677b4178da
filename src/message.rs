//! Every line that the program logs: its words, its priority, its message id and its fields.
//!
//! The ids are explained in `systemd/hhvm-drain.catalog`; a test keeps the two in step.

use crate::load::Load;
use crate::outcome::{Ending, Outcome};
use crate::problem::{Problem, Severity};
use crate::row::News;
use crate::text::{clean, paths, seconds, whole};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How urgent a line is: the numbers of syslog(3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// Something failed that users may notice.
    Error = 3,
    /// Something is not as it should be.
    Warning = 4,
    /// A change of this node's place in the pool.
    Notice = 5,
    /// A step.
    Info = 6,
}

/// Why zero load is ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disbelief {
    /// For so much longer: the load balancer may not have noticed yet.
    MinDrain(Duration),
    /// The balancer of that name says that it sends requests here.
    StillIn(String),
    /// It sends no new ones, and has been quiet for too short a time.
    Settling(String),
}

/// One line of the log.
#[derive(Debug, Clone)]
pub enum Message {
    /// A problem with the settings, or with HHVM's configuration.
    Problem(Problem),
    /// A health file has been parked.
    Moving {
        /// The health file.
        from: PathBuf,
        /// The disabled file.
        to: PathBuf,
    },
    /// A health file could not be parked.
    CannotPark(PathBuf, String),
    /// There is no health file.
    NoHealthFile(PathBuf),
    /// The node was already out; who took it out, if there is a record.
    OutAlready(Option<String>),
    /// An operator's depool was undone by hand.
    UndoneByHand(String),
    /// Health files came back during the drain.
    Returned(Vec<PathBuf>),
    /// The record is in memory only.
    RecordInMemory,
    /// Something else failed, and the drain goes on.
    Trouble(String),
    /// How the wait for a turn in the fleet goes.
    Turn(String),
    /// The node goes out though it is not its turn, or something is wrong with the fleet.
    OutOfTurn(String),
    /// The command failed.
    Failed(String),
    /// HHVM has no admin port: the connections to that listener are counted.
    Counting(String),
    /// The front end went on answering for the health file at that URL.
    FrontEndStillUp(String),
    /// Something has changed at the balancer of that name.
    Balancer(String, News),
    /// The drain waits.
    Waiting {
        /// The load.
        load: Load,
        /// Since the start.
        elapsed: Duration,
        /// The cap.
        timeout: Duration,
        /// Why zero load is ignored.
        disbelief: Option<Disbelief>,
    },
    /// The drain is over.
    Finished(Ending),
    /// hhvm-drain stops HHVM, because systemd does not know its main process.
    Stopping,
    /// HHVM did not end in time, and is killed.
    Killing(Duration),
    /// HHVM, this process, was not told to stop by anybody.
    StillRuns(i32),
    /// A health file has been brought back.
    MovingBack {
        /// The disabled file.
        from: PathBuf,
        /// The health file.
        to: PathBuf,
    },
    /// The health file was deleted, wherever it was, and has been made anew from its copy.
    PutBackCopy(PathBuf),
    /// A newer health file is there.
    Superseded {
        /// What stays.
        left: PathBuf,
        /// What is there.
        by: PathBuf,
    },
    /// The parked file was replaced.
    NotOurs(PathBuf),
    /// The health file is nowhere.
    Gone(PathBuf),
    /// A parked file cannot be seen just now; why.
    OutOfSight(PathBuf, String),
    /// A parked file is gone for good, and another health file is in place.
    Replaced {
        /// The health file as the record knows it.
        old: PathBuf,
        /// What is in place.
        by: PathBuf,
    },
    /// A parked file could not be renamed back.
    CannotUnpark(PathBuf, String),
    /// The node stays out, and why.
    LeftOut(String),
    /// An operator wants the node back during a stop.
    PoolAfterStop,
    /// This program has failed where it never should; what and where.
    Panicked(String),
    /// The drain before ended without a word; for so long it went on at most.
    EndedSilently(Duration),
}

/// This program ended in the middle of its work.
const DIED: &str = "e86747001c2d4f398a6b3a962d9fc675";

impl Message {
    /// [`Message::CannotPark`] for `error`.
    #[must_use]
    pub fn cannot_park(path: &Path, error: &io::Error) -> Self {
        Self::CannotPark(path.to_owned(), error.to_string())
    }

    /// How urgent it is.
    #[must_use]
    pub fn priority(&self) -> Priority {
        match self {
            Self::Problem(problem) if problem.severity == Severity::Warning => Priority::Warning,
            Self::Balancer(_, news) if news.is_bad() => Priority::Warning,
            Self::Problem(_)
            | Self::CannotPark(..)
            | Self::CannotUnpark(..)
            | Self::Gone(_)
            | Self::OutOfSight(..)
            | Self::StillRuns(_)
            | Self::Panicked(_)
            | Self::EndedSilently(_)
            | Self::Failed(_) => Priority::Error,
            Self::Finished(Ending {
                outcome: Outcome::TimedOut | Outcome::Interrupted | Outcome::Died,
                ..
            })
            | Self::NoHealthFile(_)
            | Self::FrontEndStillUp(_)
            | Self::UndoneByHand(_)
            | Self::Returned(_)
            | Self::RecordInMemory
            | Self::Trouble(_)
            | Self::OutOfTurn(_)
            | Self::Killing(_)
            | Self::Superseded { .. }
            | Self::PutBackCopy(_)
            | Self::NotOurs(_) => Priority::Warning,
            Self::Moving { .. } | Self::MovingBack { .. } | Self::LeftOut(_) | Self::OutAlready(_) => {
                Priority::Notice
            }
            Self::Counting(_)
            | Self::Turn(_)
            | Self::Balancer(..)
            | Self::Waiting { .. }
            | Self::Finished(_)
            | Self::Stopping
            | Self::Replaced { .. }
            | Self::PoolAfterStop => Priority::Info,
        }
    }

    /// The id of its kind, for `MESSAGE_ID=`; see `sd_journal_print(3)`.
    #[must_use]
    pub fn id(&self) -> &'static str {
        match self {
            Self::Moving { .. } | Self::Returned(_) => "0c8ad9fa132f4c4ba22ddebf1be1f1de",
            Self::Counting(_) => "acfe94d0860d4d08b8491a8bb7f3f4a1",
            Self::Balancer(_, news) if news.is_of_return() && news.is_bad() => {
                "9a4bf70cf55d42aabb2c41a4f6e83bde"
            }
            Self::Balancer(_, news) if news.is_of_return() => "06c0e17ca81444288dd6b009cbf66148",
            Self::Balancer(_, news) if news.is_bad() => "0b86632597ff42149fc0ada57a2f9380",
            Self::Balancer(..) => "18dc20f5475c4913b5272f321ec8ef50",
            Self::Waiting { .. } => "0bf35f82a1e848bb971fd66e4b7b0e15",
            Self::Finished(ending) => match ending.outcome {
                Outcome::Drained => "35069173431041b993155a590e65572b",
                Outcome::TimedOut => "ea187362f84c49b5aa5aea3d5cf71275",
                Outcome::HhvmEnded => "efd227ee3221447e9df40e0510ec5ac9",
                Outcome::NotRunning => "cd91d8c469034ea1affc914132cb622f",
                Outcome::Interrupted => "75e024a4bb644e54b9253c522b329b45",
                Outcome::Died => DIED,
            },
            Self::Panicked(_) | Self::EndedSilently(_) => DIED,
            Self::MovingBack { .. } | Self::PutBackCopy(_) => "e3f2cb9d3d694d1daf072ce6d38c75b2",
            Self::LeftOut(_) | Self::OutAlready(_) | Self::UndoneByHand(_) | Self::PoolAfterStop => {
                "d74b05397a1b44c99dfaf9f03ed32e87"
            }
            Self::Problem(_) => "59e8c1d3af004bf99c68e62686c9d1ff",
            Self::Stopping | Self::Killing(_) => "80d4221a3d3e469eac4604393c2eda08",
            Self::NoHealthFile(_) | Self::CannotPark(..) | Self::FrontEndStillUp(_) => {
                "0b7719ec70fb4beda970b61b31a8a741"
            }
            Self::Turn(_) => "5a5f1d0b8b5e4c7f9a0d3c1be2a7f864",
            Self::OutOfTurn(_) => "b1f7d7c0c8b94f4cbb0f6a2a5d9e3c17",
            Self::StillRuns(_) => "c1de6bbc1e8da0f76b09b6c1a2f05cce",
            Self::RecordInMemory | Self::Trouble(_) | Self::Failed(_) => "9701c7fa4db24da39bd8d4550551c193",
            Self::Superseded { .. }
            | Self::Replaced { .. }
            | Self::NotOurs(_)
            | Self::Gone(_)
            | Self::OutOfSight(..)
            | Self::CannotUnpark(..) => "0744afcab03b4f43b81f7195a2d27cd1",
        }
    }

    /// What machines want to know, as fields: the load, the outcome, the phase, how long it took, the load balancer.
    #[must_use]
    pub fn fields(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Waiting { load, elapsed, disbelief, .. } => {
                let phase = if disbelief.is_some() { "notice" } else { "requests" };
                let mut fields = vec![(PHASE, phase.to_owned()), (SECONDS, in_seconds(*elapsed))];
                fields.extend(known(load));
                fields
            }
            Self::Finished(ending) => {
                let Ending { load, outcome, elapsed, .. } = ending;
                let mut fields = vec![(OUTCOME, outcome.name().to_owned()), (SECONDS, in_seconds(*elapsed))];
                fields.extend(known(load));
                if let Some(course) = &ending.course {
                    let notice = course.notice.min(*elapsed);
                    fields.push(("HHVM_DRAIN_NOTICE_SECONDS", in_seconds(notice)));
                    fields.push(("HHVM_DRAIN_REQUESTS_SECONDS", in_seconds(elapsed.saturating_sub(notice))));
                }
                fields
            }
            Self::EndedSilently(elapsed) => {
                vec![(OUTCOME, Outcome::Died.name().to_owned()), (SECONDS, in_seconds(*elapsed))]
            }
            Self::Balancer(name, news) => {
                let phase = if news.is_of_return() { "balancers" } else { "notice" };
                let mut fields = vec![(PHASE, phase.to_owned())];
                fields.extend(news.after().map(|time| (SECONDS, in_seconds(time))));
                if !name.is_empty() {
                    fields.push(("HHVM_DRAIN_BALANCER", clean(name)));
                }
                fields
            }
            _ => Vec::new(),
        }
    }
}

const PHASE: &str = "HHVM_DRAIN_PHASE";
const SECONDS: &str = "HHVM_DRAIN_SECONDS";
const OUTCOME: &str = "HHVM_DRAIN_OUTCOME";

fn known(load: &Load) -> Option<(&'static str, String)> {
    match load {
        Load::Known(load) => Some(("HHVM_DRAIN_LOAD", load.to_string())),
        Load::Unknown(_) => None,
    }
}

/// With tenths, for machines.
fn in_seconds(time: Duration) -> String {
    format!("{}.{}", time.as_secs(), time.subsec_millis() / 100)
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&clean(&self.words()))
    }
}

impl Message {
    fn words(&self) -> String {
        match self {
            Self::Problem(problem) => problem.to_string(),
            Self::Moving { from, to } => format!(
                "moving {} to {}, so that the load balancer takes this node out",
                from.display(),
                to.display()
            ),
            Self::CannotPark(path, why) => format!(
                "{} cannot be moved away ({why}), so the load balancer keeps sending requests; \
                 check health-file and its directory",
                path.display()
            ),
            Self::NoHealthFile(path) => format!(
                "no health file at {}, so this node cannot be taken out of its pool; create it, or set health-file to \
                 the right path",
                path.display()
            ),
            Self::OutAlready(Some(story)) => format!("this node is already out of the pool: {story}"),
            Self::OutAlready(None) => {
                "this node is already out of the pool: somebody moved the health file away by hand".to_owned()
            }
            Self::UndoneByHand(story) => {
                format!(
                    "{story}, but somebody moved the health file back by hand, so the node counts as pooled"
                )
            }
            Self::Returned(back) => format!("{} came back during the drain (a deploy?)", paths(back)),
            Self::RecordInMemory => {
                "/var/lib/hhvm-drain is not writable, so the record is in /run; if the machine loses power now, run \
                 hhvm-drain pool afterwards"
                    .to_owned()
            }
            Self::Trouble(what) | Self::Failed(what) | Self::Turn(what) | Self::OutOfTurn(what) => what.clone(),
            Self::Counting(listener) => {
                format!("HHVM has no admin port; counting the connections to {listener} instead")
            }
            Self::FrontEndStillUp(url) => format!(
                "{url} still answered as if the health file were there, so min-drain was counted from the rename; \
                 run hhvm-drain check, and look for a cache or a front controller"
            ),
            Self::Balancer(name, news) => news.of(name),
            Self::Waiting { load, elapsed, timeout, disbelief } => {
                waiting(load, *elapsed, *timeout, disbelief.as_ref())
            }
            Self::Finished(ending) => ending.to_string(),
            Self::Stopping => "systemd does not know HHVM's main process; stopping HHVM from here".to_owned(),
            Self::StillRuns(pid) => format!(
                "HHVM (process {pid}) is still running after its stop, because the unit has KillMode=none and no stop command \
                 that ends it; run hhvm-drain check"
            ),
            Self::Killing(after) => format!("HHVM did not end within {}; killing it", seconds(*after)),
            Self::MovingBack { from, to } => {
                format!("moving {} back to {}", from.display(), to.display())
            }
            Self::PutBackCopy(path) => format!(
                "{} was deleted while it was moved away (a deploy?); putting it back from a copy",
                path.display()
            ),
            Self::Superseded { left, by } => format!(
                "{} is newer, so {} stays beside it; remove the older file if nobody needs it",
                by.display(),
                left.display()
            ),
            Self::NotOurs(path) => format!(
                "{} was replaced during the drain and is left alone; to move it back anyway, run hhvm-drain pool",
                path.display()
            ),
            Self::Gone(path) => format!(
                "{} is gone, and so is the file that it was moved to; this node stays out until you put the health \
                 file back",
                path.display()
            ),
            Self::OutOfSight(path, why) => format!(
                "{} cannot be put back yet ({why}), so this node stays out; the next start tries again, or \
                 hhvm-drain pool",
                path.display()
            ),
            Self::Replaced { old, by } if old == by => {
                format!(
                    "{} is a new file in a new directory; the one that was moved away is gone",
                    by.display()
                )
            }
            Self::Replaced { old, by } => {
                format!("{} is in place; {}, which was moved away, is gone", by.display(), old.display())
            }
            Self::CannotUnpark(path, why) => format!(
                "{} cannot be moved back ({why}), so this node stays out; fix that, then run hhvm-drain pool",
                path.display()
            ),
            Self::LeftOut(why) => format!("leaving this node out of the pool: {why}"),
            Self::Panicked(what) => panicked(what),
            Self::EndedSilently(elapsed) => ended_silently(*elapsed),
            Self::PoolAfterStop => {
                "a stop is in progress; this node goes back into the pool after it".to_owned()
            }
        }
    }
}

fn waiting(load: &Load, elapsed: Duration, timeout: Duration, disbelief: Option<&Disbelief>) -> String {
    let time = format!("{} of at most {}", seconds(elapsed), seconds(timeout));
    match (load, disbelief) {
        (Load::Unknown(why), _) => format!("waiting because the load is unknown ({why}), {time}"),
        (Load::Known(load), Some(Disbelief::MinDrain(left))) => format!(
            "load is {load}; waiting {} more for the load balancer to notice (min-drain), {time}",
            seconds(*left)
        ),
        (Load::Known(load), Some(Disbelief::StillIn(name))) => {
            format!("load is {load}; waiting for {name} to stop sending, {time}")
        }
        (Load::Known(load), Some(Disbelief::Settling(name))) => {
            format!("load is {load}; waiting for the last requests from {name}, {time}")
        }
        (Load::Known(load), None) => format!("waiting because the load is still {load}, {time}"),
    }
}

fn panicked(what: &str) -> String {
    format!(
        "hhvm-drain has failed where it never should ({what}); what it was called for goes on without it; please report \
         this"
    )
}

fn ended_silently(elapsed: Duration) -> String {
    format!(
        "the last drain ended without a word, at most {} after it began: hhvm-drain was killed, or had no memory left, and \
         requests may have been interrupted",
        seconds(whole(elapsed))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(message: &Message) -> Vec<String> {
        message
            .fields()
            .iter()
            .map(|(name, value)| format!("{}={value}", name.splitn(3, '_').nth(2).unwrap()))
            .collect()
    }

    #[test]
    fn a_machine_is_told_the_phase_the_time_and_the_balancer() {
        let (load, elapsed, timeout) = (Load::Known(3), Duration::from_millis(4250), Duration::from_secs(30));
        let waiting = |disbelief| Message::Waiting { load: load.clone(), elapsed, timeout, disbelief };
        assert_eq!(fields(&waiting(None)), ["PHASE=requests", "SECONDS=4.2", "LOAD=3"]);
        let disbelief = Some(Disbelief::MinDrain(Duration::from_secs(5)));
        assert_eq!(fields(&waiting(disbelief)), ["PHASE=notice", "SECONDS=4.2", "LOAD=3"]);
        let out = Message::Balancer("lb1".to_owned(), News::Out);
        assert_eq!(fields(&out), ["PHASE=notice", "BALANCER=lb1"]);
        let back = Message::Balancer(String::new(), News::Back(Duration::from_secs(2)));
        assert_eq!(fields(&back), ["PHASE=balancers", "SECONDS=2.0"]);
        assert_eq!(fields(&Message::EndedSilently(Duration::from_secs(9))), ["OUTCOME=died", "SECONDS=9.0"]);
    }
}
