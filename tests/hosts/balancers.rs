//! A drain that asks a real HAProxy: how long it takes, and that no request arrives after its end, whatever window HAProxy
//! leaves between "out" and the last request.

use std::thread;
use std::time::{Duration, Instant};

use crate::host::{Background, Host, wait_for};
use crate::shared_file;

/// In front of HHVM, with the health file; and another node.
const NGINX: &str = "\
events {}
http {
server { listen 8080; root /var/www; location = /status.php { default_type text/plain; }
location / { include fastcgi_params; fastcgi_param SCRIPT_FILENAME /var/www/page.php;
fastcgi_param QUERY_STRING $args; fastcgi_pass 127.0.0.1:9000; } }
server { listen 8081; location / { return 200 other; } }
}
";

const GLOBAL: &str = "\
global
  stats socket /run/haproxy/user.sock level user
  stats socket /run/haproxy/operator.sock level operator
  stats socket ipv4@127.0.0.1:9999 level user
defaults
  mode http
  timeout connect 1s
  timeout queue 30s
  timeout client 60s
  timeout server 60s
frontend web
  bind 127.0.0.1:8000
  default_backend web
frontend statistics
  bind 127.0.0.1:8404
  stats enable
  stats uri /stats
  stats show-legends
  stats auth drain:geheim
backend web
  option httpchk GET /status.php
";

/// The statistics page over TLS, by a certificate for 127.0.0.1 and no other address.
const TLS: &str = "\
frontend secure
  bind 127.0.0.1:8443 ssl crt /etc/haproxy/server.pem
  stats enable
  stats uri /stats
  stats show-legends
";
const CERTIFICATE: &str = include_str!("../tls/server.pem");
const AUTHORITY: &str = include_str!("../tls/ca.pem");

const WEB1: &str = "  server web1 127.0.0.1:8080 check\n";
const OTHER: &str = "  server web2 127.0.0.1:8081\n";
const BY_404: &str = "  http-check disable-on-404\n";

const ASKING: &str =
    "balancer = 'haproxy+unix:///run/haproxy/user.sock'\nmin-drain = '20s'\nbalancer-name = 'web1'\n";

/// A host with HHVM, nginx and HAProxy, whose only backend has these lines.
fn host(settings: &str, backend: &str) -> Host {
    let host = Host::with_package()
        .packages("haproxy")
        .settings(settings)
        .file("/etc/nginx/nginx.conf", NGINX)
        .file("/etc/haproxy/haproxy.cfg", &(GLOBAL.to_owned() + backend))
        .boot();
    // Debian 11 has no RuntimeDirectory= for it.
    host.run("mkdir -p /run/haproxy; systemctl start nginx && systemctl restart haproxy").ok();
    wait_for("HAProxy to answer", Duration::from_secs(10), || {
        host.run("curl -sf http://127.0.0.1:8000/?ms=1").code == Some(0)
    });
    host
}

/// Requests pages on new connections, some each tenth of a second, until `/tmp/enough` comes; the statuses.
fn clients(host: &Host) -> Background {
    host.spawn(
        "until [ -e /tmp/enough ]; do for i in 1 2 3; do \
         curl -s -o /dev/null -w '%{http_code}\\n' http://127.0.0.1:8000/?ms=30 & done; sleep 0.1; done; wait",
    )
}

fn assert_none_failed(host: &Host, clients: Background) {
    host.write_file("/tmp/enough", "");
    let answers = clients.wait().stdout;
    let failed: Vec<&str> = answers.lines().filter(|status| *status != "200").collect();
    assert!(failed.is_empty() && answers.lines().count() > 30, "{failed:?} of {}", answers.lines().count());
}

fn at_balancers(host: &Host) -> String {
    host.status()["last_drain"]["balancers"].as_str().expect("what the balancers said").to_owned()
}

