//! Made-up units: what truly is on them, what the kernel would list of it, and what is counted.

use super::*;
use crate::sockets::{FileId, Held, Nature, Process};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

/// Name spaces: the unit's own, that of PID 1, and one that nobody looks at.
const SPACES: usize = 3;
const LISTED: usize = 2;
const EPHEMERAL_PORT: u16 = 40_000;

/// Where something listens or listened.
#[derive(Debug, Clone)]
struct Server {
    place: Place,
    space: usize,
    ours: bool,
    admin: bool,
    /// It was closed before, its connections were not; nobody waits in its queue.
    gone: bool,
}

/// A connection to a server.
#[derive(Debug, Clone)]
struct Connection {
    server: Index,
    /// Not accepted yet.
    queued: bool,
    /// Held by a process outside of the unit.
    outside: bool,
    state: TcpState,
    idle: bool,
    /// The name space of the client.
    from: usize,
}

/// Another socket of the unit's.
#[derive(Debug, Clone, Copy)]
enum Own {
    TcpOutwards,
    UnixOutwards,
    Pair,
    Datagram,
    /// In no list, and by its own word nothing.
    Harmless,
}

/// A unit.
#[derive(Debug, Clone)]
struct Unit {
    servers: Vec<Server>,
    connections: Vec<Connection>,
    own: Vec<Own>,
    /// Rows that the kernel's walk through its lists has missed.
    missed: Vec<Index>,
    /// Whether where it listened before is known.
    remembered: bool,
}

fn place() -> impl Strategy<Value = Place> {
    let address = prop_oneof![Just("127.0.0.1"), Just("127.0.0.2"), Just("0.0.0.0"), Just("::1"), Just("::")];
    let port = prop_oneof![Just(80_u16), Just(9000), Just(9001), Just(EPHEMERAL_PORT), Just(50_000)];
    let tcp = (address, port)
        .prop_map(|(ip, port)| Place::Tcp((ip.parse::<std::net::IpAddr>().unwrap(), port).into()));
    let unix = (0..3_u8).prop_map(|n| Place::Unix(Name::Path(format!("/run/{n}").into())));
    let named = (0..2_u8).prop_map(|n| Place::Unix(Name::Abstract(vec![n])));
    prop_oneof![3 => tcp, 2 => unix, 1 => named]
}

fn server() -> impl Strategy<Value = Server> {
    (place(), 0..LISTED, any::<[bool; 2]>(), prop::bool::weighted(0.4)).prop_map(
        |(place, space, [ours, admin], gone)| Server { place, space, ours, admin: ours && admin, gone },
    )
}

fn connection() -> impl Strategy<Value = Connection> {
    let state =
        prop_oneof![4 => Just(TcpState::Open), 1 => Just(TcpState::Arriving), 1 => Just(TcpState::Ending)];
    (any::<Index>(), any::<[bool; 2]>(), prop::bool::weighted(0.2), state, 0..SPACES).prop_map(
        |(server, [queued, idle], outside, state, from)| Connection {
            server,
            queued,
            outside,
            state,
            idle,
            from,
        },
    )
}

fn unit() -> impl Strategy<Value = Unit> {
    let own = prop_oneof![
        Just(Own::TcpOutwards),
        Just(Own::UnixOutwards),
        Just(Own::Pair),
        Just(Own::Datagram),
        Just(Own::Harmless)
    ];
    let parts = (
        vec(server(), 0..5),
        vec(connection(), 0..8),
        vec(own, 0..6),
        vec(any::<Index>(), 0..2),
        any::<bool>(),
    );
    parts.prop_map(|(mut servers, connections, own, missed, remembered)| {
        // The kernel allows a place once in each name space, but for SO_REUSEPORT among sockets of one owner.
        let mut taken: Vec<(Place, usize)> = Vec::new();
        servers.retain(|server| {
            let overlaps = |place: &Place| match (place, &server.place) {
                (Place::Tcp(a), Place::Tcp(b)) => {
                    a.port() == b.port()
                        && (a.ip() == b.ip() || a.ip().is_unspecified() || b.ip().is_unspecified())
                }
                (a, b) => a == b,
            };
            let free = !taken.iter().any(|(place, space)| *space == server.space && overlaps(place));
            taken.push((server.place.clone(), server.space));
            free
        });
        Unit { servers, connections, own, missed, remembered }
    })
}

