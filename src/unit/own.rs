//! What a unit's own files say, without the drop-ins of this program: what those take away from it.

use super::properties::Unit;
use super::words::{NotifyAccess, Patience};

/// What a unit would do if this program were not there, as far as its files say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Own {
    /// Its stop commands, as its files write them.
    pub exec_stop: Vec<String>,
    /// Its `NotifyAccess=`.
    pub notify_access: Option<NotifyAccess>,
    /// Whether it has a `WatchdogSec=`, which `systemctl show` tells only while the watchdog runs.
    pub has_watchdog: bool,
    /// Its `TimeoutStopSec=`; systemd's default is not in its files.
    pub timeout_stop: Option<Patience>,
}

impl Own {
    /// Reads the files of a unit, in their order. One that calls `hhvm-drain stop` is this program's, whoever wrote it.
    #[must_use]
    pub fn of(files: &[String]) -> Self {
        let mut own = Self::default();
        for (key, value) in
            files.iter().map(|text| service_lines(text)).filter(|lines| !is_ours(lines)).flatten()
        {
            match key.as_str() {
                "ExecStop" if value.is_empty() => own.exec_stop.clear(),
                "ExecStop" => own.exec_stop.push(value),
                "NotifyAccess" => own.notify_access = Some(value.as_str().into()),
                "WatchdogSec" => own.has_watchdog = !matches!(value.as_str(), "" | "0" | "infinity"),
                "TimeoutStopSec" | "TimeoutSec" => own.timeout_stop = Some(limit(&value)),
                _ => {}
            }
        }
        own
    }

    /// The stop commands that `unit` no longer runs.
    #[must_use]
    pub fn lost_stop_commands(&self, unit: &Unit) -> Vec<&str> {
        let is_lost = |line: &&str| !unit.exec_stop.iter().any(|runs| is_same(line, runs));
        self.exec_stop.iter().map(String::as_str).filter(is_lost).collect()
    }
}

/// Whether `command`, a line of a file or of `systemctl show`, calls this program with `subcommand`.
#[must_use]
pub fn calls(command: &str, subcommand: &str) -> bool {
    let mut words = command.split_whitespace();
    words.any(|word| name(word) == "hhvm-drain") && words.any(|word| word == subcommand)
}

/// The program's own name, without the characters before a command that mean something (systemd.service(5)).
fn name(command: &str) -> &str {
    let program = command.split_whitespace().next().unwrap_or_default();
    program.trim_start_matches(['-', '@', ':', '+', '!', '|']).rsplit('/').next().unwrap_or_default()
}

/// Whether `own`, a line of a file, is what `runs` tells of `systemctl show`, which has no quotes, and has put in what
/// specifiers stand for.
fn is_same(own: &str, runs: &str) -> bool {
    let arguments = |line: &str| {
        let words = line.split_whitespace().skip(1).map(|word| word.replace(['"', '\''], ""));
        words.collect::<Vec<_>>().join(" ")
    };
    name(own) == name(runs) && (own.contains(['%', '\\']) || arguments(own) == arguments(runs))
}

fn is_ours(lines: &[(String, String)]) -> bool {
    lines.iter().any(|(key, value)| key == "ExecStop" && calls(value, "stop"))
}

/// `TimeoutStopSec=`, of which systemd.service(5) says that 0 means for ever.
fn limit(value: &str) -> Patience {
    match Patience::from(value) {
        Patience::For(time) if time.is_zero() => Patience::Infinite,
        other => other,
    }
}

/// The assignments in the section `[Service]`, in order (systemd.syntax(7)).
fn service_lines(text: &str) -> Vec<(String, String)> {
    let mut section = "";
    let mut unfinished = String::new();
    let mut found = Vec::new();
    for line in text.lines().map(str::trim) {
        if line.starts_with(['#', ';']) || (line.is_empty() && unfinished.is_empty()) {
            continue;
        }
        if let Some(part) = line.strip_suffix('\\') {
            unfinished.push_str(part);
            unfinished.push(' ');
            continue;
        }
        let whole = std::mem::take(&mut unfinished) + line;
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name;
        } else if let (Some((key, value)), "Service") = (whole.split_once('='), section) {
            found.push((key.trim().to_owned(), value.trim().to_owned()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const OURS: &str = "[Service]\nNotifyAccess=exec\nTimeoutStopSec=90s\nExecStop=\n\
                        ExecStop=-+/usr/bin/hhvm-drain stop --unit=%n\n";

    fn own(files: &[&str]) -> Own {
        Own::of(&files.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn what_this_program_sets_is_not_the_units_own() {
        let unit = "[Unit]\nExecStop=/no\n[Service]\nTimeoutSec = 10min\nNotifyAccess=all\nWatchdogSec=30\n\
                    ExecStop=/bin/kill \\\n # a comment in the midst\n  -TERM $MAINPID\n";
        let found = own(&[unit, OURS]);
        assert_eq!(found.exec_stop, ["/bin/kill  -TERM $MAINPID"]);
        assert_eq!(found.notify_access, Some(NotifyAccess::All));
        assert_eq!(found.timeout_stop, Some(Patience::For(Duration::from_secs(600))));
        assert!(found.has_watchdog);
        assert_eq!(own(&[OURS]), Own::default());
    }

    #[test]
    fn later_files_count_and_an_empty_line_resets() {
        let later = "[Service]\nExecStop=\nTimeoutStopSec=0\nWatchdogSec=0\n";
        let found = own(&["[Service]\nExecStop=/bin/a\nTimeoutStopSec=1\nWatchdogSec=1\n", OURS, later]);
        assert!(found.exec_stop.is_empty() && !found.has_watchdog);
        assert_eq!(found.timeout_stop, Some(Patience::Infinite));
    }

    #[test]
    fn a_stop_command_is_lost_unless_the_unit_still_runs_it() {
        let own =
            Own { exec_stop: vec!["-/bin/kill -TERM $MAINPID".into(), "/bin/a".into()], ..Own::default() };
        let unit = |lines: &[&str]| Unit {
            exec_stop: lines.iter().map(|line| (*line).to_owned()).collect(),
            ..Unit::default()
        };
        let ours = "/usr/bin/hhvm-drain stop --unit=hhvm.service";
        assert_eq!(own.lost_stop_commands(&unit(&[ours])).len(), 2);
        assert_eq!(own.lost_stop_commands(&unit(&[ours, "/bin/kill -TERM $MAINPID"])), ["/bin/a"]);
        assert_eq!(own.lost_stop_commands(&unit(&[ours, "/bin/a", "/bin/kill -9 x"])).len(), 1);
        let words = ["-/bin/sh -c 'kill  \"$MAINPID\"'", "@/bin/b b %n"].map(str::to_owned);
        let own = Own { exec_stop: words.to_vec(), ..Own::default() };
        assert!(
            own.lost_stop_commands(&unit(&["/bin/sh -c kill  $MAINPID", "/bin/b b u.service"])).is_empty()
        );
    }
}
