//! A service unit, as `systemctl show` prints it: the properties that matter to a drain.

use std::collections::BTreeMap;
use std::time::Duration;

/// What systemd knows of a unit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unit {
    /// Whether there is such a unit.
    pub is_loaded: bool,
    /// What it does.
    pub activity: Activity,
    /// The main process, if systemd knows it.
    pub main_pid: Option<i32>,
    /// Its cgroup, from the root of the hierarchy; none while it has no process.
    pub control_group: Option<String>,
    /// What its processes are started with: `ExecStart=`, `Environment=` and `EnvironmentFile=`, as systemctl prints
    /// them.
    pub start: String,
    /// The command lines of `ExecStop=`, in order.
    pub exec_stop: Vec<String>,
    /// Of `ExecStopPost=`.
    pub exec_stop_post: Vec<String>,
    /// Of `ExecStartPre=`.
    pub exec_start_pre: Vec<String>,
    /// Who may send notifications.
    pub notify_access: NotifyAccess,
    /// `SuccessExitStatus=`: statuses and signals that are no failure.
    pub success_exit_status: Vec<String>,
    /// `TimeoutStartSec=`.
    pub timeout_start: Patience,
    /// `TimeoutStopSec=`.
    pub timeout_stop: Patience,
    /// Whether its files have changed since systemd read them.
    pub need_daemon_reload: bool,
}

/// `ActiveState=` (systemd(1), "Units").
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Activity {
    /// Started.
    Active,
    /// Being started, or about to be started again.
    Activating,
    /// Being stopped.
    Deactivating,
    /// Any other.
    #[default]
    Other,
}

/// `NotifyAccess=` (systemd.service(5)).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum NotifyAccess {
    /// Nobody, or the main process alone.
    #[default]
    NotHooks,
    /// The main process and the hooks.
    Exec,
    /// Every process of the unit.
    All,
}

/// How long systemd waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Patience {
    /// So long.
    For(Duration),
    /// For ever.
    Infinite,
    /// In words that are not understood.
    Unclear(String),
}

impl Default for Patience {
    fn default() -> Self {
        Self::Unclear(String::new())
    }
}

impl Unit {
    /// The names of the properties, for `systemctl show -p` (org.freedesktop.systemd1(5)).
    pub const PROPERTIES: [&str; 15] = [
        "LoadState",
        "ActiveState",
        "MainPID",
        "ControlGroup",
        "ExecStart",
        "Environment",
        "EnvironmentFiles",
        "ExecStop",
        "ExecStopPost",
        "ExecStartPre",
        "NotifyAccess",
        "SuccessExitStatus",
        "TimeoutStartUSec",
        "TimeoutStopUSec",
        "NeedDaemonReload",
    ];

    /// Reads what `systemctl show` prints: a line `NAME=VALUE` for a property, several for a list of commands.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut values = BTreeMap::<&str, Vec<&str>>::new();
        for (name, value) in text.lines().filter_map(|line| line.split_once('=')) {
            values.entry(name).or_default().push(value);
        }
        let all = |name: &str| values.get(name).cloned().unwrap_or_default();
        let one = |name: &str| all(name).first().copied().unwrap_or_default();
        let commands = |name: &str| all(name).into_iter().filter_map(command).collect();
        Self {
            is_loaded: one("LoadState") == "loaded",
            activity: activity(one("ActiveState")),
            main_pid: one("MainPID").parse().ok().filter(|pid| *pid > 0),
            control_group: Some(one("ControlGroup").to_owned()).filter(|path| !path.is_empty()),
            start: ["ExecStart", "Environment", "EnvironmentFiles"]
                .into_iter()
                .flat_map(all)
                .collect::<Vec<_>>()
                .join("\n"),
            exec_stop: commands("ExecStop"),
            exec_stop_post: commands("ExecStopPost"),
            exec_start_pre: commands("ExecStartPre"),
            notify_access: notify_access(one("NotifyAccess")),
            success_exit_status: one("SuccessExitStatus").split_whitespace().map(str::to_owned).collect(),
            timeout_start: patience(one("TimeoutStartUSec")),
            timeout_stop: patience(one("TimeoutStopUSec")),
            need_daemon_reload: one("NeedDaemonReload") == "yes",
        }
    }
}

fn activity(value: &str) -> Activity {
    match value {
        "active" | "reloading" => Activity::Active,
        "activating" => Activity::Activating,
        "deactivating" => Activity::Deactivating,
        _ => Activity::Other,
    }
}

fn notify_access(value: &str) -> NotifyAccess {
    match value {
        "exec" => NotifyAccess::Exec,
        "all" => NotifyAccess::All,
        _ => NotifyAccess::NotHooks,
    }
}

fn patience(value: &str) -> Patience {
    match (value, humantime::parse_duration(value)) {
        ("infinity", _) => Patience::Infinite,
        (_, Ok(time)) => Patience::For(time),
        (words, Err(_)) => Patience::Unclear(words.to_owned()),
    }
}

/// The words in `{ path=… ; argv[]=WORDS ; ignore_errors=… }`.
fn command(value: &str) -> Option<String> {
    let (_, rest) = value.split_once("argv[]=")?;
    let end = rest.find(" ; ignore_errors=").or_else(|| rest.find(" ; "))?;
    Some(rest[..end].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_of_a_unit_are_read_in_order() {
        let unit = Unit::parse(
            "MainPID=12\nExecStop={ path=/bin/a ; argv[]=/bin/a x ; y ; ignore_errors=yes ; start_time=[n/a] }\n\
             ExecStop={ path=/bin/b ; argv[]=/bin/b ; ignore_errors=no ; pid=0 }\nControlGroup=\n",
        );
        assert_eq!(unit.exec_stop, ["/bin/a x ; y", "/bin/b"]);
        assert_eq!((unit.main_pid, unit.control_group), (Some(12), None));
        assert!(unit.exec_stop_post.is_empty());
    }

    #[test]
    fn what_systemd_does_not_say_is_not_made_up() {
        assert_eq!(Unit::parse(""), Unit::default());
        assert_eq!(Unit::parse("MainPID=0\nTimeoutStopUSec=1min 30s\n").main_pid, None);
        for (words, expected) in [
            ("1min 30s", Patience::For(Duration::from_secs(90))),
            ("infinity", Patience::Infinite),
            ("soon", Patience::Unclear("soon".to_owned())),
        ] {
            assert_eq!(Unit::parse(&format!("TimeoutStopUSec={words}")).timeout_stop, expected);
        }
    }
}
