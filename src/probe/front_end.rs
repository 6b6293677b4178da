//! Asks the front end on this host for the health file, as a load balancer does: on a new connection each time.

use super::client::Client;
use super::http::Http;
use crate::load::Unknown;
use crate::page_url::PageUrl;
use std::time::Instant;

/// The status of an answer is what counts.
const BODY_MAX: usize = 64;

/// A front end.
#[derive(Debug)]
pub struct FrontEnd {
    url: PageUrl,
    client: Http,
}

impl FrontEnd {
    /// The one that serves `url`.
    #[must_use]
    pub fn at(url: &PageUrl) -> Self {
        Self { url: url.clone(), client: Http::new(&url.target.address).with_host(url.host.as_deref()) }
    }

    /// The status of its answer, by `deadline`.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn status(&mut self, deadline: Instant) -> Result<u16, Unknown> {
        Ok(self.client.get(&self.url.target.path, &self.url.query, BODY_MAX, deadline)?.status)
    }

    /// Whether a load balancer would take the node for up; one that does not answer is not.
    pub fn is_up(&mut self, deadline: Instant) -> bool {
        self.status(deadline).is_ok_and(is_up)
    }
}

/// A load balancer takes 2xx and 3xx for a node that is up (`option httpchk`, for one).
#[must_use]
pub fn is_up(status: u16) -> bool {
    (200..400).contains(&status)
}
