//! Where HHVM listens is the kernel's word, whatever is written, and whichever network HHVM has.

use std::time::Duration;

use crate::host::{Background, Entry, Host, wait_for};

const SETTINGS: &str = "min-drain = '3s'\ntimeout = '20s'";
/// A page takes longer than min-drain, and not as long as the timeout.
const PAGE: Duration = Duration::from_secs(8);

/// A host whose HHVM is started with these arguments and these files, instead of as usual.
fn host_with(arguments: &str, service: &str, files: &[(&str, &str)]) -> Host {
    let host = Host::with_package().settings(SETTINGS).boot();
    for (path, text) in files {
        host.write_file(path, text);
    }
    let exec = format!(
        "ExecStart=\nExecStart=/usr/bin/hhvm --mode server --standin-control /etc/hhvm/stand-in {arguments}"
    );
    host.write_file(
        "/etc/systemd/system/hhvm.service.d/test.conf",
        &format!("[Service]\n{exec}\n{service}\n"),
    );
    host.run("systemctl daemon-reload && systemctl restart hhvm").ok();
    host
}

/// Requests a page at `place`, by a command before cgi-fcgi, and returns when HHVM works on it.
fn request(host: &Host, before: &str, place: &str) -> Background {
    let connect = format!("{before} cgi-fcgi -bind -connect {place}");
    let listens =
        || host.run(&format!("SCRIPT_NAME=/p.php QUERY_STRING=ms=0 {connect}")).stdout.contains("worked");
    wait_for("HHVM's page server", Duration::from_secs(10), listens);
    let page = host.spawn(&format!(
        "REQUEST_METHOD=GET SCRIPT_NAME=/p.php SCRIPT_FILENAME=/var/www/p.php QUERY_STRING=ms={} {connect}",
        PAGE.as_millis()
    ));
    wait_for("the request to be counted", Duration::from_secs(3), || host.status()["load"] == 1);
    page
}

/// `check` counts the request, the stop waits for it, the request is answered, and the node comes back.
fn is_drained(host: &Host, page: Background) {
    is_answered(host, page);
    host.assert_comes_back();
}

fn is_answered(host: &Host, page: Background) {
    let check = host.run("hhvm-drain check");
    assert!(check.stdout.contains("answers, load 1"), "{check:?}");
    let stop = host.stop();
    let page = page.wait();
    assert!(page.stdout.contains("worked 8000 ms"), "{page:?}");
    assert!((4.0..10.0).contains(&stop.took.as_secs_f32()), "{stop:?}");
    host.assert_stopped("drained");
}

/// A stop with nothing in flight takes min-drain, not the timeout.
fn is_quick(host: &Host) {
    let took = host.stop().took;
    assert!((3.0..6.0).contains(&took.as_secs_f32()), "{took:?}");
    host.assert_stopped("drained");
    host.assert_comes_back();
}

/// A stop takes as long as HHVM says that it has requests, which is longer than min-drain.
fn waits_for_zero(host: &Host) {
    let took = host.stop().took;
    assert!((4.0..9.0).contains(&took.as_secs_f32()), "{took:?}");
    host.assert_stopped("drained");
}

const PORT: &str = "hhvm.server.type = fastcgi\nhhvm.server.port = 9000\n";

pub fn a_port_that_stands_in_an_hdf_file_is_counted() {
    let hdf = "--config /etc/hhvm/server.hdf -vServer.Type=fastcgi";
    let host = host_with(hdf, "", &[("/etc/hhvm/server.hdf", "hhvm.server.port = 9000\n")]);
    // A web server that keeps connections on port 80, HHVM's default.
    host.run("systemctl start nginx").ok();
    let _kept = host.spawn(
        "curl -s --max-time 60 --limit-rate 1 http://127.0.0.1/ & (sleep 60) | curl -s telnet://127.0.0.1:80",
    );
    is_quick(&host);
    let page = request(&host, "", "127.0.0.1:9000");
    is_drained(&host, page);
}

