//! Connections that nobody has accepted yet: a server's own count of its requests does not have them.

use super::{Place, Seen, TcpState, UnixState};

impl Seen {
    /// How many connections wait at the unit's listeners at `place`.
    #[must_use]
    pub fn waiting(&self, place: &Place) -> u64 {
        let own = self.listening().filter(|listener| listener.place == *place);
        own.map(|listener| {
            let space = &self.spaces[listener.space];
            let tcp = space.tcp.iter().filter(|row| {
                let is_open = matches!(row.state, TcpState::Arriving | TcpState::Open);
                row.inode == 0 && is_open && place.takes(row.local).is_some()
            });
            let unix = space.unix.iter().filter(|row| row.inode == listener.inode);
            let queues = unix.map(|row| match row.state {
                UnixState::Listening(queue) => u64::from(queue),
                UnixState::Connected | UnixState::Other => 0,
            });
            tcp.count() as u64 + queues.sum::<u64>()
        })
        .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Held, Name, Space, TcpRow, UnixRow};
    use super::*;

    fn tcp(inode: u64, state: TcpState, local: &str) -> TcpRow {
        TcpRow { inode, state, local: local.parse().unwrap(), idle: false, user: 0 }
    }

    fn unix(inode: u64, state: UnixState, path: &str) -> UnixRow {
        UnixRow { inode, state, name: Some(Name::Path(path.into())), file: None, peer: None }
    }

    #[test]
    fn only_what_is_not_accepted_at_the_own_listener_waits() {
        let (listening, open) = (TcpState::Listening, TcpState::Open);
        let space = Space {
            tcp: vec![
                tcp(1, listening, "[::]:9000"),
                tcp(0, open, "[::ffff:127.0.0.1]:9000"),
                tcp(0, TcpState::Arriving, "[::1]:9000"),
                tcp(5, open, "[::1]:9000"),
                tcp(0, TcpState::Ending, "[::1]:9000"),
                tcp(0, open, "[::1]:9001"),
            ],
            unix: vec![
                unix(2, UnixState::Listening(3), "/run/a.sock"),
                unix(3, UnixState::Listening(7), "/run/b.sock"),
                unix(6, UnixState::Connected, "/run/a.sock"),
            ],
            ephemeral: None,
            inside: 1,
        };
        let held = [1, 2, 5, 6].map(|inode| Held { inode, process: 0, descriptor: 3 }).to_vec();
        let seen = Seen { held, spaces: vec![space], ..Seen::default() };
        let path = |path: &str| Place::Unix(Name::Path(path.into()));
        assert_eq!(seen.waiting(&Place::Tcp("[::]:9000".parse().unwrap())), 2);
        assert_eq!(seen.waiting(&path("/run/a.sock")), 3);
        assert_eq!(seen.waiting(&path("/run/b.sock")), 0, "not the unit's");
    }
}
