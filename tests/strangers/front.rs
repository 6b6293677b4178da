//! What is around HHVM: the web server in front of it, strangers on the usual ports, PHP-FPM's pools.

use crate::config::File;
use crate::draw::{Draw, Front, Listen, Pm, Pools, Relation, Server, Status, Stranger};

impl Draw {
    /// The unit of the web server.
    pub fn front_unit(&self) -> Option<&'static str> {
        match self.front {
            Front::None => None,
            Front::Nginx => Some("nginx.service"),
            Front::Apache => Some("apache2.service"),
        }
    }

    /// The web server's files.
    pub fn front_files(&self) -> Vec<File> {
        let Some(unit) = self.front_unit() else { return Vec::new() };
        let peer = self.request_peer();
        let mut files = match self.front {
            Front::Nginx => vec![("/etc/nginx/sites-available/default".to_owned(), nginx(&peer))],
            _ => vec![
                ("/etc/apache2/ports.conf".to_owned(), "Listen 8080\n".to_owned()),
                ("/etc/apache2/sites-enabled/000-default.conf".to_owned(), String::new()),
                ("/etc/apache2/conf-enabled/site.conf".to_owned(), apache(&peer)),
            ],
        };
        let hhvm = self.unit();
        let relation = match self.relation {
            Relation::None => String::new(),
            Relation::After => format!("After={hhvm}"),
            Relation::Wants => format!("Wants={hhvm}\nAfter={hhvm}"),
            Relation::Requires => format!("Requires={hhvm}\nAfter={hhvm}"),
            Relation::BindsTo => format!("BindsTo={hhvm}\nAfter={hhvm}"),
            Relation::PartOf => format!("PartOf={hhvm}\nAfter={hhvm}"),
        };
        files.push((format!("/etc/systemd/system/{unit}.d/hhvm.conf"), format!("[Unit]\n{relation}\n")));
        files.into_iter().map(|(path, text)| (path, text.into_bytes())).collect()
    }

    /// Where the request in flight is: at the listener that is overlooked the most easily.
    pub fn request_peer(&self) -> String {
        match self.server {
            Server::Hhvm => self.second_peer().unwrap_or_else(|| self.page_peer()).to_owned(),
            Server::PhpFpm => self.pool_peer(self.pool_names().len() - 1),
        }
    }

    /// Somebody else's processes, as units of their own, which hold up no reboot.
    pub fn stranger_files(&self) -> Vec<File> {
        let (address, port, admin) = match self.stranger {
            Stranger::None => return Vec::new(),
            // Where HHVM's own admin server is, if it is not there.
            Stranger::Admin => ("127.0.0.9", "9990", Some(self.free_for_stranger())),
            Stranger::Page => ("127.0.0.2", "9000", None),
            Stranger::Eighty => ("0.0.0.0", "80", None),
        };
        let admin =
            admin.map(|ip| format!("--admin-port 9001 -d hhvm.admin_server.ip={ip}")).unwrap_or_default();
        let user = if self.stranger == Stranger::Eighty { "root" } else { "nobody" };
        let service = format!(
            "[Service]\nUser={user}\nKillSignal=SIGKILL\nExecStart=/usr/local/lib/stranger -m server -d hhvm.server.type=fastcgi \
             -d hhvm.server.ip={address} --port {port} {admin}\n[Install]\nWantedBy=multi-user.target\n"
        );
        // Somebody keeps a connection to it.
        let caller = format!(
            "[Unit]\nAfter=stranger.service\n[Service]\nUser={user}\nKillSignal=SIGKILL\nRestart=always\nRestartSec=1\n\
             ExecStart=/usr/local/bin/page 100000000 {}:{port}\n[Install]\nWantedBy=multi-user.target\n",
            if address == "0.0.0.0" { "127.0.0.1" } else { address }
        );
        vec![
            ("/etc/systemd/system/stranger.service".to_owned(), service.into_bytes()),
            ("/etc/systemd/system/caller.service".to_owned(), caller.into_bytes()),
        ]
    }

    fn free_for_stranger(&self) -> &'static str {
        use crate::draw::Admin;
        match self.admin {
            Admin::On | Admin::Password if self.server == Server::Hhvm => "127.0.0.3",
            _ => "127.0.0.1",
        }
    }

    fn pool_names(&self) -> &'static [&'static str] {
        match self.pools {
            Pools::One => &["www"],
            Pools::Two => &["www", "shop"],
            Pools::Three => &["www", "shop", "api"],
        }
    }

    fn pool_peer(&self, number: usize) -> String {
        match self.listen {
            Listen::Tcp4 | Listen::Any | Listen::Two | Listen::Odd => {
                format!("127.0.0.1:{}", 9000 + 100 * number)
            }
            Listen::Tcp6 | Listen::Any6 => format!("[::1]:{}", 9000 + 100 * number),
            Listen::Unix => format!("/run/php/{}.sock", self.pool_names()[number]),
        }
    }

    /// PHP-FPM's pools.
    pub fn pool_files(&self) -> Vec<File> {
        if self.server == Server::Hhvm {
            return Vec::new();
        }
        let pool = |(number, name): (usize, &&str)| {
            let listen = match self.listen {
                Listen::Any => format!("{}", 9000 + 100 * number),
                Listen::Any6 => format!("[::]:{}", 9000 + 100 * number),
                _ => self.pool_peer(number),
            };
            let pm = match self.pm {
                Pm::Dynamic => {
                    "pm = dynamic\npm.start_servers = 2\npm.min_spare_servers = 1\npm.max_spare_servers = 3"
                }
                Pm::Ondemand => "pm = ondemand\npm.process_idle_timeout = 10s",
                Pm::Static => "pm = static",
            };
            let status = match self.status {
                Status::None => String::new(),
                Status::Path => "pm.status_path = /status".to_owned(),
                Status::Deep => "pm.status_path = /monitoring/fpm/status".to_owned(),
                Status::Listen => {
                    format!("pm.status_path = /status\npm.status_listen = 127.0.0.1:{}", 9500 + number)
                }
            };
            let text = format!(
                "[{name}]\nuser = www-data\ngroup = www-data\nlisten = {listen}\nlisten.owner = www-data\n\
                 listen.group = www-data\npm.max_children = 4\n{pm}\n{status}\n"
            );
            (format!("/etc/php/8.2/fpm/pool.d/{name}.conf"), text.into_bytes())
        };
        self.pool_names().iter().enumerate().map(pool).collect()
    }
}

fn nginx(peer: &str) -> String {
    let peer = if peer.starts_with('/') { format!("unix:{peer}") } else { peer.to_owned() };
    format!(
        "server {{ listen 8080; root /var/www; location ~ \\.php$ {{ include fastcgi_params;\n\
         fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name; fastcgi_pass {peer}; }} }}\n"
    )
}

fn apache(peer: &str) -> String {
    let proxy = if peer.starts_with('/') {
        format!("proxy:unix:{peer}|fcgi://localhost")
    } else {
        format!("proxy:fcgi://{peer}")
    };
    format!(
        "ServerName localhost\nProxyFCGIBackendType GENERIC\nDocumentRoot /var/www\n\
         <Directory /var/www>\nRequire all granted\n</Directory>\n\
         <FilesMatch \\.php$>\nSetHandler \"{proxy}\"\n</FilesMatch>\n"
    )
}
