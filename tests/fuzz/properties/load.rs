//! What holds for every body that is asked for a load.

use super::client::Reply;
use super::count::{COUNT_MAX, count};
use super::php_fpm::{self, BODY_MAX};
use crate::load::Unknown;
use serde_json::Value;

/// A load is what another reader makes of the same bytes, of all of them, or it is unknown.
///
/// A first byte that is a space stands for more of them behind the body than are ever read.
///
/// # Panics
/// When this does not hold.
pub fn body(bytes: &[u8]) {
    let Some((first, text)) = bytes.split_first() else { return };
    let mut body = text.to_vec();
    if *first == b' ' {
        body.resize(body.len() + BODY_MAX, b' ');
    }
    let mut reply = Reply { status: 200, body };
    if let Some(load) = known(count(&reply)) {
        assert!(reply.body.len() <= COUNT_MAX, "{} bytes", reply.body.len());
        let digits = reply.body.trim_ascii();
        let value = digits.iter().fold(0, |sum: u64, digit| 10 * sum + u64::from(*digit) - u64::from(b'0'));
        assert!(!digits.is_empty() && digits.iter().all(u8::is_ascii_digit) && value == load, "{load}");
    }
    if let Some(load) = known(php_fpm::load(&reply)) {
        assert!(reply.body.len() <= BODY_MAX, "{} bytes", reply.body.len());
        assert!(reply.body.trim_ascii_start().starts_with(b"{"), "{load} of what is no status page");
        // It is more strict about members that do not matter.
        if let Ok(page) = serde_json::from_slice::<Value>(&reply.body) {
            let member = |name: &str| page[name].as_u64();
            let busy = member("active processes").zip(member("listen queue"));
            assert_eq!(busy.map(|(active, queued)| active + queued), Some(load + 1), "{page}");
        }
    }
    for status in [0, 204, 404, 500] {
        reply.status = status;
        assert_eq!(count(&reply), Err(Unknown::Status(status)));
        assert_eq!(php_fpm::load(&reply), Err(Unknown::Status(status)));
    }
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
