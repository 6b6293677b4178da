//! Which command is hurt, on what host, and what must come of it. A new command is a line in [`CASES`].

use crate::outcome::Missing;
use nix::errno::Errno;

/// Who calls the program.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Caller {
    /// `ExecStop=`.
    Stop,
    /// `ExecStopPost=`.
    StopPost,
    /// `ExecStartPre=`.
    StartPre,
    /// `ExecStartPost=`.
    StartPost,
    /// `hhvm-drain-repool@.service`.
    Repool,
    /// A person at a shell.
    Operator,
}

/// A call of the program.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    pub caller: Caller,
    pub words: &'static [&'static str],
}

const fn call(caller: Caller, words: &'static [&'static str]) -> Call {
    Call { caller, words }
}

const STOP: Call = call(Caller::Stop, &["stop", "--unit=hhvm.service"]);
const STOP_POST: Call = call(Caller::StopPost, &["restore", "--unit=hhvm.service"]);
const START_PRE: Call = call(Caller::StartPre, &["restore", "--unit=hhvm.service"]);
const START_POST: Call = call(Caller::StartPost, &["restore", "--unit=hhvm.service", "--wait"]);
const REPOOL: Call = call(Caller::Repool, &["restore", "--after-start", "--unit=hhvm.service"]);
const DEPOOL: Call = call(Caller::Operator, &["depool", "--reason=a new disk"]);
const DEPOOL_WAIT: Call = call(Caller::Operator, &["depool", "--wait"]);
pub const POOL: Call = call(Caller::Operator, &["pool"]);
pub const STATUS: Call = call(Caller::Operator, &["status", "--json"]);

/// What systemd calls after `ExecStop=`, until HHVM serves again.
const REST_OF_A_RESTART: &[Call] = &[STOP_POST, START_PRE, START_POST, REPOOL];
/// And after the stop hook.
const START: &[Call] = &[START_PRE, START_POST, REPOOL];
/// What it calls when the host is booted.
pub const BOOT: &[Call] = START;
const AFTER_THE_START: &[Call] = &[REPOOL];
const NEXT_RESTART: &[Call] = &[STOP, STOP_POST, START_PRE, START_POST, REPOOL];

/// The health files before the command.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Before {
    InPool,
    /// By a drain.
    Drained,
    /// By a drain; then a deploy deleted the parked file.
    Deleted,
    /// By an operator's `depool`.
    Depooled,
    /// By `mv`.
    ByHand,
}

/// Where the node must be in the end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum End {
    /// In the pool: it was ours.
    InPool,
    /// Out of it: it was the operator's.
    Depooled,
    /// Out of it, without a record.
    ByHand,
    /// Where the operator's command left it; and where that wants it if it said that it was done.
    As(Where),
}

/// In the pool or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Where {
    In,
    Out,
}

/// One command on one host.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    pub name: &'static str,
    pub before: Before,
    pub call: Call,
    pub hooks: &'static [Call],
    pub end: End,
    /// Requests in flight.
    pub load: u32,
    /// The health files, each in a directory of its own.
    pub files: &'static [&'static str],
    /// Further lines of the settings.
    pub settings: &'static str,
    /// What the kernel or the file system does not have.
    pub missing: &'static [Missing],
}

impl Case {
    /// Whether the disk does what it is told; else the record is in memory, and is not promised to survive a power cut.
    pub fn keeps_what_is_synced(&self) -> bool {
        !self.missing.iter().any(|missing| missing.call == NO_SYNC.call)
    }

    /// Whether it is one of the four commands on the host that most have, of which a sample hurts each call.
    pub fn is_plain(&self) -> bool {
        ["stop", "restore-after-stop", "restore-start-post", "depool", "pool"].contains(&self.name)
    }
}

const PLAIN: Case = Case {
    name: "",
    before: Before::InPool,
    call: STOP,
    hooks: REST_OF_A_RESTART,
    end: End::InPool,
    load: 0,
    files: &["/var/www/status.php"],
    settings: "",
    missing: &[],
};

const AFTER_STOP: &str = "repool = \"after-stop\"\n";
const TWO_FILES: &[&str] = &["/var/www/status.php", "/srv/other/health"];
/// NFS before Linux 4.1, and older kernels.
const NO_NOREPLACE: Missing = Missing { call: "renameat2", errno: Errno::EINVAL };
/// Shared folders of virtual machines.
const NO_LINKS: Missing = Missing { call: "linkat", errno: Errno::EPERM };
/// A kernel before 5.3.
const NO_PIDFD: Missing = Missing { call: "pidfd_open", errno: Errno::ENOSYS };
/// A disk that fails: the record goes to memory.
const NO_SYNC: Missing = Missing { call: "fsync", errno: Errno::EIO };

