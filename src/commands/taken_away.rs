//! Judges what this program's drop-in takes away from a unit: a stop command, `NotifyAccess=all`, patience.

use super::finding::{Finding, error, warning};
use crate::hhvm::Hhvm;
use crate::settings::Settings;
use crate::text::seconds;
use crate::unit::{Author, KillMode, NotifyAccess, Own, Patience, Unit};
use std::time::Duration;

/// Time for HHVM to end, besides what it waits for its requests.
const TO_END: Duration = Duration::from_secs(60);

/// What is missing, with the lines that bring it back.
pub(super) fn losses(unit: &Unit, own: &Own, name: &str) -> Vec<Finding> {
    [stop_commands(unit, own, name), notify_access(unit, own, name), timeout_stop(unit, own, name)]
        .into_iter()
        .flatten()
        .collect()
}

fn stop_commands(unit: &Unit, own: &Own, name: &str) -> Option<Finding> {
    // systemd makes such a unit of a SysV script, and there this program stops HHVM itself.
    let lost = if unit.author == Author::Generator { Vec::new() } else { own.lost_stop_commands(unit) };
    let lines = lost.iter().map(|line| format!("ExecStop={line}")).collect::<Vec<_>>().join(" and ");
    match (unit.kill_mode, lost.is_empty()) {
        (KillMode::None, false) => Some(error(format!(
            "unit: KillMode=none, and hhvm-drain's drop-in resets the unit's own stop command, so nothing stops HHVM; set \
             {lines} with systemctl edit {name}, which runs it after the drain"
        ))),
        (KillMode::None, true) if unit.exec_stop.len() < 2 && unit.main_pid.is_some() => {
            Some(warning(format!(
                "unit: KillMode=none, and no stop command, so nothing stops HHVM; remove KillMode=none; run: systemctl cat \
             {name}"
            )))
        }
        (KillMode::Ends | KillMode::MainOnly, false) => Some(warning(format!(
            "unit: hhvm-drain's drop-in resets the unit's own stop command: systemd's KillSignal= stops HHVM after the \
             drain; if that is not enough, set {lines} with systemctl edit {name}, which runs it after the drain"
        ))),
        (_, true) => None,
    }
}

fn notify_access(unit: &Unit, own: &Own, name: &str) -> Option<Finding> {
    if own.notify_access != Some(NotifyAccess::All) || unit.notify_access == NotifyAccess::All {
        return None;
    }
    let mend = format!("set NotifyAccess=all with systemctl edit {name}");
    Some(if needs_notify_access_all(unit, own) {
        error(format!(
            "unit: hhvm-drain's drop-in takes NotifyAccess=all away, so systemd may not hear that HHVM is up, or alive, \
             and end it; {mend}"
        ))
    } else {
        warning(format!(
            "unit: hhvm-drain's drop-in takes NotifyAccess=all away; if HHVM's children notify systemd, {mend}"
        ))
    })
}

/// Whether the unit's start, or its life, may hang on what its children say.
pub(super) fn needs_notify_access_all(unit: &Unit, own: &Own) -> bool {
    own.notify_access == Some(NotifyAccess::All) && (unit.awaits_notifications || own.has_watchdog)
}

fn timeout_stop(unit: &Unit, own: &Own, name: &str) -> Option<Finding> {
    // There this program ends HHVM, after a time of its own.
    let longer =
        longer(own.timeout_stop.as_ref()?, &unit.timeout_stop).filter(|_| unit.author == Author::Person)?;
    let Patience::For(limit) = unit.timeout_stop else { return None };
    Some(warning(format!(
        "unit: hhvm-drain's drop-in makes TimeoutStopSec= shorter, {} in place of {}, so HHVM has less time to end after \
         the drain; set TimeoutStopSec={} with systemctl edit {name}",
        seconds(limit),
        in_words(longer),
        value(longer),
    )))
}

/// Whether systemd waits for HHVM as long as HHVM waits for its requests, after a drain that has taken all its time.
pub(super) fn graceful_wait(hhvm: &Hhvm, unit: &Unit, settings: &Settings, name: &str) -> Option<Finding> {
    let wait = hhvm.options.graceful_wait.found().filter(|found| found.value > 0)?;
    let needed = settings.timeout.saturating_add(Duration::from_secs(wait.value.into()));
    let Patience::For(limit) = unit.timeout_stop else { return None };
    (limit < needed).then(|| {
        warning(format!(
            "unit: TimeoutStopSec={} is shorter than the timeout of {} and HHVM's graceful_shutdown_wait of {} s ({}), so \
             HHVM may be killed before its requests are finished; set TimeoutStopSec={} with systemctl edit {name}",
            seconds(limit),
            seconds(settings.timeout),
            wait.value,
            wait.origin,
            needed.saturating_add(TO_END).as_secs(),
        ))
    })
}

/// What `TimeoutStopSec=` has to be: for the drain, then for HHVM, and not shorter than the unit's own.
pub(super) fn needed_timeout_stop(own: &Own, settings: &Settings, hhvm: Option<&Hhvm>) -> Patience {
    let wait = hhvm.and_then(|hhvm| hhvm.options.graceful_wait.found()).map_or(0, |found| found.value);
    let needed = settings.timeout.saturating_add(Duration::from_secs(wait.into())).saturating_add(TO_END);
    let needed = Patience::For(needed);
    own.timeout_stop.as_ref().and_then(|own| longer(own, &needed)).cloned().unwrap_or(needed)
}

