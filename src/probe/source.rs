//! Reads the load from the first place that answers with one.

use super::client::Client;
use super::fastcgi::FastCgi;
use super::gauge::Gauge;
use super::hhvm::AdminPort;
use super::http::Http;
use super::php_fpm::StatusPage;
use super::sockets::Connections;
use crate::endpoint::{Kind, Protocol, Target};
use crate::load::{Load, Unknown};
use crate::password::Password;
use crate::place::Place;
use std::time::Instant;

/// Where the load comes from.
pub struct Source {
    candidates: Vec<Candidate>,
    /// The candidate that answered with a load once; no other is asked after that.
    settled: Option<usize>,
}

struct Candidate {
    place: Place,
    gauge: Box<dyn Gauge + Send>,
}

/// What reads the load at `place`, of a server of that kind, for somebody who waits for at most `threshold`.
fn gauge(place: &Place, kind: Kind, query: &str, threshold: u64) -> Box<dyn Gauge + Send> {
    match (place, kind) {
        (Place::Endpoint(target), Kind::PhpFpm) => Box::new(StatusPage::new(client(target), &target.path)),
        (Place::Endpoint(target), Kind::Hhvm) => {
            Box::new(AdminPort::new(client(target), &target.path, query, threshold))
        }
        (Place::Sockets(listener), _) => Box::new(Connections::to(listener.clone())),
    }
}

fn client(target: &Target) -> Box<dyn Client + Send> {
    match target.protocol {
        Protocol::FastCgi => Box::new(FastCgi::new(target.address.clone())),
        Protocol::Http => Box::new(Http::new(&target.address)),
    }
}

impl Source {
    /// A source that tries `places` in order, for somebody who waits for a load of at most `threshold`.
    #[must_use]
    pub fn new(places: Vec<Place>, kind: Kind, password: Option<&Password>, threshold: u64) -> Self {
        let query = password.map(Password::query).unwrap_or_default();
        let candidate = |place: Place| {
            let gauge = gauge(&place, kind, &query, threshold);
            Candidate { place, gauge }
        };
        Self { candidates: places.into_iter().map(candidate).collect(), settled: None }
    }

    /// Asks for the load; returns by `deadline`.
    pub fn read(&mut self, deadline: Instant) -> Load {
        if let Some(candidate) = self.settled.and_then(|i| self.candidates.get_mut(i)) {
            return candidate.gauge.read(deadline).map_or_else(Load::Unknown, Load::Known);
        }
        let mut reason = Unknown::NoPlace;
        let mut remaining = u32::try_from(self.candidates.len()).unwrap_or(u32::MAX);
        for (index, candidate) in self.candidates.iter_mut().enumerate() {
            let share = deadline.saturating_duration_since(Instant::now()) / remaining;
            remaining -= 1;
            match candidate.gauge.read(Instant::now() + share) {
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
    use std::time::Duration;

    /// Says the same each time.
    struct Fixed(Result<u64, Unknown>);

    impl Gauge for Fixed {
        fn read(&mut self, _: Instant) -> Result<u64, Unknown> {
            self.0.clone()
        }
    }

    fn source<const N: usize>(answers: [Result<u64, Unknown>; N]) -> Source {
        let places = usual_targets().into_iter().map(Place::Endpoint);
        let candidates = places.zip(answers);
        let candidates =
            candidates.map(|(place, answer)| Candidate { place, gauge: Box::new(Fixed(answer)) }).collect();
        Source { candidates, settled: None }
    }

    fn read(source: &mut Source) -> Load {
        source.read(Instant::now() + Duration::from_secs(1))
    }

    #[test]
    fn the_first_that_answers_is_asked_from_then_on() {
        let mut source = source([Err(Unknown::Refused), Ok(1)]);
        assert_eq!(read(&mut source), Load::Known(1));
        assert_eq!(source.settled().unwrap().to_string(), "fastcgi://[::1]:9001/check-load");
        source.candidates[1].gauge = Box::new(Fixed(Err(Unknown::Refused)));
        source.candidates[0].gauge = Box::new(Fixed(Ok(1)));
        assert_eq!(read(&mut source), Load::Unknown(Unknown::Refused));
    }

    #[test]
    fn the_most_telling_reason_is_given() {
        for reasons in [[Unknown::Status(401), Unknown::Refused], [Unknown::Refused, Unknown::Status(401)]] {
            assert_eq!(read(&mut source(reasons.map(Err))), Load::Unknown(Unknown::Status(401)));
        }
    }
}
