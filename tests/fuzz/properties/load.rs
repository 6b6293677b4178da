//! What holds for every body that is asked for a load.

use super::client::Reply;
use super::count::{COUNT_MAX, count};
use super::php_fpm::{self, BODY_MAX};
use crate::load::Unknown;

/// What the question ends in.
const TOKEN: &str = "&t";

/// A load is what another reader makes of the same bytes, of all of them, or it is unknown.
///
/// A first byte that is a space stands for more of them behind the body than are ever read.
///
/// # Panics
/// When this does not hold.
pub fn body(bytes: &[u8]) {
    let Some((first, text)) = bytes.split_first() else { return };
    let with_more = |most: usize| {
        let mut body = text.to_vec();
        if *first == b' ' {
            body.resize(body.len() + most, b' ');
        }
        Reply { status: 200, body }
    };
    let mut reply = with_more(COUNT_MAX);
    if let Some(load) = known(count(&reply)) {
        assert!(reply.body.len() <= COUNT_MAX, "{} bytes", reply.body.len());
        let digits = reply.body.trim_ascii();
        let value = digits.iter().fold(0, |sum: u64, digit| 10 * sum + u64::from(*digit) - u64::from(b'0'));
        assert!(!digits.is_empty() && digits.iter().all(u8::is_ascii_digit) && value == load, "{load}");
    }
    reply = with_more(BODY_MAX);
    let requests = php_fpm::read(&reply, TOKEN);
    if let Some(load) = known(requests.map(|requests| requests.busy + requests.queued)) {
        assert!(reply.body.len() <= BODY_MAX, "{} bytes", reply.body.len());
        let page = String::from_utf8_lossy(&reply.body);
        assert_eq!(by_lines(&page), Some(load), "{page}");
    }
    for status in [0, 204, 404, 500] {
        reply.status = status;
        assert_eq!(count(&reply), Err(Unknown::Status(status)));
        assert_eq!(php_fpm::read(&reply, TOKEN), Err(Unknown::Status(status)));
    }
}

/// The load of a status page of PHP-FPM, read line by line.
fn by_lines(page: &str) -> Option<u64> {
    let mut queued = None;
    let mut processes: Vec<[Option<&str>; 3]> = Vec::new();
    for line in page.lines() {
        let begins = line.strip_prefix(&"*".repeat(24));
        if begins.is_some() {
            processes.push([None; 3]);
        }
        let Some((name, value)) = begins.unwrap_or(line).split_once(':') else { continue };
        match (processes.last_mut(), name) {
            (None, "listen queue") => queued = queued.or(Some(value.trim())),
            (Some(process), "state") => process[0] = process[0].or(Some(value.trim())),
            (Some(process), "request URI") => process[1] = process[1].or(Some(value.trim())),
            (Some(process), "request duration") => process[2] = process[2].or(Some(value.trim())),
            _ => {}
        }
    }
    let mut load: u64 = queued?.parse().ok()?;
    for process in processes {
        let (state, uri) = (process[0]?, process[1]?);
        let is_kept = state == "Reading headers" && process[2]?.parse::<u64>().ok()? >= 5_000_000;
        load += u64::from(state != "Idle" && !uri.ends_with(TOKEN) && !is_kept);
    }
    Some(load)
}

/// The load; the reason why it is unknown has to fit a line.
fn known(load: Result<u64, Unknown>) -> Option<u64> {
    let why = match load {
        Ok(load) => return Some(load),
        Err(why) => why.to_string(),
    };
    assert!(why.chars().count() < 200 && !why.contains(char::is_control), "{why:?}");
    None
}
