//! Checks the effective unit, with all its drop-ins: whether it calls this program and gives it the time that it needs.

use super::finding::{Finding, error, good, warning};
use crate::hhvm::Hhvm;
use crate::settings::{Repool, Settings};
use crate::text::{seconds, span};
use crate::turn::{self, Bounds};
use crate::unit::{Activity, NotifyAccess, Output, Patience, Unit, calls};
use std::time::Duration;

/// systemd must have at least this much more patience than the drain's timeout.
const MARGIN: Duration = Duration::from_secs(5);
/// Time for HHVM to end, besides.
const TO_END: Duration = Duration::from_secs(60);
/// How an HHVM ends that had to cut requests off (`HPHP_SHUTDOWN_TIMEOUT`).
const CUT_OFF: &str = "143";

/// Whether a stop that HHVM ends by itself can look like a failure.
pub(super) fn exit_status(hhvm: &Hhvm, unit: &Unit) -> Option<Finding> {
    let wait = hhvm.options.graceful_wait.found().filter(|found| found.value > 0)?;
    let is_expected = unit.success_exit_status.iter().any(|status| status == CUT_OFF);
    (!is_expected).then(|| {
        warning(format!(
            "unit: HHVM's graceful_shutdown_wait is {} s ({}), so it can end with status {CUT_OFF}, which systemd takes \
             for a failure; set SuccessExitStatus={CUT_OFF} with systemctl edit",
            wait.value, wait.origin
        ))
    })
}

/// Whether the unit, with all its drop-ins, calls this program, and leaves it the time it needs.
pub(super) fn effective_unit(unit: &Unit, settings: &Settings, name: &str) -> Vec<Finding> {
    if !unit.is_loaded {
        return vec![error(format!("unit: there is no unit {name}; set the right one with --unit"))];
    }
    let mut findings = vec![stop_command(unit, name)];
    for (property, commands) in
        [("ExecStopPost", &unit.exec_stop_post), ("ExecStartPre", &unit.exec_start_pre)]
    {
        if !commands.iter().any(|line| calls(line, "restore")) {
            findings.push(error(format!(
                "unit: {property}= does not call hhvm-drain restore, so the node may stay out; \
                 run: systemctl cat {name}"
            )));
        }
    }
    findings.extend(way_back(unit, settings.repool, name));
    if unit.notify_access == NotifyAccess::NotHooks {
        findings
            .push(warning("unit: NotifyAccess= is not exec, so systemctl status does not show the drain"));
    }
    findings.push(patience(&unit.timeout_stop, settings.timeout));
    findings.extend(job(unit, settings));
    findings.extend(
        settings.fleet.fleet().and_then(|fleet| turn(&unit.timeout_stop, settings.timeout, fleet.wait)),
    );
    findings.extend(start(unit));
    if unit.output == Output::Discarded {
        findings.push(warning(
            "unit: StandardError=null, so the journal does not tell of a drain; hhvm-drain status tells how the last one \
             ended",
        ));
    }
    if unit.need_daemon_reload {
        findings.push(warning("unit: its files have changed on disk; run systemctl daemon-reload"));
    }
    findings
}

/// Whether somebody puts the node back once HHVM serves.
fn way_back(unit: &Unit, repool: Repool, name: &str) -> Option<Finding> {
    if repool != Repool::WhenHealthy {
        return None;
    }
    let restores =
        |line: &String| calls(line, "restore") && line.split_whitespace().any(|word| word == "--wait");
    let hook = "ExecStartPost=-+/usr/bin/hhvm-drain restore --unit=%n --wait";
    let goes_on = "Wants=hhvm-drain-repool@%n.service";
    let repools = format!("hhvm-drain-repool@{name}.service");
    Some(match (unit.exec_start_post.iter().any(restores), unit.wants.contains(&repools)) {
        (true, true) => return None,
        (false, false) => error(format!(
            "unit: after a start nothing puts the node back, because it has neither hhvm-drain's ExecStartPost= nor its \
             Wants=; add \"{hook}\" to [Service] and \"{goes_on}\" to [Unit] with systemctl edit {name}"
        )),
        (false, true) => warning(format!(
            "unit: no ExecStartPost= calls hhvm-drain restore --wait, so a start is over before the node is back; add \
             \"{hook}\" to [Service] with systemctl edit {name}"
        )),
        (true, false) => warning(format!(
            "unit: it does not want {repools}, so the node stays out if HHVM needs longer than start-timeout to serve; add \
             \"{goes_on}\" to [Unit] with systemctl edit {name}"
        )),
    })
}

