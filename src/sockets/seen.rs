//! What was seen, looked up: who holds which socket, where the unit listens, what nobody explains.

use super::{FileId, Held, Holder, Listener, Nature, Place, Process, TcpState, UnixState};
use super::{Space, UnixRow};
use crate::order;
use std::collections::BTreeMap;

/// All that was seen of a unit at one moment: every process, every descriptor of each.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seen {
    /// The processes of the unit, oldest first; this program and its children are not among them.
    pub processes: Vec<Process>,
    /// The sockets among their descriptors, in order.
    pub held: Vec<Held>,
    /// The kernel's lists, one of each network name space that was looked at.
    pub spaces: Vec<Space>,
    /// What sockets among [`Seen::held`] that stand in none of the lists have said themselves.
    pub asked: BTreeMap<u64, Nature>,
}

/// A listening socket of the unit.
pub(super) struct Listening {
    /// The name space whose list it stands in.
    pub(super) space: usize,
    pub(super) inode: u64,
    pub(super) place: Place,
    pub(super) file: Option<FileId>,
}

impl Seen {
    /// Where the unit listens, each place once, in order.
    #[must_use]
    pub fn listeners(&self) -> Vec<Listener> {
        let mut found: Vec<Listening> = self.listening().collect();
        order::sort_by(&mut found, |a, b| (&a.place, a.space).cmp(&(&b.place, b.space)));
        let mut listeners: Vec<(usize, Listener)> = Vec::new();
        for Listening { space, inode, place, file } in found {
            let holders = self.holders(inode).iter().filter_map(|held| self.holder(held));
            match listeners.last_mut() {
                Some((of, last)) if *of == space && last.place == place => last.holders.extend(holders),
                _ => {
                    let (inside, holders) = (self.spaces[space].inside, holders.collect());
                    listeners.push((space, Listener { place, inside, file, holders }));
                }
            }
        }
        let in_order = |(_, mut listener): (usize, Listener)| {
            order::sort_by_key(&mut listener.holders, |holder| (holder.process.started, holder.process.pid));
            listener
        };
        listeners.into_iter().map(in_order).collect()
    }

    fn holder(&self, held: &Held) -> Option<Holder> {
        let process = self.processes.get(held.process)?.clone();
        Some(Holder { process, descriptor: held.descriptor, inode: held.inode })
    }

    /// The sockets that the unit holds and that neither a list nor they themselves explain, each once.
    #[must_use]
    pub fn unexplained(&self) -> Vec<Held> {
        let inodes = |space: &Space| {
            let tcp = space.tcp.iter().map(|row| row.inode);
            tcp.chain(space.unix.iter().map(|row| row.inode)).collect::<Vec<_>>()
        };
        let mut listed: Vec<u64> = self.spaces.iter().flat_map(inodes).collect();
        listed.sort_unstable();
        let is_open = |held: &&Held| {
            listed.binary_search(&held.inode).is_err()
                && self.asked.get(&held.inode) != Some(&Nature::Harmless)
        };
        let mut unexplained: Vec<Held> = self.held.iter().filter(is_open).copied().collect();
        unexplained.dedup_by_key(|held| held.inode);
        unexplained
    }

    /// The listening sockets that the unit holds.
    pub(super) fn listening(&self) -> impl Iterator<Item = Listening> + '_ {
        self.spaces.iter().enumerate().flat_map(move |(index, space)| {
            let tcp = space.tcp.iter().filter(|row| row.state == TcpState::Listening);
            let tcp = tcp.map(move |row| Listening {
                space: index,
                inode: row.inode,
                place: Place::Tcp(row.local),
                file: None,
            });
            let unix = space.unix.iter().filter_map(move |row| match row {
                UnixRow { state: UnixState::Listening(_), name: Some(name), file, inode, .. } => {
                    let place = Place::Unix(name.clone());
                    Some(Listening { space: index, inode: *inode, place, file: *file })
                }
                _ => None,
            });
            tcp.chain(unix).filter(|socket| self.holds(socket.inode))
        })
    }

    /// Whether a process of the unit holds this socket.
    pub(super) fn holds(&self, inode: u64) -> bool {
        inode > 0 && !self.holders(inode).is_empty()
    }

    fn holders(&self, inode: u64) -> &[Held] {
        let begin = self.held.partition_point(|held| held.inode < inode);
        let end = self.held.partition_point(|held| held.inode <= inode);
        &self.held[begin..end]
    }
}