pub const CASES: &[Case] = &[
    Case { name: "stop", ..PLAIN },
    Case { name: "stop-busy", load: 5, ..PLAIN },
    Case { name: "stop-two-files", files: TWO_FILES, ..PLAIN },
    Case { name: "stop-of-an-operators", before: Before::Depooled, end: End::Depooled, ..PLAIN },
    Case { name: "stop-by-hand", before: Before::ByHand, end: End::ByHand, ..PLAIN },
    Case { name: "stop-again", before: Before::Drained, ..PLAIN },
    Case { name: "stop-without-noreplace", missing: &[NO_NOREPLACE], ..PLAIN },
    Case { name: "stop-without-links", missing: &[NO_NOREPLACE, NO_LINKS], ..PLAIN },
    Case { name: "stop-without-pidfd", missing: &[NO_PIDFD], ..PLAIN },
    Case { name: "stop-without-sync", missing: &[NO_SYNC], ..PLAIN },
    Case { name: "restore-stop-post", before: Before::Drained, call: STOP_POST, hooks: START, ..PLAIN },
    Case {
        name: "restore-after-stop",
        before: Before::Drained,
        call: STOP_POST,
        hooks: START,
        settings: AFTER_STOP,
        ..PLAIN
    },
    Case {
        name: "restore-two-files",
        before: Before::Drained,
        call: STOP_POST,
        hooks: START,
        settings: AFTER_STOP,
        files: TWO_FILES,
        ..PLAIN
    },
    Case {
        name: "restore-without-noreplace",
        before: Before::Drained,
        call: STOP_POST,
        hooks: START,
        settings: AFTER_STOP,
        missing: &[NO_NOREPLACE],
        ..PLAIN
    },
    Case {
        name: "restore-without-links",
        before: Before::Drained,
        call: STOP_POST,
        hooks: START,
        settings: AFTER_STOP,
        missing: &[NO_NOREPLACE, NO_LINKS],
        ..PLAIN
    },
    Case {
        name: "restore-deleted",
        before: Before::Deleted,
        call: STOP_POST,
        hooks: START,
        settings: AFTER_STOP,
        ..PLAIN
    },
    Case {
        name: "restore-deleted-without-noreplace",
        before: Before::Deleted,
        call: STOP_POST,
        hooks: START,
        settings: AFTER_STOP,
        missing: &[NO_NOREPLACE],
        ..PLAIN
    },
    Case {
        name: "restore-of-an-operators",
        before: Before::Depooled,
        call: STOP_POST,
        hooks: START,
        end: End::Depooled,
        settings: AFTER_STOP,
        ..PLAIN
    },
    Case { name: "restore-start-pre", before: Before::Drained, call: START_PRE, hooks: START, ..PLAIN },
    Case {
        name: "restore-start-post",
        before: Before::Drained,
        call: START_POST,
        hooks: AFTER_THE_START,
        ..PLAIN
    },
    Case {
        name: "restore-start-post-of-an-operators",
        before: Before::Depooled,
        call: START_POST,
        hooks: AFTER_THE_START,
        end: End::Depooled,
        ..PLAIN
    },
    Case { name: "restore-repool-unit", before: Before::Drained, call: REPOOL, hooks: NEXT_RESTART, ..PLAIN },
    Case { name: "depool", call: DEPOOL, hooks: NEXT_RESTART, end: End::As(Where::Out), ..PLAIN },
    Case {
        name: "depool-wait",
        call: DEPOOL_WAIT,
        hooks: REST_OF_A_RESTART,
        end: End::As(Where::Out),
        ..PLAIN
    },
    Case {
        name: "depool-of-a-drains",
        before: Before::Drained,
        call: DEPOOL,
        hooks: START,
        end: End::As(Where::Out),
        ..PLAIN
    },
    Case {
        name: "pool",
        before: Before::Depooled,
        call: POOL,
        hooks: NEXT_RESTART,
        end: End::As(Where::In),
        ..PLAIN
    },
    Case {
        name: "pool-two-files",
        before: Before::Depooled,
        call: POOL,
        hooks: NEXT_RESTART,
        end: End::As(Where::In),
        files: TWO_FILES,
        ..PLAIN
    },
    Case {
        name: "pool-by-hand",
        before: Before::ByHand,
        call: POOL,
        hooks: NEXT_RESTART,
        end: End::As(Where::In),
        ..PLAIN
    },
    Case {
        name: "pool-without-noreplace",
        before: Before::Depooled,
        call: POOL,
        hooks: NEXT_RESTART,
        end: End::As(Where::In),
        missing: &[NO_NOREPLACE],
        ..PLAIN
    },
];
