//! The load balancer: Debian's HAProxy on a host of its own, and what it thinks of its servers.

use crate::Result;
use crate::host::Host;
use crate::network::{BRIDGE, PREFIX, Place};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// From Debian.
pub const PACKAGES: &str = "haproxy";

/// How it checks its servers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Setting {
    /// HAProxy's own defaults.
    Default,
    /// Quick to notice.
    Quick,
    /// A 404 means: no new requests, and let those in flight end.
    DisableOn404,
}

impl Setting {
    pub const ALL: [Self; 3] = [Self::Default, Self::Quick, Self::DisableOn404];

    pub fn name(self) -> &'static str {
        match self {
            Self::Default => "inter 2s fall 3",
            Self::Quick => "inter 1s fall 2",
            Self::DisableOn404 => "disable-on-404",
        }
    }

    fn interval_and_fall(self) -> (Duration, u32) {
        match self {
            Self::Default | Self::DisableOn404 => (Duration::from_secs(2), 3),
            Self::Quick => (Duration::from_secs(1), 2),
        }
    }

    /// The `min-drain` that goes with it: the longest that it takes to notice, and an interval more.
    pub fn min_drain(self) -> Duration {
        let (interval, fall) = self.interval_and_fall();
        interval * (fall + 1)
    }

    /// Nothing is tried again and nothing is sent elsewhere, so that each failure is seen.
    fn configuration(self, servers: &[SocketAddr]) -> String {
        let (interval, fall) = self.interval_and_fall();
        let check = if self == Self::DisableOn404 { "    http-check disable-on-404\n" } else { "" };
        let text = format!(
            "global\n    log stdout format raw local0\n    maxconn 2000\n\
             defaults\n    mode http\n    log global\n    option httplog\n    option dontlog-normal\n    retries 0\n    \
             no option redispatch\n    timeout connect 5s\n    timeout client 60s\n    timeout server 60s\n    \
             timeout http-keep-alive 60s\n\
             frontend pages\n    bind :80\n    default_backend hhvm\n\
             frontend statistics\n    bind :8404\n    option dontlog-normal\n    stats enable\n    stats uri /\n\
             backend hhvm\n    balance roundrobin\n    option httpchk GET /status.php\n{check}    \
             default-server check inter {}s fall {fall} rise 2\n",
            interval.as_secs()
        );
        let server = |(number, address)| format!("    server node{number} {address}\n");
        text + &servers.iter().enumerate().map(server).collect::<String>()
    }
}

/// Where a balancer tells what it thinks.
#[derive(Clone, Copy)]
pub struct Statistics(Place);

impl Statistics {
    /// What it says of a server: `UP`, `DOWN`, `NOLB`, `UP 1/3` and so on.
    pub fn status(self, number: usize) -> Result<String> {
        let url = format!("http://{}:8404/;csv", self.0.address());
        let csv = ureq::get(url).call()?.into_body().read_to_string()?;
        let mut lines = csv.lines();
        let heads = lines.next().ok_or("no statistics")?;
        let column = heads.split(',').position(|head| head == "status").ok_or("no column \"status\"")?;
        let server = format!("hhvm,node{number},");
        let line = lines.find(|line| line.starts_with(&server)).ok_or("no such server")?;
        Ok(line.split(',').nth(column).unwrap_or_default().to_owned())
    }
}

/// A running balancer.
pub struct Balancer {
    host: Host,
    place: Place,
}

impl Balancer {
    /// Boots, and returns when it has found every server up.
    pub fn boot(place: Place, setting: Setting, servers: &[SocketAddr]) -> Result<Self> {
        let mut host = Host::bare()
            .without_hhvm()
            .packages(PACKAGES)
            .on_bridge(BRIDGE, place.address(), PREFIX)
            .file("/etc/haproxy/haproxy.cfg", &setting.configuration(servers))
            .file("/etc/systemd/system/haproxy.service.d/limit.conf", "[Service]\nLimitNOFILE=4096\n")
            .off();
        host.power_on();
        let balancer = Self { host, place };
        for number in 0..servers.len() {
            balancer.wait_until_up(number, Duration::from_secs(20))?;
        }
        Ok(balancer)
    }

    /// Where it takes requests.
    pub fn address(&self) -> SocketAddr {
        (self.place.address(), 80).into()
    }

    /// Where it tells what it thinks.
    pub fn statistics(&self) -> Statistics {
        Statistics(self.place)
    }

    /// Waits until the server gets requests and no check of it is failing.
    pub fn wait_until_up(&self, number: usize, within: Duration) -> Result<()> {
        let start = Instant::now();
        loop {
            let status = self.statistics().status(number).unwrap_or_else(|error| error.to_string());
            if status == "UP" {
                return Ok(());
            }
            if start.elapsed() > within {
                return Err(format!("node{number} is not up after {within:?}: {status}").into());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Its version.
    pub fn version(&self) -> String {
        let words = self.host.run("haproxy -v").stdout;
        words.split_whitespace().nth(2).unwrap_or_default().to_owned()
    }
}
