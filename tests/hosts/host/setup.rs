//! What a host is made of before it boots.

use std::net::Ipv4Addr;
use std::path::PathBuf;

use super::debian::Debian;
use super::overlay::Overlay;
use super::{Host, parts};

/// What a host is to hold when it boots.
pub struct Setup {
    debian: Debian,
    packages: &'static str,
    layers: Vec<PathBuf>,
    pub(super) service: Vec<String>,
    pub(super) files: Vec<(String, String)>,
    pub(super) ini: String,
    bridge: Option<String>,
    pub(super) enabled: Vec<&'static str>,
    pub(super) hhvm: bool,
}

/// HHVM's own configuration, as its packages set it up.
const INI: &str = "\
hhvm.server.type = fastcgi
hhvm.server.port = 9000
hhvm.server.thread_count = 32
hhvm.server.source_root = /var/www
hhvm.admin_server.port = 9001
";

/// What the stand-in reads its load and its faults from, while it runs.
pub(super) const CONTROL: &str = "/etc/hhvm/stand-in";

impl Setup {
    /// Adds a line to the `[Service]` section of hhvm.service.
    pub fn service(mut self, line: &str) -> Self {
        self.service.push(line.to_owned());
        self
    }

    /// Adds lines to HHVM's own configuration; the last one for a key wins.
    pub fn ini(mut self, text: &str) -> Self {
        self.ini.push_str(text);
        self
    }

    /// Adds a file.
    pub fn file(mut self, path: &str, text: &str) -> Self {
        self.files.push((path.to_owned(), text.to_owned()));
        self
    }

    /// Sets hhvm-drain's settings, in the notation of /etc/hhvm-drain.toml.
    pub fn settings(self, toml: &str) -> Self {
        self.file("/etc/hhvm-drain.toml.d/test.toml", toml)
    }

    /// Adds Debian's own packages: `a,b`.
    pub fn packages(mut self, names: &'static str) -> Self {
        self.packages = names;
        self
    }

    /// Leaves HHVM out, and its health file.
    pub fn without_hhvm(mut self) -> Self {
        self.hhvm = false;
        self
    }

    /// Enables a unit that is installed and disabled.
    pub fn enable(mut self, unit: &'static str) -> Self {
        self.enabled.push(unit);
        self
    }

    /// Puts the host on a bridge of this network namespace, with an address and the length of its prefix.
    ///
    /// Its hardware address stays the same when it boots again, as any machine's does; nspawn would make another
    /// one, and the neighbours would look for the old one for half a minute.
    pub fn on_bridge(mut self, bridge: &str, address: Ipv4Addr, prefix: u8) -> Self {
        self.bridge = Some(bridge.to_owned());
        let [a, b, c, d] = address.octets();
        let hardware = format!("02:00:{a:02x}:{b:02x}:{c:02x}:{d:02x}");
        self.enable("systemd-networkd").file(
            "/etc/systemd/network/10-host0.network",
            &format!(
                "[Match]\nName=host0\n[Link]\nMACAddress={hardware}\n\
                 [Network]\nAddress={address}/{prefix}\nLinkLocalAddressing=no\n"
            ),
        )
    }

    /// Boots, and returns when HHVM is up.
    pub fn boot(self) -> Host {
        let mut host = self.off();
        host.boot_again();
        host
    }

    /// Leaves the power off.
    pub fn off(self) -> Host {
        let mut layers = self.layers.clone();
        layers.push(self.debian.root(self.packages).unwrap_or_else(|why| panic!("{why}")));
        let overlay = Overlay::new(layers);
        parts::furnish(&overlay.root(), &self);
        Host { machine: None, overlay: Some(overlay), bridge: self.bridge }
    }
}

impl Host {
    /// A host with HHVM and without hhvm-drain.
    pub fn bare() -> Setup {
        Setup {
            debian: Debian::current(),
            packages: "",
            layers: Vec::new(),
            service: Vec::new(),
            files: Vec::new(),
            ini: INI.to_owned(),
            bridge: None,
            enabled: Vec::new(),
            hhvm: true,
        }
    }

    /// A host with HHVM on which apt has installed the package.
    pub fn with_package() -> Setup {
        Setup { layers: vec![parts::installed(Debian::current())], ..Self::bare() }
    }
}
