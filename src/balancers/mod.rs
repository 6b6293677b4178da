//! Asks load balancers what they send here: a reader for each kind, and one thread for each balancer that is asked.

mod command;
mod here;
mod page;
mod reader;
mod runtime;
mod statistics;
mod web;

pub use command::Held;
pub use here::here;
pub use reader::{Reader, Wanted};

use crate::row::{Answer, Mine, Unclear, View};
use crate::settings::Settings;
use crate::settings::balancer::Balancer;
use command::{Command, Leash};
use page::Page;
use runtime::RuntimeApi;
use statistics::Statistics;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

/// The time of one question.
const PATIENCE: Duration = Duration::from_secs(2);
/// A moment more, to hear why there is no answer; a name may be resolved for longer than that.
const GRACE: Duration = Duration::from_millis(200);

/// The readers of all balancers that are set, in their order, and what is to be held for as long as they are used.
#[must_use]
pub fn readers(settings: &Settings, wanted: &Wanted<'_>) -> (Vec<Box<dyn Reader + Send>>, Held) {
    let leash = Leash::default();
    let readers = settings.balancers.iter().map(|balancer| reader(balancer, wanted, &leash));
    (readers.collect(), leash.held())
}

fn reader(balancer: &Balancer, wanted: &Wanted<'_>, leash: &Leash) -> Box<dyn Reader + Send> {
    let root = &wanted.context.root;
    let mine = Mine { named: wanted.named.clone(), here: wanted.here.clone(), is_local: false };
    match balancer {
        Balancer::Socket(path) => Box::new(RuntimeApi::at_socket(root.join(path), mine)),
        Balancer::Port(host, port) => Box::new(RuntimeApi::at_port(host.clone(), *port, mine)),
        Balancer::Statistics(web) => Box::new(Statistics::at(web.clone(), root.clone(), mine)),
        Balancer::Page { web, out, into } => {
            Box::new(Page::at(web.clone(), root.clone(), (out.clone(), into.clone())))
        }
        Balancer::Command(path) => Box::new(Command::new(wanted, path, leash)),
    }
}

/// Asks now; the answer is there by `deadline`.
pub fn ask(reader: &mut (impl Reader + ?Sized), deadline: Instant) -> Answer {
    let asked = Instant::now();
    let view = reader.view(deadline);
    Answer { asked, answered: Instant::now(), view }
}

/// Asks all at the same time, and waits no longer for all of them than for one.
#[must_use]
pub fn ask_all(readers: Vec<Box<dyn Reader + Send>>) -> Vec<Result<View, Unclear>> {
    let deadline = Instant::now() + PATIENCE;
    let mut views = vec![Err(Unclear::TimedOut); readers.len()];
    let (answer, answers) = channel();
    for (which, mut reader) in readers.into_iter().enumerate() {
        let answer = answer.clone();
        let ask = move || {
            // Nobody waits any longer for what comes too late.
            let _ = answer.send((which, reader.view(deadline)));
        };
        if let Err(why) = thread::Builder::new().name("balancer".to_owned()).spawn(ask) {
            views[which] = Err(Unclear::CannotAsk(format!("the kernel gives no thread ({why})")));
        }
    }
    drop(answer);
    let until = deadline + GRACE;
    while let Ok((which, view)) = answers.recv_timeout(until.saturating_duration_since(Instant::now())) {
        views[which] = view;
    }
    views
}

#[cfg(any(test, fuzzing))]
#[path = "../../tests/fuzz/properties/balancers.rs"]
pub mod properties;
