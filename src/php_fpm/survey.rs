//! Puts together what the files say of the pools and where the processes listen in fact: how each pool's load is read.
//!
//! Where the kernel sees a listener, there are requests: one that no file explains is counted by its connections. A pool
//! that the files have and the kernel has not does not run.

use super::{Answering, Configuration, Listen, Pool, Spot};
use crate::order;
use crate::sockets::{Name, Place};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// How the load of one listener is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The pool; none if no file tells.
    pub pool: Option<String>,
    /// Where its requests come in.
    pub place: Place,
    /// How.
    pub way: Way,
}

/// How a load is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// By the status page, which is asked for there.
    Page {
        /// Where.
        at: Place,
        /// Its path.
        path: String,
    },
    /// By the connections.
    Connections(Reason),
}

/// Why connections are counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The pool has no status page; here its section begins.
    NoPage(Spot),
    /// `listen.allowed_clients` keeps this host's own address out.
    NotAllowed(Spot),
    /// Nobody listens where `pm.status_listen` says.
    NoListener(Spot),
    /// No file tells which pool listens there.
    Unnamed,
}

/// All readings, whose sum is the load, and the pools that do not run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Survey {
    /// One for each listener but those for status pages.
    pub readings: Vec<Reading>,
    /// Names of pools that nobody listens for, where the files say so, and where they should listen.
    pub absent: Vec<(String, Spot, Listen)>,
}

impl Survey {
    /// Puts both together.
    #[must_use]
    pub fn of(configuration: &Configuration, places: &[Place]) -> Self {
        let mut survey = Self::default();
        let mut free: Vec<Place> = places.to_vec();
        let mut pools: Vec<&Pool> = configuration.pools.iter().collect();
        // A name may stand for any address, so that it gets what no other has taken.
        order::sort_by_key(&mut pools, |pool| matches!(pool.listen, Some(Listen::Name(..))));
        for pool in pools {
            let Some(listen) = &pool.listen else { continue };
            match take(&mut free, listen) {
                Some(place) => {
                    let way = way(pool, &place, places);
                    survey.readings.push(Reading { pool: Some(pool.name.clone()), place, way });
                }
                None => survey.absent.push((pool.name.clone(), pool.spot.clone(), listen.clone())),
            }
        }
        for pool in &configuration.pools {
            if let Some(Answering::Other(listen)) = pool.page.as_ref().map(|page| &page.answering) {
                take(&mut free, listen);
            }
        }
        let unnamed = |place| Reading { pool: None, place, way: Way::Connections(Reason::Unnamed) };
        survey.readings.extend(free.into_iter().map(unnamed));
        survey
    }
}

fn take(free: &mut Vec<Place>, listen: &Listen) -> Option<Place> {
    let at = free.iter().position(|place| listen.is(place))?;
    Some(free.remove(at))
}

fn way(pool: &Pool, own: &Place, places: &[Place]) -> Way {
    let spot = || pool.page_spot.clone().unwrap_or_else(|| pool.spot.clone());
    let Some(page) = &pool.page else { return Way::Connections(Reason::NoPage(pool.spot.clone())) };
    let at = match &page.answering {
        Answering::Pool => Some(own),
        Answering::Other(listen) => places.iter().find(|place| listen.is(place)),
    };
    let Some(at) = at else { return Way::Connections(Reason::NoListener(spot())) };
    let lets_in = |at: &Place| match at {
        Place::Tcp(at) => pool.allowed.allow(at.ip()),
        Place::Unix(_) => true,
    };
    match reachable(at).into_iter().find(lets_in) {
        Some(at) => Way::Page { at, path: page.path.clone() },
        None => Way::Connections(Reason::NotAllowed(pool.spot.clone())),
    }
}

impl Listen {
    fn is(&self, place: &Place) -> bool {
        match (self, place) {
            (Self::Port(port), Place::Tcp(at)) => at.port() == *port && at.ip().is_unspecified(),
            (Self::Ip(address, port), Place::Tcp(at)) => {
                at.port() == *port && at.ip().to_canonical() == address.to_canonical()
            }
            (Self::Name(_, port), Place::Tcp(at)) => at.port() == *port,
            (Self::Unix(path), Place::Unix(Name::Path(at))) => path == at,
            _ => false,
        }
    }
}

/// What to connect to from this host, which has that address then, too: of all addresses a loopback one. A socket for
/// all of IPv6 takes IPv4 as well, which has a loopback address where IPv6 is switched off.
fn reachable(place: &Place) -> Vec<Place> {
    let (v4, v6) = (IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST));
    let at = |addresses: &[IpAddr], port| {
        addresses.iter().map(|address| Place::Tcp(SocketAddr::new(*address, port))).collect()
    };
    match place {
        Place::Tcp(SocketAddr::V6(all)) if all.ip().is_unspecified() => at(&[v4, v6], all.port()),
        Place::Tcp(SocketAddr::V4(all)) if all.ip().is_unspecified() => at(&[v4], all.port()),
        _ => vec![place.clone()],
    }
}
