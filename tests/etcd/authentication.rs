//! etcd with users: a role on the prefix of the pool, and tokens that end.

use crate::client::{Client, name, written};
use crate::cluster::{Cluster, Server, post};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hhvm_drain::fleet::{Engine, Failure, Look};
use nix::sys::signal::Signal;

const LOGIN: &str = "user = \"drain\"\npassword-file = \"/etc/password\"";

/// Lets only users in: `drain` may do everything below `hhvm-drain/web/`, as hhvm-drain-fleet(7) has it.
pub fn enable(url: &str) {
    let (begin, end) = ("hhvm-drain/web/", "hhvm-drain/web0");
    let permission = format!(
        r#"{{"name":"drain","perm":{{"permType":"READWRITE","key":"{}","range_end":"{}"}}}}"#,
        BASE64_STANDARD.encode(begin),
        BASE64_STANDARD.encode(end)
    );
    for (path, body) in [
        ("auth/user/add", r#"{"name":"root","password":"geheim"}"#),
        ("auth/role/add", r#"{"name":"root"}"#),
        ("auth/user/grant", r#"{"user":"root","role":"root"}"#),
        ("auth/role/add", r#"{"name":"drain"}"#),
        ("auth/role/grant", &permission),
        ("auth/user/add", r#"{"name":"drain","password":"ge\"heim"}"#),
        ("auth/user/grant", r#"{"user":"drain","role":"drain"}"#),
        ("auth/enable", "{}"),
    ] {
        post(url, path, body).unwrap_or_else(|error| panic!("{path}: {error}"));
    }
}

fn client(cluster: &Cluster, password: &[u8]) -> Client {
    Client::on_a_host_with(&[("/etc/password", password)], &cluster.urls(), LOGIN)
}

pub fn users_and_their_rights(server: &Server) {
    let cluster = Cluster::start(server, 1);
    let mut early = client(&cluster, b"ge\"heim\n");
    written(early.queue("n1", None).unwrap());
    assert!(!early.etcd.knows_users());
    enable(&cluster.url(0));
    let mut good = client(&cluster, b"ge\"heim\n");
    let lease = good.etcd.grant(std::time::Duration::from_secs(60)).unwrap();
    written(good.queue("n2", Some(lease)).unwrap());
    assert_eq!(good.etcd.renew(lease), Ok(true));
    assert_eq!(good.etcd.look(Look::Whole).unwrap().out.len(), 2);
    good.etcd.may_write(&name("n0")).unwrap();
    good.etcd.revoke(lease).unwrap();
    assert!(good.etcd.knows_users());
    assert_eq!(good.etcd.examine()[0].1.as_ref().unwrap().version, server.version);

    let refused = |client: &mut Client, part: &str| {
        let said = [client.queue("n3", None).map(|_| ()), client.etcd.may_write(&name("n0"))];
        for said in said {
            assert!(
                matches!(&said, Err(Failure::Undone(why)) if why.contains(part) && !why.contains("heim")),
                "{said:?}"
            );
        }
    };
    refused(&mut client(&cluster, b"geheim"), "it refuses the user or the password");
    refused(&mut client(&cluster, b"\n"), "password-file /etc/password is empty");
    refused(&mut Client::of(&cluster.urls(), ""), "set user and password-file");
    let mut other = Client::in_pool("other", &[("/etc/password", b"ge\"heim")], &cluster.urls(), LOGIN);
    refused(&mut other, "permission denied");
}

pub fn a_token_that_is_no_longer_good_is_renewed(server: &Server) {
    let mut cluster = Cluster::start(server, 1);
    enable(&cluster.url(0));
    let mut client = client(&cluster, b"ge\"heim");
    written(client.queue("n1", None).unwrap());
    // Tokens are kept in memory.
    cluster.end(0, Signal::SIGTERM);
    cluster.start_member(0);
    cluster.wait_until("member", || post(&cluster.url(0), "maintenance/status", "{}").is_ok());
    cluster.wait_until("answer", || client.etcd.look(Look::Whole).is_ok());
    written(client.queue("n2", None).unwrap());
    assert!(client.out("n1").is_some());
}
