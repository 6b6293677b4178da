//! min-drain begins after the front end on this host has answered for the health file for the last time.

use std::time::Duration;

use crate::host::{Background, Host};

/// nginx serves the health file itself, from a cache of each worker's own.
const CACHING_NGINX: &str = "\
worker_processes 4;
events {}
http { server {
    listen 8080; root /var/www;
    open_file_cache max=10 inactive=60s; open_file_cache_valid 5s; open_file_cache_errors on;
} }
";

/// PHP-FPM serves it, and never looks again at a file that it has compiled.
const FORGETFUL_PHP: &str = "\
opcache.enable = 1
opcache.validate_timestamps = 0
opcache.file_update_protection = 0
";

const PHP_SITE: &str = "\
server { listen 8080; root /var/www; location ~ \\.php$ { include fastcgi_params;
fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name; fastcgi_pass unix:/run/php/php8.2-fpm.sock; } }
";

fn settings(url: &str) -> String {
    format!("min-drain = '2s'\nhealth-url = '{url}'\n")
}

/// Requests the health file as a load balancer does, until the host goes or the file `/tmp/enough` comes.
fn balancer(host: &Host) -> Background {
    host.spawn(
        "until [ -e /tmp/enough ]; do \
         curl -s -o /dev/null -w '%{http_code} ' http://127.0.0.1:8080/status.php; date +%s.%N; sleep 0.05; done",
    )
}

/// When the last answer of 200 was, and how long before `end`.
fn last_up(answers: &str, end: f64) -> f64 {
    let ups = answers.lines().filter_map(|line| line.strip_prefix("200 ")?.parse::<f64>().ok());
    end - ups.fold(0.0, f64::max)
}

fn front_end(host: &Host) -> String {
    host.status()["last_drain"]["front_end"].as_str().expect("what the front end said").to_owned()
}

pub fn nginx_that_caches_is_waited_for() {
    let host = Host::with_package()
        .settings(&settings("http://127.0.0.1:8080/status.php"))
        .file("/etc/nginx/nginx.conf", CACHING_NGINX)
        .boot();
    host.run("systemctl start nginx").ok();
    let check = host.run("hhvm-drain check").ok();
    assert!(
        check.stdout.contains("status.php answers 200, and 404 for a file that does not exist"),
        "{check:?}"
    );
    let balancer = balancer(&host);
    host.run("for i in $(seq 40); do curl -s -o /dev/null http://127.0.0.1:8080/status.php; done").ok();

    host.run("systemctl stop hhvm; date +%s.%N >/tmp/end; touch /tmp/enough").ok();
    let end: f64 = host.read_file("/tmp/end").trim().parse().expect("a time");
    let quiet = last_up(&balancer.wait().stdout, end);
    assert!(quiet >= 2.0, "HHVM was stopped {quiet} s after the load balancer was told \"up\"");
    host.assert_stopped("drained");
    assert_eq!(front_end(&host), "noticed");
    host.assert_comes_back();
}

pub fn a_front_end_that_never_notices_is_told() {
    let host = Host::with_package()
        .packages("php8.2-fpm,apache2")
        .settings(&(settings("http://127.0.0.1:8080/status.php#www.example.com") + "timeout = '6s'\n"))
        .file("/etc/php/8.2/fpm/conf.d/99-forgetful.ini", FORGETFUL_PHP)
        .file("/var/www/status.php", "<?php echo '1-AM-ALIVE';\n")
        .boot();
    host.write_file("/etc/nginx/sites-available/default", PHP_SITE);
    host.run("systemctl restart php8.2-fpm; systemctl start nginx").ok();
    host.run("for i in $(seq 20); do curl -s http://127.0.0.1:8080/status.php; done").ok();
    let took = host.stop().took;
    assert!(took < Duration::from_secs(9), "{took:?}");
    host.assert_stopped("drained");
    host.assert_logged("http://127.0.0.1:8080/status.php still answered as if the health file were there");
    assert_eq!(front_end(&host), "still-up");
    host.assert_comes_back();
}

pub fn check_fails_on_a_front_controller_and_on_a_wrong_url() {
    let host = Host::with_package()
        .packages("php8.2-fpm,apache2")
        .file(
            "/etc/apache2/conf-enabled/site.conf",
            "Listen 8081\nDocumentRoot /var/www\n<Directory /var/www>\nRequire all granted\n</Directory>\n\
             Alias /all /var/www/status.php\nAliasMatch ^/every/ /var/www/status.php\n",
        )
        .boot();
    host.run("systemctl restart apache2").ok();
    for (url, expected) in [
        ("http://127.0.0.1:8081/status.php", "ok       health-url: "),
        ("http://127.0.0.1:8081/every/status.php", "though there is no such file"),
        ("http://127.0.0.1:8081/missing.php", "answers 404, not 2xx"),
        ("http://127.0.0.1:8999/status.php", "failed (connection refused"),
    ] {
        let check = host.run(&format!("hhvm-drain check --health-url={url}"));
        assert!(check.stdout.contains(expected), "{url}: {check:?}");
        assert_eq!(check.code == Some(0), expected.starts_with("ok "), "{url}: {check:?}");
    }
}