/// What was seen, and the truth.
#[derive(Default)]
struct World {
    seen: Seen,
    inode: u64,
    /// Connections in use on listeners of the unit that count.
    truth: u64,
    /// Those of them that nothing but a wild guess would find.
    beyond: u64,
}

impl World {
    fn of(unit: &Unit) -> Self {
        let process = Process { pid: 7, started: 1, parent: 1, name: "hhvm".to_owned() };
        let space = || Space { ephemeral: Some(32_768..=60_999), ..Space::default() };
        let mut world = Self::default();
        world.seen.processes.push(process);
        world.seen.spaces.extend((0..LISTED).map(|_| space()));
        for (index, server) in unit.servers.iter().enumerate().filter(|(_, server)| !server.gone) {
            world.listen(index, server, unit);
        }
        for connection in unit.connections.iter().filter(|_| !unit.servers.is_empty()) {
            let index = connection.server.index(unit.servers.len());
            world.connect(index, &unit.servers[index], connection, unit);
        }
        unit.own.iter().for_each(|own| world.own(*own));
        world.seen.held.sort_unstable();
        world
    }

    fn next(&mut self) -> u64 {
        self.inode += 1;
        self.inode
    }

    fn hold(&mut self, inode: u64) {
        self.seen.held.push(Held { inode, process: 0, descriptor: 3 });
    }

    fn tcp(&mut self, space: usize, inode: u64, state: TcpState, local: SocketAddr, idle: bool) {
        self.seen.spaces[space].tcp.push(TcpRow { inode, state, local, user: 0, idle });
    }

    fn unix(
        &mut self,
        space: usize,
        inode: u64,
        state: UnixState,
        name: Option<Name>,
        server: Option<usize>,
    ) {
        let file = server.filter(|_| matches!(name, Some(Name::Path(_))));
        let file = file.map(|index| FileId { device: 1, inode: u32::try_from(index).unwrap() });
        if let Some(listed) = self.seen.spaces.get_mut(space) {
            listed.unix.push(UnixRow { inode, state, name, file, peer: None });
        }
    }

    fn listen(&mut self, index: usize, server: &Server, unit: &Unit) {
        let inode = self.next();
        if server.ours {
            self.hold(inode);
        }
        let waits = |connection: &&Connection| {
            connection.queued && connection.server.index(unit.servers.len()) == index
        };
        let queue = u32::try_from(unit.connections.iter().filter(waits).count()).unwrap();
        match &server.place {
            Place::Tcp(local) => self.tcp(server.space, inode, TcpState::Listening, *local, false),
            Place::Unix(name) => {
                let listening = UnixState::Listening(queue);
                self.unix(server.space, inode, listening, Some(name.clone()), Some(index));
            }
        }
    }

    fn connect(&mut self, index: usize, server: &Server, connection: &Connection, unit: &Unit) {
        if connection.queued && server.gone {
            return;
        }
        let held = server.ours && !connection.queued && !connection.outside;
        let counts = server.ours && !server.admin && (held || !server.gone);
        match &server.place {
            Place::Tcp(listener) => {
                let state = match connection.state {
                    TcpState::Ending if connection.queued => TcpState::Open,
                    state => state,
                };
                let idle = connection.idle && !connection.queued && state == TcpState::Open;
                let inode = if connection.queued { 0 } else { self.next() };
                self.tcp(server.space, inode, state, local_end(*listener), idle);
                if held {
                    self.hold(inode);
                }
                // Without its listener it looks like one outwards.
                let hidden = server.gone && !unit.remembered && (32_768..=60_999).contains(&listener.port());
                let in_use = u64::from(counts && !idle);
                self.truth += in_use;
                self.beyond += in_use * u64::from(hidden && has_page_listener(unit));
            }
            Place::Unix(name) => {
                // A name that is no file is known in its own network name space only.
                let from = if matches!(name, Name::Path(_)) { connection.from } else { server.space };
                if !connection.queued {
                    let inode = self.next();
                    self.unix(from, inode, UnixState::Connected, Some(name.clone()), Some(index));
                    if held {
                        self.hold(inode);
                    }
                }
                let found = connection.queued || held || from < LISTED;
                self.truth += u64::from(counts);
                self.beyond += u64::from(counts && !found);
            }
        }
    }