pub fn it_ends_once_haproxy_has_noticed_and_not_one_request_fails() {
    for (backend, least, most) in [
        (format!("{WEB1}{OTHER}"), 5.1, 7.9),
        (format!("{BY_404}{WEB1}{OTHER}"), 1.1, 4.2),
        (format!("  default-server fastinter 250ms\n{WEB1}{OTHER}"), 1.6, 4.6),
    ] {
        let host = host(ASKING, &backend);
        let clients = clients(&host);
        thread::sleep(Duration::from_secs(1));
        let took = host.stop().took.as_secs_f32();
        assert_none_failed(&host, clients);
        assert!((least..most).contains(&took), "{backend}: {took}");
        host.assert_stopped("drained");
        assert_eq!(at_balancers(&host), "confirmed");
        host.assert_logged("/run/haproxy/user.sock sends no new requests here any more");
        host.assert_logged("no load balancer sends requests here any more, and none is on its way");
        host.assert_comes_back();
    }
}

pub fn the_releases_own_haproxy_confirms_by_socket_and_by_page() {
    let settings = "\
min-drain = '20s'
balancer-name = 'web1'
balancer = ['haproxy+unix:///run/haproxy/operator.sock', 'haproxy+http://drain:geheim@127.0.0.1:8404/stats']
";
    let host = host(settings, &format!("{BY_404}{WEB1}{OTHER}"));
    let clients = clients(&host);
    thread::sleep(Duration::from_secs(1));
    let took = host.stop().took.as_secs_f32();
    assert_none_failed(&host, clients);
    assert!((1.1..4.5).contains(&took), "{took}");
    assert_eq!(at_balancers(&host), "confirmed");
    host.assert_comes_back();
}

pub fn every_way_to_ask_haproxy_finds_this_node() {
    let settings = "\
balancer = ['haproxy+unix:///run/haproxy/user.sock', 'haproxy+unix:///run/haproxy/operator.sock',
  'haproxy+tcp://127.0.0.1:9999',
  { url = 'haproxy+http://127.0.0.1:8404/stats', user = 'drain', password-file = '/etc/lb.password' },
  { url = 'http://127.0.0.1:8404/stats;csv', user = 'drain', password-file = '/etc/lb.password', out = ',DOWN,', in = ',UP,' },
  { command = '/usr/local/bin/lb-state' }]
";
    let host = host(settings, &format!("{WEB1}  server else 127.0.0.1:8082 disabled\n"));
    host.write_file(
        "/usr/local/bin/lb-state",
        "#!/bin/sh\ntest \"$HHVM_DRAIN_UNIT\" = hhvm.service || exit 9\nexit 1\n",
    );
    host.run("chmod 755 /usr/local/bin/lb-state; umask 77; echo geheim >/etc/lb.password").ok();
    let check = host.run("hhvm-drain check");
    let found: Vec<&str> = check.stdout.lines().filter(|line| line.contains("balancer: ")).collect();
    assert_eq!(found.len(), 6, "{check:?}");
    for line in &found[..4] {
        assert!(line.starts_with("ok ") && line.ends_with(": web/web1 UP"), "{line}");
    }
    assert!(
        found[4].ends_with("/stats;csv: in") && found[5].ends_with("/usr/local/bin/lb-state: in"),
        "{found:?}"
    );
    host.run("echo wrong >/etc/lb.password; chmod 644 /etc/lb.password; chmod 777 /usr/local/bin/lb-state")
        .ok();
    let check = host.run("hhvm-drain check").stdout;
    for part in [
        "status 401; set user and password-file for this balancer",
        "others can read the password; run: chown root: /etc/lb.password",
        "is not run, because others can change /usr/local/bin/lb-state; run: chown root: /usr/local/bin/lb-state",
    ] {
        assert!(check.contains(part), "{part}: {check}");
    }
}

/// Apache as the load balancer of one node, with `mod_proxy_hcheck`.
const APACHE: &str = "\
Listen 8000
ProxyStatus On
<Proxy balancer://web>
BalancerMember http://127.0.0.1:8080 hcmethod=GET hcuri=/status.php hcinterval=1
</Proxy>
<VirtualHost *:8000>
ProxyPass / balancer://web/
</VirtualHost>
";