/// `one`, if it is longer than `other`.
fn longer<'a>(one: &'a Patience, other: &Patience) -> Option<&'a Patience> {
    match (one, other) {
        (Patience::For(one), Patience::For(other)) if one <= other => None,
        (Patience::For(_) | Patience::Infinite, Patience::For(_)) => Some(one),
        _ => None,
    }
}

/// As systemd reads it.
pub(super) fn value(patience: &Patience) -> String {
    match patience {
        Patience::For(time) => time.as_secs().to_string(),
        Patience::Infinite => "infinity".to_owned(),
        Patience::Unclear(words) => words.clone(),
    }
}

fn in_words(patience: &Patience) -> String {
    match patience {
        Patience::For(time) => seconds(*time),
        other => value(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hhvm::{Found, Origin, Value};
    use crate::problem::Severity;

    const OURS: &str = "ExecStop={ path=x ; argv[]=/usr/bin/hhvm-drain stop ; ignore_errors=yes }\nMainPID=7\n\
                        NotifyAccess=exec\nTimeoutStopUSec=1min 30s\n";

    /// What is told of a unit with this file, and this answer of systemctl besides the usual one.
    fn told(file: &str, show: &str) -> Vec<(Option<Severity>, String)> {
        let own = Own::of(&[format!("[Service]\n{file}\n")]);
        let findings = losses(&Unit::parse(&format!("{show}\n{OURS}")), &own, "u.service");
        findings.into_iter().map(|finding| (finding.severity, finding.text)).collect()
    }

    #[test]
    fn with_killmode_none_a_lost_stop_command_is_an_error() {
        let file = "KillMode=none\nExecStop=/bin/kill -TERM $MAINPID";
        let told_of = told(file, "KillMode=none");
        assert_eq!(told_of[0].0, Some(Severity::Error));
        assert!(told_of[0].1.contains("set ExecStop=/bin/kill -TERM $MAINPID with systemctl edit u.service"));
        let kept = "KillMode=none\nExecStop={ path=x ; argv[]=/bin/kill -TERM $MAINPID ; ignore_errors=no }";
        assert_eq!(told(file, kept), []);
        assert!(told("KillMode=none", "KillMode=none")[0].1.contains("remove KillMode=none"));
    }

    #[test]
    fn else_it_is_told() {
        let file = "ExecStop=-/usr/bin/hhvmctl stop\nExecStop=/bin/rm -f /run/x";
        let told_of = told(file, "KillMode=control-group");
        assert_eq!(told_of[0].0, Some(Severity::Warning));
        assert!(
            told_of[0].1.contains("set ExecStop=-/usr/bin/hhvmctl stop and ExecStop=/bin/rm -f /run/x with")
        );
        assert_eq!(told(file, "KillMode=process\nSourcePath=/etc/init.d/hhvm"), [], "of a SysV script");
    }

    #[test]
    fn notify_access_all_is_missed_most_where_systemd_waits_for_it() {
        assert_eq!(told("NotifyAccess=all", "Type=notify")[0].0, Some(Severity::Error));
        assert_eq!(told("NotifyAccess=all\nWatchdogSec=9", "Type=simple")[0].0, Some(Severity::Error));
        assert_eq!(told("NotifyAccess=all", "Type=simple\nWatchdogUSec=0")[0].0, Some(Severity::Warning));
        assert_eq!(told("NotifyAccess=all", "Type=notify\nNotifyAccess=all"), []);
        assert_eq!(told("NotifyAccess=main", "Type=notify"), []);
    }

    #[test]
    fn a_longer_patience_of_its_own_is_told() {
        for (own, words) in [("10min", "90 s in place of 600 s"), ("infinity", "90 s in place of infinity")] {
            let told_of = told(&format!("TimeoutStopSec={own}"), "");
            assert!(told_of[0].0 == Some(Severity::Warning) && told_of[0].1.contains(words), "{told_of:?}");
        }
        assert!(told("TimeoutStopSec=10min", "")[0].1.contains("set TimeoutStopSec=600 with systemctl edit"));
        for same in ["TimeoutStopSec=90", "TimeoutStopSec=5", "TimeoutStopSec=soon"] {
            assert_eq!(told(same, ""), []);
        }
        assert_eq!(told("TimeoutStopSec=10min", "TimeoutStopUSec=10min"), []);
    }

    #[test]
    fn hhvms_own_wait_has_to_fit() {
        let waiting = |seconds: u32| {
            let mut hhvm = Hhvm::default();
            hhvm.options.graceful_wait = Value::Set(Found { value: seconds, origin: Origin::Start });
            hhvm
        };
        let told =
            |seconds| graceful_wait(&waiting(seconds), &Unit::parse(OURS), &Settings::default(), "u.service");
        assert!(told(60).is_none() && told(0).is_none());
        assert!(told(61).unwrap().text.contains("set TimeoutStopSec=151 with systemctl edit u.service"));
        assert!(told(u32::MAX).is_some());
        let needed = |own, seconds| {
            let own = Own { timeout_stop: own, ..Own::default() };
            value(&needed_timeout_stop(&own, &Settings::default(), Some(&waiting(seconds))))
        };
        assert_eq!(needed(None, 0), "90");
        assert_eq!(needed(Some(Patience::For(Duration::from_secs(600))), 300), "600");
        assert_eq!(needed(Some(Patience::For(Duration::from_secs(100))), 300), "390");
        assert_eq!(needed(Some(Patience::Infinite), 300), "infinity");
    }
}
