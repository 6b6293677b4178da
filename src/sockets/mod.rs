//! What the kernel says of a unit's sockets, as values: where it listens, and which connections are its own.
//!
//! [`crate::kernel`] makes a [`Seen`]; all judgement is here, and touches nothing.

mod judgement;
mod place;
mod rows;
mod seen;
mod waiting;

pub use judgement::{Count, Question};
pub use place::{Name, Place};
pub use rows::{FileId, Space, TcpRow, TcpState, UnixRow, UnixState, is_idle};
pub use seen::Seen;

/// A process of the unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: i32,
    /// When it was started, in clock ticks since boot (field 22 of `/proc/PID/stat`).
    pub started: u64,
    /// Its parent's number.
    pub parent: i32,
    /// The name of its program, at most 15 bytes, as it may have changed it itself (`/proc/PID/comm`).
    pub name: String,
}

/// A socket among the descriptors of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Held {
    /// The socket's number, the same in every list and in every process that shares it.
    pub inode: u64,
    /// The process that holds it: its place in [`Seen::processes`].
    pub process: usize,
    /// The descriptor's number there.
    pub descriptor: i32,
}

/// What a socket that stands in no list is, by its own word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nature {
    /// Nothing that brings requests: of another protocol, not connected, or connected outwards.
    Harmless,
    /// A connection that somebody else has opened, or something that cannot be told from one.
    InUse,
}

/// A place where the unit accepts connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// Where.
    pub place: Place,
    /// A process that is in the network name space of that address.
    pub inside: i32,
    /// The file of a Unix socket.
    pub file: Option<FileId>,
    /// The processes that hold it, oldest first.
    pub holders: Vec<Holder>,
}

/// A process that holds a socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The process.
    pub process: Process,
    /// The descriptor's number there.
    pub descriptor: i32,
    /// The socket's number.
    pub inode: u64,
}