/// The example of the manual that begins with a comment on `name`.
fn example(name: &str) -> String {
    let page = include_str!("../../man/hhvm-drain-balancers.7");
    let start = page.find(&format!("#!/bin/sh\n# /usr/local/bin/{name}")).expect("the example");
    page[start..].split(".Ed").next().expect("its end").replace("\\e", "\\")
}

pub fn apache_tells_by_its_status_page_and_by_the_manuals_command() {
    let script =
        example("apache-state").replace("//lb1/", "//127.0.0.1/").replace("192.0.2.5", "127.0.0.1:8080");
    let settings = "\
min-drain = '20s'
balancer = [{ url = 'http://127.0.0.1/server-status?auto', out = 'HcFl', in = 'Init Ok' },
  { command = '/usr/local/bin/apache-state' }]
";
    let host = Host::with_package()
        .packages("php8.2-fpm,apache2")
        .settings(settings)
        .file("/etc/nginx/nginx.conf", NGINX)
        .file("/etc/apache2/conf-enabled/balancer.conf", APACHE)
        .file("/usr/local/bin/apache-state", &script)
        .boot();
    host.run("chmod 755 /usr/local/bin/apache-state; systemctl start nginx").ok();
    host.run("a2enmod proxy_http proxy_hcheck proxy_balancer lbmethod_byrequests status; systemctl restart apache2")
        .ok();
    let said = || {
        let check = host.run("hhvm-drain check").stdout;
        check.lines().filter(|line| line.contains("balancer: ")).map(str::to_owned).collect::<Vec<_>>()
    };
    let is_in = |line: &String| line.starts_with("ok ") && line.ends_with(": in");
    wait_for("Apache to tell", Duration::from_secs(9), || {
        said().iter().filter(|line| is_in(line)).count() == 2
    });
    let took = host.stop().took.as_secs_f32();
    assert!((1.1..6.0).contains(&took), "{took}");
    assert_eq!(at_balancers(&host), "confirmed");
    host.assert_comes_back();
    wait_for("Apache to send again", Duration::from_secs(9), || said().iter().all(is_in));
}

/// What waits on the way back.
const REPOOL: &str = "hhvm-drain-repool@hhvm.service.service";

pub fn once_it_is_back_haproxy_is_waited_for_and_a_stop_in_that_time_drains() {
    let host = host(ASKING, &format!("{WEB1}{OTHER}"));
    let clients = clients(&host);
    let haproxy_says = |state: &str| {
        wait_for(&format!("HAProxy to say {state}"), Duration::from_secs(9), || {
            let balancers = host.status()["balancers"].clone();
            balancers[0]["rows"][0].as_str().is_some_and(|row| row.starts_with(&format!("web/web1 {state}")))
        })
    };
    haproxy_says("UP");
    host.stop().ok();
    host.run("systemctl start hhvm").ok();
    assert!(host.is_pooled() && host.show("hhvm", "ActiveState") == "active");
    let waiting = "Back in the pool: waiting for /run/haproxy/user.sock to send requests again";
    wait_for("the unit to wait", Duration::from_secs(3), || host.show(REPOOL, "StatusText") == waiting);
    let stop = host.begin_stop();
    wait_for("the unit to end", Duration::from_secs(3), || host.show(REPOOL, "ActiveState") == "inactive");
    stop.wait().ok();
    host.assert_stopped("drained");
    assert_eq!(at_balancers(&host), "confirmed");
    assert!(host.status()["last_drain"]["seconds_out"].is_null());

    let out = Instant::now();
    host.run("systemctl start hhvm").ok();
    wait_for("the unit to end", Duration::from_secs(9), || host.show(REPOOL, "ActiveState") == "inactive");
    host.assert_logged("every load balancer sends requests here as before, ");
    haproxy_says("UP");
    let seconds = host.status()["last_drain"]["seconds_out"].as_u64().expect("it is back");
    assert!((3..out.elapsed().as_secs() + 9).contains(&seconds), "{seconds}");
    assert_none_failed(&host, clients);
}

