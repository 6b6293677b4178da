//! What systemd knows of a unit, as fields.

use super::filter::Filter;
use super::mounts::Mounts;
use super::words::{Activity, Author, KillMode, Lifetime, NotifyAccess, Output, Patience, Relation};
use std::path::PathBuf;
use std::time::Duration;

/// What systemd knows of a unit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unit {
    /// Its full name.
    pub id: String,
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
    /// The assignments of `Environment=`.
    pub environment: Vec<String>,
    /// The files of `EnvironmentFile=`, in order.
    pub environment_files: Vec<PathBuf>,
    /// The command lines of `ExecStop=`, in order.
    pub exec_stop: Vec<String>,
    /// Those of them that have no `+`, so that the unit's user and sandbox apply to them; empty before systemd 243,
    /// which does not tell.
    pub exec_stop_confined: Vec<String>,
    /// Of `ExecStopPost=`.
    pub exec_stop_post: Vec<String>,
    /// Of `ExecStartPre=`.
    pub exec_start_pre: Vec<String>,
    /// Of `ExecStartPost=`.
    pub exec_start_post: Vec<String>,
    /// Units that are started with it.
    pub wants: Vec<String>,
    /// Who may send notifications.
    pub notify_access: NotifyAccess,
    /// `SuccessExitStatus=`: statuses and signals that are no failure.
    pub success_exit_status: Vec<String>,
    /// `TimeoutStartSec=`.
    pub timeout_start: Patience,
    /// `TimeoutStopSec=`.
    pub timeout_stop: Patience,
    /// How long its jobs may take, each limit with the name of its line in `[Unit]`.
    pub job_limits: Vec<(&'static str, Duration)>,
    /// Whether its files have changed since systemd read them.
    pub need_daemon_reload: bool,
    /// The program of `ExecStart=`.
    pub program: PathBuf,
    /// Whether its start, or its watchdog, waits for notifications: `Type=notify`, `WatchdogSec=`.
    pub awaits_notifications: bool,
    /// How long its main process lives.
    pub lifetime: Lifetime,
    /// `KillMode=`.
    pub kill_mode: KillMode,
    /// `User=` unless it is root.
    pub user: Option<String>,
    /// `RootDirectory=` or `RootImage=`, with its name, where the hooks run below it, too.
    pub root: Option<String>,
    /// What is mounted for its processes alone, its hooks with `+` among them.
    pub mounts: Mounts,
    /// Whom its processes cannot reach.
    pub filter: Filter,
    /// Where what its hooks say goes.
    pub output: Output,
    /// Who has written it.
    pub author: Author,
    /// Its own file and its drop-ins, in the order in which they are read.
    pub files: Vec<PathBuf>,
    /// The units that are stopped when it is, and why.
    pub stops: Vec<(Relation, String)>,
    /// The units whose stop stops it, too.
    pub stopped_by: Vec<String>,
    /// The units that it is stopped before.
    pub after: Vec<String>,
    /// The units that it is stopped after.
    pub before: Vec<String>,
}
