//! Finds out whether a listener of the unit is an admin port. Of any other server it is a request for a page, so little
//! is asked, and nothing is asked twice.

use super::client::Client;
use super::count::{COUNT_MAX, count};
use super::inside::Inside;
use crate::endpoint::{Address, Protocol, Target};
use crate::kernel::Host;
use crate::load::Unknown;
use crate::place::Tried;
use crate::sockets::{Listener, Place};
use std::time::{Duration, Instant};

/// For so long one listener may take to answer.
const PATIENCE: Duration = Duration::from_millis(200);
/// What is read of the usage text.
const HELP_MAX: usize = 8 << 10;
/// Commands that every version explains (`AdminRequestHandler::handleRequest`).
const HELP: [&[u8]; 2] = [b"/stop:", b"/check-load:"];

/// What answers at `listener`, which usually speaks `usual`.
pub(super) fn recognise(
    listener: &Listener,
    usual: Option<Protocol>,
    query: &str,
    host: &Host,
    deadline: Instant,
) -> Tried {
    in_either_language(listener, usual, host, deadline, |client, deadline| {
        is_admin_port(client, query, deadline)
    })
}

/// Whether `listener` explains itself as an admin port does, which it does without a password, too.
#[must_use]
pub fn ask_for_help(listener: &Listener, usual: Option<Protocol>, host: &Host, deadline: Instant) -> Tried {
    in_either_language(listener, usual, host, deadline, explains_itself)
}

fn in_either_language(
    listener: &Listener,
    usual: Option<Protocol>,
    host: &Host,
    deadline: Instant,
    is_admin: impl Fn(&mut dyn Client, Instant) -> Result<bool, Unknown>,
) -> Tried {
    let deadline = deadline.min(Instant::now() + PATIENCE);
    let inode = listener.holders.first().map_or(0, |holder| holder.inode);
    let tried = |admin| Tried { place: listener.place.clone(), inode, admin };
    let Place::Tcp(address) = &listener.place else { return tried(None) };
    // An HTTP request can leave a FastCGI server waiting for more bytes.
    let order = match usual {
        Some(Protocol::Http) => [Protocol::Http, Protocol::FastCgi],
        Some(Protocol::FastCgi) | None => [Protocol::FastCgi, Protocol::Http],
    };
    for protocol in order {
        let target = Target { protocol, address: Address::of(*address), path: String::new() };
        let mut client = Inside::of(host, listener.inside, &target);
        match is_admin(&mut client, deadline) {
            Ok(true) => return tried(Some(protocol)),
            Ok(false) | Err(Unknown::TimedOut | Unknown::Refused) => return tried(None),
            // It may speak the other language.
            Err(_) => {}
        }
    }
    tried(None)
}

/// Whether it explains itself as an admin port does, and answers both questions with numbers. The password goes to nobody
/// who does not.
fn is_admin_port(client: &mut dyn Client, query: &str, deadline: Instant) -> Result<bool, Unknown> {
    if !explains_itself(client, deadline)? {
        return Ok(false);
    }
    for path in ["/check-load", "/check-queued"] {
        if count(&client.get(path, query, COUNT_MAX, deadline)?).is_err() {
            return Ok(false);
        }
    }
    Ok(true)
}

fn explains_itself(client: &mut dyn Client, deadline: Instant) -> Result<bool, Unknown> {
    let help = client.get("/help", "", HELP_MAX, deadline)?;
    let explains = |line: &[u8]| help.body.windows(line.len()).any(|words| words == line);
    Ok(help.status == 200 && HELP.iter().all(|line| explains(line)))
}
