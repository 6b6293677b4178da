//! `check` on a host of a fleet: what it says of the fleet alone, since there is no HHVM here.

use crate::authentication;
use crate::certificates::Certificates;
use crate::client::{name, written};
use crate::cluster::{Cluster, Server};
use crate::host::{Host, Said};
use hhvm_drain::fleet::{Change, Claim, Engine, Holder, Key, Transaction, Why};
use nix::sys::signal::Signal;

/// The lines about the fleet.
fn lines(host: &Host) -> Vec<String> {
    let Said(_, said, _) = host.run("check");
    said.lines().filter(|line| line.contains("fleet")).map(str::to_owned).collect()
}

fn has(lines: &[String], mark: &str, part: &str) {
    assert!(
        lines.iter().any(|line| line.starts_with(mark) && line.contains(part)),
        "no {mark} {part}: {lines:#?}"
    );
}

pub fn a_good_fleet_is_told_in_a_few_lines(server: &Server) {
    let mut cluster = Cluster::start(server, 3);
    let host = Host::of(&cluster.urls(), "web1");
    let told = lines(&host);
    let mut expected: Vec<String> = cluster
        .urls()
        .iter()
        .map(|url| format!("ok       fleet: {url} is etcd {}", server.version))
        .collect();
    expected.push(
        "ok       fleet: 0 of 1 slots of web are taken, 0 nodes wait (nobody has set a limit: hhvm-drain fleet limit N)".to_owned(),
    );
    assert_eq!(told, expected);
    cluster.end(1, Signal::SIGKILL);
    has(&lines(&host), "warning", &format!("{} does not answer: connection refused", cluster.url(1)));
    cluster.end(2, Signal::SIGKILL);
    let mut told = Vec::new();
    cluster.wait_until("end of the leader", || {
        told = lines(&host);
        told.iter().any(|line| {
            line.starts_with("warning") && line.contains("knows no leader, so it can write nothing")
        })
    });
    has(&told, "ERROR", "this node may not read and write hhvm-drain/web/ at etcd");
}

pub fn what_keeps_a_turn_from_being_taken_is_an_error(server: &Server) {
    let cluster = Cluster::start(server, 1);
    let host = Host::of(&cluster.urls(), "web1");
    let mut client = cluster.client();
    let mut holder = Holder::new("another", "boot");
    holder.units.insert("hhvm.service".to_owned(), Claim::new(Why::Stop, "x".to_owned()));
    let then = vec![
        Change::Put(Key::Out(name("web1")), holder.bytes(), None),
        Change::Put(Key::Limit, b"0".to_vec(), None),
    ];
    written(client.etcd.commit(&Transaction { compare: vec![], then }).unwrap());
    let told = lines(&host);
    has(&told, "ERROR", "another host writes as web1, by its machine-id");
    has(&told, "warning", "limit is 0, which counts as 1");
    has(&told, "ok", "1 of 1 slots of web are taken");

    authentication::enable(&cluster.url(0));
    has(&lines(&host), "ERROR", "it wants a user; set user and password-file; no turn is taken");
    let login = |pool: &str| {
        host.write("etc/password", "ge\"heim");
        let members = cluster.urls();
        host.write(
            "etc/hhvm-drain.toml",
            &format!("[fleet]\nmembers = {members:?}\npool = \"{pool}\"\nuser = \"drain\"\npassword-file = \"/etc/password\"\n"),
        );
    };
    login("other");
    let told = lines(&host);
    has(&told, "ERROR", "may not read and write hhvm-drain/other/ at etcd");
    has(&told, "ERROR", "permission denied");
    let Said(_, said, _) = host.run("check");
    assert!(said.contains("others can read the password"), "{said}");
    login("web");
    has(&lines(&host), "ok", "slots of web are taken");

    drop(cluster);
    has(&lines(&host), "ERROR", "no member of etcd answers, so a stop goes on without its turn");
    host.write(
        "etc/hhvm-drain.toml",
        "[fleet]\nmembers = \"https://a\"\nwait = \"10min\"\nca-file = \"/none\"\n",
    );
    let told = lines(&host);
    has(&told, "ERROR", "stale-after (900 s) is not shorter than wait (600 s)");
    has(&told, "ERROR", "/none cannot be read");
    host.write("etc/hhvm-drain.toml", "[fleet]\nmembers = \"a\"\n");
    assert_eq!(lines(&host).len(), 1, "{:?}", lines(&host));
}

pub fn certificates_that_do_not_fit_are_told(server: &Server) {
    let certificates = Certificates::make();
    let mut cluster = Cluster::start(server, 1);
    authentication::enable(&cluster.url(0));
    cluster.start_anew("https", &certificates.options("server"));
    let host = Host::of(&cluster.urls(), "web1");
    let members = cluster.urls();
    let with = |ca: &str, node: &str| {
        for (file, content) in [
            ("ca.pem", format!("{ca}.pem")),
            ("node.pem", format!("{node}.pem")),
            ("node.key", format!("{node}.key")),
        ] {
            host.write(&format!("etc/{file}"), &String::from_utf8(certificates.read(&content)).unwrap());
        }
        host.write("etc/password", "ge\"heim");
        host.write(
            "etc/hhvm-drain.toml",
            &format!(
                "[fleet]\nmembers = {members:?}\npool = \"web\"\nuser = \"drain\"\npassword-file = \"/etc/password\"\n\
                 ca-file = \"/etc/ca.pem\"\ncert-file = \"/etc/node.pem\"\nkey-file = \"/etc/node.key\"\n"
            ),
        );
    };
    with("ca", "node");
    cluster.wait_until("answer", || lines(&host).iter().any(|line| line.contains("slots of web are taken")));
    has(&lines(&host), "ok", &format!("{} is etcd {}", cluster.url(0), server.version));
    with("ca", "named");
    has(&lines(&host), "warning", "make cert-file without one");
    with("other", "node");
    has(
        &lines(&host),
        "warning",
        "its certificate is not from an authority that is trusted here; set ca-file",
    );
    cluster.start_anew("https", &certificates.options("plain"));
    with("ca", "node");
    cluster.wait_until("word about the certificate", || {
        lines(&host).iter().any(|line| line.contains("needs extendedKeyUsage=serverAuth,clientAuth"))
    });
}
