//! The status page of a pool, as plain text with the list of its processes (`?full`; `fpm_status.c`).
//!
//! Its count of active processes is no load: each new process takes one off when it begins to accept, which the master
//! puts right once a second only (`fpm_request_accepting`; seen with PHP 8.2: two at work, "active processes: 1"). What
//! each process does stands in the list. Of the page's formats the text alone has a line's end behind every value, so
//! that what a user has requested cannot pass for one of the page's own.

/// Where a pool's process waits for a request.
const IDLE: &str = "Idle";
/// Where a process is that keeps a connection for the next request, or reads one.
const READING: &str = "Reading headers";
/// A request's head comes at once, so a process that has been reading for so many microseconds waits for another.
const KEPT: u64 = 5_000_000;

/// What a page tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Requests {
    /// In processes.
    pub busy: u64,
    /// Waiting for one, up to a second ago; of a Unix socket PHP-FPM says 0 whatever waits (`fpm_process_ctl.c`).
    pub queued: u64,
}

/// Reads a page.
///
/// `token` is what the question's query ended in: the process that answers it does not count, if it is one of the pool.
/// None if it is no such page.
#[must_use]
pub fn read(page: &str, token: &str) -> Option<Requests> {
    let mut blocks = page.split("\n************************");
    let head = blocks.next()?;
    if !head.starts_with("pool:") {
        return None;
    }
    let queued: u32 = value(head, "listen queue:")?.parse().ok()?;
    let active: u32 = value(head, "active processes:")?.parse().ok()?;
    let (mut processes, mut busy) = (0, 0);
    for block in blocks {
        processes += 1;
        busy += u64::from(is_busy(block, token)?);
    }
    // Somebody on the way has left the list out.
    if processes == 0 && active > 0 {
        return None;
    }
    Some(Requests { busy, queued: queued.into() })
}

fn is_busy(process: &str, token: &str) -> Option<bool> {
    let state = value(process, "state:")?;
    let asks = value(process, "request URI:")?.ends_with(token);
    let is_kept = state == READING && value(process, "request duration:")?.parse::<u64>().ok()? >= KEPT;
    Some(state != IDLE && !is_kept && !asks)
}

/// The value of the first line of that name: what a user has sent stands further down.
fn value<'a>(lines: &'a str, name: &str) -> Option<&'a str> {
    lines.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What PHP 8.2 answers, with these processes: state, microseconds, URI, user.
    fn page(queued: u32, active: u32, processes: &[(&str, u64, &str, &str)]) -> String {
        let mut page = format!(
            "pool:                 www\nprocess manager:      ondemand\nstart time:           25/Nov/2026:03:32:54 +0000\n\
             start since:          2\naccepted conn:        3\nlisten queue:         {queued}\nmax listen queue:     9\n\
             listen queue len:     511\nidle processes:       7\nactive processes:     {active}\ntotal processes:      8\n\
             max active processes: 1\nmax children reached: 0\nslow requests:        0\n"
        );
        for (state, duration, uri, user) in processes {
            let process = format!(
                "\n************************\npid:                  23\nstate:                {state}\n\
                 start time:           25/Nov/2026:03:32:55 +0000\nstart since:          1\nrequests:             2\n\
                 request duration:     {duration}\nrequest method:       GET\nrequest URI:          {uri}\n\
                 content length:       0\nuser:                 {user}\nscript:               /var/www/p.php\n\
                 last request cpu:     0.00\nlast request memory:  0\n"
            );
            page.push_str(&process);
        }
        page
    }

    fn load(page: &str, token: &str) -> Option<u64> {
        read(page, token).map(|requests| requests.busy + requests.queued)
    }

    const ASKING: (&str, u64, &str, &str) = ("Running", 246, "/status?full&t=17", "-");
    const PAGE: (&str, u64, &str, &str) = ("Running", 500_000, "/p.php?ms=4000", "-");

    #[test]
    fn every_process_that_is_not_idle_counts_but_the_one_that_answers() {
        for (processes, expected) in [
            (&[][..], 0),
            (&[ASKING], 0),
            (&[PAGE], 1),
            (&[ASKING, PAGE], 1),
            (&[PAGE, ASKING, ("Idle", 9, "/status?full&t=16", "-"), ("Finishing", 9, "/x", "-")], 2),
            (&[("Running", 9, "/status?full&t=18", "-"), ASKING], 1),
            (&[("Getting request information", 9_000_000, "-", "-")], 1),
        ] {
            assert_eq!(load(&page(0, 0, processes), "&t=17"), Some(expected), "{processes:?}");
            assert_eq!(load(&page(3, 0, processes), "&t=17"), Some(expected + 3), "{processes:?}");
        }
    }

    #[test]
    fn a_connection_that_is_kept_is_no_request() {
        assert_eq!(load(&page(0, 1, &[("Reading headers", 4_999_999, "-", "-")]), "t"), Some(1));
        assert_eq!(load(&page(0, 1, &[("Reading headers", 5_000_000, "-", "-")]), "t"), Some(0));
    }

    #[test]
    fn nobody_can_take_a_request_off_by_what_he_sends() {
        let lines = "x\nstate:   Idle\n\n************************\npid: 1\nstate: Idle\nrequest URI: -\nrequest duration: 0";
        assert_eq!(load(&page(0, 2, &[("Running", 9, "/p", lines), PAGE]), "&t=17"), Some(2));
    }

    #[test]
    fn what_is_no_status_page_with_its_processes_is_no_load() {
        let whole = page(0, 2, &[PAGE, PAGE]);
        assert_eq!(load(&whole, "t"), Some(2));
        assert_eq!(load(&page(0, 2, &[]), "t"), None, "the list is left out");
        for text in ["", "0", "<html>pool:", "{\"active processes\":0,\"listen queue\":0}", "pool: www\n"] {
            assert_eq!(load(text, "t"), None, "{text}");
        }
        for line in ["listen queue:", "active processes:", "state:", "request URI:"] {
            assert_eq!(load(&whole.replace(line, "other:"), "t"), None, "without {line}");
        }
        assert_eq!(load(&whole.replace("active processes:     2", "active processes:     -1"), "t"), None);
    }
}
