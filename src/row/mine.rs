//! Which rows are this node's: by address and port, or by the name that is set. A name alone is not enough where the
//! balancer shows the address: other people's nodes may have the same name.

use super::{Others, ROWS_MAX, Row, Unclear};
use crate::sockets::Place;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

/// The setting `balancer-name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// By this node's addresses and ports, then by its host name.
    Auto,
    /// Every server with this name.
    Server(String),
    /// Every server at this address.
    At(SocketAddr),
    /// This one.
    Row(String, String),
}

impl FromStr for Named {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_word =
            |word: &str| !word.is_empty() && word.chars().all(|c| !c.is_whitespace() && !c.is_control());
        if !is_word(text) || text.matches('/').count() > 1 {
            let quoted = crate::text::quote(text);
            return Err(format!("\"{quoted}\" is not auto, a server's name, ADDR:PORT or BACKEND/SERVER"));
        }
        match (text, text.parse(), text.split_once('/')) {
            ("auto", ..) => Ok(Self::Auto),
            (_, Ok(address), _) => Ok(Self::At(address)),
            (_, _, None) => Ok(Self::Server(text.to_owned())),
            (_, _, Some((backend, server))) if is_word(backend) && is_word(server) => {
                Ok(Self::Row(backend.to_owned(), server.to_owned()))
            }
            _ => Err(format!("\"{}\" names no backend or no server", crate::text::quote(text))),
        }
    }
}

/// This node, as a balancer may know it.
#[derive(Debug, Clone, Default)]
pub struct Here {
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// Where the unit itself listens.
    pub own: Vec<Place>,
    /// Where anybody listens.
    pub all: Vec<Place>,
    /// Where other units do that are drained by themselves.
    pub others: Others,
    /// Its host name.
    pub name: String,
}

/// Tells which rows are this node's.
#[derive(Debug, Clone)]
pub struct Mine {
    /// What is set.
    pub named: Named,
    /// What is known.
    pub here: Here,
    /// Whether the balancer runs on this host: only then is 127.0.0.1 this node.
    pub is_local: bool,
}

impl Mine {
    /// Those of `rows`.
    ///
    /// # Errors
    /// When there are none, or so many that something must be wrong, or when one of them is not checked.
    pub fn of(&self, rows: Vec<Row>) -> Result<Vec<Row>, Unclear> {
        let mine: Vec<Row> = match &self.named {
            Named::Auto => self.found(rows)?,
            Named::Server(name) => rows.into_iter().filter(|row| row.id.server == *name).collect(),
            Named::At(address) => rows.into_iter().filter(|row| row.id.address == Some(*address)).collect(),
            Named::Row(backend, server) => {
                let is_it = |row: &Row| row.id.backend == *backend && row.id.server == *server;
                rows.into_iter().filter(is_it).collect()
            }
        };
        match mine.len() {
            0 => Err(Unclear::NoRow),
            1..=ROWS_MAX => Ok(mine),
            many => Err(Unclear::TooManyRows(many)),
        }
    }

    /// If the unit itself listens where a balancer sends to, those rows; else those of a front end, which is no other unit
    /// that is drained; else by name.
    fn found(&self, mut rows: Vec<Row>) -> Result<Vec<Row>, Unclear> {
        let lead_to = |row: &Row, places: &[Place]| {
            let is_place = |at: SocketAddr| places.iter().any(|place| place.is_reached_by(at));
            row.id.address.is_some_and(|at| self.has(at.ip()) && is_place(at))
        };
        if rows.iter().any(|row| lead_to(row, &self.here.own)) {
            rows.retain(|row| lead_to(row, &self.here.own));
            return Ok(rows);
        }
        if rows.iter().any(|row| lead_to(row, &self.here.all)) {
            let others = self.here.others.places();
            let of_front_end = |row: &Row| lead_to(row, &self.here.all) && !lead_to(row, others);
            if rows.iter().any(of_front_end) {
                rows.retain(of_front_end);
                return Ok(rows);
            }
            rows.retain(|row| !lead_to(row, others));
        }
        rows.retain(|row| self.is_called(&row.id.server));
        match rows.iter().find(|row| row.id.address.is_some()) {
            Some(other) => Err(Unclear::OnlyByName(other.id.to_string())),
            None => Ok(rows),
        }
    }

    fn has(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        if ip.is_loopback() { self.is_local } else { self.here.addresses.contains(&ip) }
    }

    fn is_called(&self, server: &str) -> bool {
        let name = self.here.name.trim_end_matches('.');
        let short = name.split('.').next().unwrap_or_default();
        !short.is_empty() && (server.eq_ignore_ascii_case(name) || server.eq_ignore_ascii_case(short))
    }
}
