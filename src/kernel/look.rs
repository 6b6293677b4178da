//! One look at a unit. Its order matters: the lists of Unix sockets are taken before the descriptors, so that a
//! connection that is accepted between the two is either waiting in the first or held in the second.

use super::descriptors::sockets_of;
use super::direct::nature;
use super::enter::id_of;
use super::processes::{members, of_unit};
use super::space::NetSpace;
use super::unseen::check;
use super::wire::Wanted;
use super::{Host, Scope, Unseen};
use crate::order;
use crate::sockets::{Held, Holder, Listener, Place, Process, Seen, Space, TcpRow};
use std::net::SocketAddr;
use std::time::Instant;

/// So often a look is tried, because processes or sockets come and go meanwhile.
const ATTEMPTS: usize = 3;
/// Most descriptors of a unit's processes that are looked at.
const DESCRIPTORS_MAX: usize = 250_000;
/// So many sockets that no list explains are asked themselves; more of them count as in use.
const ASKED_MAX: usize = 1_000;
/// The process that has given others what they have from birth: standard output, sockets by which they are activated.
const PID_1: i32 = 1;

/// Looks at all processes of `scope` and their sockets; returns by `deadline`, but for a moment.
///
/// # Errors
/// When not everything can be seen: without the rights, while processes come and go, when there are too many.
pub fn look(scope: &Scope, host: &Host, deadline: Instant) -> Result<Seen, Unseen> {
    let mut seen = settle(|| {
        let seen = attempt(scope, host, Wanted::Connections, deadline)?;
        let settled = seen.unexplained().is_empty();
        Ok((seen, settled))
    })?;
    for held in seen.unexplained().into_iter().take(ASKED_MAX) {
        check(deadline)?;
        let Some(process) = seen.processes.get(held.process) else { continue };
        seen.asked.insert(held.inode, nature(&host.proc, process, held));
    }
    Ok(seen)
}

/// Where the processes of `scope` listen: [`look`], in less time.
///
/// # Errors
/// Those of [`look`].
pub fn listeners(scope: &Scope, host: &Host, deadline: Instant) -> Result<Vec<Listener>, Unseen> {
    settle(|| Ok((attempt(scope, host, Wanted::Listeners, deadline)?.listeners(), true)))
}

/// Whether this process still holds a socket that it was seen to hold. As long as it does, nobody else listens there.
#[must_use]
pub fn still_holds(holder: &Holder, host: &Host) -> bool {
    let descriptors = host.proc.join(holder.process.pid.to_string()).join("fd");
    let link = std::fs::read_link(descriptors.join(holder.descriptor.to_string()));
    link.is_ok_and(|link| link.as_os_str() == format!("socket:[{}]", holder.inode).as_str())
}

/// The users, by number, who have made the sockets that listen at `address` in the network name space of `pid`, whatever
/// unit they are of.
///
/// # Errors
/// When they are not known.
pub fn users_listening(
    address: SocketAddr,
    pid: i32,
    host: &Host,
    deadline: Instant,
) -> Result<Vec<u32>, Unseen> {
    let listens = |row: &&TcpRow| Place::Tcp(row.local).is_reached_by(address);
    Ok(listening(pid, host, deadline)?.iter().filter(listens).map(|row| row.user).collect())
}

/// Where anybody listens by TCP in the network name space of `pid`.
///
/// # Errors
/// When it is not known.
pub fn ports(pid: i32, host: &Host, deadline: Instant) -> Result<Vec<Place>, Unseen> {
    Ok(listening(pid, host, deadline)?.iter().map(|row| Place::Tcp(row.local)).collect())
}

fn listening(pid: i32, host: &Host, deadline: Instant) -> Result<Vec<TcpRow>, Unseen> {
    let id = id_of(host, pid).map_err(|error| Unseen::NameSpace(pid, error.kind()))?;
    let mut space = NetSpace::open(host, pid, id)?;
    space.list_tcp(Wanted::Listeners, 0, deadline)?;
    Ok(space.listed.tcp)
}

