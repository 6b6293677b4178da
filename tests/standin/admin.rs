//! The admin commands, with HHVM's statuses, bodies and newlines, and the faults that the control file asks for.

use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, SystemTime};

use serde_json::json;

use crate::control::{Control, Faults, Hang};
use crate::help::HELP;
use crate::message::{Pace, Request, Response, VERSION};
use crate::options::{Door, Era, Options};
use crate::server::{Server, Service};
use crate::shutdown::Cause;
use crate::{lock, log};

/// How often the control file is looked at when nobody asks.
const WATCH: Duration = Duration::from_millis(20);
const TEN_MEGABYTES: usize = 10 * 1024 * 1024;
const BAD_GATEWAY: &str = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n\
    <center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx/1.18.0</center>\r\n</body>\r\n</html>\r\n";

/// Where the admin server listens: nowhere, unless it is told a port.
pub fn doors(options: &Options) -> Vec<Door> {
    let unix = options.admin_unix.clone().map(Door::Unix);
    options.admin.map(Door::Tcp).into_iter().chain(unix).collect()
}

/// Closes and reopens the doors as the control file says.
pub fn watch(control: Arc<Control>, admin: Arc<Server>) {
    thread::spawn(move || {
        let mut refusing = false;
        loop {
            let refuse = control.faults().refuse;
            match (refusing, refuse) {
                (false, true) => admin.close_doors(),
                (true, false) => admin.reopen_doors(),
                _ => {}
            }
            refusing = refuse;
            thread::sleep(WATCH);
        }
    });
}

/// The admin server's side of a request.
pub struct Admin {
    options: Arc<Options>,
    control: Arc<Control>,
    page: Arc<Server>,
    causes: Mutex<Sender<Cause>>,
    flickered: AtomicBool,
    started: SystemTime,
}

impl Admin {
    pub fn new(
        options: &Arc<Options>,
        control: &Arc<Control>,
        page: &Arc<Server>,
        causes: Sender<Cause>,
    ) -> Self {
        Self {
            options: Arc::clone(options),
            control: Arc::clone(control),
            page: Arc::clone(page),
            causes: Mutex::new(causes),
            flickered: AtomicBool::new(false),
            started: SystemTime::now(),
        }
    }

    fn era(&self) -> Era {
        self.options.profile.era()
    }

    fn command(&self, request: &Request) -> String {
        // What the code of 2014 preferred when a client sent both.
        let translated = request.param("PATH_TRANSLATED").zip(request.param("DOCUMENT_ROOT"));
        let path = match translated.and_then(|(path, root)| path.strip_prefix(root)) {
            Some(path) if self.era() == Era::Old => path,
            _ => &request.path,
        };
        path.strip_prefix('/').unwrap_or(path).into()
    }

    fn allowed(&self, command: &str, request: &Request) -> bool {
        let open = match command {
            "" | "help" => true,
            "build-id" | "compiler-id" | "instance-id" | "config-id" => self.era() != Era::Old,
            _ => !self.options.stats_need_password && command.starts_with("check-"),
        };
        let passwords = &self.options.passwords;
        open || passwords.is_empty()
            || request.query_value("auth").is_some_and(|given| passwords.contains(&given))
    }

    fn run(&self, command: &str, request: &Request) -> Response {
        match command {
            "" | "help" => Response::text(200, HELP),
            "check-load" => Response::text(200, self.load().to_string()),
            "check-queued" => Response::text(200, self.queued().to_string()),
            "check-ev" => Response::text(200, self.page.connections().to_string()),
            "check-pl-load" | "check-pl-queued" => Response::text(200, "0"),
            "check-health" => Response::text(200, self.health()),
            "build-id" | "compiler-id" => Response::text(200, "standin"),
            "config-id" if self.era() == Era::New => Response::text(200, "0"),
            "instance-id" => Response::text(200, self.options.instance_id.as_str()),
            "status.json" => {
                Response { content_type: "application/json", ..Response::text(200, self.status()) }
            }
            "prepare-to-stop" if self.era() != Era::Old => Response::text(200, "OK\n"),
            "stop" => self.stop_command(request),
            _ => Response::text(404, format!("Unknown command: {command}\n")),
        }
    }

    fn stop_command(&self, request: &Request) -> Response {
        let wanted = request.query_value("instance-id").unwrap_or_default();
        if !wanted.is_empty() && wanted != self.options.instance_id {
            return Response::text(500, "Instance ID doesn't match.");
        }
        log(&format!("Got admin port stop request from {}", request.client));
        Response { stop: true, ..Response::text(200, "OK\n") }
    }