pub fn a_socket_that_stands_in_an_hdf_file_is_counted() {
    let hdf = "--config /etc/hhvm/server.hdf -vServer.Type=fastcgi";
    let socket = "hhvm.server.file_socket = /run/hhvm.sock\n";
    let host = host_with(hdf, "", &[("/etc/hhvm/server.hdf", socket)]);
    let page = request(&host, "", "/run/hhvm.sock");
    is_drained(&host, page);
}

pub fn a_file_that_cannot_be_read_is_not_taken_for_its_defaults() {
    let host = host_with("-c /etc/hhvm/own.ini", "", &[("/etc/hhvm/own.ini", PORT)]);
    // As if it had been so at the start; the stand-in reads UTF-8 alone.
    host.run(r"printf '; f\374r Kunden\n' >>/etc/hhvm/own.ini").ok();
    let page = request(&host, "", "127.0.0.1:9000");
    is_answered(&host, page);
}

pub fn an_hhvm_of_another_name_is_counted() {
    let host = host_with("-c /etc/hhvm/own.ini", "", &[("/etc/hhvm/own.ini", PORT)]);
    host.run("cp /usr/bin/hhvm /usr/local/bin/web-4.56").ok();
    host.run(
        "sed -i 's,=/usr/bin/hhvm ,=/usr/local/bin/web-4.56 ,' /etc/systemd/system/hhvm.service.d/test.conf",
    )
    .ok();
    host.run("systemctl daemon-reload && systemctl restart hhvm").ok();
    let page = request(&host, "", "127.0.0.1:9000");
    is_drained(&host, page);
}

pub fn an_admin_port_that_only_the_file_has_is_not_waited_for() {
    let host = host_with("-c /etc/hhvm/own.ini", "", &[("/etc/hhvm/own.ini", PORT)]);
    let admin = "hhvm.admin_server.port = 9001\nhhvm.admin_server.ip = 127.0.0.1\n";
    host.write_file("/etc/hhvm/own.ini", &format!("{PORT}{admin}"));
    let check = host.run("hhvm-drain check").ok();
    assert!(
        check.stdout.contains("/etc/hhvm/own.ini:3 names the admin port 9001, but HHVM does not listen"),
        "{check:?}"
    );
    let restart = host.run("systemctl restart hhvm").ok();
    assert!((3.0..6.0).contains(&restart.took.as_secs_f32()), "{restart:?}");
    assert_eq!(host.outcome(), "drained");
    host.assert_logged("HHVM has no admin port; counting the connections to 127.0.0.1:9000 instead");
    wait_for("the admin port", Duration::from_secs(5), || {
        host.run("hhvm-drain check").stdout.contains("fastcgi://127.0.0.1:9001/check-load answers")
    });
}

pub fn an_admin_port_that_only_the_process_has_is_found() {
    let admin = format!("{PORT}hhvm.admin_server.port = 9005\n");
    let host = host_with("-c /etc/hhvm/own.ini", "", &[("/etc/hhvm/own.ini", &admin)]);
    host.write_file("/etc/hhvm/own.ini", PORT);
    host.hhvm_says("load = 3>0/6s");
    let check = host.run("hhvm-drain check").ok();
    assert!(check.stdout.contains("fastcgi://127.0.0.1:9005/check-load answers, load "), "{check:?}");
    waits_for_zero(&host);
}

pub fn nobody_but_hhvm_is_believed() {
    let host = host_with("-c /etc/hhvm/own.ini", "", &[("/etc/hhvm/own.ini", PORT)]);
    // Somebody else answers "0" where HHVM's admin port usually is, and a front end of nobody's does.
    let stranger = "/usr/bin/hhvm --mode server -d hhvm.server.type=proxygen --port 9002 --admin-port 9001";
    host.run(&format!("systemd-run --unit stranger -p User=nobody {stranger}")).ok();
    let page = request(&host, "", "127.0.0.1:9000");
    is_drained(&host, page);
    for endpoint in ["fastcgi://127.0.0.1:9001/check-load", "http://127.0.0.1:9001/check-load"] {
        host.write_file(
            "/etc/hhvm-drain.toml.d/z.toml",
            &format!("endpoint = '{endpoint}'\ntimeout = '4s'\n"),
        );
        let check = host.run("hhvm-drain check");
        assert!(
            check.code == Some(1) && check.stdout.contains("ERROR    endpoint: the load is unknown"),
            "{check:?}"
        );
        let took = host.stop().took;
        assert!((4.0..6.0).contains(&took.as_secs_f32()), "{endpoint}: {took:?}");
        host.assert_stopped("timeout");
        host.assert_comes_back();
    }
    let journal = host.run("journalctl -u hhvm -t hhvm-drain -o cat").stdout;
    assert!(
        journal.contains("/etc/hhvm-drain.toml.d/z.toml:1:12), but the unit listens on 127.0.0.1:9000"),
        "{journal}"
    );
}

