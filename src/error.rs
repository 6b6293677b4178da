//! What can go wrong for a person who calls the program: one line for each, which says what to do.

use crate::fleet::Failure;
use crate::text::paths;
use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why a command failed.
#[derive(Debug)]
pub enum Error {
    /// Neither the health file nor its parked twin is there.
    NoHealthFile(Vec<PathBuf>),
    /// A health file could not be renamed.
    Rename {
        /// What should have been renamed.
        from: PathBuf,
        /// Why not.
        why: String,
    },
    /// The record cannot be read.
    RecordBroken {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The record is there, and this user may not read it.
    RecordDenied(PathBuf),
    /// The record cannot be written or removed.
    RecordWrite {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The history cannot be read.
    History {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The history is there, and this user may not read it.
    HistoryDenied(PathBuf),
    /// Another call holds the lock of the unit.
    Busy(PathBuf),
    /// The lock of the unit cannot be taken.
    Lock {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// `depool --wait` ended with requests in flight, or without knowing.
    NotDrained(String),
    /// `depool` could not take the node out; the messages before say why.
    NotDepooled,
    /// `depool` found the node out for a drain, and could not record that it is to stay out; the messages before say why.
    NotKept,
    /// Not every health file could be brought back; the messages before say why.
    NotBack,
    /// Standard input of the agent is no socket that listens.
    NoSocket(io::Error),
    /// `check` found this many errors.
    CheckFailed(usize),
    /// What was to be done with the fleet's keys could not be done; why, and what to do.
    Fleet(String),
    /// The answer could not be written.
    Output(io::Error),
}

/// The result of a command.
pub type Result<T> = std::result::Result<T, Error>;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoHealthFile(missing) => write!(
                f,
                "no health file at {}; create it, or set health-file to the right path",
                paths(missing)
            ),
            Self::Rename { from, why } => {
                write!(f, "cannot rename {}: {why}", from.display())
            }
            Self::RecordBroken { path, why } => write!(
                f,
                "record {} cannot be read ({why}); look at the health file, then remove the record",
                path.display()
            ),
            Self::RecordDenied(path) => {
                write!(f, "record {} can be read by root only; run as root", path.display())
            }
            Self::RecordWrite { path, source } => write!(
                f,
                "record {} cannot be written ({source}); run as root, and check that the disk is not full or read-only",
                path.display()
            ),
            Self::History { path, source } => {
                write!(f, "history {} cannot be read ({source}); remove it if root has not written it", path.display())
            }
            Self::HistoryDenied(path) => {
                write!(f, "history {} can be read by root only; run as root", path.display())
            }
            Self::Busy(path) => write!(
                f,
                "another hhvm-drain is working on this unit (lock {}); try again when it has finished",
                path.display()
            ),
            Self::Lock { path, source } => {
                write!(
                    f,
                    "lock {} cannot be taken ({source}); run as root, and check that /run is writable",
                    path.display()
                )
            }
            Self::NotDrained(why) => write!(f, "{why}; the node stays out of the pool"),
            Self::NotDepooled => {
                f.write_str("this node could not be taken out of its pool; see the lines above")
            }
            Self::NotKept => f.write_str(
                "this node is out for a drain only, and goes back after it: that it is to stay out could not be recorded; \
                 see the lines above",
            ),
            Self::NotBack => {
                f.write_str("this node could not be put back into its pool; see the lines above")
            }
            Self::NoSocket(source) => write!(
                f,
                "standard input is not a socket that listens ({source}); run systemctl enable --now hhvm-drain-agent.socket"
            ),
            Self::CheckFailed(1) => f.write_str("check found 1 error; the next stop may not drain"),
            Self::CheckFailed(n) => write!(f, "check found {n} errors; the next stop may not drain"),
            Self::Fleet(why) => f.write_str(why),
            Self::Output(source) => write!(f, "cannot write the answer ({source})"),
        }
    }
}

impl std::error::Error for Error {}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::Fleet(format!("etcd: {failure}"))
    }
}
