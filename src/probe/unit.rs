//! The load of a unit: found where the unit listens, by the kernel's word, and looked for again when that changes.

use super::client::Client;
use super::gauge::Gauge;
use super::hhvm::AdminPort;
use super::inside::{Inside, client};
use super::php_fpm::StatusPage;
use super::reach::reach;
use super::recognise::recognise;
use crate::endpoint::{Kind, Target};
use crate::kernel::{Host, Scope, in_network_of, listeners, look, relist, still_holds, users_listening};
use crate::load::Unknown;
use crate::password::Password;
use crate::place::{Because, Choice, Place, Reach, Tried};
use crate::sockets::{self, Listener, Question, Seen};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Most places that a unit has listened at are remembered.
const FORMER_MAX: usize = 64;
/// The process in whose network name space a front end is looked for.
const PID_1: i32 = 1;
const ROOT: u32 = 0;
/// So many connections are far from zero.
const MANY: u64 = 100;
/// So often a unit with that many is looked at closely all the same.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// How the next step is chosen: whom the endpoint leads to, where the unit listens, what was found out of that.
pub type Choose = Box<dyn Fn(&Reach, &[Listener], &[Tried]) -> Choice + Send>;

/// The passwords for an admin port, none of which a stranger gets.
#[derive(Default)]
pub struct Keys {
    /// The administrator's, for whatever endpoint is set.
    pub set: Option<Password>,
    /// That of HHVM's own configuration, for listeners of the unit alone.
    pub own: Option<Password>,
}

/// What is looked at, for whom.
pub struct Subject {
    /// The unit's processes.
    pub scope: Scope,
    /// Where they are.
    pub host: Host,
    /// What answers at an endpoint.
    pub kind: Kind,
    /// The endpoint that is set.
    pub target: Option<Target>,
    /// The passwords.
    pub keys: Keys,
    /// A load up to this is what the reader waits for.
    pub threshold: u64,
    /// Where the unit may have listened before, whatever listens there now.
    pub former: Vec<sockets::Place>,
}

/// Reads the load of a unit.
pub struct UnitLoad {
    subject: Subject,
    choose: Choose,
    reach: Option<Reach>,
    tried: Vec<Tried>,
    asked: Option<Asked>,
    busy: Option<Busy>,
    place: Option<Place>,
}

/// What was seen when the last count of connections was far from zero.
struct Busy {
    seen: Seen,
    except: Vec<sockets::Place>,
    at: Instant,
}

/// Somebody who answers.
struct Asked {
    whose: Whose,
    gauge: Box<dyn Gauge + Send>,
}

/// Whose answer it is.
enum Whose {
    Own(Listener),
    FrontEnd(Vec<SocketAddr>, Unknown),
    OtherHost,
}

impl UnitLoad {
    /// The load of `subject`.
    #[must_use]
    pub fn new(subject: Subject, choose: Choose) -> Self {
        Self { subject, choose, reach: None, tried: Vec::new(), asked: None, busy: None, place: None }
    }

    /// Asks the one who has answered before. None if the unit does not listen there any more.
    fn ask(&mut self, deadline: Instant) -> Result<Option<u64>, Unknown> {
        let Subject { host, scope, threshold, .. } = &self.subject;
        let Some(asked) = &mut self.asked else { return Ok(None) };
        match &asked.whose {
            Whose::OtherHost => asked.gauge.read(deadline).map(Some),
            Whose::FrontEnd(addresses, otherwise) => {
                is_of_root(addresses, otherwise, host, deadline)?;
                asked.gauge.read(deadline).map(Some)
            }
            // A password must not go to whoever else listens there meanwhile.
            Whose::Own(listener) => {
                if !listener.holders.iter().any(|holder| still_holds(holder, host)) {
                    return Ok(None);
                }
                let load = asked.gauge.read(deadline)?;
                if load > *threshold {
                    return Ok(Some(load));
                }
                let is_same = |now: &Listener| now.place == listener.place && now.inside == listener.inside;
                Ok(listeners(scope, host, deadline)?.iter().any(is_same).then_some(load))
            }
        }
    }

    /// Finds out where the load is read, and reads it.
    fn find(&mut self, deadline: Instant) -> Result<u64, Unknown> {
        self.asked = None;
        self.busy = None;
        let reach = self.reach()?;
        let seen = match reach {
            Reach::OtherHost => Seen::default(),
            Reach::ThisHost(_) | Reach::File(_) => look(&self.subject.scope, &self.subject.host, deadline)?,
        };
        let listeners = seen.listeners();
        loop {
            let choice = (self.choose)(&reach, &listeners, &self.tried);
            match choice {
                Choice::Own(target, listener) => {
                    let client = Inside::of(&self.subject.host, listener.inside, &target);
                    self.settle(target, Box::new(client), Whose::Own(listener));
                }
                Choice::FrontEnd(target, addresses, otherwise) => {
                    let client = Inside::of(&self.subject.host, outside(&self.subject.host), &target);
                    self.settle(target, Box::new(client), Whose::FrontEnd(addresses, otherwise));
                }
                Choice::OtherHost(target) => {
                    let client = client(&target);
                    self.settle(target, client, Whose::OtherHost);
                }
                Choice::Try(listener, protocol) => {
                    let query = self.own_query();
                    let tried = recognise(&listener, protocol, &query, &self.subject.host, deadline);
                    self.tried.push(tried);
                    continue;
                }
                Choice::Count(except, because) => return self.count(&seen, &except, because),
                Choice::Nobody(why) => return Err(why),
            }
            self.remember(&listeners);
            return self.ask(deadline)?.ok_or(Unknown::Refused);
        }
    }

