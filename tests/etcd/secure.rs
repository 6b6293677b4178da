//! etcd over TLS, which lets in whom its authority has signed.

use crate::authentication;
use crate::certificates::Certificates;
use crate::client::{Client, name, written};
use crate::cluster::{Cluster, Server};
use hhvm_drain::fleet::{Engine, Look};

/// A client that believes `ca`, and shows `node`, if it shows one.
fn client(
    cluster: &Cluster,
    certificates: &Certificates,
    ca: &str,
    node: Option<&str>,
    rest: &str,
) -> Client {
    let own = |kind: &str| node.map(|node| certificates.read(&format!("{node}.{kind}"))).unwrap_or_default();
    let (ca, certificate, key) = (certificates.read(&format!("{ca}.pem")), own("pem"), own("key"));
    let files = [
        ("/etc/ca.pem", ca.as_slice()),
        ("/etc/node.pem", &certificate),
        ("/etc/node.key", &key),
        ("/etc/password", b"ge\"heim"),
    ];
    let own =
        node.map(|_| "cert-file = \"/etc/node.pem\"\nkey-file = \"/etc/node.key\"\n").unwrap_or_default();
    Client::on_a_host_with(&files, &cluster.urls(), &format!("ca-file = \"/etc/ca.pem\"\n{own}{rest}"))
}

fn refused(client: &mut Client, parts: &[&str]) {
    let said = client.queue("n9", None).unwrap_err().to_string();
    assert!(parts.iter().any(|part| said.contains(part)), "{said:?}");
}

pub fn certificates_on_both_sides(server: &Server) {
    let certificates = Certificates::make();
    let cluster = Cluster::start_with(server, 1, "https", &certificates.options("server"));
    let mut good = client(&cluster, &certificates, "ca", Some("node"), "");
    cluster.wait_until("answer", || good.etcd.look(Look::Whole).is_ok());
    let lease = good.etcd.grant(std::time::Duration::from_secs(60)).unwrap();
    written(good.queue("n1", Some(lease)).unwrap());
    assert_eq!(good.etcd.renew(lease), Ok(true));
    good.etcd.revoke(lease).unwrap();
    // With a name it is as good, as long as etcd has no users.
    let mut named = client(&cluster, &certificates, "ca", Some("named"), "");
    written(named.queue("n2", None).unwrap());

    refused(
        &mut client(&cluster, &certificates, "other", Some("node"), ""),
        &["not from an authority that is trusted"],
    );
    // Which one is a matter of time: the alert comes while the request is sent.
    let words = ["wants a certificate", "BadCertificate", "UnknownCA", "refuse this node's certificate"];
    refused(&mut client(&cluster, &certificates, "ca", None, ""), &words);
    refused(&mut client(&cluster, &certificates, "ca", Some("foreign"), ""), &words);
    let plain: Vec<String> = cluster.urls().iter().map(|url| url.replace("https", "http")).collect();
    let said = Client::of(&plain, "").queue("n9", None);
    assert!(said.is_err(), "{said:?}");
    assert!(good.etcd.look(Look::Whole).unwrap().out.iter().all(|(node, _)| *node != name("n9")));
}

pub fn a_server_certificate_for_servers_only_is_named(server: &Server) {
    let certificates = Certificates::make();
    let cluster = Cluster::start_with(server, 1, "https", &certificates.options("plain"));
    let mut client = client(&cluster, &certificates, "ca", Some("node"), "");
    let words = "its server certificate needs extendedKeyUsage=serverAuth,clientAuth";
    cluster.wait_until("word about the certificate", || {
        client.etcd.may_write(&name("n0")).unwrap_err().to_string().contains(words)
    });
}

pub fn a_client_with_a_cn_is_named_where_users_are(server: &Server) {
    let certificates = Certificates::make();
    // The users are made by way of a member without TLS, on the same data.
    let mut cluster = Cluster::start(server, 1);
    authentication::enable(&cluster.url(0));
    cluster.start_anew("https", &certificates.options("server"));
    let login = "user = \"drain\"\npassword-file = \"/etc/password\"\n";
    let mut good = client(&cluster, &certificates, "ca", Some("node"), login);
    cluster.wait_until("answer", || good.etcd.look(Look::Whole).is_ok());
    written(good.queue("n1", None).unwrap());
    let mut named = client(&cluster, &certificates, "ca", Some("named"), login);
    if server.version.starts_with("3.3.") {
        written(named.queue("n2", None).unwrap());
    } else {
        refused(&mut named, &["make cert-file without one"]);
    }
}
