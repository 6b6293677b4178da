//! The load of PHP-FPM: the sum over its pools, or over the status pages that are set.

use super::gauge::Gauge;
use super::own::Own;
use super::php_fpm::StatusPage;
use super::several::{at_once, sum};
use crate::discover;
use crate::endpoint::{Kind, Target};
use crate::kernel::{self, Host, Scope};
use crate::load::Unknown;
use crate::order;
use crate::php_fpm::status::Requests;
use crate::php_fpm::{Configuration, Reading, Survey, Way};
use crate::sockets::{Listener, Place, Question, Seen};
use std::time::Instant;

/// The pools of a unit.
pub struct Pools {
    scope: Scope,
    host: Host,
    which: Which,
    /// What was found out when the unit listened there.
    known: Option<Known>,
    /// Where connections were counted: they may outlive their listener.
    former: Vec<Place>,
}

/// Which of them are asked.
pub enum Which {
    /// All, as their master is configured.
    All,
    /// All, by their connections.
    AllByConnections,
    /// Those at these endpoints.
    These(Vec<(Target, Box<dyn Gauge + Send>)>),
}

/// What is known of the pools while the unit listens at the same places.
struct Known {
    places: Vec<Place>,
    survey: Survey,
    configuration: Configuration,
    /// In the order of the survey's readings; none where connections are counted.
    pages: Vec<Option<StatusPage>>,
}

/// What was found of one pool, or of one endpoint.
#[derive(Debug)]
pub struct Answer {
    /// Its name.
    pub name: String,
    /// How it is read; none for an endpoint that is set.
    pub reading: Option<Reading>,
    /// Its load.
    pub load: Result<u64, Unknown>,
}

impl Pools {
    /// The pools of the processes in `scope`.
    #[must_use]
    pub fn new(scope: Scope, host: Host, which: Which) -> Self {
        Self { scope, host, which, known: None, former: Vec::new() }
    }

    /// The load of each, by `deadline`.
    ///
    /// Connections that wait are counted before the processes are asked, so that none is missed that is accepted in
    /// between.
    ///
    /// # Errors
    /// When it is not even known which there are.
    pub fn each(&mut self, deadline: Instant) -> Result<Vec<Answer>, Unknown> {
        let seen = kernel::look(&self.scope, &self.host, deadline);
        if let Which::These(targets) = &mut self.which {
            return Ok(ask_targets(targets, seen.ok().as_ref(), deadline));
        }
        let seen = seen?;
        let listeners = seen.listeners();
        if listeners.is_empty() {
            return Err(Unknown::NoPlace);
        }
        let places: Vec<Place> = listeners.iter().map(|listener| listener.place.clone()).collect();
        if self.known.as_ref().is_none_or(|known| known.places != places) {
            self.known = Some(self.find_out(&seen, &listeners, places, deadline));
        }
        let Some(known) = &mut self.known else { return Err(Unknown::NoPlace) };
        let answers = known.ask(&seen, &self.former, deadline);
        for answer in &answers {
            let place = answer.reading.as_ref().filter(|reading| matches!(reading.way, Way::Connections(_)));
            self.former.extend(place.map(|reading| reading.place.clone()));
        }
        order::sort(&mut self.former);
        self.former.dedup();
        // The files may have changed, and the master read them anew.
        if answers.iter().any(|answer| answer.load.is_err()) {
            self.known = None;
        }
        Ok(answers)
    }

    /// What the files say, at the last look: pools that do not run, what is not understood.
    #[must_use]
    pub fn found(&self) -> Option<(&Configuration, &Survey)> {
        self.known.as_ref().map(|known| (&known.configuration, &known.survey))
    }

    fn find_out(&self, seen: &Seen, listeners: &[Listener], places: Vec<Place>, deadline: Instant) -> Known {
        let configuration = match self.which {
            Which::AllByConnections => None,
            Which::All | Which::These(_) => {
                discover::php_fpm(seen.processes.iter().map(|process| process.pid), &self.host.proc, deadline)
            }
        };
        let configuration = configuration.unwrap_or_default();
        let survey = Survey::of(&configuration, &places);
        let page = |reading: &Reading| match &reading.way {
            Way::Page { at, path } => {
                let own = listeners.iter().find(|listener| listener.place == reading.place);
                let holder = own.and_then(|listener| listener.holders.first())?;
                Some(StatusPage::new(Box::new(Own::of(&self.host, holder.process.pid, at)), path))
            }
            Way::Connections(_) => None,
        };
        let pages = survey.readings.iter().map(page).collect();
        Known { places, survey, configuration, pages }
    }
}

impl Known {
    fn ask(&mut self, seen: &Seen, former: &[Place], deadline: Instant) -> Vec<Answer> {
        let questions =
            self.pages.iter_mut().map(|page| page.as_mut().map(|page| move || page.ask(deadline)));
        let pages = at_once(questions.collect());
        let readings = self.survey.readings.iter().zip(pages);
        let mut answers: Vec<Answer> = readings
            .map(|(reading, page)| Answer {
                name: format!("pool {}", reading.pool.as_deref().unwrap_or(&reading.place.to_string())),
                load: match page {
                    Some(requests) => requests.map(|requests| load(requests, seen.waiting(&reading.place))),
                    None => Ok(connections(seen, &|place| *place == reading.place, former)),
                },
                reading: Some(reading.clone()),
            })
            .collect();
        let by_connections = |reading: &Reading| matches!(reading.way, Way::Connections(_));
        let unexplained = seen.unexplained().len() as u64;
        if self.survey.readings.iter().any(by_connections) && unexplained > 0 {
            let name = "sockets that no list explains".to_owned();
            answers.push(Answer { name, reading: None, load: Ok(unexplained) });
        }
        answers
    }
}

/// PHP-FPM counts the queue of a TCP port itself, once a second.
fn load(requests: Requests, waiting: u64) -> u64 {
    requests.busy + requests.queued.max(waiting)
}

fn connections(seen: &Seen, counts: &dyn Fn(&Place) -> bool, former: &[Place]) -> u64 {
    seen.in_use(Question { counts, former }).connections
}

/// Of endpoints nobody knows which listener is theirs, so all that wait at the unit's count. PHP-FPM may count those of a
/// TCP port, too: they count twice then.
fn ask_targets(
    targets: &mut [(Target, Box<dyn Gauge + Send>)],
    seen: Option<&Seen>,
    deadline: Instant,
) -> Vec<Answer> {
    let questions = targets.iter_mut().map(|(_, gauge)| Some(move || gauge.read(deadline)));
    let loads = at_once(questions.collect());
    let names = targets.iter().map(|(target, _)| target.to_string());
    let mut answers: Vec<Answer> = names
        .zip(loads.into_iter().flatten())
        .map(|(name, load)| Answer { name, reading: None, load })
        .collect();
    let waiting: u64 =
        seen.map_or(0, |seen| seen.listeners().iter().map(|listener| seen.waiting(&listener.place)).sum());
    if waiting > 0 {
        let name = "connections that wait".to_owned();
        answers.push(Answer { name, reading: None, load: Ok(waiting) });
    }
    answers
}

impl Gauge for Pools {
    fn read(&mut self, deadline: Instant) -> Result<u64, Unknown> {
        let answers = self.each(deadline).map_err(|why| why.of(Kind::PhpFpm, None))?;
        sum(answers.into_iter().map(|answer| (answer.name, answer.load)), Kind::PhpFpm)
    }
}