    fn own(&mut self, own: Own) {
        let inode = self.next();
        self.hold(inode);
        match own {
            Own::TcpOutwards => {
                let local = SocketAddr::from(([10, 0, 0, 1], EPHEMERAL_PORT + 1));
                self.tcp(0, inode, TcpState::Open, local, false);
            }
            Own::UnixOutwards | Own::Pair => self.unix(0, inode, UnixState::Connected, None, None),
            Own::Datagram => self.unix(0, inode, UnixState::Other, Some(Name::Abstract(vec![9])), None),
            Own::Harmless => drop(self.seen.asked.insert(inode, Nature::Harmless)),
        }
    }

    fn miss(&mut self, missed: Index) {
        let rows: Vec<(usize, bool, usize)> = self
            .seen
            .spaces
            .iter()
            .enumerate()
            .flat_map(|(space, listed)| {
                let tcp = listed.tcp.iter().enumerate().filter(|(_, row)| self.seen.holds(row.inode));
                let tcp = tcp
                    .filter(|(_, row)| row.state != TcpState::Listening)
                    .map(move |(row, _)| (space, true, row));
                let unix = listed.unix.iter().enumerate().filter(|(_, row)| self.seen.holds(row.inode));
                let unix = unix.filter(|(_, row)| !matches!(row.state, UnixState::Listening(_)));
                tcp.chain(unix.map(move |(row, _)| (space, false, row))).collect::<Vec<_>>()
            })
            .collect();
        match rows.get(missed.index(rows.len().max(1))) {
            Some((space, true, row)) => drop(self.seen.spaces[*space].tcp.remove(*row)),
            Some((space, false, row)) => drop(self.seen.spaces[*space].unix.remove(*row)),
            None => {}
        }
    }

    fn count(&self, unit: &Unit) -> u64 {
        let ours = || unit.servers.iter().filter(|server| server.ours);
        let former: Vec<Place> = ours()
            .filter(|server| server.gone && unit.remembered)
            .map(|server| server.place.clone())
            .collect();
        let admin: Vec<&Place> = ours().filter(|server| server.admin).map(|server| &server.place).collect();
        self.seen.in_use(Question { counts: &|place| !admin.contains(&place), former: &former }).total()
    }
}

fn has_page_listener(unit: &Unit) -> bool {
    unit.servers.iter().any(|server| server.ours && !server.gone && !server.admin)
}

/// The address of a connection's end at a listener.
fn local_end(listener: SocketAddr) -> SocketAddr {
    match listener.ip().is_unspecified() {
        true if listener.is_ipv4() => ([10, 0, 0, 1], listener.port()).into(),
        true => ("::ffff:10.0.0.1".parse::<std::net::IpAddr>().unwrap(), listener.port()).into(),
        false => listener,
    }
}

/// The places of the unit, each of which is an admin port or is not, in all name spaces.
fn is_clear(unit: &Unit) -> bool {
    let ours = || unit.servers.iter().filter(|server| server.ours);
    ours().all(|a| ours().all(|b| a.place != b.place || a.admin == b.admin))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn every_connection_to_a_page_listener_of_the_unit_counts(unit in unit().prop_filter("clear", is_clear)) {
        let mut world = World::of(&unit);
        unit.missed.iter().for_each(|missed| world.miss(*missed));
        let count = world.count(&unit);
        prop_assert!(count >= world.truth - world.beyond, "{count} of {}: {:?}", world.truth, world.seen);
    }

    #[test]
    fn nothing_else_counts_where_all_is_listed(unit in unit().prop_filter("clear", is_clear)) {
        let mut unit = unit;
        unit.servers.retain(|server| !server.gone);
        unit.connections.iter_mut().for_each(|connection| connection.from = 0);
        let world = World::of(&unit);
        let outwards = unit.own.iter().filter(|own| matches!(own, Own::TcpOutwards)).count() as u64;
        // Without any listener they may be what a closed one has left.
        let doubtful = if has_page_listener(&unit) { 0 } else { outwards };
        prop_assert!(world.count(&unit) <= world.truth + doubtful, "{} of {}: {:?}", world.count(&unit), world.truth, world.seen);
    }
}
