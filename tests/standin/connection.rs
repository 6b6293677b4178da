//! One connection: its thread reads, a worker answers, and either may find the other gone.

use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use crate::lock;
use crate::message::Request;
use crate::net::{Stream, Woken, wait};
use crate::pool::Note;
use crate::server::{Server, Service};
use crate::session::{Event, Reply, Session, Wire};

/// One connection. Only its thread holds the stream for long, so that the stream closes when that thread lets go,
/// while a worker sleeps on in its job.
pub struct Connection {
    stream: Mutex<Option<Arc<Stream>>>,
    gone: Condvar,
    turn: Mutex<Turn>,
    /// Jobs and deliveries that have not ended.
    jobs: AtomicUsize,
    answered: AtomicBool,
    /// No request after the present one.
    last: AtomicBool,
}

/// The answer goes out when both are there: the end of the input and the answer.
#[derive(Default)]
struct Turn {
    input_ended: bool,
    answer: Option<Wire>,
}

impl Connection {
    pub fn new(stream: Stream) -> Self {
        Self {
            stream: Mutex::new(Some(Arc::new(stream))),
            gone: Condvar::new(),
            turn: Mutex::default(),
            jobs: AtomicUsize::new(0),
            answered: AtomicBool::new(true),
            last: AtomicBool::new(false),
        }
    }

    /// Reads until the client, the server or the idle timeout ends it.
    pub fn serve(self: &Arc<Self>, server: &Arc<Server>) {
        if let Some(stream) = self.stream() {
            self.read(server, &stream);
        }
        lock(&self.stream).take();
        self.gone.notify_all();
        // A client that left without ending its input is still obeyed.
        self.input_ended(server);
    }

    fn read(self: &Arc<Self>, server: &Arc<Server>, stream: &Stream) {
        let mut session = Session::new(server, stream.peer());
        let mut buffer = [0; 16 * 1024];
        loop {
            match wait(stream.as_fd(), server.halted(), Some(server.idle_timeout)) {
                Woken::Ready => {}
                Woken::TimedOut if self.busy() => continue,
                Woken::TimedOut | Woken::Halted => return,
            }
            let Ok(length @ 1..) = stream.read(&mut buffer) else {
                return;
            };
            for event in session.feed(&buffer[..length], self.answered.load(SeqCst)) {
                if !self.handle(server, stream, event) {
                    return;
                }
            }
        }
    }

    /// False ends the connection.
    fn handle(self: &Arc<Self>, server: &Arc<Server>, stream: &Stream, event: Event) -> bool {
        match event {
            Event::Start(..) if self.last.load(SeqCst) => return false,
            Event::Start(request, reply) => self.start(server, request, reply),
            Event::InputEnd => self.input_ended(server),
            Event::Send(bytes) => return stream.write_all(&bytes).is_ok(),
            Event::SendAndClose(bytes) => {
                let _ = stream.write_all(&bytes);
                return false;
            }
            Event::Close => return false,
        }
        true
    }

    fn start(self: &Arc<Self>, server: &Arc<Server>, request: Request, reply: Reply) {
        self.jobs.fetch_add(1, SeqCst);
        self.answered.store(false, SeqCst);
        *lock(&self.turn) = Turn::default();
        let note = Note { url: request.path.clone(), client: request.client.clone() };
        let (connection, service) = (Arc::clone(self), Arc::clone(&server.service));
        let job = move || {
            let response = service.answer(&request);
            connection.answer(&*service, reply.wire(&response, service.pace()));
            connection.job_ended();
        };
        server.jobs.submit(note, Box::new(job));
    }

    fn answer(&self, service: &dyn Service, wire: Wire) {
        let mut turn = lock(&self.turn);
        if turn.input_ended {
            drop(turn);
            self.deliver(service, &wire);
        } else {
            turn.answer = Some(wire);
        }
    }

    fn input_ended(&self, server: &Server) {
        let mut turn = lock(&self.turn);
        turn.input_ended = true;
        let answer = turn.answer.take();
        drop(turn);
        if let Some(wire) = answer {
            self.jobs.fetch_add(1, SeqCst);
            self.deliver(&*server.service, &wire);
            self.job_ended();
        }
    }

    fn deliver(&self, service: &dyn Service, wire: &Wire) {
        self.answered.store(true, SeqCst);
        let (first, rest) = wire.bytes.split_at(wire.at_once);
        let sent = self.write(first)
            && rest.chunks(wire.step).all(|step| !self.gone_within(wire.pause) && self.write(step));
        if !sent || !wire.keep {
            self.hang_up();
        }
        // Not before, or the stop would cut off its own answer.
        if wire.stop {
            service.stop();
        }
    }

    fn write(&self, bytes: &[u8]) -> bool {
        self.stream().is_some_and(|stream| stream.write_all(bytes).is_ok())
    }

    fn gone_within(&self, limit: Duration) -> bool {
        let waited = self.gone.wait_timeout_while(lock(&self.stream), limit, |stream| stream.is_some());
        waited.map_or(true, |(stream, _)| stream.is_none())
    }

    fn stream(&self) -> Option<Arc<Stream>> {
        lock(&self.stream).clone()
    }

    fn busy(&self) -> bool {
        self.jobs.load(SeqCst) > 0 || !self.answered.load(SeqCst)
    }

    fn job_ended(&self) {
        self.jobs.fetch_sub(1, SeqCst);
        self.end_if_last();
    }

    fn end_if_last(&self) {
        if self.last.load(SeqCst) && !self.busy() {
            self.hang_up();
        }
    }

    /// Closes now if idle, otherwise after the answer.
    pub fn finish(&self) {
        self.last.store(true, SeqCst);
        self.end_if_last();
    }

    /// Closes after what has been written.
    pub fn hang_up(&self) {
        if let Some(stream) = self.stream() {
            stream.hang_up();
        }
    }

    /// Makes the coming close a reset.
    pub fn reset_on_close(&self) {
        if let Some(stream) = self.stream() {
            stream.reset_on_close();
        }
    }
}
