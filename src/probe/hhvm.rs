//! The load from HHVM itself: `/check-load` plus `/check-queued` of its admin port.

use super::client::Client;
use super::count::{COUNT_MAX, count};
use super::gauge::Gauge;
use crate::load::Unknown;
use std::time::{Duration, Instant};

/// The command whose twin counts the queue.
const ACTIVE: &str = "check-load";
/// The command that counts requests waiting for a worker; builds from before 2014 do not know it.
const QUEUED: &str = "check-queued";

/// While running requests alone keep the node busy, the queue is for the status line, which changes once a second.
const QUEUE_AGE_MAX: Duration = Duration::from_secs(1);

/// An admin port.
pub(super) struct AdminPort {
    client: Box<dyn Client + Send>,
    path: String,
    queued_path: Option<String>,
    /// With the password.
    query: String,
    /// A load up to this is what the reader waits for.
    threshold: u64,
    /// The last answer to [`QUEUED`], and when it came.
    queue: Option<(Instant, u64)>,
}

impl AdminPort {
    /// The port that `client` reaches, asked at `path` with `query`.
    pub(super) fn new(client: Box<dyn Client + Send>, path: &str, query: &str, threshold: u64) -> Self {
        let queued_path = path.strip_suffix(ACTIVE).map(|base| format!("{base}{QUEUED}"));
        Self { client, path: path.to_owned(), queued_path, query: query.to_owned(), threshold, queue: None }
    }
}

impl Gauge for AdminPort {
    /// `/check-load` counts running requests only, and can say 0 while users wait in the queue: a load up to the
    /// threshold is never made of an older answer.
    fn read(&mut self, deadline: Instant) -> Result<u64, Unknown> {
        let active = count(&self.client.get(&self.path, &self.query, COUNT_MAX, deadline)?)?;
        let Some(path) = &self.queued_path else { return Ok(active) };
        if let Some((at, queued)) = self.queue
            && active > self.threshold
            && at.elapsed() < QUEUE_AGE_MAX
        {
            return Ok(active + queued);
        }
        let reply = self.client.get(path, &self.query, COUNT_MAX, deadline)?;
        if reply.status == 404 {
            self.queued_path = None;
            return Ok(active);
        }
        let queued = count(&reply)?;
        self.queue = Some((Instant::now(), queued));
        Ok(active + queued)
    }
}

#[cfg(test)]
mod tests {
    use super::super::client::Reply;
    use super::*;
    use std::collections::BTreeMap;

    type Answers = BTreeMap<&'static str, (u16, &'static str)>;

    /// Answers from a table of path to status and body.
    struct Table(Answers);

    impl Client for Table {
        fn get(&mut self, path: &str, _: &str, _: usize, _: Instant) -> Result<Reply, Unknown> {
            let (status, body) = *self.0.get(path).ok_or(Unknown::Refused)?;
            Ok(Reply { status, body: body.as_bytes().to_vec() })
        }
    }

    fn port(answers: Answers) -> AdminPort {
        AdminPort::new(Box::new(Table(answers)), "/check-load", "", 0)
    }

    fn read(port: &mut AdminPort) -> Result<u64, Unknown> {
        port.read(Instant::now() + Duration::from_secs(1))
    }

    #[test]
    fn the_queue_counts() {
        let mut port = port([("/check-load", (200, "0")), ("/check-queued", (200, "3"))].into());
        assert_eq!(read(&mut port), Ok(3));
    }

    #[test]
    fn a_busy_node_is_not_asked_for_its_queue_each_time_and_an_idle_one_is() {
        let table =
            |active, queued| [("/check-load", (200, active)), ("/check-queued", (200, queued))].into();
        let mut port = port(table("2", "3"));
        assert_eq!(read(&mut port), Ok(5));
        port.client = Box::new(Table([("/check-load", (200, "1"))].into()));
        assert_eq!(read(&mut port), Ok(4));
        port.client = Box::new(Table(table("0", "1")));
        assert_eq!(read(&mut port), Ok(1));
        port.client = Box::new(Table([("/check-load", (200, "0"))].into()));
        assert_eq!(read(&mut port), Err(Unknown::Refused));
    }

    #[test]
    fn a_build_without_check_queued_has_a_load_all_the_same() {
        let mut port = port([("/check-load", (200, "2")), ("/check-queued", (404, "Unknown"))].into());
        assert_eq!(read(&mut port), Ok(2));
    }

    #[test]
    fn a_queue_that_cannot_be_read_is_not_zero() {
        let mut port = port([("/check-load", (200, "0")), ("/check-queued", (500, "0"))].into());
        assert_eq!(read(&mut port), Err(Unknown::Status(500)));
    }
}
