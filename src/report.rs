//! Reports to systemd and the log, in threads of their own, so that a slow reader cannot hold up a drain.

use crate::context::{Caller, Context};
use crate::message::{Message, Priority};
use crate::text::clean;
use libsystemd::daemon::{NotifyState, notify, notify_with_fds};
use libsystemd::logging::{self, connected_to_journal, journal_send};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io::{Write, pipe, stderr};
use std::os::fd::{AsFd, AsRawFd};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// The program's name in the log.
const NAME: &str = "hhvm-drain";
/// Longest wait at the end for everything to be told.
const FLUSH_TIME: Duration = Duration::from_millis(500);
/// Longest wait for systemd to have read the last notification, in milliseconds; it takes about one.
const BARRIER_MS: u16 = 200;
/// A notification is one datagram of at most 4096 bytes (`sd_notify(3)`).
const STATUS_MAX: usize = 1000;

/// Where lines and states go. Each has a thread, so that a systemd that does not read costs no line of the log.
#[derive(Debug)]
pub struct Reporter {
    log: Worker<Message>,
    notifier: Worker<StatusLine>,
}

/// A status line, and how much time systemd is asked for.
#[derive(Debug)]
struct StatusLine {
    text: String,
    extend: Duration,
}

impl Reporter {
    /// Starts the threads. Should the kernel refuse one, nothing is told there, and the drain goes on.
    #[must_use]
    pub fn start(context: &Context) -> Self {
        let log = Log::new(context);
        Self {
            log: Worker::start("log", move |message| log.write(&message), || ()),
            notifier: Worker::start("notify", |status| send_status(&status), barrier),
        }
    }

    /// Logs a line.
    pub fn tell(&self, message: Message) {
        self.log.give(message);
    }

    /// Logs several lines.
    pub fn tell_all(&self, messages: impl IntoIterator<Item = Message>) {
        messages.into_iter().for_each(|message| self.tell(message));
    }

    /// Sets the unit's status line, and asks for at least `extend` from now until systemd loses patience.
    ///
    /// systemd never shortens its patience by this, and forgets it at a daemon-reload.
    pub fn status(&self, text: String, extend: Duration) {
        self.notifier.give(StatusLine { text, extend });
    }

    /// Waits, not for long, until everything is told and systemd has read it.
    pub fn flush(&self) {
        let give_up = Instant::now() + FLUSH_TIME;
        for done in [self.log.finish(), self.notifier.finish()] {
            let _ = done.recv_timeout(give_up.saturating_duration_since(Instant::now()));
        }
    }
}

/// A thread that does jobs in order.
#[derive(Debug)]
struct Worker<T> {
    queue: Option<Sender<Job<T>>>,
}

#[derive(Debug)]
enum Job<T> {
    Do(T),
    Finish(SyncSender<()>),
}

impl<T: Send + 'static> Worker<T> {
    fn start(name: &str, work: impl Fn(T) + Send + 'static, last: impl Fn() + Send + 'static) -> Self {
        let (queue, jobs) = channel();
        let started = thread::Builder::new().name(name.to_owned()).spawn(move || {
            for job in jobs {
                match job {
                    Job::Do(job) => work(job),
                    Job::Finish(done) => {
                        last();
                        let _ = done.send(());
                    }
                }
            }
        });
        Self { queue: started.ok().map(|_| queue) }
    }

    fn give(&self, job: T) {
        if let Some(queue) = &self.queue {
            let _ = queue.send(Job::Do(job));
        }
    }

    /// Answers once all jobs before are done.
    fn finish(&self) -> Receiver<()> {
        let (done, finished) = sync_channel(1);
        if let Some(queue) = &self.queue {
            let _ = queue.send(Job::Finish(done));
        }
        finished
    }
}

/// `STATUS=` and `EXTEND_TIMEOUT_USEC=`, best effort.
fn send_status(StatusLine { text, extend }: &StatusLine) {
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
        let to = if context.caller != Caller::Person && connected_to_journal() {
            Sink::Journal
        } else {
            Sink::Terminal
        };
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
