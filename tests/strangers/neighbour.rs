//! Another unit of hhvm-drain's on the same host, with the same health file: a second application behind one web server.

use crate::config::File;
use crate::draw::{Draw, Neighbour};

/// Its name.
pub const UNIT: &str = "twin.service";
/// Where it listens.
const PEER: &str = "127.0.0.8:9700";
/// How long its request takes, if it drains, too: longer than the one of the server.
const REQUEST_MS: u32 = 9000;

impl Draw {
    /// Its unit.
    pub fn neighbour_files(&self) -> Vec<File> {
        if self.neighbour == Neighbour::None {
            return Vec::new();
        }
        let (ip, port) = PEER.split_once(':').expect("an address and a port");
        let unit = format!(
            "[Service]\nUser=nobody\nExecStart=/usr/local/lib/stranger -m server -d hhvm.server.type=fastcgi \
             -d hhvm.server.ip={ip} -d hhvm.server.source_root=/var/www --port {port}\n\
             [Install]\nWantedBy=multi-user.target\n"
        );
        vec![(format!("/etc/systemd/system/{UNIT}"), unit.into_bytes())]
    }

    /// Shell commands that start it, once hhvm-drain is there.
    pub fn start_neighbour(&self) -> Option<String> {
        (self.neighbour != Neighbour::None).then(|| {
            format!(
                "mkdir -p /etc/systemd/system/{UNIT}.d && \
                 hhvm-drain drop-in --unit {UNIT} >/etc/systemd/system/{UNIT}.d/drain.conf && \
                 systemctl daemon-reload && systemctl --quiet enable --now {UNIT}"
            )
        })
    }

    /// A command that requests a page from it, if it is to drain.
    pub fn neighbour_request(&self) -> Option<String> {
        (self.neighbour == Neighbour::Drains).then(|| format!("exec /usr/local/bin/page {REQUEST_MS} {PEER}"))
    }
}
