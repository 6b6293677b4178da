//! `check --observe`: watches who opens the health files, finds the load balancers and their intervals, and says whether
//! min-drain is long enough for them.

use super::balancing::Said;
use super::finding::{Finding, error, good, warning};
use crate::checkers::{Checker, Checkers, time_to_notice};
use crate::context::Context;
use crate::opens::Opens;
use crate::settings::Settings;
use crate::text::seconds;
use crate::wait::{Signals, timeout};
use nix::poll::{PollFd, PollFlags, poll};
use std::io::Write;
use std::os::fd::AsFd;
use std::path::Path;
use std::time::{Duration, Instant};

/// So many failed checks take a node out of HAProxy (`fall`), unless it is told otherwise. No open tells of it.
const FALL: u32 = 3;

/// How many failed checks take this node out.
pub(super) struct Fall {
    checks: u32,
    /// The server and the balancer that say so; none if nobody does.
    by: Option<String>,
}

impl Fall {
    /// By what the balancers have said: the greatest number counts.
    pub(super) fn of(said: &[Said]) -> Self {
        let rows = said
            .iter()
            .flat_map(|said| said.view.iter().flat_map(|view| &view.rows).map(move |row| (said, row)));
        let known = rows.filter_map(|(said, row)| Some((row.fall?, format!("{} at {}", row.id, said.name))));
        match known.max_by_key(|(checks, _)| *checks) {
            Some((checks, by)) => Self { checks, by: Some(by) },
            None => Self { checks: FALL, by: None },
        }
    }
}
/// More checkers than this are not listed.
const LISTED: usize = 8;

/// What was seen of a health file.
enum Seen {
    /// Who opened it, and how often anybody did.
    Checkers(Checkers, usize),
    /// It was moved or replaced meanwhile.
    Moved,
}

/// Watches the health files for `time`.
///
/// `fall` is what the load balancers say of themselves.
pub(super) fn observed(context: &Context, settings: &Settings, time: Duration, fall: &Fall) -> Vec<Finding> {
    let signals = Signals::take_over();
    let (mut findings, mut watched) = (Vec::new(), Vec::new());
    for path in &settings.health_files {
        match Opens::of(&context.root.join(path)) {
            Ok(opens) => watched.push((path.as_path(), opens)),
            Err(why) => {
                findings.push(error(format!("observe: {} cannot be watched ({why})", path.display())));
            }
        }
    }
    if watched.is_empty() {
        return findings;
    }
    // Nobody is left to tell if standard error is closed.
    let _ =
        writeln!(std::io::stderr(), "hhvm-drain: watching who opens the health file, for {}", seconds(time));
    let began = Instant::now();
    match watch(&mut watched, &signals, began + time) {
        Ok(()) => {}
        Err(why) => findings.push(error(format!("observe: {why}"))),
    }
    let length = began.elapsed();
    for (path, opens) in &watched {
        findings.extend(judge(path, &seen(opens, began, length), length, (settings.min_drain, fall)));
    }
    findings
}

/// Until then, or until a signal comes.
fn watch(watched: &mut [(&Path, Opens)], signals: &Signals, until: Instant) -> std::io::Result<()> {
    while Instant::now() < until {
        let opened = watched.iter().map(|(_, opens)| opens.as_fd());
        let mut fds: Vec<_> = signals
            .descriptor()
            .into_iter()
            .chain(opened)
            .map(|fd| PollFd::new(fd, PollFlags::POLLIN))
            .collect();
        match poll(&mut fds, timeout(until)) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        let now = Instant::now();
        for (_, opens) in watched.iter_mut() {
            opens.take(now)?;
        }
        if signals.arrived() {
            break;
        }
    }
    Ok(())
}

fn seen(opens: &Opens, began: Instant, length: Duration) -> Seen {
    if opens.was_moved() {
        return Seen::Moved;
    }
    let moments: Vec<Duration> =
        opens.moments().iter().map(|moment| moment.saturating_duration_since(began)).collect();
    Seen::Checkers(Checkers::find(&moments, length), opens.count())
}

fn judge(path: &Path, seen: &Seen, length: Duration, (min_drain, fall): (Duration, &Fall)) -> Vec<Finding> {
    let (path, time) = (path.display(), seconds(length));
    let (checkers, count) = match seen {
        Seen::Moved => {
            return vec![warning(format!(
                "observe: {path} was moved or replaced meanwhile, so it is not known who opened it; try again"
            ))];
        }
        Seen::Checkers(_, 0) => {
            return vec![warning(format!(
                "observe: nobody opened {path} in {time}; HHVM, PHP with opcache and nginx with open_file_cache do not \
                 open it for each request, so look for these in the web server's access log"
            ))];
        }
        Seen::Checkers(checkers, count) => (checkers, *count),
    };
    let Some(longest) = checkers.longest() else {
        return vec![warning(format!(
            "observe: {path} was opened {count} times in {time}, in no rhythm that shows an interval; observe it for \
             longer, or look at the load balancer's settings"
        ))];
    };
    let others = match checkers.others {
        0 => String::new(),
        others => format!("; {others} times in no rhythm"),
    };
    let who = list(&checkers.regular);
    vec![
        good(format!("observe: {path} was opened {count} times in {time}: {who}{others}")),
        advice(longest, min_drain, fall),
    ]
}

fn advice(longest: Duration, min_drain: Duration, fall: &Fall) -> Finding {
    let needed = time_to_notice(longest, fall.checks);
    let (interval, needs, set, checks) = (about(longest), seconds(needed), seconds(min_drain), fall.checks);
    match (&fall.by, min_drain >= needed) {
        (Some(by), true) => good(format!(
            "min-drain: {set} is enough for {checks} failed checks, as {by} says, one every {interval} ({needs})"
        )),
        (None, true) => good(format!(
            "min-drain: {set} is enough for {checks} failed checks, one every {interval} ({needs})"
        )),
        (Some(by), false) => warning(format!(
            "min-drain: {set} is too short: {checks} failed checks take the node out, as {by} says, one every {interval}; set \
             min-drain = \"{}s\"",
            needed.as_secs()
        )),
        (None, false) => warning(format!(
            "min-drain: {set} is too short if {checks} failed checks take the node out, one every {interval}; set min-drain = \
             \"{}s\", or to {interval} × (failed checks + 1) if your load balancer has another number",
            needed.as_secs()
        )),
    }
}

/// `every 2 s (3 times), every 5 s`
fn list(regular: &[Checker]) -> String {
    let words = |checker: &Checker| format!("every {}", about(checker.period));
    let mut lines: Vec<String> = regular.iter().take(LISTED).map(words).collect();
    if let Some(more) = regular.len().checked_sub(LISTED).filter(|more| *more > 0) {
        lines.push(format!("and {more} more"));
    }
    let number = match regular.len() {
        1 => "1 checker".to_owned(),
        number => format!("{number} checkers"),
    };
    format!("{number}, {}", lines.join(", "))
}

/// To a tenth of a second, as people set it.
fn about(period: Duration) -> String {
    let tenths = (period.as_millis() + 40) / 100;
    if tenths.is_multiple_of(10) {
        format!("{} s", tenths / 10)
    } else {
        format!("{}.{} s", tenths / 10, tenths % 10)
    }
}
