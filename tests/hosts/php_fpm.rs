//! Debian's PHP-FPM with pools of every kind: each is found, each is counted, none is cut off.

use std::time::Duration;

use crate::host::{Background, Host, Output, wait_for};

const UNIT: &str = "php8.2-fpm";
const AUTO: &str = "endpoint = 'auto'";

/// A pool of that name, with these lines; all of its processes are there from the start.
fn pool(name: &str, lines: &str) -> String {
    format!(
        "[{name}]\nuser = www-data\nlisten = /run/php/{name}.sock\npm = static\npm.max_children = 2\n{lines}\n"
    )
}

/// A host whose PHP-FPM has these pools, each in a file of its own, drained by what `drop-in` prints and a line of
/// settings.
fn host(pools: &[String], endpoint: &str) -> Host {
    let host = Host::with_package()
        .packages("php8.2-fpm,apache2")
        .settings(&format!(
            "min-drain = '1s'\ntimeout = '20s'\n[unit.'{UNIT}.service']\nkind = 'php-fpm'\n{endpoint}\n"
        ))
        .file("/var/www/p.php", "<?php usleep(1000 * $_GET['ms']); echo 'complete';\n")
        .file("/var/www/clock.php", "<?php echo microtime();\n")
        .boot();
    host.run("rm /etc/php/8.2/fpm/pool.d/*").ok();
    for (index, pool) in pools.iter().enumerate() {
        host.write_file(&format!("/etc/php/8.2/fpm/pool.d/{index}.conf"), pool);
    }
    host.run(&format!(
        "mkdir -p /srv/root; cp /var/www/p.php /srv/root; mkdir -p /etc/systemd/system/{UNIT}.service.d"
    ))
    .ok();
    host.run(&format!("hhvm-drain drop-in --unit {UNIT} >/etc/systemd/system/{UNIT}.service.d/drain.conf"))
        .ok();
    restart(&host);
    host
}

fn restart(host: &Host) {
    host.run(&format!("systemctl daemon-reload; systemctl restart {UNIT}")).ok();
}

/// One request that takes so many milliseconds, at a pool's socket or port.
fn page(host: &Host, ms: u32, peer: &str) -> Background {
    page_of(host, "/var/www/p.php", ms, peer)
}

fn page_of(host: &Host, script: &str, ms: u32, peer: &str) -> Background {
    host.spawn(&format!(
        "REQUEST_METHOD=GET SCRIPT_NAME=/p.php SCRIPT_FILENAME={script} QUERY_STRING=ms={ms} \
         cgi-fcgi -bind -connect {peer}"
    ))
}

fn check(host: &Host) -> Output {
    host.run(&format!("hhvm-drain check --unit {UNIT}"))
}

/// What `status` says of the load.
fn load(host: &Host) -> String {
    let status = host.run(&format!("hhvm-drain status --unit {UNIT}")).ok().stdout;
    status.lines().find_map(|line| line.strip_prefix("Load:")).unwrap_or_default().trim().to_owned()
}

fn wait_for_load(host: &Host, load_is: &str) {
    wait_for(&format!("a load: {load_is}"), Duration::from_secs(4), || load(host).contains(load_is));
}

/// Stops PHP-FPM, which must drain, and cut off none of `requests`.
fn stop_drains(host: &Host, requests: Vec<Background>) -> Output {
    let stop = host.run(&format!("systemctl stop {UNIT}")).ok();
    for request in requests {
        let answer = request.wait().ok();
        assert!(answer.stdout.ends_with("complete"), "{answer:?}; {:#?}", told(host));
    }
    assert_eq!(host.show(UNIT, "Result"), "success");
    let status = host.run(&format!("hhvm-drain status --json --unit {UNIT}")).ok().stdout;
    let status: serde_json::Value = serde_json::from_str(&status).expect("JSON");
    assert_eq!(status["last_drain"]["outcome"], "drained", "{:#?}", told(host));
    stop
}

