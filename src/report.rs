//! Reports to systemd and the log, in threads of their own, so that a slow reader cannot hold up a drain. Where no thread
//! is to be had, a line that is not taken at once is lost.

use crate::context::{Caller, Context};
use crate::datagram::{to_journal, to_manager};
use crate::message::{Message, Priority};
use crate::power;
use crate::text::clean;
use libsystemd::daemon::{NotifyState, notify, notify_with_fds};
use libsystemd::logging::{self, connected_to_journal, journal_send};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::fmt;
use std::io::{Write, pipe, stderr};
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// The program's name in the log.
const NAME: &str = "hhvm-drain";
/// Longest wait at the end for everything to be told.
const FLUSH_TIME: Duration = Duration::from_millis(500);
/// Longest wait for systemd to have read the last notification, in milliseconds; it takes about one.
const BARRIER_MS: u16 = 200;
/// So much fits into a pipe that is ready (pipe(7)).
const LINE_MAX: usize = 4096;
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
    /// Starts the threads.
    #[must_use]
    pub fn start(context: &Context) -> Self {
        let log = Arc::new(Log::new(context));
        let hasty = Arc::clone(&log);
        let manager = context.env.get("NOTIFY_SOCKET").map(str::to_owned);
        Self {
            log: Worker::start(
                "log",
                move |message| log.write(&message),
                || (),
                move |message| hasty.write_at_once(&message),
            ),
            notifier: Worker::start(
                "notify",
                |status| send_status(&status),
                barrier,
                move |status| send_status_at_once(&status, manager.as_deref()),
            ),
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

/// Who does jobs in order.
enum Worker<T> {
    /// A thread.
    Thread(Sender<Job<T>>),
    /// The one who has them, at once, for want of a thread.
    Here(Box<dyn Fn(T) + Send + Sync>),
}

impl<T> fmt::Debug for Worker<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Thread(_) => "Thread",
            Self::Here(_) => "Here",
        })
    }
}

#[derive(Debug)]
enum Job<T> {
    Do(T),
    Finish(SyncSender<()>),
}

impl<T: Send + 'static> Worker<T> {
    fn start(
        name: &str,
        work: impl Fn(T) + Send + 'static,
        last: impl Fn() + Send + 'static,
        at_once: impl Fn(T) + Send + Sync + 'static,
    ) -> Self {
        let (queue, jobs) = channel();
        let started = thread::Builder::new().name(name.to_owned()).spawn(move || {
            // Whoever reads, this thread only sends.
            power::keep(&[]);
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
        if started.is_ok() { Self::Thread(queue) } else { Self::Here(Box::new(at_once)) }
    }

    fn give(&self, job: T) {
        match self {
            Self::Thread(queue) => drop(queue.send(Job::Do(job))),
            Self::Here(at_once) => at_once(job),
        }
    }

    /// Answers once all jobs before are done.
    fn finish(&self) -> Receiver<()> {
        let (done, finished) = sync_channel(1);
        if let Self::Thread(queue) = self {
            let _ = queue.send(Job::Finish(done));
        }
        finished
    }
}

/// `STATUS=` and `EXTEND_TIMEOUT_USEC=`, best effort.
fn send_status(status: &StatusLine) {
    let _ = notify(false, &states(status));
}

fn send_status_at_once(status: &StatusLine, manager: Option<&str>) {
    let Some(manager) = manager else { return };
    let lines: Vec<String> = states(status).iter().map(ToString::to_string).collect();
    let _ = to_manager(manager, &lines.join("\n"));
}

fn states(StatusLine { text, extend }: &StatusLine) -> Vec<NotifyState> {
    let text: String = clean(text).chars().take(STATUS_MAX).collect();
    let mut states = vec![NotifyState::Status(text)];
    if !extend.is_zero() {
        states.push(NotifyState::Other(format!("EXTEND_TIMEOUT_USEC={}", extend.as_micros())));
    }
    states
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
#[derive(Debug)]
struct Log {
    unit: String,
    to: Sink,
}

#[derive(Debug, Clone, Copy, PartialEq)]
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
        let send = || {
            journal_send(message.priority().into(), &message.to_string(), self.fields(message).into_iter())
        };
        if self.to != Sink::Journal || send().is_err() {
            to_terminal(message);
        }
    }

    /// The same, without a wait for journald.
    fn write_at_once(&self, message: &Message) {
        let priority = (message.priority() as u8).to_string();
        let mut all = self.fields(message);
        all.extend([("MESSAGE", message.to_string()), ("PRIORITY", priority)]);
        let fields: Vec<_> = all.iter().map(|(name, value)| (*name, value.as_str())).collect();
        if self.to != Sink::Journal || to_journal(&fields).is_err() {
            to_terminal_at_once(message);
        }
    }

    /// For the native protocol.
    ///
    /// journald finds the sender's unit in /proc, which is too late for a process that has ended.
    /// `OBJECT_SYSTEMD_UNIT` from root makes `journalctl -u` and `systemctl status` show the line all the same.
    fn fields(&self, message: &Message) -> Vec<(&'static str, String)> {
        let mut fields = vec![
            ("MESSAGE_ID", message.id().to_owned()),
            ("SYSLOG_IDENTIFIER", NAME.to_owned()),
            ("HHVM_DRAIN_UNIT", self.unit.clone()),
            ("OBJECT_SYSTEMD_UNIT", self.unit.clone()),
        ];
        fields.extend(message.fields());
        fields
    }
}

/// What tells of a panic, of which nobody knows what it has left locked: nothing is waited for.
#[derive(Debug)]
pub struct LastWords(Log);

impl LastWords {
    /// For a run that may panic.
    #[must_use]
    pub fn of(context: &Context) -> Self {
        Self(Log::new(context))
    }

    /// Tells it, if it is taken at once.
    pub fn say(&self, message: &Message) {
        self.0.write_at_once(message);
    }
}

/// Not by way of the lock that others write with, and not to who does not read.
fn to_terminal_at_once(message: &Message) {
    let mut line = format!("{NAME}: {message}\n").into_bytes();
    line.truncate(LINE_MAX);
    let stderr = stderr();
    let mut fds = [PollFd::new(stderr.as_fd(), PollFlags::POLLOUT)];
    if poll(&mut fds, PollTimeout::ZERO).is_ok_and(|ready| ready > 0) {
        let _ = rustix::io::write(&stderr, &line);
    }
}

/// A closed standard error must not end a drain.
fn to_terminal(message: &Message) {
    let _ = writeln!(stderr(), "{NAME}: {message}");
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
