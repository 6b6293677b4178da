//! Reads the load, from the first place that gives one: of an HHVM `/check-load` plus `/check-queued`.

use super::fastcgi::FastCgi;
use super::http::Http;
use super::sockets::Listener;
use super::{COUNT_MAX, Client, Load, Unknown, count, php_fpm};
use crate::endpoint::{Protocol, Target};
use crate::locate::Place;
use crate::password::Password;
use crate::settings::Kind;
use std::time::{Duration, Instant};

/// The command whose twin counts the queue.
const ACTIVE: &str = "check-load";
/// The command that counts requests waiting for a worker; builds from before 2014 do not know it.
const QUEUED: &str = "check-queued";

/// While running requests alone keep the node busy, the queue is for the status line, which changes once a second.
const QUEUE_AGE_MAX: Duration = Duration::from_secs(1);

/// Where the load comes from.
pub struct Source {
    candidates: Vec<Candidate>,
    query: String,
    threshold: u64,
    /// The candidate that answered with a load once; no other is asked after that.
    settled: Option<usize>,
}

struct Candidate {
    place: Place,
    way: Way,
}

/// How a place is read.
enum Way {
    Hhvm(Asker),
    PhpFpm(Box<dyn Client + Send>, String),
    Count(Listener),
}

/// Asks for the two counts of one endpoint.
struct Asker {
    client: Box<dyn Client + Send>,
    path: String,
    queued_path: Option<String>,
    /// The last answer to [`QUEUED`], and when it came.
    queue: Option<(Instant, u64)>,
}

impl Candidate {
    fn new(place: Place, kind: Kind) -> Self {
        let way = match &place {
            Place::Endpoint(target) if kind == Kind::PhpFpm => {
                Way::PhpFpm(client(target), target.path.clone())
            }
            Place::Endpoint(target) => Way::Hhvm(Asker::new(target)),
            Place::Sockets(listener) => Way::Count(listener.clone()),
        };
        Self { place, way }
    }

    fn read(&mut self, query: &str, threshold: u64, deadline: Instant) -> Result<u64, Unknown> {
        match &mut self.way {
            Way::Hhvm(asker) => asker.read(query, threshold, deadline),
            Way::PhpFpm(client, path) => {
                php_fpm::load(&client.get(path, php_fpm::QUERY, php_fpm::BODY_MAX, deadline)?)
            }
            Way::Count(listener) => listener.in_use(),
        }
    }
}

fn client(target: &Target) -> Box<dyn Client + Send> {
    match target.protocol {
        Protocol::FastCgi => Box::new(FastCgi::new(target.address.clone())),
        Protocol::Http => Box::new(Http::new(&target.address)),
    }
}

impl Asker {
    fn new(target: &Target) -> Self {
        let queued_path = target.path.strip_suffix(ACTIVE).map(|base| format!("{base}{QUEUED}"));
        Self { client: client(target), path: target.path.clone(), queued_path, queue: None }
    }

    /// `/check-load` counts running requests only, and can say 0 while users wait in the queue: a load up to
    /// `threshold` is never made of an older answer.
    fn read(&mut self, query: &str, threshold: u64, deadline: Instant) -> Result<u64, Unknown> {
        let active = count(&self.client.get(&self.path, query, COUNT_MAX, deadline)?)?;
        let Some(path) = &self.queued_path else { return Ok(active) };
        if let Some((at, queued)) = self.queue
            && active > threshold
            && at.elapsed() < QUEUE_AGE_MAX
        {
            return Ok(active + queued);
        }
        let reply = self.client.get(path, query, COUNT_MAX, deadline)?;
        if reply.status == 404 {
            self.queued_path = None;
            return Ok(active);
        }
        let queued = count(&reply)?;
        self.queue = Some((Instant::now(), queued));
        Ok(active + queued)
    }
}

impl Source {
    /// A source that tries `places` in order, for somebody who waits for a load of at most `threshold`.
    #[must_use]
    pub fn new(places: Vec<Place>, kind: Kind, password: Option<&Password>, threshold: u64) -> Self {
        Self {
            candidates: places.into_iter().map(|place| Candidate::new(place, kind)).collect(),
            query: password.map(Password::query).unwrap_or_default(),
            threshold,
            settled: None,
        }
    }