/// A job that is given up goes on with what it has begun, so the stop still drains; but the start that belongs to a restart
/// never comes (seen with systemd 252).
fn job(unit: &Unit, settings: &Settings) -> Option<Finding> {
    let (name, limit) = unit.job_limits.iter().min_by_key(|(_, limit)| *limit)?;
    (*limit < settings.timeout.saturating_add(MARGIN)).then(|| {
        error(format!(
            "unit: {name}={} is too short for the timeout of {}, so systemd may give up a restart in mid-drain, and HHVM \
             stays stopped; set {name}={} or infinity in [Unit] with systemctl edit",
            seconds(*limit),
            seconds(settings.timeout),
            settings.timeout.saturating_add(settings.start_timeout).saturating_add(TO_END).as_secs(),
        ))
    })
}

/// systemd stops a unit that is being started without its `ExecStop=` (`service_stop` in its source).
fn start(unit: &Unit) -> Option<Finding> {
    match (unit.activity, &unit.timeout_start) {
        (Activity::Activating, Patience::Infinite) => Some(error(
            "unit: it is still being started, which may take for ever, and a stop in that time does not drain; with \
             Type=oneshot, or Type=notify without its notification, a start is never over: set Type=exec",
        )),
        (Activity::Activating, _) => {
            Some(warning("unit: it is still being started, and a stop in that time does not drain"))
        }
        _ => None,
    }
}

fn stop_command(unit: &Unit, name: &str) -> Finding {
    let commands = &unit.exec_stop;
    match commands.iter().position(|line| calls(line, "stop")) {
        Some(0) => good("unit: ExecStop= calls hhvm-drain stop"),
        Some(_) => error(format!(
            "unit: \"{}\" runs before hhvm-drain stop; put an empty ExecStop= before hhvm-drain's line; run: systemctl cat {name}",
            commands[0]
        )),
        None => error(format!(
            "unit: ExecStop= does not call hhvm-drain stop; a drop-in may have reset it; run: systemctl cat {name}"
        )),
    }
}

fn patience(timeout_stop: &Patience, timeout: Duration) -> Finding {
    match timeout_stop {
        Patience::Infinite => good("unit: TimeoutStopSec=infinity leaves the drain all the time it needs"),
        Patience::For(limit) if *limit >= timeout + MARGIN => good(format!(
            "unit: TimeoutStopSec={} is longer than the timeout of {}",
            seconds(*limit),
            seconds(timeout)
        )),
        Patience::For(limit) => warning(format!(
            "unit: TimeoutStopSec={} does not cover the timeout of {}; hhvm-drain asks systemd for more time, but a \
             daemon-reload during the drain would cut it; set TimeoutStopSec={} with systemctl edit",
            seconds(*limit),
            seconds(timeout),
            (timeout + Duration::from_secs(60)).as_secs()
        )),
        Patience::Unclear(words) => warning(format!("unit: TimeoutStopSec={words} cannot be parsed")),
    }
}

