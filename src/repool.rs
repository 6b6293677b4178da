//! Decides whether a node that is out goes back now: from who took it out, the setting `repool`, and the moment.

use crate::context::Caller;
use crate::settings::Repool;
use crate::sockets::Listener;
use crate::unit::Patience;
use std::time::Duration;

/// What is left of `TimeoutStartSec=` for the rest of the start: a hook that runs over it makes systemd kill HHVM.
const MARGIN: Duration = Duration::from_secs(10);
/// The same, where systemd does not tell: a third of its own default.
const CAUTIOUS: Duration = Duration::from_secs(30);

/// When it is asked.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// By whom.
    pub caller: Caller,
    /// Whether a stop of the unit goes on.
    pub draining: bool,
    /// Whether the caller has time for HHVM to come up.
    pub wait: bool,
}

/// What becomes of a node that a drain has taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It goes back at once.
    BringBack,
    /// It goes back once HHVM serves, for which is waited so long.
    OnceItServes(Wait),
    /// It stays out, because of that.
    StayOut(Because),
    /// A later hook of the same start decides.
    LeaveForNow,
}

/// How long is waited for HHVM to serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// It is looked at once.
    No,
    /// As long as a start may take.
    ForTheStart,
    /// As long as HHVM runs.
    WhileItRuns,
}

/// Why a node stays out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Because {
    /// A stop goes on, and decides after it.
    Stopping,
    /// HHVM has been stopped, and nothing serves.
    Stopped,
    /// The setting says so.
    Never,
}

/// Decides about a node that a drain has taken out. What an operator took out is not asked about.
#[must_use]
pub fn decide(repool: Repool, moment: Moment) -> Decision {
    match (repool, moment.caller) {
        _ if moment.draining => Decision::StayOut(Because::Stopping),
        (Repool::Never, _) => Decision::StayOut(Because::Never),
        // What a hook could not do, it tries again.
        (Repool::AfterStop | Repool::WhenHealthy, Caller::RepoolUnit) => {
            Decision::OnceItServes(Wait::WhileItRuns)
        }
        (Repool::AfterStop, _) => Decision::BringBack,
        (Repool::WhenHealthy, Caller::StopHook | Caller::ShutdownUnit) => Decision::StayOut(Because::Stopped),
        (Repool::WhenHealthy, Caller::StartHook) if !moment.wait => Decision::LeaveForNow,
        (Repool::WhenHealthy, _) if moment.wait => Decision::OnceItServes(Wait::ForTheStart),
        (Repool::WhenHealthy, _) => Decision::OnceItServes(Wait::No),
    }
}

/// Whether a unit whose main process was started then serves pages: it, or a younger process, listens somewhere else than
/// at the admin port, which HHVM opens first. An old child may have kept a listener of the HHVM before.
#[must_use]
pub fn serves(listeners: &[Listener], main_started: u64, admin_port: Option<u16>) -> bool {
    let is_for_pages = |listener: &&Listener| admin_port.is_none() || listener.place.port() != admin_port;
    let is_of_this_start =
        |listener: &Listener| listener.holders.iter().any(|holder| holder.process.started >= main_started);
    listeners.iter().filter(is_for_pages).any(is_of_this_start)
}

/// How long a start may wait for HHVM: as the setting says, within what systemd's `TimeoutStartSec=` leaves.
#[must_use]
pub fn start_patience(start_timeout: Duration, timeout_start: Option<&Patience>) -> Duration {
    match timeout_start {
        Some(Patience::Infinite) => start_timeout,
        Some(Patience::For(limit)) => start_timeout.min(limit.saturating_sub(MARGIN)),
        Some(Patience::Unclear(_)) | None => start_timeout.min(CAUTIOUS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALLERS: [Caller; 5] =
        [Caller::StopHook, Caller::StartHook, Caller::ShutdownUnit, Caller::RepoolUnit, Caller::Person];

    fn at(caller: Caller, wait: bool) -> Moment {
        Moment { caller, draining: false, wait }
    }

    #[test]
    fn nothing_comes_back_in_the_midst_of_a_stop_or_against_the_setting() {
        for caller in CALLERS {
            for repool in [Repool::AfterStop, Repool::WhenHealthy, Repool::Never] {
                let decision = decide(repool, Moment { draining: true, ..at(caller, true) });
                assert_eq!(decision, Decision::StayOut(Because::Stopping));
            }
            assert_eq!(decide(Repool::Never, at(caller, true)), Decision::StayOut(Because::Never));
        }
        assert_eq!(decide(Repool::AfterStop, at(Caller::StopHook, false)), Decision::BringBack);
    }

    #[test]
    fn a_node_that_must_serve_first_is_never_brought_back_blindly() {
        for (caller, wait, expected) in [
            (Caller::StopHook, true, Decision::StayOut(Because::Stopped)),
            (Caller::StartHook, false, Decision::LeaveForNow),
            (Caller::StartHook, true, Decision::OnceItServes(Wait::ForTheStart)),
            (Caller::RepoolUnit, false, Decision::OnceItServes(Wait::WhileItRuns)),
            (Caller::Person, false, Decision::OnceItServes(Wait::No)),
        ] {
            assert_eq!(decide(Repool::WhenHealthy, at(caller, wait)), expected, "{caller:?}");
        }
    }

    #[test]
    fn no_start_hook_outlasts_systemds_patience() {
        let seconds = Duration::from_secs;
        let bounded = |limit| start_patience(seconds(60), Some(&Patience::For(seconds(limit))));
        assert_eq!((bounded(90), bounded(40), bounded(5)), (seconds(60), seconds(30), seconds(0)));
        assert_eq!(start_patience(seconds(60), Some(&Patience::Infinite)), seconds(60));
        assert_eq!(start_patience(seconds(60), None), seconds(30));
        assert_eq!(start_patience(seconds(5), Some(&Patience::Unclear("soon".into()))), seconds(5));
    }
}