    /// Counts by the lists alone, while there is much to count and it was looked at closely not long ago.
    fn recount(&mut self, deadline: Instant) -> Option<u64> {
        let busy = self.busy.take().filter(|busy| busy.at.elapsed() < LOOK_EVERY)?;
        let Subject { host, threshold, former, .. } = &self.subject;
        let seen = relist(busy.seen, host, deadline).ok()?;
        let counts = |place: &sockets::Place| !busy.except.contains(place);
        let connections = seen.in_use(Question { counts: &counts, former }).connections;
        self.busy = Some(Busy { seen, ..busy });
        Some(connections).filter(|connections| *connections > threshold + MANY)
    }

    fn reach(&mut self) -> Result<Reach, Unknown> {
        if let Some(reach) = &self.reach {
            return Ok(reach.clone());
        }
        let reach = match &self.subject.target {
            Some(target) => reach(target)?,
            None => Reach::ThisHost(Vec::new()),
        };
        self.reach = Some(reach.clone());
        Ok(reach)
    }

    fn settle(&mut self, target: Target, client: Box<dyn Client + Send>, whose: Whose) {
        let Subject { keys, kind, threshold, .. } = &self.subject;
        let is_found = self.subject.target.is_none() && matches!(whose, Whose::Own(_));
        let query = if is_found { self.own_query() } else { query(keys.set.as_ref()) };
        let gauge: Box<dyn Gauge + Send> = match kind {
            Kind::PhpFpm => Box::new(StatusPage::new(client, &target.path)),
            Kind::Hhvm => Box::new(AdminPort::new(client, &target.path, &query, *threshold)),
        };
        self.place = Some(match whose {
            Whose::FrontEnd(..) => Place::FrontEnd(target),
            Whose::Own(_) | Whose::OtherHost => Place::Endpoint(target),
        });
        self.asked = Some(Asked { whose, gauge });
    }

    fn own_query(&self) -> String {
        let keys = &self.subject.keys;
        query(keys.set.as_ref().or(keys.own.as_ref()))
    }

    fn count(&mut self, seen: &Seen, except: &[sockets::Place], because: Because) -> Result<u64, Unknown> {
        if seen.processes.is_empty() {
            return Err(Unknown::NoPlace);
        }
        let listeners = seen.listeners();
        let counts = |place: &sockets::Place| !except.contains(place);
        let count = seen.in_use(Question { counts: &counts, former: &self.subject.former });
        if count.connections > self.subject.threshold + MANY {
            let at = Instant::now();
            self.busy = Some(Busy { seen: seen.clone(), except: except.to_vec(), at });
        }
        self.remember(&listeners);
        let counted = listeners.into_iter().map(|listener| listener.place).filter(counts).collect();
        self.place = Some(Place::Sockets(counted, because));
        Ok(count.total())
    }

    /// Connections may outlive their listener.
    fn remember(&mut self, listeners: &[Listener]) {
        let former = &mut self.subject.former;
        for listener in listeners {
            if former.len() < FORMER_MAX && !former.contains(&listener.place) {
                former.push(listener.place.clone());
            }
        }
    }
}

impl Gauge for UnitLoad {
    fn read(&mut self, deadline: Instant) -> Result<u64, Unknown> {
        match self.ask(deadline)?.or_else(|| self.recount(deadline)) {
            Some(load) => Ok(load),
            None => self.find(deadline),
        }
    }

    fn place(&self) -> Option<&Place> {
        self.place.as_ref()
    }
}

fn query(password: Option<&Password>) -> String {
    password.map(Password::query).unwrap_or_default()
}

/// A process from which a front end on this host is reached: the unit may have a network of its own.
fn outside(host: &Host) -> i32 {
    if in_network_of(host, PID_1, || ()).is_ok() { PID_1 } else { host.looker.pid }
}

/// Only root's word is taken for that of a front end: anybody may listen where nobody does.
fn is_of_root(
    addresses: &[SocketAddr],
    otherwise: &Unknown,
    host: &Host,
    deadline: Instant,
) -> Result<(), Unknown> {
    let mut listens = false;
    for address in addresses {
        let users = users_listening(*address, outside(host), host, deadline)?;
        listens |= !users.is_empty();
        if let Some(user) = users.into_iter().find(|user| *user != ROOT) {
            return Err(Unknown::NotHere(format!(
                "what listens on {address} belongs to user {user}, neither to the unit nor to a front end of root's"
            )));
        }
    }
    if listens { Ok(()) } else { Err(otherwise.clone()) }
}