    fn load(&self) -> i64 {
        if self.control.faults().flicker {
            return i64::from(self.flickered.fetch_xor(true, Ordering::SeqCst));
        }
        self.control.load().unwrap_or_else(|| number(self.page.jobs.active()))
    }

    fn queued(&self) -> i64 {
        self.control.queued().unwrap_or_else(|| number(self.page.jobs.queued()))
    }

    fn health(&self) -> String {
        let load = match self.era() {
            Era::New => String::new(),
            Era::Old | Era::Mid => format!("\"load\":{}\n, \"queued\":{}\n, ", self.load(), self.queued()),
        };
        format!("{{\n{load}\"hhbc-roarena-capac\":0\n, \"tc-size\":0\n}}\n")
    }

    fn status(&self) -> String {
        let now = SystemTime::now();
        let threads = self.page.jobs.workers().into_iter().enumerate().map(|(id, worker)| {
            let mut thread = json!({
                "id": id, "tid": worker.tid, "req": worker.requests, "bytes": 0,
                "mode": if worker.busy.is_some() { "Processing" } else { "Idling" },
            });
            if let Some((note, start)) = worker.busy {
                thread["url"] = json!(note.url);
                thread["client"] = json!(note.client);
                thread["start"] = json!(seconds(start, SystemTime::UNIX_EPOCH));
                thread["duration"] = json!(seconds(now, start));
            }
            thread
        });
        let threads: Vec<_> = threads.collect();
        let process = json!({
            "id": process::id(), "build": "standin", "compiler": VERSION,
            "now": seconds(now, SystemTime::UNIX_EPOCH),
            "start": seconds(self.started, SystemTime::UNIX_EPOCH),
            "up": seconds(now, self.started),
        });
        json!({"status": {"process": process, "threads": threads}}).to_string()
    }
}

impl Service for Admin {
    fn accepted(&self) {
        self.wait_while(Hang::Accept);
    }

    fn answer(&self, request: &Request) -> Response {
        self.wait_while(Hang::Reply);
        let faults = self.control.faults();
        thread::sleep(faults.delay);
        let command = self.command(request);
        let mut response = if self.allowed(&command, request) {
            self.run(&command, request)
        } else {
            Response::text(401, "Unauthorized")
        };
        spoil(&faults, &command, &mut response);
        if self.era() == Era::Old && response.content_type.starts_with("text/plain") {
            response.content_type = "text/plain";
        }
        response
    }

    fn pace(&self) -> Pace {
        let faults = self.control.faults();
        faults.drip.unwrap_or(if faults.split { Pace::Split } else { Pace::Whole })
    }

    fn stop(&self) {
        let _ = lock(&self.causes).send(Cause::Stop);
    }
}

impl Admin {
    fn wait_while(&self, hang: Hang) {
        while self.control.faults().hang == Some(hang) {
            thread::sleep(WATCH);
        }
    }
}

/// Puts the status and the body that the control file asks for in place of the true ones.
fn spoil(faults: &Faults, command: &str, response: &mut Response) {
    if faults.queued_404 && command == "check-queued" {
        *response = Response::text(404, "Unknown command: check-queued\n");
    }
    let hit = faults.only.as_ref().map_or(command.starts_with("check-"), |only| only == command);
    if !hit {
        return;
    }
    if let Some(status) = faults.status {
        let body = match status {
            200 => response.body.clone(),
            401 => "Unauthorized".into(),
            404 => format!("Unknown command: {command}\n").into(),
            503 => "Service Unavailable".into(),
            _ => "Error".into(),
        };
        *response = Response::text(status, body);
    }
    match faults.body.as_deref() {
        None => {}
        Some("empty") => response.body.clear(),
        Some("newline") => response.body.push(b'\n'),
        Some("huge-number") => response.body = "99999999999999999999999999".into(),
        // All zeros: whoever reads only the beginning takes it for a load of 0.
        Some("10MB") => response.body = vec![b'0'; TEN_MEGABYTES],
        Some("html502") => {
            response.status = faults.status.unwrap_or(502);
            response.content_type = "text/html";
            response.body = BAD_GATEWAY.into();
        }
        Some(text) => response.body = text.into(),
    }
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn seconds(later: SystemTime, earlier: SystemTime) -> u64 {
    later.duration_since(earlier).map_or(0, |span| span.as_secs())
}