/// What was seen, with the lists of those sockets alone that belong to its listeners, as they are now. Sockets of which
/// only the descriptors tell are missing: it is good for a count that is far from zero, and quicker than [`look`].
///
/// # Errors
/// Those of [`look`].
pub fn relist(mut seen: Seen, host: &Host, deadline: Instant) -> Result<Seen, Unseen> {
    let listeners = seen.listeners();
    let mut spaces = Vec::new();
    for Space { inside, .. } in seen.spaces {
        let id = id_of(host, inside).map_err(|_| Unseen::Changing)?;
        let mut space = NetSpace::open(host, inside, id)?;
        let places = || listeners.iter().filter(|listener| listener.inside == inside).map(|one| &one.place);
        if places().any(|place| place.port().is_none()) {
            space.list_unix(Wanted::Connections, deadline)?;
        }
        let ports = order::set(places().filter_map(Place::port));
        ports.into_iter().try_for_each(|port| space.list_tcp(Wanted::Connections, port, deadline))?;
        spaces.push(space.listed);
    }
    seen.spaces = spaces;
    Ok(seen)
}

/// Tries again while the result is not settled: what is made between two steps is explained by the next attempt.
fn settle<T>(mut attempt: impl FnMut() -> Result<(T, bool), Unseen>) -> Result<T, Unseen> {
    let mut last = attempt();
    for _ in 1..ATTEMPTS {
        match last {
            Ok((_, false)) | Err(Unseen::Changing) => last = attempt(),
            Ok((_, true)) | Err(_) => break,
        }
    }
    last.map(|(found, _)| found)
}

fn attempt(scope: &Scope, host: &Host, wanted: Wanted, deadline: Instant) -> Result<Seen, Unseen> {
    let pids = members(scope, host)?;
    let processes = of_unit(&pids, host, deadline)?;
    let mut spaces: Vec<NetSpace> = Vec::new();
    for process in &processes {
        let id = id_of(host, process.pid).map_err(|_| Unseen::Changing)?;
        if !spaces.iter().any(|space| space.id == id) {
            spaces.push(NetSpace::open(host, process.pid, id)?);
        }
    }
    let unix = |space: &mut NetSpace| space.list_unix(wanted, deadline);
    spaces.iter_mut().try_for_each(unix)?;
    let held = descriptors(&processes, host, deadline)?;
    if members(scope, host)? != pids && processes != super::processes::processes(scope, host, deadline)? {
        return Err(Unseen::Changing);
    }
    spaces.iter_mut().try_for_each(|space| space.list_tcp(wanted, 0, deadline))?;
    let ids: Vec<u64> = spaces.iter().map(|space| space.id).collect();
    let spaces = spaces.into_iter().map(|space| space.listed).collect();
    let mut seen = Seen { processes, held, spaces, ..Seen::default() };
    if wanted == Wanted::Connections && !seen.unexplained().is_empty() {
        seen.spaces.extend(space_of_pid_1(host, &ids, deadline)?);
    }
    Ok(seen)
}

fn descriptors(processes: &[Process], host: &Host, deadline: Instant) -> Result<Vec<Held>, Unseen> {
    let mut held = Vec::new();
    let mut looked_at = 0;
    for (index, process) in processes.iter().enumerate() {
        check(deadline)?;
        sockets_of(&host.proc, process.pid, |descriptor, inode| {
            held.extend(inode.map(|inode| Held { inode, process: index, descriptor }));
            looked_at += 1;
            if looked_at > DESCRIPTORS_MAX { Err(Unseen::TooMany("descriptors")) } else { Ok(()) }
        })?;
    }
    order::sort(&mut held);
    Ok(held)
}

/// The lists of the name space in which descriptors are made that processes have from birth, unless they are known.
/// Where it cannot be entered, more stays unexplained.
fn space_of_pid_1(host: &Host, known: &[u64], deadline: Instant) -> Result<Option<Space>, Unseen> {
    let Ok(id) = id_of(host, PID_1) else { return Ok(None) };
    if known.contains(&id) {
        return Ok(None);
    }
    let Ok(mut space) = NetSpace::open(host, PID_1, id) else { return Ok(None) };
    space.list_unix(Wanted::Connections, deadline)?;
    space.list_tcp(Wanted::Connections, 0, deadline)?;
    Ok(Some(space.listed))
}
