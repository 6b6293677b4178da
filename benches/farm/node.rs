//! A node behind the balancer: a web server, the server of pages behind it, and what its operator does about stops.

use crate::Result;
use crate::balancer::Setting;
use crate::host::{Background, Host, wait_for};
use crate::network::{BRIDGE, PREFIX, Place};
use crate::policy::Policy;
use crate::stack::Stack;
use std::net::SocketAddr;
use std::time::Duration;

/// HHVM may work on so many requests that no request waits for another to end.
const THREADS: &str = "hhvm.server.thread_count = 128\n";

/// HHVM comes back after a crash, as it does where it matters.
const RESTART: &str = "Restart=on-failure";

/// For the script, which has only curl, the admin port is there by HTTP.
fn nginx(backend: &str) -> String {
    format!(
        "server {{ listen 8080; root /var/www; access_log off; location ~ \\.php$ {{ include fastcgi_params;\n\
         fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name; fastcgi_pass {backend}; }} }}\n\
         server {{ listen 127.0.0.1:8090; access_log off; location / {{ include fastcgi_params;\n\
         fastcgi_pass 127.0.0.1:9001; }} }}\n"
    )
}

/// The health file is none of HHVM's business.
const STATIC_HEALTH_FILE: &str = "location = /status.php { }";

/// An HHVM that has much to load, and opens its admin port first.
const SLOW_START: &str = "ExecStart=\nExecStart=/usr/bin/hhvm --mode server -c /etc/hhvm/server.ini \
                          --standin-control /etc/hhvm/stand-in --standin-admin-first --standin-page-delay 8000";

const APACHE: &str = "\
Listen 8080
ProxyFCGIBackendType GENERIC
ProxyPassMatch ^/(.+\\.php)$ fcgi://127.0.0.1:9000/var/www/$1
Listen 127.0.0.1:8090
<VirtualHost 127.0.0.1:8090>
ProxyPass / fcgi://127.0.0.1:9001/
</VirtualHost>
";

/// As the stand-in for HHVM has it built in.
const PAGE: &str = "<?php usleep(1000 * (int) $_GET['ms']); echo 'worked ', (int) $_GET['ms'], \" ms\\n\";\n";

const PHP_FPM: &str = "\
[www]
user = www-data
group = www-data
listen = /run/php/php8.2-fpm.sock
listen.owner = www-data
listen.group = www-data
pm = static
pm.max_children = 24
pm.status_path = /status
";

/// A running node.
pub struct Node {
    pub host: Host,
    stack: Stack,
    place: Place,
}

impl Node {
    /// Boots.
    pub fn boot(place: Place, stack: Stack, policy: Policy, setting: Setting) -> Self {
        let host = policy.host(stack, setting).on_bridge(BRIDGE, place.address(), PREFIX).service(RESTART);
        let host = host.file("/var/www/page.php", PAGE);
        let site = "/etc/nginx/sites-available/default";
        let packages = stack.packages();
        let host = match stack {
            Stack::NginxHhvm => host.enable("nginx").file(site, &nginx("127.0.0.1:9000")).ini(THREADS).boot(),
            Stack::SlowHhvm => {
                let site_text = nginx("127.0.0.1:9000").replacen(
                    "access_log off;",
                    &format!("access_log off; {STATIC_HEALTH_FILE}"),
                    1,
                );
                host.enable("nginx").file(site, &site_text).ini(THREADS).service(SLOW_START).boot()
            }
            Stack::ApacheHhvm => {
                let modules = "/etc/apache2/mods-enabled/proxy_fcgi.load";
                let load = "LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so\n\
                            LoadModule proxy_fcgi_module /usr/lib/apache2/modules/mod_proxy_fcgi.so\n";
                host.packages(packages)
                    .file(modules, load)
                    .file("/etc/apache2/conf-enabled/hhvm.conf", APACHE)
                    .ini(THREADS)
                    .boot()
            }
            Stack::NginxPhpFpm => {
                let socket = "unix:/run/php/php8.2-fpm.sock";
                let mut host = host
                    .packages(packages)
                    .without_hhvm()
                    .file("/var/www/status.php", "<?php echo 'OK';\n")
                    .enable("nginx")
                    .file(site, &nginx(socket))
                    .file("/etc/php/8.2/fpm/pool.d/www.conf", PHP_FPM)
                    .off();
                host.power_on();
                host
            }
        };
        let node = Self { host, stack, place };
        if stack == Stack::NginxPhpFpm && policy.is_ours() {
            node.add_drop_in();
        }
        // A health file that is there from the boot on says nothing of HHVM.
        wait_for("pages", Duration::from_secs(30), || node.serves());
        node
    }

    /// As an administrator does it for a unit that the package has no drop-in for.
    fn add_drop_in(&self) {
        let unit = self.stack.unit();
        let directory = format!("/etc/systemd/system/{unit}.d");
        let command = format!(
            "mkdir {directory} && hhvm-drain drop-in --unit {unit} >{directory}/drain.conf && \
             systemctl daemon-reload && systemctl restart {unit}"
        );
        self.host.run(&command).ok();
    }

    /// Where its web server takes requests.
    pub fn server(&self) -> SocketAddr {
        (self.place.address(), 8080).into()
    }

    /// Whether it has pages, asked past the balancer.
    pub fn serves(&self) -> bool {
        let page = ureq::get(format!("http://{}/page.php?ms=0", self.server())).call();
        page.and_then(|page| page.into_body().read_to_string()).is_ok_and(|body| body == "worked 0 ms\n")
    }

    /// The main process of the unit, as numbered inside.
    pub fn main_pid(&self) -> Result<u32> {
        Ok(self.host.show(self.stack.unit(), "MainPID").parse()?)
    }

    /// Whether a process of the host is there; none is while the host is off.
    pub fn has_process(&self, pid: u32) -> bool {
        self.host.exists(&format!("/proc/{pid}"))
    }

    /// Begins to restart the unit.
    pub fn restart(&self) -> Background {
        self.host.spawn(&format!("systemctl restart {}", self.stack.unit()))
    }

    /// Kills the main process, as the kernel does when memory is short.
    pub fn kill(&self) -> Background {
        self.host.spawn(&format!("systemctl kill --signal=KILL --kill-who=main {}", self.stack.unit()))
    }
}
