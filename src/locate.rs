//! Decides where the load is read: from the setting `endpoint`, HHVM's own configuration, and where the unit listens.
//!
//! The kernel says where the unit listens. The configuration only says which of these places is the admin port.

use crate::endpoint::{Address, Protocol, Target, Wanted};
use crate::hhvm::{Hhvm, Value};
use crate::load::Unknown;
use crate::place::{Because, Choice, Reach, Tried, names};
use crate::problem::Location;
use crate::sockets::{Listener, Name, Place};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

/// So many listeners are asked at most whether they are an admin port: of any other it is a request for a page.
const TRIES_MAX: usize = 4;

/// HHVM's own default for its pages.
const DEFAULT_PORT: u16 = 80;

/// What is known besides where the unit listens.
#[derive(Debug, Clone)]
pub struct Hints {
    /// What the setting names.
    pub wanted: Wanted,
    /// Where it is set.
    pub set_by: Option<Location>,
    /// What HHVM's configuration says.
    pub configured: Configured,
}

/// What HHVM's configuration says, as far as it could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Configured {
    /// The admin port, if it is on.
    pub admin_port: Option<u16>,
    /// The port of the pages.
    pub page_port: Option<u16>,
    /// The language of both.
    pub protocol: Option<Protocol>,
}

impl Configured {
    /// What `hhvm` says of itself.
    #[must_use]
    pub fn of(hhvm: &Hhvm) -> Self {
        let options = &hhvm.options;
        let has_no_socket =
            options.file_socket.or_default(PathBuf::new()).is_some_and(|path| path.as_os_str().is_empty());
        Self {
            admin_port: options.admin_port.found().map(|found| found.value).filter(|port| *port > 0),
            page_port: match &options.port {
                Value::Set(found) => Some(found.value),
                Value::Default => has_no_socket.then_some(DEFAULT_PORT),
                Value::Unknown(_) => None,
            },
            protocol: hhvm.protocol(),
        }
    }

    /// Where pages may have been served before, whatever listens there now.
    #[must_use]
    pub fn pages(self) -> Vec<Place> {
        let any: [IpAddr; 2] = [Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()];
        let on = |port: u16| any.map(|ip| Place::Tcp(SocketAddr::new(ip, port)));
        self.page_port.into_iter().flat_map(on).collect()
    }
}

impl Hints {
    /// The next step, for a unit that listens there. `reach` tells whom the endpoint that is set leads to, `tried` what
    /// was found out about listeners so far.
    #[must_use]
    pub fn choose(&self, reach: &Reach, listeners: &[Listener], tried: &[Tried]) -> Choice {
        match (&self.wanted, reach) {
            (Wanted::At(target), Reach::OtherHost) => Choice::OtherHost(target.clone()),
            (Wanted::At(target), reach) => self.at(target, reach, listeners),
            (Wanted::Sockets, _) => {
                let admin = listeners.iter().filter(|listener| self.is_admin_port(listener));
                Choice::Count(admin.map(|listener| listener.place.clone()).collect(), Because::Setting)
            }
            (Wanted::Auto, _) => self.of_hhvm(listeners, tried),
        }
    }

    /// Only what is the unit's own is asked. An administrator who names a front end may do so: HTTP may be anybody's.
    fn at(&self, target: &Target, reach: &Reach, listeners: &[Listener]) -> Choice {
        let is_reached = |listener: &&Listener| match (reach, &target.address, &listener.place) {
            (Reach::ThisHost(addresses), _, place) => {
                addresses.iter().any(|address| place.is_reached_by(*address))
            }
            (Reach::File(file), Address::Unix(path), Place::Unix(Name::Path(own))) => {
                path == own || (file.is_some() && *file == listener.file)
            }
            (Reach::File(_) | Reach::OtherHost, ..) => false,
        };
        match (listeners.iter().find(is_reached), target.protocol, reach) {
            (Some(listener), ..) => Choice::Own(target.clone(), listener.clone()),
            (None, Protocol::Http, Reach::ThisHost(addresses)) => {
                Choice::FrontEnd(target.clone(), addresses.clone(), self.not_here(target, listeners))
            }
            (None, ..) => Choice::Nobody(self.not_here(target, listeners)),
        }
    }

    fn not_here(&self, target: &Target, listeners: &[Listener]) -> Unknown {
        let set_by = self.set_by.as_ref().map(|location| format!(" ({location})")).unwrap_or_default();
        let places: Vec<Place> = listeners.iter().map(|listener| listener.place.clone()).collect();
        let names = names(&places);
        Unknown::NotHere(format!("endpoint is {target}{set_by}, but the unit listens on {names}"))
    }

    fn of_hhvm(&self, listeners: &[Listener], tried: &[Tried]) -> Choice {
        let of = |listener: &Listener| tried.iter().find(|tried| tried.is_about(listener));
        if let Some(listener) = listeners.iter().find(|listener| self.is_admin_port(listener)) {
            return match (self.configured.protocol, of(listener)) {
                (None, None) => Choice::Try(listener.clone(), None),
                (Some(protocol), _) => own(listener, protocol),
                (None, Some(tried)) => own(listener, tried.admin.unwrap_or(Protocol::FastCgi)),
            };
        }
        let admin = |listener: &Listener| Some(own(listener, of(listener)?.admin?));
        if let Some(choice) = listeners.iter().find_map(admin) {
            return choice;
        }
        let may_be_one = |listener: &&Listener| {
            let port = listener.place.port();
            port.is_some() && port != self.configured.page_port && of(listener).is_none()
        };
        match listeners.iter().find(may_be_one) {
            Some(listener) if tried.len() < TRIES_MAX => {
                Choice::Try(listener.clone(), self.configured.protocol)
            }
            _ => count(),
        }
    }

    fn is_admin_port(&self, listener: &Listener) -> bool {
        let port = self.configured.admin_port;
        port.is_some() && listener.place.port() == port && port != self.configured.page_port
    }
}

fn count() -> Choice {
    Choice::Count(Vec::new(), Because::NoAdminPort)
}

/// An admin port at this listener is asked; HHVM has none on a Unix socket.
fn own(listener: &Listener, protocol: Protocol) -> Choice {
    let Place::Tcp(address) = &listener.place else { return count() };
    let target = Target { protocol, address: Address::of(*address), path: "/check-load".to_owned() };
    Choice::Own(target, listener.clone())
}

#[cfg(test)]
#[path = "locate_tests.rs"]
mod tests;