pub fn a_front_end_of_roots_is_asked_if_it_is_set() {
    let nginx = "server { listen 127.0.0.1:9002; location / { include fastcgi_params; fastcgi_pass 127.0.0.1:9001; } }";
    let host = Host::with_package()
        .settings(&format!("{SETTINGS}\nendpoint = 'http://127.0.0.1:9002/check-load'"))
        .file("/etc/nginx/sites-enabled/admin", nginx)
        .boot();
    host.run("systemctl start nginx").ok();
    host.hhvm_says("load = 3>0/6s");
    let check = host.run("hhvm-drain check").ok();
    assert!(check.stdout.contains("http://127.0.0.1:9002/check-load answers, load "), "{check:?}");
    waits_for_zero(&host);
}

const PRIVATE: &str = "PrivateNetwork=yes\nRuntimeDirectory=hhvm";
const SOCKET: &str = "hhvm.server.type = fastcgi\nhhvm.server.file_socket = /run/hhvm/h.sock\n";

pub fn connections_into_a_private_network_are_counted() {
    let host = host_with("-c /etc/hhvm/own.ini", PRIVATE, &[("/etc/hhvm/own.ini", SOCKET)]);
    is_quick(&host);
    let page = request(&host, "", "/run/hhvm/h.sock");
    is_drained(&host, page);
    // The web server has a network of its own, too, so that no list shows its connections.
    let page = request(&host, "unshare --net", "/run/hhvm/h.sock");
    is_drained(&host, page);
}

pub fn an_admin_port_in_a_private_network_is_asked_from_anywhere() {
    let admin = format!("{SOCKET}hhvm.admin_server.port = 9001\n");
    let mut host = host_with("-c /etc/hhvm/own.ini", PRIVATE, &[("/etc/hhvm/own.ini", &admin)]);
    host.hhvm_says("load = 2");
    wait_for("the load", Duration::from_secs(5), || host.status()["load"] == 2);
    let check = host.run("hhvm-drain check").ok();
    assert!(check.stdout.contains("fastcgi://127.0.0.1:9001/check-load answers, load 2"), "{check:?}");
    host.hhvm_says("load = 2>0/6s");
    waits_for_zero(&host);
    host.assert_comes_back();
    // The shutdown unit asks from outside.
    host.hhvm_says("load = 4>0/6s");
    host.shut_down();
    host.power_on();
    let messages = host.journal();
    let last = messages
        .iter()
        .map(Entry::message)
        .rfind(|line| line.contains("the stop goes on") || line.contains("may stop now"));
    assert!(last.is_some_and(|line| line.starts_with("load was 0 after ")), "{last:?}");
}

pub fn connections_that_a_closed_listener_has_left_count() {
    let ini = format!("{PORT}hhvm.admin_server.port = 9001\nhhvm.server.graceful_shutdown_wait = 30\n");
    let host = host_with("-c /etc/hhvm/own.ini", "", &[("/etc/hhvm/own.ini", &ini)]);
    let page = request(&host, "", "127.0.0.1:9000");
    host.run("SCRIPT_NAME=/stop cgi-fcgi -bind -connect 127.0.0.1:9001");
    std::thread::sleep(Duration::from_secs(1));
    let status = host.status();
    assert_eq!(status["load"], 1, "{status:?}");
    let page = page.wait();
    assert!(page.stdout.contains("worked 8000 ms"), "{page:?}");
}