pub fn a_command_becomes_another_user_during_a_drain_as_it_does_for_check() {
    let host = Host::with_package()
        .settings("min-drain = '20s'\nbalancer = [{ command = '/usr/local/bin/lb-state' }]\n")
        .boot();
    host.write_file(
        "/usr/local/bin/lb-state",
        "#!/bin/sh\nexec setpriv --reuid=nobody --clear-groups test ! -e /var/www/status.php\n",
    );
    host.run("chmod 755 /usr/local/bin/lb-state").ok();
    let check = host.run("hhvm-drain check").stdout;
    assert!(check.contains("/usr/local/bin/lb-state: in"), "{check}");
    let took = host.stop().took.as_secs_f32();
    assert!(took < 10.0, "{took}");
    assert_eq!(at_balancers(&host), "confirmed");
    // And what it leaves behind goes with the drain.
    host.run("systemctl start hhvm").ok();
    host.write_file(
        "/usr/local/bin/lb-state",
        "#!/bin/sh\nexec setpriv --reuid=nobody --clear-groups sleep 1234\n",
    );
    host.write_file("/etc/hhvm-drain.toml.d/zz.toml", "min-drain = '3s'\n");
    wait_for("the node to be back", Duration::from_secs(15), || host.is_pooled());
    let took = host.stop().took.as_secs_f32();
    assert!((3.0..6.0).contains(&took), "{took}");
    host.assert_logged(
        "/usr/local/bin/lb-state: it is not known whether it sends requests here (the command did not end",
    );
    assert_eq!(host.run("pgrep -fx 'sleep 1234'").code, Some(1), "it is still there");
}

pub fn tls_is_verified_by_a_file_or_by_the_systems_certificates() {
    let url = "haproxy+https://127.0.0.1:8443/stats";
    let host = Host::with_package()
        .packages("haproxy")
        .file("/etc/nginx/nginx.conf", NGINX)
        .file("/etc/haproxy/server.pem", CERTIFICATE)
        .file("/etc/haproxy/haproxy.cfg", &format!("{GLOBAL}{BY_404}{WEB1}{TLS}"))
        .file("/etc/ca.pem", AUTHORITY)
        .file("/etc/empty.pem", "")
        .boot();
    host.run("systemctl start nginx && systemctl restart haproxy").ok();
    let said = |settings: &str| {
        host.write_file("/etc/hhvm-drain.toml", &format!("balancer = {settings}\nmin-drain = '20s'\n"));
        let check = host.run("hhvm-drain check").stdout;
        check.lines().find(|line| line.contains("balancer: ")).expect("a line").to_owned()
    };
    host.run("rm -rf /etc/ssl/certs/ca-certificates.crt").ok();
    for (settings, part) in [
        (format!("'{url}'"), "install ca-certificates, or set ca-file"),
        (
            format!("{{ url = '{url}', ca-file = '/etc/empty.pem' }}"),
            "/etc/empty.pem has no certificate in PEM in it",
        ),
        (format!("{{ url = '{url}', ca-file = '/etc/none.pem' }}"), "/etc/none.pem cannot be read"),
        ("'haproxy+https://127.0.0.1:8404/stats'".to_owned(), "install ca-certificates"),
        (
            "{ url = 'haproxy+https://127.0.0.1:8404/stats', ca-file = '/etc/ca.pem' }".to_owned(),
            "TLS fails: ",
        ),
    ] {
        let said = said(&settings);
        assert!(said.starts_with("warning  ") && said.contains(part), "{settings}: {said}");
    }
    host.run("mkdir -p /etc/ssl/certs && cp /etc/ca.pem /etc/ssl/certs/ca-certificates.crt").ok();
    wait_for("HAProxy to have checked", Duration::from_secs(9), || {
        said(&format!("'{url}'")).starts_with("ok ")
    });
    // Somebody else's authority, and somebody else's name.
    host.run("cp /etc/haproxy/server.pem /etc/ssl/certs/ca-certificates.crt").ok();
    assert!(said(&format!("'{url}'")).contains("TLS fails: "), "{}", said(&format!("'{url}'")));
    let other = "{ url = 'haproxy+https://127.0.0.2:8443/stats', ca-file = '/etc/ca.pem' }";
    host.run("sed -i 's/bind 127.0.0.1:8443/bind 0.0.0.0:8443/' /etc/haproxy/haproxy.cfg; systemctl restart haproxy").ok();
    assert!(said(other).contains("TLS fails: "), "{}", said(other));
    let good = said(&format!("{{ url = '{url}', ca-file = '/etc/ca.pem' }}"));
    assert!(good.ends_with(": web/web1 UP"), "{good}");
    let took = host.stop().took.as_secs_f32();
    assert!((1.1..4.5).contains(&took), "{took}");
    assert_eq!(at_balancers(&host), "confirmed");
}

