//! Why a unit cannot be looked at.

use std::fmt;
use std::io;
use std::time::Instant;

/// Why something of a unit's processes and sockets stays unseen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unseen {
    /// Neither the unit's cgroup nor its main process is known.
    NoUnit,
    /// The processes of the unit cannot be listed.
    Processes(io::ErrorKind),
    /// The descriptors of this process cannot be seen.
    Descriptors(i32),
    /// Processes came or went at each attempt to look at them.
    Changing,
    /// There are more processes, descriptors or sockets than are looked at.
    TooMany(&'static str),
    /// It was not done in time.
    TimedOut,
    /// The network name space of this process cannot be entered.
    NameSpace(i32, io::ErrorKind),
    /// The kernel's list of sockets cannot be had.
    List(io::ErrorKind),
    /// The kernel's list of sockets is not understood.
    NotUnderstood,
}

impl fmt::Display for Unseen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoUnit => f.write_str("neither the unit's cgroup nor its main process is known"),
            Self::Processes(why) => write!(f, "the unit's processes cannot be listed: {why}"),
            Self::Descriptors(pid) => {
                write!(f, "the descriptors of process {pid} cannot be seen: run as root, with CAP_SYS_PTRACE")
            }
            Self::Changing => {
                f.write_str("the unit's processes come and go faster than they can be looked at")
            }
            Self::TooMany(what) => write!(f, "there are more {what} than are looked at"),
            Self::TimedOut => f.write_str("the unit's sockets could not be looked at in time"),
            Self::NameSpace(pid, why) => {
                write!(f, "the network name space of process {pid} cannot be entered: {why}")
            }
            Self::List(why) => write!(f, "the kernel's list of sockets cannot be had: {why}"),
            Self::NotUnderstood => f.write_str("the kernel's list of sockets is not understood"),
        }
    }
}

/// Fails after the deadline.
pub(super) fn check(deadline: Instant) -> Result<(), Unseen> {
    if Instant::now() < deadline { Ok(()) } else { Err(Unseen::TimedOut) }
}