    /// Asks for the load; returns by `deadline`.
    pub fn read(&mut self, deadline: Instant) -> Load {
        if let Some(candidate) = self.settled.and_then(|i| self.candidates.get_mut(i)) {
            return candidate
                .read(&self.query, self.threshold, deadline)
                .map_or_else(Load::Unknown, Load::Known);
        }
        let mut reason = Unknown::NoPlace;
        let mut remaining = u32::try_from(self.candidates.len()).unwrap_or(u32::MAX);
        for (index, candidate) in self.candidates.iter_mut().enumerate() {
            let share = deadline.saturating_duration_since(Instant::now()) / remaining;
            remaining -= 1;
            match candidate.read(&self.query, self.threshold, Instant::now() + share) {
                Ok(load) => {
                    self.settled = Some(index);
                    return Load::Known(load);
                }
                Err(why) if why.weight() > reason.weight() => reason = why,
                Err(_) => {}
            }
        }
        Load::Unknown(reason)
    }

    /// The place that has given a load.
    #[must_use]
    pub fn settled(&self) -> Option<&Place> {
        self.settled.map(|index| &self.candidates[index].place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::usual_targets;
    use crate::load::Reply;
    use std::collections::BTreeMap;

    /// Answers from a table of path to status and body.
    struct Table(BTreeMap<&'static str, (u16, &'static str)>);

    impl Client for Table {
        fn get(&mut self, path: &str, _: &str, _: usize, _: Instant) -> Result<Reply, Unknown> {
            let (status, body) = *self.0.get(path).ok_or(Unknown::Refused)?;
            Ok(Reply { status, body: body.as_bytes().to_vec() })
        }
    }

    fn source(tables: Vec<BTreeMap<&'static str, (u16, &'static str)>>) -> Source {
        let places = usual_targets().into_iter().map(Place::Endpoint).take(tables.len()).collect();
        let mut source = Source::new(places, Kind::Hhvm, None, 0);
        for (index, table) in tables.into_iter().enumerate() {
            answer(&mut source, index, table);
        }
        source
    }

    /// Makes one candidate answer from `table`.
    fn answer(source: &mut Source, index: usize, table: BTreeMap<&'static str, (u16, &'static str)>) {
        let Way::Hhvm(asker) = &mut source.candidates[index].way else { panic!("an endpoint") };
        asker.client = Box::new(Table(table));
    }

    fn read(source: &mut Source) -> Load {
        source.read(Instant::now() + Duration::from_secs(1))
    }

    #[test]
    fn the_queue_counts() {
        let mut source = source(vec![[("/check-load", (200, "0")), ("/check-queued", (200, "3"))].into()]);
        assert_eq!(read(&mut source), Load::Known(3));
    }

    #[test]
    fn a_busy_node_is_not_asked_for_its_queue_each_time_and_an_idle_one_is() {
        let table =
            |active, queued| [("/check-load", (200, active)), ("/check-queued", (200, queued))].into();
        let mut source = source(vec![table("2", "3")]);
        assert_eq!(read(&mut source), Load::Known(5));
        answer(&mut source, 0, [("/check-load", (200, "1"))].into());
        assert_eq!(read(&mut source), Load::Known(4));
        answer(&mut source, 0, table("0", "1"));
        assert_eq!(read(&mut source), Load::Known(1));
        answer(&mut source, 0, [("/check-load", (200, "0"))].into());
        assert_eq!(read(&mut source), Load::Unknown(Unknown::Refused));
    }

    #[test]
    fn a_build_without_check_queued_has_a_load_all_the_same() {
        let mut source =
            source(vec![[("/check-load", (200, "2")), ("/check-queued", (404, "Unknown"))].into()]);
        assert_eq!(read(&mut source), Load::Known(2));
    }

    #[test]
    fn a_queue_that_cannot_be_read_is_not_zero() {
        let mut source = source(vec![[("/check-load", (200, "0")), ("/check-queued", (500, "0"))].into()]);
        assert_eq!(read(&mut source), Load::Unknown(Unknown::Status(500)));
    }

    #[test]
    fn the_first_that_answers_is_asked_from_then_on() {
        let good = [("/check-load", (200, "1")), ("/check-queued", (200, "0"))];
        let mut source = source(vec![[].into(), good.into()]);
        assert_eq!(read(&mut source), Load::Known(1));
        assert_eq!(source.settled().unwrap().to_string(), "fastcgi://[::1]:9001/check-load");
        answer(&mut source, 1, [].into());
        answer(&mut source, 0, good.into());
        assert_eq!(read(&mut source), Load::Unknown(Unknown::Refused));
    }

    #[test]
    fn the_most_telling_reason_is_given() {
        let mut source = source(vec![[("/check-load", (401, "Unauthorized"))].into(), [].into()]);
        assert_eq!(read(&mut source), Load::Unknown(Unknown::Status(401)));
    }
}
