//! The health file that a draw asks for: where it is, how it comes there, and what happens to it.

use crate::config::File;
use crate::draw::{Draw, Health};

/// Brings the directory of the health file to where it is expected.
const MOUNT: &str = "mount --bind /srv/data /srv/site";

impl Draw {
    /// The health files.
    pub fn health_files(&self) -> Vec<&'static str> {
        match self.health {
            Health::Current => vec!["/srv/app/current/status.php"],
            Health::MountedLater | Health::MountLeaves => vec!["/srv/site/status.php"],
            Health::Two => vec!["/var/www/status.php", "/srv/app/second.txt"],
            _ => vec!["/var/www/status.php"],
        }
    }

    /// Shell commands that make it, on the disk of a host that is off.
    pub fn make_health(&self) -> &'static str {
        match self.health {
            Health::Absent => "true",
            Health::Plain | Health::Immutable | Health::ReadOnly | Health::MountPoint => {
                "echo up >/var/www/status.php"
            }
            Health::Link => {
                "mkdir -p /srv/app; echo up >/srv/app/alive.php; ln -s /srv/app/alive.php /var/www/status.php"
            }
            Health::Current => {
                "mkdir -p /srv/app/releases/1; echo up >/srv/app/releases/1/status.php; ln -s releases/1 /srv/app/current"
            }
            Health::Foreign => {
                "echo up >/var/www/status.php; chown -R www-data:www-data /var/www; chmod 0640 /var/www/status.php"
            }
            Health::MountedLater | Health::MountLeaves => {
                "mkdir -p /srv/data /srv/site; echo up >/srv/data/status.php"
            }
            Health::NamesTaken => {
                "echo up >/var/www/status.php; for i in '' .1 .2 .3 .4 .5 .6 .7 .8 .9; do \
                 echo \"somebody's $i\" >/var/www/status.php.disabled$i; done"
            }
            Health::Two => {
                "mkdir -p /srv/app; echo up >/var/www/status.php; echo second >/srv/app/second.txt"
            }
        }
    }

    /// Units that it needs.
    pub fn health_units(&self) -> Vec<File> {
        if self.health != Health::MountedLater {
            return Vec::new();
        }
        let mount = format!(
            "[Unit]\nDefaultDependencies=no\nAfter={}\n[Mount]\nWhat=/srv/data\nWhere=/srv/site\nType=none\n\
             Options=bind\n[Install]\nWantedBy=multi-user.target\n",
            self.unit()
        );
        vec![("/etc/systemd/system/srv-site.mount".to_owned(), mount.into_bytes())]
    }

    /// Shell commands that finish it, on the running host.
    pub fn place_health(&self) -> &'static str {
        match self.health {
            Health::MountedLater => "systemctl enable --now srv-site.mount",
            Health::MountLeaves => MOUNT,
            Health::Immutable => "chattr +i /var/www/status.php",
            Health::ReadOnly => "mount --bind /var/www /var/www; mount -o remount,bind,ro /var/www",
            Health::MountPoint => "mount --bind /var/www/status.php /var/www/status.php",
            _ => "true",
        }
    }

    /// Shell commands that run beside the drain, from its beginning.
    pub fn health_meanwhile(&self) -> &'static str {
        match self.health {
            Health::MountLeaves => {
                "until [ -e /srv/site/status.php.disabled ]; do sleep 0.05; done; umount -l /srv/site"
            }
            _ => "true",
        }
    }

    /// Shell commands after the stop, before the start.
    pub fn health_after_stop(&self) -> &'static str {
        match self.health {
            Health::MountLeaves => "mountpoint -q /srv/site || mount --bind /srv/data /srv/site",
            _ => "true",
        }
    }
}
