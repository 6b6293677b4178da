//! HAProxy's tables (management.txt, 9.1 and `show servers state`), read by the names of their columns: their order and
//! number differ between versions.

use super::{Counters, Id, Row, Sends, Unclear};
use crate::text::quote;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// The words of a state that is no longer sent to. `UP 1/3` and `no check` are sent to, `DOWN 1/2` is not.
const OUT: [&str; 4] = ["DOWN", "NOLB", "DRAIN", "MAINT"];
/// What stands in `type` for a server.
const SERVER: &str = "2";
/// So much of a text that is none of HAProxy's tables is shown.
const QUOTED_MAX: usize = 60;

/// What `show info;show stat …` and the statistics page answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Table {
    /// The number of HAProxy's process, by `show info`.
    pub process: Option<u64>,
    /// All servers.
    pub rows: Vec<Row>,
}

impl Table {
    /// Reads an answer.
    ///
    /// # Errors
    /// When there is no table in it, or something else besides.
    pub fn read(text: &str) -> Result<Self, Unclear> {
        let mut table = Self::default();
        let mut columns: Option<Columns> = None;
        for line in text.lines() {
            match &columns {
                _ if line.starts_with("# pxname,") => {
                    columns = Some(Columns::of(line).ok_or_else(|| not_one(line))?);
                }
                _ if line.trim().is_empty() => {}
                _ if line.starts_with("No such proxy") => return Err(Unclear::NoSuchBackend),
                Some(columns) => table.rows.extend(columns.row(line)?),
                None => match line.split_once(':') {
                    Some(("Pid", number)) => table.process = number.trim().parse().ok(),
                    Some((name, _))
                        if name.chars().all(|c| c.is_ascii_alphanumeric() || " -_".contains(c)) => {}
                    _ => return Err(not_one(line)),
                },
            }
        }
        if columns.is_none() { Err(not_one(text)) } else { Ok(table) }
    }
}

fn not_one(text: &str) -> Unclear {
    let start: String =
        text.trim_start().lines().next().unwrap_or_default().chars().take(QUOTED_MAX).collect();
    Unclear::NotATable(quote(&start))
}

/// Where the columns are that are needed.
struct Columns {
    number: usize,
    backend: usize,
    server: usize,
    queued: usize,
    sessions: usize,
    total: usize,
    status: usize,
    weight: usize,
    kind: usize,
    unchanged: Option<usize>,
    address: Option<usize>,
    throttle: Option<usize>,
    agent: Option<usize>,
    fall: Option<usize>,
    cookie: Option<usize>,
}

impl Columns {
    fn of(header: &str) -> Option<Self> {
        let names: Vec<&str> = header.trim_start_matches("# ").split(',').collect();
        let at = |name: &str| names.iter().position(|found| *found == name);
        Some(Self {
            number: names.len(),
            backend: at("pxname")?,
            server: at("svname")?,
            queued: at("qcur")?,
            sessions: at("scur")?,
            total: at("stot")?,
            status: at("status")?,
            weight: at("weight")?,
            kind: at("type")?,
            unchanged: at("lastchg"),
            address: at("addr"),
            throttle: at("throttle"),
            agent: at("agent_status"),
            fall: at("check_fall"),
            cookie: at("cookie"),
        })
    }

    /// The server in a line; none if the line is that of a frontend or a backend.
    fn row(&self, line: &str) -> Result<Option<Row>, Unclear> {
        let fields = fields(line);
        if fields.len() != self.number {
            return Err(not_one(line));
        }
        if fields[self.kind] != SERVER {
            return Ok(None);
        }
        let number = |column: usize| fields[column].parse::<u64>().map_err(|_| not_one(line));
        let (status, weight) = (&fields[self.status], number(self.weight)?);
        let id = Id {
            backend: quote(&fields[self.backend]),
            server: quote(&fields[self.server]),
            address: self.address.and_then(|column| fields[column].parse().ok()),
        };
        let counters = Counters {
            queued: number(self.queued)?,
            sessions: number(self.sessions)?,
            total: number(self.total)?,
        };
        let unchanged = self.unchanged.and_then(|column| number(column).ok()).map(Duration::from_secs);
        let text = |column: Option<usize>| column.map_or("", |column| fields[column].as_str());
        let said = match (weight, text(self.throttle)) {
            (0, _) => format!("{}, weight 0", quote(status)),
            (_, "") => quote(status),
            (_, part) => format!("{}, at {}% of its weight after its return", quote(status), quote(part)),
        };
        let asks_agent = !text(self.agent).is_empty();
        Ok(Some(Row {
            id,
            sends: sends(status, weight, asks_agent),
            said,
            counters: Some(counters),
            unchanged,
            fall: text(self.fall).parse().ok(),
            is_sticky: !text(self.cookie).is_empty(),
        }))
    }
}

/// `no check` stands there for a server that is only taken out by its agent, too.
fn sends(status: &str, weight: u64, asks_agent: bool) -> Sends {
    let word = status.split(' ').next().unwrap_or_default();
    if weight == 0 || OUT.contains(&word) {
        Sends::No
    } else if status == "no check" && !asks_agent {
        Sends::Blindly
    } else {
        Sends::Yes
    }
}

/// The fields of a line; one with a comma or a quotation mark in it stands in quotation marks, which are doubled within.
fn fields(line: &str) -> Vec<String> {
    let (mut fields, mut field) = (Vec::new(), String::new());
    let mut quoted = false;
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => field.extend(characters.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(std::mem::take(&mut field)),
            _ => field.push(character),
        }
    }
    fields.push(field);
    fields
}

/// A server's name and the address that a level below operator does not show in its row.
pub type Hidden = (String, String, SocketAddr);

/// The addresses in the answer to `show servers state` (management.txt, "show servers state").
///
/// # Errors
/// When it is none.
pub fn hidden(text: &str) -> Result<Vec<Hidden>, Unclear> {
    let mut lines = text.lines().skip_while(|line| !line.starts_with("# be_id "));
    let names: Vec<&str> =
        lines.next().ok_or_else(|| not_one(text))?.trim_start_matches("# ").split(' ').collect();
    let at = |name: &str| names.iter().position(|found| *found == name).ok_or_else(|| not_one(text));
    let (backend, server) = (at("be_name")?, at("srv_name")?);
    let (ip, port) = (at("srv_addr")?, at("srv_port")?);
    let row = |line: &str| -> Option<Hidden> {
        let fields: Vec<&str> = line.split(' ').collect();
        let ip: IpAddr = fields.get(ip)?.parse().ok()?;
        let address = SocketAddr::new(ip, fields.get(port)?.parse().ok()?);
        Some((quote(fields.get(backend)?), quote(fields.get(server)?), address))
    };
    // A server without an address, a Unix socket for one, is not listed here.
    Ok(lines.filter_map(row).collect())
}
