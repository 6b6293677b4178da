//! Does something in the network name space of a process.

use super::{Host, Scope, Unseen, processes};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::thread;
use std::time::Instant;

/// Where front ends are, and what has made sockets that processes have from birth.
const PID_1: i32 = 1;

/// Does `task` in the network name space of the process `pid`. What is connected there stays connected afterwards.
///
/// Where that is not the name space of this thread, one of its own does it, which then ends: the program never is where
/// it does not belong, whatever fails.
///
/// # Errors
/// When it cannot be entered.
pub fn in_network_of<T: Send>(host: &Host, pid: i32, task: impl FnOnce() -> T + Send) -> Result<T, Unseen> {
    let failed = |error: io::Error| match error.kind() {
        ErrorKind::NotFound => Unseen::Changing,
        kind => Unseen::NameSpace(pid, kind),
    };
    let id = id_of(host, pid).map_err(failed)?;
    if number(&host.proc.join("thread-self/ns/net")).is_ok_and(|own| own == id) {
        return Ok(task());
    }
    let link = File::open(host.proc.join(pid.to_string()).join("ns/net")).map_err(failed)?;
    // It may be another process's by now.
    if link.metadata().map_err(failed)?.ino() != id {
        return Err(Unseen::Changing);
    }
    let inside = || {
        move_into_link_name_space(link.as_fd(), Some(LinkNameSpaceType::Network))?;
        Ok(task())
    };
    let done = thread::scope(|scope| {
        let thread = thread::Builder::new().name("netns".to_owned()).spawn_scoped(scope, inside)?;
        thread.join().unwrap_or_else(|_| Err(ErrorKind::Other.into()))
    });
    done.map_err(failed)
}

/// Whether all processes of `scope`, and PID 1, are in the network name space of this thread, so that none has to be
/// entered; false if that cannot be told.
#[must_use]
pub fn is_one_network(scope: &Scope, host: &Host, deadline: Instant) -> bool {
    let Ok(own) = number(&host.proc.join("thread-self/ns/net")) else { return false };
    let Ok(found) = processes(scope, host, deadline) else { return false };
    let mut pids = found.iter().map(|process| process.pid).chain([PID_1]);
    pids.all(|pid| id_of(host, pid).is_ok_and(|id| id == own))
}

/// The number of the network name space of a process.
pub(super) fn id_of(host: &Host, pid: i32) -> io::Result<u64> {
    number(&host.proc.join(pid.to_string()).join("ns/net"))
}

/// The number in `net:[NUMBER]`.
fn number(link: &Path) -> io::Result<u64> {
    let target = fs::read_link(link)?;
    let number = target.to_str().and_then(|text| text.strip_prefix("net:[")?.strip_suffix(']')?.parse().ok());
    number.ok_or_else(|| ErrorKind::InvalidData.into())
}
