//! `drop-in`: prints the drop-in for any unit, for an HHVM unit with another name, or for PHP-FPM.

use super::asking::{Running, configuration};
use super::taken_away::{needed_timeout_stop, needs_notify_access_all, value};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::settings::Settings;
use crate::systemd;
use crate::unit::{KillMode, Patience, Unit};
use std::io::Write;
use std::time::{Duration, Instant};

/// The drop-in of the package; its lines name the unit by a specifier, so they are right for every unit.
const DROP_IN: &str = include_str!("../../systemd/hhvm.service.d/drain.conf");
/// For so long HHVM's files may take to read.
const PATIENCE: Duration = Duration::from_secs(2);
/// What it has as `TimeoutStopSec=`.
const TIMEOUT_STOP: Patience = Patience::For(Duration::from_secs(90));

/// What a unit needs besides the package's lines, or in their place.
#[derive(Debug, PartialEq, Eq)]
struct Needs {
    timeout_stop: Patience,
    /// `NotifyAccess=all`.
    all_may_notify: bool,
    /// `RootDirectoryStartOnly=yes`.
    has_root: bool,
    /// Commands that stop HHVM, where systemd does not.
    stop_commands: Vec<String>,
}

/// Runs the command.
pub(super) fn run(context: &Context, settings: &Settings) -> Result<()> {
    let unit = systemd::unit(&context.unit).unwrap_or_default();
    let text = text(context.unit.as_str(), &needs(context, settings, &unit));
    write!(std::io::stdout(), "{text}").map_err(Error::Output)
}

fn needs(context: &Context, settings: &Settings, unit: &Unit) -> Needs {
    let own = systemd::own(unit, &context.root);
    let running = Running::of(context, Some(unit));
    let hhvm = running
        .main
        .process()
        .and_then(|process| configuration(context, process, Some(unit), Instant::now() + PATIENCE));
    let timeout_stop = needed_timeout_stop(&own, settings, hhvm.as_ref());
    Needs {
        timeout_stop: match timeout_stop {
            Patience::For(time) if time < Duration::from_secs(90) => TIMEOUT_STOP,
            longer => longer,
        },
        all_may_notify: needs_notify_access_all(unit, &own),
        has_root: unit.root.is_some(),
        stop_commands: if unit.kill_mode == KillMode::None { own.exec_stop } else { Vec::new() },
    }
}

/// The drop-in, its first comment exchanged for one that says where it belongs.
fn text(unit: &str, needs: &Needs) -> String {
    let lines = DROP_IN.split_once("\n\n").map_or(DROP_IN, |(_, lines)| lines);
    let lines: String = lines.lines().map(|line| suited(line, needs) + "\n").collect();
    format!(
        "# Drains {unit} before systemd stops it. See hhvm-drain(8).\n\
         # Save it as /etc/systemd/system/{unit}.d/drain.conf, run \"systemctl daemon-reload\",\n\
         # put its settings under [unit.\"{unit}\"] in /etc/hhvm-drain.toml, and run \"hhvm-drain check --unit={unit}\".\n\n\
         {lines}"
    )
}

/// The line as this unit needs it, and what it needs after it.
fn suited(line: &str, needs: &Needs) -> String {
    match line {
        "NotifyAccess=exec" if needs.all_may_notify => {
            "# But this unit has it, and may not be up, or alive, for systemd without.\nNotifyAccess=all"
                .to_owned()
        }
        "TimeoutStopSec=90s" if needs.timeout_stop != TIMEOUT_STOP => {
            format!("TimeoutStopSec={}", value(&needs.timeout_stop))
        }
        _ if line.starts_with("ExecStop=-+") => {
            let mut text = line.to_owned();
            if !needs.stop_commands.is_empty() {
                text.push_str("\n# With KillMode=none systemd sends nothing, so the unit's own commands stop HHVM, after the drain.");
            }
            text.extend(needs.stop_commands.iter().map(|command| format!("\nExecStop={command}")));
            if needs.has_root {
                text.push_str(
                    "\n\n# hhvm-drain and the host's files are not below the unit's root directory. HHVM stays below it.\n\
                     RootDirectoryStartOnly=yes",
                );
            }
            text
        }
        _ => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> Vec<&str> {
        text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).collect()
    }

    fn nothing() -> Needs {
        Needs {
            timeout_stop: TIMEOUT_STOP,
            all_may_notify: false,
            has_root: false,
            stop_commands: Vec::new(),
        }
    }

    #[test]
    fn the_lines_are_those_of_the_package() {
        let text = text("php8.2-fpm.service", &nothing());
        assert!(text.starts_with("# Drains php8.2-fpm.service before"));
        assert_eq!(settings(&text), settings(DROP_IN));
        let ours = settings(&text);
        assert!(ours.len() > 7 && !ours.iter().any(|line| line.contains("hhvm.service")), "{ours:?}");
    }

    #[test]
    fn a_unit_gets_what_it_needs() {
        let needs = Needs {
            timeout_stop: Patience::For(Duration::from_secs(600)),
            all_may_notify: true,
            has_root: true,
            stop_commands: vec!["/bin/kill -TERM $MAINPID".to_owned()],
        };
        let text = text("hhvm.service", &needs);
        let lines = settings(&text);
        let stop = lines.iter().position(|line| line.starts_with("ExecStop=-+")).unwrap();
        assert_eq!(
            lines[stop - 1..=stop + 2],
            [
                "ExecStop=",
                "ExecStop=-+/usr/bin/hhvm-drain stop --unit=%n",
                "ExecStop=/bin/kill -TERM $MAINPID",
                "RootDirectoryStartOnly=yes"
            ]
        );
        assert!(lines.contains(&"NotifyAccess=all") && lines.contains(&"TimeoutStopSec=600"), "{lines:?}");
        assert!(!lines.contains(&"NotifyAccess=exec") && !lines.contains(&"TimeoutStopSec=90s"), "{lines:?}");
    }
}
