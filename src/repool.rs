//! Decides whether a node that is out goes back now: from who took it out, the setting `repool`, and the moment.

use crate::context::Caller;
use crate::hhvm::{Hhvm, Value};
use crate::place::Tried;
use crate::settings::Repool;
use crate::sockets::Listener;
use crate::unit::Patience;
use std::time::Duration;

/// What is left of `TimeoutStartSec=` for the rest of the start: a hook that runs over it makes systemd kill HHVM.
const MARGIN: Duration = Duration::from_secs(10);
/// The same, where systemd does not tell: a third of its own default.
const CAUTIOUS: Duration = Duration::from_secs(30);

/// So many listeners are asked at most whether they are the admin port: of any other it is a request for a page.
const TRIES_MAX: usize = 4;

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

/// The admin port, which HHVM may open long before it serves pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdminPort {
    /// There is none.
    Off,
    /// This one.
    At(u16),
    /// The configuration could not be read.
    Unknown,
}

/// The ports of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ports {
    /// The admin port.
    pub admin: AdminPort,
    /// The port of the pages, if it is known.
    pub pages: Option<u16>,
}

impl Ports {
    /// What an HHVM says of itself, if it could be asked.
    #[must_use]
    pub fn of(hhvm: Option<&Hhvm>) -> Self {
        let Some(options) = hhvm.map(|hhvm| &hhvm.options) else {
            return Self { admin: AdminPort::Unknown, pages: None };
        };
        let admin = match &options.admin_port {
            Value::Set(port) if port.value > 0 => AdminPort::At(port.value),
            Value::Set(_) | Value::Default => AdminPort::Off,
            Value::Unknown(_) => AdminPort::Unknown,
        };
        Self { admin, pages: options.port.found().map(|port| port.value) }
    }

    /// Of PHP-FPM, which has no admin port.
    pub const NO_ADMIN: Self = Self { admin: AdminPort::Off, pages: None };
}

/// Whether a unit serves pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Serving<'a> {
    /// It does.
    Yes,
    /// Not yet.
    NotYet,
    /// It does, unless this listener is the admin port: it has to be asked.
    Unless(&'a Listener),
}

/// Whether `listener` is held by a process that was started at `main_started` or later. An old child may have kept a
/// listener of the HHVM before.
#[must_use]
pub fn is_of_this_start(listener: &Listener, main_started: u64) -> bool {
    listener.holders.iter().any(|holder| holder.process.started >= main_started)
}

/// Whether a unit whose main process was started then serves pages: it, or a younger process, listens somewhere else than
/// at the admin port. `tried` is what was found out about listeners, where that port is not known.
#[must_use]
pub fn serves<'a>(
    listeners: &'a [Listener],
    main_started: u64,
    ports: Ports,
    tried: &[Tried],
) -> Serving<'a> {
    let mut of_this_start = listeners.iter().filter(|listener| is_of_this_start(listener, main_started));
    let serves = match ports.admin {
        AdminPort::Off => of_this_start.next().is_some(),
        AdminPort::At(port) => of_this_start.any(|listener| listener.place.port() != Some(port)),
        AdminPort::Unknown => return serves_unless_asked(of_this_start, ports.pages, tried),
    };
    if serves { Serving::Yes } else { Serving::NotYet }
}

fn serves_unless_asked<'a>(
    of_this_start: impl Iterator<Item = &'a Listener>,
    pages: Option<u16>,
    tried: &[Tried],
) -> Serving<'a> {
    let mut answer = Serving::NotYet;
    for listener in of_this_start {
        let port = listener.place.port();
        match tried.iter().find(|tried| tried.is_about(listener)) {
            // HHVM has no admin port on a Unix socket.
            _ if port.is_none() || port == pages => return Serving::Yes,
            Some(tried) if tried.admin.is_none() => return Serving::Yes,
            Some(_) => {}
            None if tried.len() >= TRIES_MAX => return Serving::Yes,
            None => answer = Serving::Unless(listener),
        }
    }
    answer
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
    use crate::endpoint::Protocol;
    use crate::sockets::{Holder, Place, Process};

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

    fn listener(port: u16, inode: u64, started: u64) -> Listener {
        let process = Process { pid: 7, started, parent: 1, name: "hhvm".to_owned() };
        let place = Place::Tcp(([127, 0, 0, 1], port).into());
        Listener { place, inside: 1, file: None, holders: vec![Holder { process, descriptor: 3, inode }] }
    }

    #[test]
    fn the_admin_port_alone_serves_no_pages_and_an_unknown_one_is_asked() {
        let [old, admin, page] = [listener(80, 1, 5), listener(9001, 2, 10), listener(80, 3, 11)];
        let tried = |listener: &Listener, admin| Tried {
            place: listener.place.clone(),
            inode: listener.holders[0].inode,
            admin,
        };
        let (help, no_help) = (tried(&admin, Some(Protocol::FastCgi)), tried(&admin, None));
        let ports = |admin, pages| Ports { admin, pages };
        let unknown = ports(AdminPort::Unknown, None);
        let (one, both) = ([old.clone(), admin.clone()], [admin.clone(), page.clone()]);
        for (listeners, ports, tried, expected) in [
            (&one[..1], ports(AdminPort::Off, None), &[][..], Serving::NotYet),
            (&one[..], ports(AdminPort::Off, None), &[], Serving::Yes),
            (&one, ports(AdminPort::At(9001), None), &[], Serving::NotYet),
            (&both, ports(AdminPort::At(9001), None), &[], Serving::Yes),
            (&one, unknown, &[], Serving::Unless(&admin)),
            (&one, unknown, std::slice::from_ref(&help), Serving::NotYet),
            (&one, unknown, &[no_help], Serving::Yes),
            (&both, unknown, std::slice::from_ref(&help), Serving::Unless(&page)),
            (&both, ports(AdminPort::Unknown, Some(80)), &[], Serving::Yes),
            (&one, unknown, &[(); 4].map(|()| tried(&page, None)), Serving::Yes),
        ] {
            assert_eq!(serves(listeners, 10, ports, tried), expected, "{listeners:?} {ports:?} {tried:?}");
        }
    }

    #[test]
    fn what_is_not_known_of_the_admin_port_is_not_taken_for_none() {
        assert_eq!(Ports::of(None).admin, AdminPort::Unknown);
        assert_eq!(Ports::of(Some(&Hhvm::unknown("cannot be read"))).admin, AdminPort::Unknown);
        assert_eq!(Ports::of(Some(&Hhvm::default())).admin, AdminPort::Off);
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
