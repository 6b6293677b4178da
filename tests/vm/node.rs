//! A machine that serves HHVM behind a load balancer.

use std::ops::Deref;

use crate::image::Image;
use crate::machine::Machine;

/// Where the machine finds the repositories.
pub const REPOSITORY: &str = "/srv/hhvm-drain";

const HEALTH_FILE: &str = "/var/www/status.php";
const UNIT: &str = "\
[Unit]
Description=HHVM
After=network.target

[Service]
ExecStart=/usr/bin/hhvm --mode server -c /etc/hhvm/server.ini --standin-control /etc/hhvm/stand-in

[Install]
WantedBy=multi-user.target
";
const INI: &str = "\
hhvm.server.type = fastcgi
hhvm.server.port = 9000
hhvm.server.source_root = /var/www
hhvm.admin_server.port = 9001
";

/// From the repository alone: there is no network, and the package needs nothing that a host does not have.
const INSTALL: &str = r"
cd /srv/hhvm-drain
if command -v apt-get >/dev/null; then
    cp hhvm-drain.asc /usr/share/keyrings/
    cp hhvm-drain.sources /etc/apt/sources.list.d/
    apt-get -o Dir::Etc::sourcelist=/etc/apt/sources.list.d/hhvm-drain.sources -o Dir::Etc::sourceparts=- update
    DEBIAN_FRONTEND=noninteractive apt-get install -y hhvm-drain
else
    cp hhvm-drain.repo /etc/yum.repos.d/
    dnf -y --disablerepo='*' --enablerepo=hhvm-drain install hhvm-drain
fi
";
const REMOVE: &str = r"
if command -v apt-get >/dev/null; then
    apt-get purge -y hhvm-drain
    rm /usr/share/keyrings/hhvm-drain.asc /etc/apt/sources.list.d/hhvm-drain.sources
else
    dnf -y remove hhvm-drain
    rm /etc/yum.repos.d/hhvm-drain.repo
fi
";

/// The machine; it can be used as such, too.
pub struct Node<'a>(Machine<'a>);

impl<'a> Deref for Node<'a> {
    type Target = Machine<'a>;

    fn deref(&self) -> &Machine<'a> {
        &self.0
    }
}

impl<'a> Node<'a> {
    /// Boots, and starts HHVM. Its files are on the disk, as those of a host that has served for a while.
    pub fn boot(image: &'a Image) -> Self {
        let node = Self(Machine::boot(image));
        node.bring(crate::standin(), "/usr/bin/hhvm");
        node.bring(crate::repository(), REPOSITORY);
        node.run(&format!(
            "set -e; mkdir -p /etc/hhvm /var/www\n\
             echo OK >{HEALTH_FILE}\n\
             cat >/etc/hhvm/server.ini <<'END'\n{INI}END\n\
             cat >/etc/systemd/system/hhvm.service <<'END'\n{UNIT}END\n\
             if command -v restorecon; then restorecon -R /usr/bin/hhvm /var/www /etc/systemd/system; fi\n\
             systemctl daemon-reload\n\
             systemctl enable --now hhvm\n\
             sync"
        ))
        .ok();
        node.wait_until_hhvm_is_up();
        node
    }

    fn wait_until_hhvm_is_up(&self) {
        self.run("timeout 60 sh -c \"until timeout 1 bash -c ': </dev/tcp/127.0.0.1/9001' 2>/dev/null; do sleep 0.2; done\"").ok();
    }

    /// Installs the package; returns how many milliseconds dpkg or rpm took, with all that comes before and after.
    pub fn install(&self) -> String {
        let install =
            format!("start=$(date +%s%N)\n({INSTALL}) >&2\necho $((($(date +%s%N) - start) / 1000000))");
        self.run(&format!("set -e\n{install}")).ok()
    }

    /// Removes the package and all that came with it.
    pub fn remove(&self) {
        self.run(&format!("set -e\n{REMOVE}")).ok();
    }

    /// Tells the stand-in what to pretend from now on.
    pub fn hhvm_says(&self, control: &str) {
        self.run(&format!("echo '{control}' >/etc/hhvm/stand-in")).ok();
    }

    /// Begins to stop HHVM; returns after how many milliseconds, as the machine sees it, the health file was away.
    pub fn begin_stop(&self) -> String {
        self.run(&format!(
            "start=$(date +%s%N); systemctl stop --no-block hhvm; while [ -e {HEALTH_FILE} ]; do :; done\n\
             echo $((($(date +%s%N) - start) / 1000000))"
        ))
        .ok()
    }

    /// A property of a unit.
    pub fn show(&self, unit: &str, property: &str) -> String {
        self.run(&format!("systemctl show --value -p {property} {unit}")).ok()
    }

    /// How the last drain ended.
    pub fn outcome(&self) -> String {
        self.run("hhvm-drain status --json | sed -n 's/.*\"outcome\": *\"\\([^\"]*\\)\".*/\\1/p'").ok()
    }

    /// Whether the load balancer finds the health file, and nothing is left parked.
    pub fn is_pooled(&self) -> bool {
        self.run(&format!("test -e {HEALTH_FILE} && test ! -e {HEALTH_FILE}.disabled")).code == Some(0)
    }

    /// Fails the test unless HHVM runs, the load balancer finds it, and no drain is on record.
    #[track_caller]
    pub fn assert_back(&self) {
        assert_eq!(self.show("hhvm", "ActiveState"), "active");
        assert!(self.is_pooled());
        self.run("hhvm-drain status --json | grep -q '\"pooled\": *true'").ok();
        self.run("test ! -e /var/lib/hhvm-drain/hhvm.service.json").ok();
    }

    /// Shuts down in good order, boots again, and returns when HHVM is up.
    pub fn reboot(&mut self) {
        self.run("systemctl reboot");
        self.0.wait_until_off();
        self.0.boot_again();
        self.wait_until_hhvm_is_up();
    }

    /// Cuts the power, boots again from the same disk, and returns when HHVM is up.
    pub fn power_cut_and_boot(&mut self) {
        self.0.power_cut();
        self.0.boot_again();
        self.wait_until_hhvm_is_up();
    }
}
