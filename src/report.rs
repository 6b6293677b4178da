//! Tells systemd and the log what is going on, from a thread of its own: nobody who reads slowly can hold up a drain.

use crate::context::{Caller, Context};
use crate::message::{Message, Priority};
use crate::text::clean;
use libsystemd::daemon::{NotifyState, notify, notify_with_fds};
use libsystemd::logging::{self, connected_to_journal, journal_send};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io::{Write, pipe, stderr};
use std::os::fd::{AsFd, AsRawFd};
use std::sync::mpsc::{Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::Duration;

/// The program's name in the log.
const NAME: &str = "hhvm-drain";
/// Longest wait at the end for everything to be told.
const FLUSH_TIME: Duration = Duration::from_millis(500);
/// Longest wait for systemd to have read the last notification, in milliseconds; it takes about one.
const BARRIER_MS: u16 = 200;
/// A notification is one datagram of at most 4096 bytes (`sd_notify(3)`).
const STATUS_MAX: usize = 1000;

/// Where lines and states go.
#[derive(Debug)]
pub struct Reporter {
    queue: Option<Sender<Report>>,
}

enum Report {
    Line(Message),
    Status { text: String, extend: Duration },
    Flush(SyncSender<()>),
}

impl Reporter {
    /// Starts the thread. Should the kernel refuse one, nothing is told, and the drain goes on.
    #[must_use]
    pub fn start(context: &Context) -> Self {
        let (queue, reports) = channel();
        let log = Log::new(context);
        let started = thread::Builder::new().name("report".to_owned()).spawn(move || {
            for report in reports {
                match report {
                    Report::Line(message) => log.write(&message),
                    Report::Status { text, extend } => send_status(&text, extend),
                    Report::Flush(done) => {
                        barrier();
                        let _ = done.send(());
                    }
                }
            }
        });
        Self { queue: started.ok().map(|_| queue) }
    }

    /// Logs a line.
    pub fn tell(&self, message: Message) {
        self.send(Report::Line(message));
    }

    /// Logs several lines.
    pub fn tell_all(&self, messages: impl IntoIterator<Item = Message>) {
        messages.into_iter().for_each(|message| self.tell(message));
    }

    /// Sets the unit's status line, and asks for at least `extend` from now until systemd loses patience.
    ///
    /// systemd never shortens its patience by this, and forgets it at a daemon-reload.
    pub fn status(&self, text: String, extend: Duration) {
        self.send(Report::Status { text, extend });
    }

    /// Waits, not for long, until everything is told and systemd has read it.
    pub fn flush(&self) {
        let (done, told) = sync_channel(1);
        self.send(Report::Flush(done));
        let _ = told.recv_timeout(FLUSH_TIME);
    }

    fn send(&self, report: Report) {
        if let Some(queue) = &self.queue {
            let _ = queue.send(report);
        }
    }
}

/// `STATUS=` and `EXTEND_TIMEOUT_USEC=`, best effort.
fn send_status(text: &str, extend: Duration) {
    let text: String = clean(text).chars().take(STATUS_MAX).collect();
    let mut states = vec![NotifyState::Status(text)];
    if !extend.is_zero() {
        states.push(NotifyState::Other(format!("EXTEND_TIMEOUT_USEC={}", extend.as_micros())));
    }
    let _ = notify(false, &states);
}

/// Waits until systemd has read every notification: it closes the descriptor when it gets there (`sd_notify_barrier(3)`).
fn barrier() {
    let Ok((reader, writer)) = pipe() else { return };
    let sent = notify_with_fds(false, &[NotifyState::Other("BARRIER=1".to_owned())], &[writer.as_raw_fd()]);
    drop(writer);
    if matches!(sent, Ok(true)) {
        let mut fds = [PollFd::new(reader.as_fd(), PollFlags::POLLIN)];
        let _ = poll(&mut fds, PollTimeout::from(BARRIER_MS));
    }
}

/// The journal, or standard error.
struct Log {
    unit: String,
    to: Sink,
}

#[derive(Clone, Copy, PartialEq)]
enum Sink {
    Journal,
    Terminal,
}

impl Log {
    fn new(context: &Context) -> Self {
        let in_hook = Caller::of(&context.env) != Caller::Person;
        let to = if in_hook && connected_to_journal() { Sink::Journal } else { Sink::Terminal };
        Self { unit: context.unit.to_string(), to }
    }

    fn write(&self, message: &Message) {
        if self.to == Sink::Journal && self.to_journal(message) {
            return;
        }
        // A closed standard error must not end a drain.
        let _ = writeln!(stderr(), "{NAME}: {message}");
    }

    /// The native protocol, for the fields.
    ///
    /// journald finds the sender's unit in /proc, which is too late for a process that has ended.
    /// `OBJECT_SYSTEMD_UNIT` from root makes `journalctl -u` and `systemctl status` show the line all the same.
    fn to_journal(&self, message: &Message) -> bool {
        let mut fields = vec![
            ("MESSAGE_ID", message.id().to_owned()),
            ("SYSLOG_IDENTIFIER", NAME.to_owned()),
            ("HHVM_DRAIN_UNIT", self.unit.clone()),
            ("OBJECT_SYSTEMD_UNIT", self.unit.clone()),
        ];
        fields.extend(message.fields());
        journal_send(message.priority().into(), &message.to_string(), fields.into_iter()).is_ok()
    }
}

impl From<Priority> for logging::Priority {
    fn from(priority: Priority) -> Self {
        match priority {
            Priority::Error => Self::Error,
            Priority::Warning => Self::Warning,
            Priority::Notice => Self::Notice,
            Priority::Info => Self::Info,
        }
    }
}
