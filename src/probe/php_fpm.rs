//! The load of PHP-FPM: its status page in JSON (`pm.status_path`, `?json`; `fpm_status.c`).

use super::client::{Client, Reply};
use super::gauge::Gauge;
use crate::load::Unknown;
use crate::text::quote;
use serde::Deserialize;
use std::time::Instant;

/// What is appended to the path.
const QUERY: &str = "json";
/// A status page without its list of processes is a tenth of this.
pub(super) const BODY_MAX: usize = 8 << 10;

/// A status page.
pub(super) struct StatusPage {
    client: Box<dyn Client + Send>,
    path: String,
}

impl StatusPage {
    /// The page at `path` of what `client` reaches.
    pub(super) fn new(client: Box<dyn Client + Send>, path: &str) -> Self {
        Self { client, path: path.to_owned() }
    }
}

impl Gauge for StatusPage {
    fn read(&mut self, deadline: Instant) -> Result<u64, Unknown> {
        load(&self.client.get(&self.path, QUERY, BODY_MAX, deadline)?)
    }
}

#[derive(Deserialize)]
struct Counts {
    #[serde(rename = "active processes")]
    active: u32,
    #[serde(rename = "listen queue")]
    queued: u32,
}

/// Active processes, less the one that answers this very question, and connections that wait for one.
///
/// # Errors
/// When the reply is not such a page.
pub(super) fn load(reply: &Reply) -> Result<u64, Unknown> {
    if reply.status != 200 {
        return Err(Unknown::Status(reply.status));
    }
    let not_a_load = || Unknown::NotALoad(quote(&String::from_utf8_lossy(&reply.body)));
    // A list of two numbers would do for a structure, too; and of a longer page the end was not read.
    if reply.body.len() > BODY_MAX || !reply.body.trim_ascii_start().starts_with(b"{") {
        return Err(not_a_load());
    }
    let counts: Counts = serde_json::from_slice(&reply.body).map_err(|_| not_a_load())?;
    let others = counts.active.checked_sub(1).ok_or_else(not_a_load)?;
    Ok(u64::from(others) + u64::from(counts.queued))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, body: &str) -> Result<u64, Unknown> {
        load(&Reply { status, body: body.as_bytes().to_vec() })
    }

    #[test]
    fn the_asking_process_does_not_count_and_the_queue_does() {
        let page = r#"{"pool":"www","process manager":"dynamic","start time":1,"start since":5,"accepted conn":9,
            "listen queue":2,"max listen queue":3,"listen queue len":511,"idle processes":1,"active processes":4,
            "total processes":5,"max active processes":4,"max children reached":0,"slow requests":0}"#;
        assert_eq!(of(200, page), Ok(5));
    }

    #[test]
    fn what_is_no_status_page_is_no_load() {
        for body in [
            "",
            "0",
            "{}",
            "<html>",
            r#"{"active processes":0,"listen queue":0}"#,
            r#"{"active processes":-1,"listen queue":0}"#,
            r#"{"active processes":1}"#,
            "[1,0]",
            &format!("{:9000}", r#"{"active processes":1,"listen queue":0}"#),
        ] {
            assert!(matches!(of(200, body), Err(Unknown::NotALoad(_))), "{body}");
        }
        assert_eq!(of(404, "File not found."), Err(Unknown::Status(404)));
    }
}
