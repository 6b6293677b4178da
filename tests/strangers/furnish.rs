//! Makes the host that a draw describes, and starts its server.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::thread;
use std::time::{Duration, Instant};

use crate::config::File;
use crate::draw::{Draw, Release, Repool, Root, Server, Start};
use crate::host::{Host, standin, wait_for};

/// min-drain and timeout of every draw.
pub const MIN_DRAIN: Duration = Duration::from_secs(1);
/// The longest that a drain takes.
pub const TIMEOUT: Duration = Duration::from_secs(12);

const JAIL: &str = "J=/opt/jail; mkdir -p $J/usr/bin $J/etc/hhvm $J/proc $J/sys $J/dev $J/run $J/tmp $J/var/www $J/lib64 \
    $J/lib/x86_64-linux-gnu $J/opt/hhvm/4.172/bin; cp -a /usr/bin/hhvm $J/usr/bin/; \
    cp -a /opt/hhvm/4.172/bin/hhvm $J/opt/hhvm/4.172/bin/ 2>/dev/null; \
    cp /etc/passwd /etc/group /etc/nsswitch.conf $J/etc/; \
    cp -L /lib64/ld-linux-x86-64.so.2 $J/lib64/; for l in libc.so.6 libm.so.6 libgcc_s.so.1 libpthread.so.0 libdl.so.2; \
    do cp -L /lib/x86_64-linux-gnu/$l $J/lib/x86_64-linux-gnu/; done";
const BOUND: &str = "B=/opt/bound; mkdir -p $B/usr $B/etc $B/proc $B/sys $B/dev $B/run $B/tmp $B/var/www $B/srv $B/opt; \
    ln -s usr/bin $B/bin; ln -s usr/sbin $B/sbin; ln -s usr/lib $B/lib; ln -s usr/lib64 $B/lib64";

/// The disk of the host, with the power off.
fn disk(draw: &Draw) -> Host {
    let packages = if draw.release == Release::Twelve { "php8.2-fpm,apache2" } else { "" };
    let host = Host::with_package().packages(packages).without_hhvm().settings(&settings(draw)).off();
    // The layer of the package comes from a host with HHVM.
    host.chroot(
        "for unit in hhvm apache2 php8.2-fpm nginx; do systemctl --quiet disable $unit; done; \
                 rm -f /etc/php/8.2/fpm/pool.d/*; rm -rf /usr/bin/hhvm /usr/lib/systemd/system/hhvm.service /etc/hhvm /var/www/*; \
                 mkdir -p /var/www /opt/app/bin /opt/hhvm/4.172/bin /etc/hhvm",
    )
    .ok();
    let place = |path: &str| {
        fs::copy(standin(), host.path(path)).expect("failed to copy the stand-in");
    };
    if draw.server == Server::Hhvm {
        place(draw.program());
        if draw.start == Start::Linked {
            host.chroot("ln -s /opt/hhvm/4.172/bin/hhvm /usr/bin/hhvm").ok();
        }
    }
    place("/usr/local/lib/stranger");
    match draw.root {
        Root::Host => {}
        Root::Jail => drop(host.chroot(JAIL).ok()),
        Root::Bound => drop(host.chroot(BOUND).ok()),
    }
    let (_, config) = draw.hhvm_arguments();
    let config = config.into_iter().filter(|_| draw.server == Server::Hhvm);
    let config = config.map(|(path, text)| match path.as_str() {
        "/etc/default/hhvm" => (path, text),
        _ => (draw.on_host(&path), text),
    });
    let page = include_str!("page.pl").replace("@PEER@", &draw.request_peer());
    let script = "<?php usleep(1000 * (int) $_GET['ms']); echo \"worked {$_GET['ms']} ms\\n\";\n";
    let files = config
        .chain(draw.unit_files())
        .chain(draw.pool_files())
        .chain(draw.front_files())
        .chain(draw.stranger_files())
        .chain(draw.health_units())
        .chain(draw.neighbour_files())
        .chain([
            ("/usr/local/bin/page".to_owned(), page.into()),
            ("/var/www/p.php".to_owned(), script.into()),
        ]);
    files.for_each(|file| write(&host, &file));
    host.chroot(draw.make_health()).ok();
    host
}

fn write(host: &Host, (path, text): &File) {
    let place = host.path(path);
    fs::create_dir_all(place.parent().expect("a file in a directory")).expect("a directory in the host");
    fs::write(&place, text).unwrap_or_else(|error| panic!("failed to write {path} of the host: {error}"));
    if text.starts_with(b"#!") {
        fs::set_permissions(&place, fs::Permissions::from_mode(0o755)).expect("the mode of a script");
    }
}