/// What hhvm-drain wrote to the journal.
fn told(host: &Host) -> Vec<String> {
    let mut entries = host.journal_unit(UNIT);
    entries.retain(|entry| entry.field("SYSLOG_IDENTIFIER") == "hhvm-drain");
    entries.iter().map(|entry| entry.message().to_owned()).collect()
}

#[track_caller]
fn assert_says(check: &Output, part: &str) {
    assert!(check.stdout.contains(part), "no {part:?} in {}", check.stdout);
}

pub fn every_pool_of_any_kind_is_drained() {
    let page_on = "pm.status_path = /status";
    let pools = [
        pool("static", "pm.status_path = /monitoring/fpm/status"),
        pool(
            "dynamic",
            "pm = dynamic\npm.max_children = 5\npm.start_servers = 2\npm.min_spare_servers = 1\npm.max_spare_servers = 3",
        ) + "listen = 127.0.0.1:9100\nlisten.allowed_clients = 127.0.0.1\n"
            + page_on,
        pool("ondemand", &format!("pm = ondemand\n{page_on}")),
        pool("apart", "pm.status_listen = 127.0.0.1:9105"),
        pool("chroot", &format!("chroot = /srv/root\n{page_on}")),
        pool("pageless", ""),
        pool("closed", &format!("listen = 9106\nlisten.allowed_clients = 192.0.2.1\n{page_on}")),
    ];
    let host = host(&pools, AUTO);
    let found = check(&host).ok();
    for line in [
        "ok       endpoint: pool static (/run/php/static.sock): /monitoring/fpm/status answers, load 0",
        "ok       endpoint: pool dynamic (127.0.0.1:9100): /status answers, load 0",
        "ok       endpoint: pool ondemand (/run/php/ondemand.sock): /status answers, load 0",
        "ok       endpoint: pool apart (/run/php/apart.sock): / at 127.0.0.1:9105 answers, load 0",
        "ok       endpoint: pool chroot (/run/php/chroot.sock): /status answers, load 0",
        "warning  endpoint: pool pageless (/run/php/pageless.sock) has no status page, so its connections are counted, load 0",
        "warning  endpoint: pool closed ([::]:9106) does not let this host ask",
    ] {
        assert_says(&found, line);
    }
    assert!(!found.stdout.contains("HHVM"), "{}", found.stdout);

    let sockets = ["static", "ondemand", "apart", "pageless"].map(|name| format!("/run/php/{name}.sock"));
    let mut requests: Vec<_> =
        sockets.iter().zip([3500, 4000, 4500, 5000]).map(|(peer, ms)| page(&host, ms, peer)).collect();
    requests.push(page(&host, 4200, "127.0.0.1:9100"));
    requests.push(page_of(&host, "/p.php", 4700, "/run/php/chroot.sock"));
    wait_for_load(&host, "6 in flight");
    let stop = stop_drains(&host, requests);
    assert!(stop.took < Duration::from_secs(12), "{stop:?}");
    assert!(host.is_pooled() || host.run("hhvm-drain pool").code == Some(0));
}

pub fn the_page_of_another_pool_is_not_one_of_its_requests() {
    let www = pool(
        "www",
        "pm = dynamic\npm.max_children = 5\npm.start_servers = 2\npm.min_spare_servers = 1\n\
                           pm.max_spare_servers = 3\npm.status_path = /status\npm.status_listen = 127.0.0.1:9005",
    );
    let host = host(&[www], "endpoint = 'fastcgi://127.0.0.1:9005/status'");
    assert_says(&check(&host).ok(), "endpoint: fastcgi://127.0.0.1:9005/status answers, load 0");
    let request = page(&host, 5000, "/run/php/www.sock");
    wait_for_load(&host, "1 in flight");
    stop_drains(&host, vec![request]);

    // Without a process of its own that is left, and at the usual path.
    host.write_file(
        "/etc/php/8.2/fpm/pool.d/0.conf",
        &pool("www", "pm = ondemand\npm.status_listen = /run/php/page.sock"),
    );
    host.write_file(
        "/etc/hhvm-drain.toml.d/zz.toml",
        &format!("[unit.'{UNIT}.service']\nendpoint = 'auto'\n"),
    );
    restart(&host);
    assert_says(&check(&host).ok(), "pool www (/run/php/www.sock): / at /run/php/page.sock answers, load 0");
    let idle = stop_drains(&host, Vec::new());
    assert!(idle.took < Duration::from_secs(4), "{idle:?}");
}

