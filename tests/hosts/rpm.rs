//! The .rpm, by dnf from the signed yum repository. The host is a Debian whose rpm database knows what is really there:
//! rpm's own dependency generator has read its libraries.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::host::Host;

/// Makes the rpm database, with one package in it that holds nothing and provides what the host has.
const REGISTER: &str = r"
cd /root
{
    printf '%s\n' 'Name: debian' 'Version: 1' 'Release: 1' 'Summary: What this host has' 'License: none' \
        'AutoReqProv: no' 'Provides: /bin/sh'
    find /lib/x86_64-linux-gnu -name '*.so*' | /usr/lib/rpm/find-provides | sort -u | sed 's/^/Provides: /'
    printf '%s\n' '%description' 'What this host has.' '%files'
} >debian.spec
rpmbuild -bb --target x86_64 --define '_topdir /root/rpmbuild' debian.spec
rpm --install rpmbuild/RPMS/*/debian-*.rpm
";

/// Where the databases of the systems are that are played here; Debian's rpm has its own in the user's home.
const DATABASE: (&str, &str) = ("/root/.rpmmacros", "%_dbpath /var/lib/rpm\n");
/// What the package "filesystem" owns on the systems that are played here, and a Debian without manuals and these
/// shells has not.
const FILESYSTEM: &str = "mkdir -p /usr/share/man/man5 /usr/share/man/man7 /usr/share/man/man8 /usr/share/licenses \
                          /usr/share/zsh/site-functions /usr/share/fish/vendor_completions.d";
const DNF: &str = "dnf -y --releasever=9 --disablerepo='*' --enablerepo=hhvm-drain";

fn host() -> Host {
    let host = Host::bare().packages("dnf,rpm,binutils").file(DATABASE.0, DATABASE.1).boot();
    host.run(&format!("set -e\n{FILESYSTEM}\n{REGISTER}")).ok();
    host.bring_repository();
    host.run("mkdir -p /etc/yum.repos.d && cp /srv/hhvm-drain/hhvm-drain.repo /etc/yum.repos.d/").ok();
    host
}

pub fn installs_drains_and_is_removed() {
    let host = host();
    host.hhvm_says("");
    let before = files(&host);
    let pid = host.show("hhvm", "MainPID");
    host.run(&format!("{DNF} install hhvm-drain")).ok();
    let signature = host.run("rpm -q --queryformat '%{RSAHEADER:pgpsig}' hhvm-drain").ok().stdout;
    assert!(signature.starts_with("RSA/SHA"), "{signature}");
    host.run("rpm --verify hhvm-drain").ok();
    assert_eq!((host.show("hhvm", "MainPID"), host.show("hhvm", "NeedDaemonReload")), (pid, "no".into()));
    assert_eq!(
        host.show("hhvm-drain-shutdown@hhvm.service.service", "ActiveState"),
        "active",
        "HHVM runs already"
    );
    host.run("hhvm-drain check").ok();

    host.hhvm_says("load = 12>0/12s");
    let took = host.begin_stop().wait().ok().took;
    assert!((12.0..13.5).contains(&took.as_secs_f32()), "{took:?}");
    host.assert_stopped("drained");
    host.assert_comes_back();

    let pid = host.show("hhvm", "MainPID");
    host.run(&format!("{DNF} remove hhvm-drain && rm -rf /var/lib/hhvm-drain")).ok();
    assert_eq!((host.show("hhvm", "MainPID"), host.show("hhvm", "NeedDaemonReload")), (pid, "no".into()));
    assert_eq!(host.show("hhvm", "ExecStop"), "");
    assert_eq!(host.show("hhvm-drain-shutdown@hhvm.service.service", "LoadState"), "not-found");
    let left: Vec<_> = files(&host).into_iter().filter(|path| !before.contains(path)).collect();
    assert!(left.is_empty(), "{left:#?}");
}

pub fn keeps_an_edited_configuration() {
    let host = host();
    host.run(&format!("{DNF} install hhvm-drain")).ok();
    host.run("echo \"min-drain = '1s'\" >/etc/hhvm-drain.toml").ok();
    host.run(&format!("{DNF} reinstall hhvm-drain")).ok();
    assert_eq!(host.read_file("/etc/hhvm-drain.toml"), "min-drain = '1s'\n");
    host.run(&format!("{DNF} remove hhvm-drain")).ok();
    assert_eq!(host.read_file("/etc/hhvm-drain.toml.rpmsave"), "min-drain = '1s'\n");
}

pub fn a_removal_in_mid_drain_brings_the_node_back() {
    let host = host();
    host.run(&format!("{DNF} install hhvm-drain")).ok();
    host.hhvm_says("load = 3>0/11s");
    let stop = host.begin_stop();
    host.run(&format!("{DNF} remove hhvm-drain")).ok();
    assert!(stop.wait().ok().took > Duration::from_secs(11));
    assert_eq!(host.show("hhvm", "Result"), "success");
    assert!(host.is_pooled());
}

/// What there is below the directories that a package writes to.
fn files(host: &Host) -> BTreeSet<String> {
    let found = host.run("find /usr /etc -name __pycache__ -prune -o -print").ok().stdout;
    found.lines().map(str::to_owned).collect()
}
