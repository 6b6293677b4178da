//! The load of PHP-FPM: its status page (`pm.status_path`), with the list of its processes.

use super::client::{Client, Reply};
use super::gauge::Gauge;
use crate::load::Unknown;
use crate::php_fpm::status;
use crate::text::quote;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// A process takes 1.4 kB of the page at most, and 550 bytes usually.
pub(super) const BODY_MAX: usize = 1 << 20;

/// A status page.
pub(super) struct StatusPage {
    client: Box<dyn Client + Send>,
    path: String,
    /// How many questions were put.
    asked: u64,
}

impl StatusPage {
    /// The page at `path` of what `client` reaches.
    pub(super) fn new(client: Box<dyn Client + Send>, path: &str) -> Self {
        Self { client, path: path.to_owned(), asked: 0 }
    }

    /// What the page says, by `deadline`; the process that answers does not count.
    ///
    /// Whether one of the pool itself answers, or one of the pool that `pm.status_listen` makes, the page tells: in the
    /// list is our question, which nobody else can know.
    pub(super) fn ask(&mut self, deadline: Instant) -> Result<status::Requests, Unknown> {
        self.asked += 1;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let token = format!("&hhvm-drain={:x}-{}", now.as_nanos(), self.asked);
        read(&self.client.get(&self.path, &format!("full{token}"), BODY_MAX, deadline)?, &token)
    }
}

impl Gauge for StatusPage {
    fn read(&mut self, deadline: Instant) -> Result<u64, Unknown> {
        self.ask(deadline).map(|requests| requests.busy + requests.queued)
    }
}

/// Reads the reply to a question that ended in `token`.
///
/// # Errors
/// When it is no such page.
pub(super) fn read(reply: &Reply, token: &str) -> Result<status::Requests, Unknown> {
    if reply.status != 200 {
        return Err(Unknown::Status(reply.status));
    }
    let page = String::from_utf8_lossy(&reply.body);
    let whole = reply.body.len() <= BODY_MAX;
    let requests = if whole { status::read(&page, token) } else { None };
    requests.ok_or_else(|| Unknown::NotALoad(quote(page.get(..1000).unwrap_or(&page))))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers with a pool of two processes, one of which answers, as PHP-FPM does.
    struct Fpm;

    impl Client for Fpm {
        fn get(&mut self, path: &str, query: &str, _: usize, _: Instant) -> Result<Reply, Unknown> {
            let process = |state: &str, uri: &str| {
                format!(
                    "\n************************\nstate: {state}\nrequest duration: 1\nrequest URI: {uri}\n"
                )
            };
            let body = "pool: www\nlisten queue: 3\nactive processes: 1\n".to_owned()
                + &process("Running", "/status?full&hhvm-drain=0-1")
                + &process("Running", &format!("{path}?{query}"));
            Ok(Reply { status: 200, body: body.into_bytes() })
        }
    }

    #[test]
    fn the_process_that_answers_is_known_by_the_question() {
        let mut page = StatusPage::new(Box::new(Fpm), "/status");
        assert_eq!(page.ask(Instant::now()), Ok(status::Requests { busy: 1, queued: 3 }));
    }

    #[test]
    fn another_status_or_a_page_without_its_end_is_no_load() {
        let mut reply = Fpm.get("/", "t", 0, Instant::now()).unwrap();
        assert!(read(&reply, "t").is_ok());
        reply.body.resize(BODY_MAX + 1, b'\n');
        assert!(matches!(read(&reply, "t"), Err(Unknown::NotALoad(_))));
        reply.status = 404;
        assert_eq!(read(&reply, "t"), Err(Unknown::Status(404)));
    }
}