pub fn what_waits_for_a_process_is_load() {
    let busy = "pm = static\npm.max_children = 1\npm.status_path = /status";
    let apart = format!("{busy}\npm.status_listen = 127.0.0.1:9105");
    let host = host(&[pool("full", busy), pool("apart", &apart)], AUTO);
    let at_apart: Vec<_> = (0..3).map(|_| page(&host, 2000, "/run/php/apart.sock")).collect();
    wait_for_load(&host, "3 in flight");
    let at_full: Vec<_> = (0..2).map(|_| page(&host, 4000, "/run/php/full.sock")).collect();
    wait_for_load(&host, "unknown (pool full: no answer in time");
    stop_drains(&host, at_apart.into_iter().chain(at_full).collect());
    let told = told(&host);
    assert!(told.iter().any(|line| line.contains("(pool full: no answer in time")), "{told:#?}");
}

pub fn a_new_process_takes_no_request_off() {
    let host = host(&[pool("www", "pm = ondemand\npm.status_path = /status")], AUTO);
    host.write_file("/etc/hhvm-drain.toml.d/zz.toml", "min-drain = '0s'\n");
    for _ in 0..3 {
        host.run(&format!("systemctl restart {UNIT}")).ok();
        let request = page(&host, 2500, "/run/php/www.sock");
        std::thread::sleep(Duration::from_millis(500));
        stop_drains(&host, vec![request]);
    }
}

pub fn an_endpoint_for_one_pool_is_told_apart_and_a_list_is_added_up() {
    let page_on = "pm.status_path = /status";
    let one = "endpoint = 'fastcgi+unix:///run/php/www.sock/status'";
    let host = host(&[pool("www", page_on), pool("shop", page_on)], one);
    let found = check(&host).ok();
    assert_says(&found, "ok       endpoint: fastcgi+unix:///run/php/www.sock#/status answers, load 0");
    assert_says(&found, "warning  endpoint: pool shop (/run/php/shop.sock) is not asked");

    host.write_file(
        "/etc/hhvm-drain.toml.d/zz.toml",
        &format!(
            "[unit.'{UNIT}.service']\nendpoint = ['fastcgi+unix:///run/php/www.sock#/status', \
         'fastcgi+unix:///run/php/shop.sock#/status']\n"
        ),
    );
    assert!(!check(&host).ok().stdout.contains("is not asked"));
    let requests = vec![page(&host, 5000, "/run/php/shop.sock"), page(&host, 4000, "/run/php/www.sock")];
    wait_for_load(&host, "2 in flight");
    stop_drains(&host, requests);
}

pub fn reasons_are_about_php_fpm_and_told_once() {
    let host = host(
        &[pool("www", "pm.status_path = /status")],
        "endpoint = 'fastcgi+unix:///run/php/www.sock#/wrong/path'",
    );
    let set = |endpoint: &str| {
        host.write_file(
            "/etc/hhvm-drain.toml.d/zz.toml",
            &format!("[unit.'{UNIT}.service']\nendpoint = '{endpoint}'\ntimeout = '6s'\n"),
        );
        let found = check(&host);
        assert_eq!(found.code, Some(1), "{}", found.stdout);
        assert!(!found.stdout.contains("HHVM"), "{}", found.stdout);
        found
    };
    let wrong = set("fastcgi+unix:///run/php/www.sock#/wrong/path");
    assert_says(&wrong, "status 404: this is not the pool's pm.status_path");
    let nobody = set("fastcgi+unix:///run/php/nobody.sock#/status");
    assert_says(&nobody, "but the unit listens on /run/php/www.sock");

    // A page that is another one each time.
    let clock =
        pool("www", "pm.status_path = /status\nphp_admin_value[auto_prepend_file] = /var/www/clock.php");
    host.write_file("/etc/php/8.2/fpm/pool.d/0.conf", &clock);
    host.run("mkdir -p /wrong; cp /var/www/clock.php /wrong/path.php").ok();
    restart(&host);
    assert_says(
        &set("fastcgi+unix:///run/php/www.sock#/wrong/path.php"),
        "the answer is not PHP-FPM's status page: ",
    );
    host.run(&format!("systemctl stop {UNIT}")).ok();
    let told = told(&host);
    let waiting = told.iter().filter(|line| line.contains("the answer is not PHP-FPM's status page")).count();
    assert_eq!(waiting, 2, "one while it waits, one at the end: {told:#?}");
    assert!(!told.iter().any(|line| line.contains("HHVM")), "{told:#?}");
}

