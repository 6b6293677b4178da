//! HHVM on a host: when it is up, what the stand-in is told to pretend, pages requested from it.

use std::fs;
use std::time::Duration;

use super::setup::CONTROL;
use super::{Background, Host, wait_for};

impl Host {
    /// Tells the stand-in what to pretend from now on: `load=16>0/10s`, for one.
    pub fn hhvm_says(&self, control: &str) {
        self.write_file(CONTROL, &format!("{control}\n"));
    }

    /// Requests a page that takes so long, as a web server does.
    pub fn request_page(&self, takes: Duration) -> Background {
        self.spawn(&format!(
            "REQUEST_METHOD=GET SCRIPT_NAME=/page.php SCRIPT_FILENAME=/var/www/page.php QUERY_STRING=ms={} \
             cgi-fcgi -bind -connect 127.0.0.1:9000",
            takes.as_millis()
        ))
    }

    /// The requests HHVM is working on, as its admin server tells it.
    pub fn load(&self) -> Option<u32> {
        let request = "REQUEST_METHOD=GET SCRIPT_NAME=/check-load cgi-fcgi -bind -connect 127.0.0.1:9001";
        self.run(request).stdout.lines().last()?.trim().parse().ok()
    }

    /// Waits until HHVM has opened its admin port, which the stand-in opens last.
    pub(super) fn wait_until_hhvm_is_up(&self) {
        let ini = self.read_file("/etc/hhvm/server.ini");
        let port = |line: &str| line.strip_prefix("hhvm.admin_server.port = ")?.parse::<u16>().ok();
        let port = ini.lines().filter_map(port).next_back().expect("an admin port");
        wait_for("HHVM's admin port", Duration::from_secs(10), || self.listens(port));
    }

    fn listens(&self, port: u16) -> bool {
        let address = format!(":{port:04X} ");
        let table = |name| fs::read_to_string(format!("/proc/{}/net/{name}", self.machine().leader()));
        let listens = |line: &str| {
            line.split(" 0A ").next().is_some_and(|head| head != line && head.contains(&address))
        };
        ["tcp", "tcp6"].into_iter().any(|name| table(name).is_ok_and(|table| table.lines().any(listens)))
    }
}