fn settings(draw: &Draw) -> String {
    let health: Vec<_> = draw.health_files().iter().map(|path| format!("'{path}'")).collect();
    let repool = if draw.repool == Repool::AfterStop { "repool = 'after-stop'\n" } else { "" };
    let kind =
        if draw.server == Server::PhpFpm { "[unit.'php8.2-fpm.service']\nkind = 'php-fpm'\n" } else { "" };
    let (min_drain, timeout) = (MIN_DRAIN.as_secs(), TIMEOUT.as_secs());
    format!(
        "min-drain = '{min_drain}s'\ntimeout = '{timeout}s'\nhealth-file = [{}]\n{repool}{kind}",
        health.join(", ")
    )
}

/// The host with its server running, or why the server does not start.
pub fn start(draw: &Draw) -> Result<Host, String> {
    let mut host = disk(draw);
    host.power_on();
    let unit = draw.unit();
    if draw.is_drop_in_printed() {
        let directory = draw.drop_in_directory();
        host.run(&format!(
            "mkdir -p {directory}; systemctl daemon-reload; hhvm-drain drop-in --unit {unit} >{directory}/drain.conf"
        ))
        .ok();
    }
    // The package is configured on a host that has its units already, as by apt.
    host.run("/var/lib/dpkg/info/hhvm-drain.postinst configure; systemctl daemon-reload").ok();
    host.run(draw.place_health()).ok();
    if let Some(neighbour) = draw.start_neighbour() {
        host.run(&neighbour).ok();
    }
    if draw.stranger != crate::draw::Stranger::None {
        host.run("systemctl --quiet enable --now stranger caller").ok();
    }
    host.run(&format!("systemctl --quiet enable {unit}")).ok();
    let started = host.run(&format!("systemctl start {unit}"));
    if started.code != Some(0) || !serves(&host, draw, Duration::from_secs(15)) {
        return Err(why_it_does_not_start(&host, draw, &started.stderr));
    }
    if let Some(front) = draw.front_unit() {
        host.run(&format!("a2enmod --quiet proxy_fcgi >/dev/null; systemctl enable --now {front}")).ok();
        let answers = || host.run(&request(draw, 0)).code == Some(0);
        wait_for("the web server to answer", Duration::from_secs(10), answers);
    }
    host.run(&draw.after_start()).ok();
    Ok(host)
}

/// Whether the package is to blame: without its drop-in, the same unit starts.
fn why_it_does_not_start(host: &Host, draw: &Draw, said: &str) -> String {
    let unit = draw.unit();
    let journal = host.run(&format!("journalctl -o cat -n 25 -u {unit}")).stdout;
    host.run(&format!(
        "systemctl stop {unit}; mkdir -p {0}; ln -sf /dev/null {0}/drain.conf; rm -f {0}/hhvm-drain*.conf; \
         systemctl daemon-reload; systemctl reset-failed {unit}; systemctl start {unit}",
        draw.drop_in_directory()
    ));
    if serves(host, draw, Duration::from_secs(15)) {
        format!("with hhvm-drain's drop-in the unit does not start, without it it does: {said}\n{journal}")
    } else {
        panic!("the unit does not start, with hhvm-drain or without it: {said}\n{journal}")
    }
}

/// Waits until the server answers pages.
pub fn serves(host: &Host, draw: &Draw, within: Duration) -> bool {
    let deadline = Instant::now() + within;
    loop {
        if host.run(&page(draw, 0)).code == Some(0) {
            return true;
        }
        if Instant::now() > deadline {
            return false;
        }
        thread::sleep(Duration::from_millis(100));
    }
}

/// A command that requests a page from the server itself.
pub fn page(draw: &Draw, takes_ms: u32) -> String {
    let unit = draw.unit();
    let is_private = draw.network == crate::draw::Network::Private && !draw.request_peer().starts_with('/');
    if is_private {
        // Any process of the unit is in its network.
        format!(
            "pid=$(head -n 1 /sys/fs/cgroup$(systemctl show --value -p ControlGroup {unit})/cgroup.procs) && \
             exec nsenter --net=/proc/$pid/ns/net /usr/local/bin/page {takes_ms}"
        )
    } else {
        format!("exec /usr/local/bin/page {takes_ms}")
    }
}

/// A command that requests a page as a user does: through the web server, if there is one.
pub fn request(draw: &Draw, takes_ms: u32) -> String {
    if draw.front_unit().is_some() {
        format!("exec curl --silent --show-error --fail 'http://127.0.0.1:8080/p.php?ms={takes_ms}'")
    } else {
        page(draw, takes_ms)
    }
}