pub fn what_runs_counts_and_not_what_the_files_say_by_now() {
    let host = host(&[pool("www", "pm.status_path = /status")], AUTO);
    host.write_file(
        "/etc/php/8.2/fpm/pool.d/0.conf",
        &pool("new", "pm.status_path = /status\nlisten = ${NOBODY_KNOWS}"),
    );
    host.write_file("/etc/php/8.2/fpm/pool.d/1.conf", &pool("other", "pm.status_path = /status"));
    let found = check(&host).ok();
    assert_says(&found, "PHP-FPM listens at /run/php/www.sock, of which its files say nothing");
    assert_says(&found, "/etc/php/8.2/fpm/pool.d/0.conf:7: listen has a variable");
    assert_says(&found, "pool other (/etc/php/8.2/fpm/pool.d/1.conf:1) does not run");
    let request = page(&host, 4000, "/run/php/www.sock");
    wait_for_load(&host, "1 in flight");
    stop_drains(&host, vec![request]);
}

pub fn a_network_of_its_own_hides_nothing() {
    let tcp = "listen = 127.0.0.1:9100\npm.status_path = /status";
    let host =
        host(&[pool("tcp", tcp), pool("unix", "pm.status_path = /status"), pool("pageless", "")], AUTO);
    host.write_file(
        &format!("/etc/systemd/system/{UNIT}.service.d/net.conf"),
        "[Service]\nPrivateNetwork=yes\n",
    );
    restart(&host);
    assert_says(&check(&host).ok(), "pool tcp (127.0.0.1:9100): /status answers, load 0");
    let requests = vec![page(&host, 4000, "/run/php/unix.sock"), page(&host, 5000, "/run/php/pageless.sock")];
    wait_for_load(&host, "in flight");
    wait_for("a load", Duration::from_secs(3), || !load(&host).starts_with("0 "));
    stop_drains(&host, requests);
}

pub fn a_connection_that_a_web_server_keeps_is_no_request() {
    let host =
        host(&[pool("www", "listen.owner = www-data\npm.max_children = 5\npm.status_path = /status")], AUTO);
    host.write_file(
        "/etc/nginx/sites-available/default",
        "upstream fpm { server unix:/run/php/www.sock; keepalive 4; }\n\
         server { listen 8080; location / { include fastcgi_params; fastcgi_param SCRIPT_FILENAME /var/www/p.php;\n\
         fastcgi_pass fpm; fastcgi_keep_conn on; } }\n",
    );
    host.run("systemctl start nginx").ok();
    let curl = |ms: u32| format!("curl -sS 'http://127.0.0.1:8080/?ms={ms}'");
    assert_eq!(host.run(&curl(0)).ok().stdout, "complete");
    wait_for("the kept connection not to count", Duration::from_secs(15), || load(&host) == "0 in flight");
    let kept = host.run("ss --no-header --unix state connected src /run/php/www.sock").ok().stdout;
    assert_eq!(kept.lines().count(), 1, "{kept}");

    let request = host.spawn(&curl(6000));
    wait_for_load(&host, "1 in flight");
    let stop = stop_drains(&host, vec![request]);
    assert!(stop.took > Duration::from_secs(7), "the connection is kept after the request: {stop:?}");
    let told = told(&host);
    assert!(told.iter().any(|line| line.contains("the load is still 1")), "{told:#?}");
}
