//! Stops an HHVM whose main process systemd does not know. The unit that systemd generates from HHVM's SysV script has
//! `GuessMainPID=no` and `KillMode=process`, so nothing else would stop it.

use crate::drain::Event;
use crate::message::Message;
use crate::process::{Follower, Process};
use crate::report::Reporter;
use crate::wait::{Signals, Watch};
use rustix::process::Signal;
use std::time::{Duration, Instant};

/// How long HHVM may go on with its requests; the drop-in's `TimeoutStopSec=` covers it after a drain of the default
/// length.
const PATIENCE: Duration = Duration::from_secs(45);
/// How long its light processes may take to follow it, and a killed process to end.
const AFTERMATH: Duration = Duration::from_secs(5);

/// Ends `main`, whose `followers` then end by themselves, or are killed.
pub fn terminate(main: &Process, followers: &[Follower], signals: &Signals, reporter: &Reporter) {
    reporter.tell(Message::Stopping);
    reporter.status("Stopping HHVM".to_owned(), PATIENCE + AFTERMATH + AFTERMATH);
    main.signal(Signal::TERM);
    if !ended(main, PATIENCE, signals) {
        reporter.tell(Message::Killing(PATIENCE));
        main.signal(Signal::KILL);
    }
    let give_up = Instant::now() + AFTERMATH;
    let left = || give_up.saturating_duration_since(Instant::now());
    if !ended(main, left(), signals) {
        main.signal(Signal::KILL);
    }
    for process in followers.iter().filter_map(Follower::open) {
        if !ended(&process, left(), signals) {
            process.signal(Signal::KILL);
        }
    }
}

/// Whether the process ends within `patience`; a signal to this program means that there is no more time.
fn ended(process: &Process, patience: Duration, signals: &Signals) -> bool {
    let give_up = Instant::now() + patience;
    let mut watch = Watch::over(Some(process), signals);
    while Instant::now() < give_up {
        let tick = Instant::now() + Duration::from_millis(100);
        match watch.next(tick.min(give_up)) {
            Event::HhvmEnded => return true,
            Event::Interrupted => return false,
            _ => {}
        }
    }
    process.has_ended()
}