pub fn the_port_of_another_instance_is_not_this_ones() {
    let host = Host::with_package()
        .packages("haproxy")
        .settings("balancer = 'haproxy+unix:///run/haproxy/operator.sock'\nmin-drain = '1s'\n")
        .file("/etc/systemd/system/hhvm@.service", shared_file::TEMPLATE)
        .file("/etc/haproxy/haproxy.cfg", &format!("{GLOBAL}  server second 127.0.0.1:9002 check\n"))
        .boot();
    host.run("systemctl stop hhvm; mkdir -p /etc/systemd/system/hhvm@.service.d").ok();
    host.run("ln -s /usr/lib/systemd/system/hhvm.service.d/drain.conf /etc/systemd/system/hhvm@.service.d/")
        .ok();
    host.run("systemctl daemon-reload; systemctl start hhvm@1 hhvm@2 && systemctl restart haproxy").ok();
    let said = |unit: &str| {
        let check = host.run(&format!("hhvm-drain check --unit {unit}")).stdout;
        check.lines().find(|line| line.contains("balancer: ")).expect("a line").to_owned()
    };
    assert!(said("hhvm@2").contains("web/second "), "{}", said("hhvm@2"));
    assert!(said("hhvm@1").contains("it has no row for this node"), "{}", said("hhvm@1"));
    // Whoever is not drained may be its front end.
    host.run("rm -r /etc/systemd/system/hhvm@.service.d; systemctl daemon-reload").ok();
    assert!(said("hhvm@1").contains("web/second "), "{}", said("hhvm@1"));
}

pub fn a_reload_in_mid_drain_begins_anew() {
    let host = host(ASKING, &format!("{WEB1}{OTHER}"));
    let clients = clients(&host);
    let stop = host.begin_stop();
    wait_for("HAProxy to take the node out", Duration::from_secs(9), || {
        host.show("hhvm", "StatusText").contains("waiting for the last requests from ")
    });
    host.run("systemctl reload haproxy").ok();
    let reloaded = Instant::now();
    stop.wait().ok();
    assert!(reloaded.elapsed() >= Duration::from_secs(1), "{:?}", reloaded.elapsed());
    assert_none_failed(&host, clients);
    host.assert_stopped("drained");
    assert_eq!(at_balancers(&host), "confirmed");
}

pub fn with_one_balancer_dead_min_drain_applies() {
    let settings = "balancer = ['haproxy+unix:///run/haproxy/user.sock', 'haproxy+tcp://127.0.0.1:9998']\n\
                    min-drain = '9s'\nbalancer-name = 'web/web1'\n";
    let host = host(settings, &format!("{BY_404}{WEB1}{OTHER}"));
    let took = host.stop().took.as_secs_f32();
    assert!((9.0..11.0).contains(&took), "{took}");
    assert_eq!(at_balancers(&host), "unconfirmed");
    host.assert_logged("127.0.0.1:9998: it is not known whether it sends requests here (connection refused)");
}

