//! Judges the effective unit, with all its drop-ins: whether it calls this program, and leaves it the time it needs.

use super::check::{Finding, error, good, warning};
use crate::discover::Hhvm;
use crate::settings::Settings;
use crate::systemd::Unit;
use crate::text::seconds;
use std::time::Duration;

/// systemd must have at least this much more patience than the drain's timeout.
const MARGIN: Duration = Duration::from_secs(5);
/// How an HHVM ends that had to cut requests off (`HPHP_SHUTDOWN_TIMEOUT`).
const CUT_OFF: &str = "143";

/// Whether a stop that HHVM ends by itself can look like a failure.
pub(super) fn exit_status(hhvm: &Hhvm, unit: &Unit) -> Option<Finding> {
    let wait = hhvm.options.graceful_wait.as_ref().filter(|found| found.value > 0)?;
    let is_expected = unit.get("SuccessExitStatus").split_whitespace().any(|status| status == CUT_OFF);
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
    if unit.get("LoadState") != "loaded" {
        return vec![error(format!("unit: systemd has no {name}; name the right one with --unit"))];
    }
    let mut findings = vec![stop_command(unit, name)];
    let restores = |property| unit.commands(property).iter().any(|line| calls(line, "restore"));
    for property in ["ExecStopPost", "ExecStartPre"] {
        if !restores(property) {
            findings.push(error(format!(
                "unit: {property}= does not call hhvm-drain restore, so the node may stay out; \
                 see: systemctl cat {name}"
            )));
        }
    }
    if !matches!(unit.get("NotifyAccess"), "exec" | "all") {
        findings
            .push(warning("unit: NotifyAccess= is not exec, so systemctl status does not show the drain"));
    }
    findings.push(patience(unit.get("TimeoutStopUSec"), settings.timeout));
    if unit.get("NeedDaemonReload") == "yes" {
        findings.push(warning("unit: its files have changed; run systemctl daemon-reload"));
    }
    findings
}

fn stop_command(unit: &Unit, name: &str) -> Finding {
    let commands = unit.commands("ExecStop");
    match commands.iter().position(|line| calls(line, "stop")) {
        Some(0) => good("unit: ExecStop= calls hhvm-drain stop"),
        Some(_) => error(format!(
            "unit: \"{}\" runs before hhvm-drain stop; put ExecStop= before hhvm-drain's line; see: systemctl cat {name}",
            commands[0]
        )),
        None => error(format!(
            "unit: ExecStop= does not call hhvm-drain stop; a drop-in may have reset it; see: systemctl cat {name}"
        )),
    }
}

fn calls(command: &str, subcommand: &str) -> bool {
    let mut words = command.split_whitespace();
    words.any(|word| word.rsplit('/').next() == Some("hhvm-drain")) && words.any(|word| word == subcommand)
}

fn patience(timeout_stop: &str, timeout: Duration) -> Finding {
    if timeout_stop == "infinity" {
        return good("unit: TimeoutStopSec=infinity leaves the drain all the time it needs");
    }
    match humantime::parse_duration(timeout_stop) {
        Ok(limit) if limit >= timeout + MARGIN => good(format!(
            "unit: TimeoutStopSec={} is longer than the timeout of {}",
            seconds(limit),
            seconds(timeout)
        )),
        Ok(limit) => warning(format!(
            "unit: TimeoutStopSec={} does not cover the timeout of {}; hhvm-drain asks systemd for more time, but a \
             daemon-reload during the drain would cut it; set TimeoutStopSec={} with systemctl edit",
            seconds(limit),
            seconds(timeout),
            (timeout + Duration::from_secs(60)).as_secs()
        )),
        Err(_) => warning(format!("unit: TimeoutStopSec={timeout_stop} is not understood")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(text: &str) -> Vec<String> {
        let good = "LoadState=loaded\nNotifyAccess=exec\nTimeoutStopUSec=1min 30s\nNeedDaemonReload=no\n\
                    ExecStopPost={ path=x ; argv[]=/usr/bin/hhvm-drain restore ; ignore_errors=yes }\n\
                    ExecStartPre={ path=x ; argv[]=/usr/bin/hhvm-drain restore ; ignore_errors=yes }\n";
        effective_unit(&Unit::parse(&format!("{good}{text}")), &Settings::default(), "hhvm.service")
            .into_iter()
            .map(|finding| format!("{:?} {}", finding.severity, finding.text))
            .collect()
    }

    const OURS: &str = "ExecStop={ path=x ; argv[]=/usr/bin/hhvm-drain stop --unit=u ; ignore_errors=yes }\n";

    #[test]
    fn the_shipped_drop_in_is_good() {
        assert!(unit(OURS).iter().all(|line| line.starts_with("None")), "{:?}", unit(OURS));
    }

    #[test]
    fn a_stop_command_before_ours_or_none_at_all_is_an_error() {
        let other = "ExecStop={ path=x ; argv[]=/etc/init.d/hhvm stop ; ignore_errors=no }\n";
        assert!(unit(&format!("{other}{OURS}"))[0].contains("/etc/init.d/hhvm stop\" runs before"));
        assert!(unit("")[0].contains("does not call hhvm-drain stop"));
    }

    #[test]
    fn too_little_patience_is_named_with_what_to_set() {
        let finding = patience("20s", Duration::from_secs(30));
        assert!(finding.severity.is_some() && finding.text.contains("TimeoutStopSec=90"), "{finding:?}");
        assert!(patience("infinity", Duration::from_secs(3000)).severity.is_none());
    }
}