/// Whether a stop can wait for its turn for as long as it shall: it goes at twice `wait` at the latest.
fn turn(timeout_stop: &Patience, timeout: Duration, wait: Duration) -> Option<Finding> {
    let Patience::For(limit) = timeout_stop else { return None };
    let leaves = Bounds::patience(*limit, timeout);
    (leaves < wait * 2).then(|| {
        let needed = wait * 2 + timeout + turn::MARGIN + Duration::from_secs(60);
        warning(format!(
            "unit: TimeoutStopSec={} leaves a stop {} for its turn in the fleet, and it would wait for {} (wait), then as long \
             again; set TimeoutStopSec={}min with systemctl edit; an HHVM that hangs is then not killed before that either",
            seconds(*limit),
            span(leaves),
            span(wait),
            needed.as_secs().div_ceil(60)
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patience_that_is_too_short_for_a_turn_is_told() {
        let seconds = Duration::from_secs;
        let told = |limit| turn(&Patience::For(seconds(limit)), seconds(30), seconds(1800));
        let text = told(90).map(|finding| finding.text).unwrap_or_default();
        assert!(text.contains("leaves a stop 50 s") && text.contains("TimeoutStopSec=62min"), "{text}");
        assert!(told(62 * 60).is_none() && turn(&Patience::Infinite, seconds(30), seconds(1800)).is_none());
    }

    fn unit(text: &str) -> Vec<String> {
        let good = "LoadState=loaded\nNotifyAccess=exec\nTimeoutStopUSec=1min 30s\nNeedDaemonReload=no\n\
                    ExecStopPost={ path=x ; argv[]=/usr/bin/hhvm-drain restore ; ignore_errors=yes }\n\
                    ExecStartPre={ path=x ; argv[]=/usr/bin/hhvm-drain restore ; ignore_errors=yes }\n";
        effective_unit(&Unit::parse(&format!("{good}{text}")), &Settings::default(), "hhvm.service")
            .into_iter()
            .map(|finding| format!("{:?} {}", finding.severity, finding.text))
            .collect()
    }

    const BACK: &str = "ExecStartPost={ path=x ; argv[]=/usr/bin/hhvm-drain restore --unit=u --wait ; ignore_errors=yes }\n\
                        Wants=hhvm-drain-repool@hhvm.service.service network.target\n";
    const OURS: &str = "ExecStop={ path=x ; argv[]=/usr/bin/hhvm-drain stop --unit=u ; ignore_errors=yes }\n";

    #[test]
    fn the_shipped_drop_in_is_good() {
        let told = unit(&format!("{OURS}{BACK}"));
        assert!(told.iter().all(|line| line.starts_with("None")), "{told:?}");
        assert_eq!(told.len(), 2, "the stop command and the patience: {told:?}");
    }

    #[test]
    fn a_stop_command_before_ours_or_none_at_all_is_an_error() {
        let other = "ExecStop={ path=x ; argv[]=/etc/init.d/hhvm stop ; ignore_errors=no }\n";
        assert!(unit(&format!("{other}{OURS}"))[0].contains("/etc/init.d/hhvm stop\" runs before"));
        assert!(unit("")[0].contains("does not call hhvm-drain stop"));
    }

    #[test]
    fn a_node_that_nothing_puts_back_is_told_with_the_lines_that_mend_it() {
        let (hook, wants) = BACK.split_once('\n').unwrap();
        let (hook, without_waiting) = (format!("{OURS}{hook}\n"), hook.replace(" --wait", ""));
        let (mends_hook, mends_wants) = (
            "ExecStartPost=-+/usr/bin/hhvm-drain restore --unit=%n --wait",
            "Wants=hhvm-drain-repool@%n.service",
        );
        let told = |text: &str| {
            unit(text).into_iter().filter(|line| line.contains("systemctl edit")).collect::<Vec<_>>()
        };
        let [neither] = &told(OURS)[..] else { panic!() };
        assert!(neither.contains("Error") && neither.contains(mends_hook) && neither.contains(mends_wants));
        let [no_wants] = &told(&hook)[..] else { panic!() };
        assert!(
            no_wants.contains("Warning") && no_wants.contains(mends_wants) && !no_wants.contains(mends_hook)
        );
        for hook in [String::new(), format!("{without_waiting}\n")] {
            let [no_hook] = &told(&format!("{OURS}{hook}{wants}"))[..] else { panic!() };
            assert!(
                no_hook.contains("Warning") && no_hook.contains(mends_hook) && !no_hook.contains(mends_wants)
            );
        }
    }

    #[test]
    fn a_job_that_is_given_up_in_mid_drain_is_an_error_with_what_to_set() {
        let told = |limits: &str| {
            let lines = unit(&format!("{OURS}{limits}"));
            lines.into_iter().filter(|line| line.contains("Job")).collect::<Vec<_>>()
        };
        let [line] = &told("JobTimeoutUSec=30s\nJobRunningTimeoutUSec=1min\n")[..] else { panic!() };
        assert!(line.contains("Error") && line.contains("JobTimeoutSec=30 s is too short"), "{line}");
        assert!(line.contains("set JobTimeoutSec=150 or infinity"), "{line}");
        assert_eq!(told("JobTimeoutUSec=infinity\nJobRunningTimeoutUSec=2min\n"), [""; 0]);
    }

    #[test]
    fn too_little_patience_is_named_with_what_to_set() {
        let finding = patience(&Patience::For(Duration::from_secs(20)), Duration::from_secs(30));
        assert!(finding.severity.is_some() && finding.text.contains("TimeoutStopSec=90"), "{finding:?}");
        assert!(patience(&Patience::Infinite, Duration::from_secs(3000)).severity.is_none());
    }
}