pub fn requests_in_the_servers_queue_arrive_before_the_end() {
    let lines = "  balance uri\n  hash-type map-based\n  server web1 127.0.0.1:8080 check maxconn 1\n";
    let host = host(ASKING, &format!("{BY_404}{lines}"));
    let queued = host.spawn(
        "for i in 1 2 3 4 5 6 7; do curl -s -o /dev/null -w '%{http_code}\\n' 'http://127.0.0.1:8000/?ms=800' & \
         done; wait",
    );
    thread::sleep(Duration::from_millis(200));
    let stop = host.begin_stop();
    let queued = queued.wait().stdout;
    let arrived = Instant::now();
    stop.wait().ok();
    assert_eq!(queued, "200\n".repeat(7));
    assert!(arrived.elapsed() >= Duration::from_secs(1), "{:?}", arrived.elapsed());
    assert_eq!(at_balancers(&host), "confirmed");
}

/// A request that is sent as soon as the node drains, to a server whose port does what it does; when HAProxy gave up.
fn sent_in_vain(host: &Host) -> Instant {
    let request =
        host.spawn("curl -s -o /dev/null -w '%{http_code} %{time_total}\\n' http://127.0.0.1:8000/?ms=1");
    thread::sleep(Duration::from_millis(100));
    let stop = host.begin_stop();
    let answer = request.wait().stdout;
    let given_up = Instant::now();
    assert!(answer.starts_with("503 "), "{answer}");
    stop.wait().ok();
    given_up
}

pub fn a_request_that_is_tried_again_or_still_connecting_is_waited_for() {
    // Nobody listens on one, and nobody accepts on the other, whose queue is full.
    for port in [8090, 8091] {
        let lines = format!("{BY_404}  server web1 127.0.0.1:{port} check inter 200ms port 8080\n");
        let host = host_without_an_answer(&lines);
        let given_up = sent_in_vain(&host);
        let after = given_up.elapsed();
        assert!(after >= Duration::from_secs(1), "port {port}: {after:?} after the last try");
        assert!(after < Duration::from_secs(4), "port {port}: {after:?} after the last try");
        assert_eq!(at_balancers(&host), "confirmed");
    }
}

fn host_without_an_answer(backend: &str) -> Host {
    let host = Host::with_package()
        .packages("haproxy")
        .settings(ASKING)
        .file("/etc/nginx/nginx.conf", NGINX)
        .file("/etc/haproxy/haproxy.cfg", &(GLOBAL.to_owned() + backend))
        .boot();
    host.run("systemctl start nginx && systemctl restart haproxy").ok();
    // Two connections fill the queue of one; the third one's SYN is sent again and again.
    host.run(
        "systemd-run --quiet perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(LocalAddr => \"127.0.0.1:8091\", \
         Listen => 1, Proto => \"tcp\") or die; push @c, IO::Socket::INET->new(PeerAddr => \"127.0.0.1:8091\", \
         Timeout => 1) for 1..3; sleep 1000' && sleep 4",
    )
    .ok();
    host
}

pub fn clients_that_stick_to_the_node_are_waited_for_until_min_drain() {
    let settings = ASKING.replace("20s", "7s");
    let lines = format!("  cookie SRV insert\n{BY_404}  server web1 127.0.0.1:8080 check cookie w1\n{OTHER}");
    let host = host(&settings, &lines);
    let sticking = host.spawn(
        "until [ -e /tmp/enough ]; do \
         curl -s -o /dev/null -w '%{http_code}\\n' -H 'Cookie: SRV=w1' http://127.0.0.1:8000/?ms=1; sleep 0.2; done",
    );
    let took = host.stop().took.as_secs_f32();
    host.write_file("/tmp/enough", "");
    assert!((7.0..9.5).contains(&took), "{took}");
    assert_eq!(at_balancers(&host), "unconfirmed");
    assert!(sticking.wait().stdout.matches("200").count() > 20, "it did stick");
}
