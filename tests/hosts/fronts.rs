//! Servers that nobody here wrote: PHP-FPM behind the drain, nginx and Apache in front of it.

use std::time::Duration;

use crate::host::{Host, wait_for};

/// Debian's PHP-FPM, with its status page on, and our drop-in for it, listening at `listen`.
fn php_fpm(listen: &str, endpoint: &str) -> Host {
    let host = Host::with_package()
        .packages("php8.2-fpm,apache2")
        .settings(&format!(
            "min-drain = '1s'\n[unit.'php8.2-fpm.service']\nkind = 'php-fpm'\nendpoint = '{endpoint}/status'\n"
        ))
        .file("/var/www/slow.php", "<?php sleep((int) $_GET['s']); echo 'complete';\n")
        .boot();
    let pool = "/etc/php/8.2/fpm/pool.d/www.conf";
    host.run(&format!("sed -i 's,^listen = .*,listen = {listen},' {pool}")).ok();
    host.run(&format!("echo 'pm.status_path = /status' >>{pool}")).ok();
    host.run("mkdir -p /etc/systemd/system/php8.2-fpm.service.d").ok();
    host.run("hhvm-drain drop-in --unit php8.2-fpm >/etc/systemd/system/php8.2-fpm.service.d/drain.conf")
        .ok();
    host.run("systemctl daemon-reload; systemctl restart php8.2-fpm").ok();
    host
}

fn drains_php_fpm(listen: &str, endpoint: &str, connect: &str) {
    let host = php_fpm(listen, endpoint);
    let check = host.run("hhvm-drain check --unit php8.2-fpm").ok();
    assert!(check.stdout.contains("/status answers, load 0"), "{check:?}");
    let requests: Vec<_> = [4, 5]
        .into_iter()
        .map(|seconds| {
            host.spawn(&format!(
                "REQUEST_METHOD=GET SCRIPT_NAME=/slow.php SCRIPT_FILENAME=/var/www/slow.php QUERY_STRING=s={seconds} \
                 cgi-fcgi -bind -connect {connect}"
            ))
        })
        .collect();
    wait_for("two requests in flight", Duration::from_secs(4), || {
        host.run("hhvm-drain status --unit php8.2-fpm").stdout.contains("Load:       2 in flight")
    });
    let stop = host.run("systemctl stop php8.2-fpm").ok();
    assert!(stop.took >= Duration::from_secs(1) && stop.took < Duration::from_secs(8), "{stop:?}");
    for request in requests {
        let answer = request.wait().ok();
        assert!(answer.stdout.ends_with("complete"), "{answer:?}");
    }
    assert_eq!(host.show("php8.2-fpm", "Result"), "success");
    let status = host.run("hhvm-drain status --json --unit php8.2-fpm").ok().stdout;
    let status: serde_json::Value = serde_json::from_str(&status).expect("JSON");
    assert_eq!(status["last_drain"]["outcome"], "drained");
    host.run("systemctl start php8.2-fpm").ok();
    wait_for("the node to be back in its pool", Duration::from_secs(10), || host.is_pooled());
}

pub fn php_fpm_on_a_unix_socket() {
    let socket = "/run/php/php8.2-fpm.sock";
    drains_php_fpm(socket, &format!("fastcgi+unix://{socket}"), socket);
}

pub fn php_fpm_on_tcp() {
    drains_php_fpm("127.0.0.1:9100", "fastcgi://127.0.0.1:9100", "127.0.0.1:9100");
}

/// A site of nginx's whose `php` lines answer requests for scripts.
fn nginx(php: &str) -> String {
    format!(
        "server {{ listen 8080; root /var/www; location ~ \\.php$ {{ {php} include fastcgi_params;\n\
         fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name; fastcgi_pass 127.0.0.1:9000; }} }}\n"
    )
}

/// What `check --trial` says of `url`; the node must be in the pool afterwards.
fn trial(host: &Host, url: &str) -> String {
    let check = host.run(&format!("hhvm-drain check --url '{url}' --trial"));
    assert!(host.is_pooled(), "{check:?}");
    check.stdout
}

pub fn a_trial_tells_whether_nginx_lets_the_balancer_notice() {
    let host = Host::with_package().file("/var/www/index.php", "<?php\n").boot();
    host.write_file("/etc/nginx/sites-available/default", &nginx(""));
    host.run("systemctl start nginx").ok();
    let plain = trial(&host, "http://127.0.0.1:8080/status.php");
    assert!(plain.contains("ok       trial: without the health file the answer is 404"), "{plain}");

    // A front controller: what is not there is a page, too.
    host.write_file("/etc/nginx/sites-available/default", &nginx("try_files $uri /index.php?ms=0;"));
    host.run("systemctl restart nginx").ok();
    let caught = trial(&host, "http://127.0.0.1:8080/status.php");
    assert!(caught.contains("ERROR    trial: the answer is still 200"), "{caught}");

    // A cache goes on for a while, or for longer than any drain.
    let cached = |time: &str| {
        let cache = "fastcgi_cache_path /tmp/cache keys_zone=pages:1m;\n";
        cache.to_owned()
            + &nginx(&format!("fastcgi_cache pages; fastcgi_cache_key $uri; fastcgi_cache_valid 200 {time};"))
    };
    for (time, expected) in [
        ("2s", "ok       trial: without the health file the answer is 404"),
        ("1h", "ERROR    trial: the answer is still 200"),
    ] {
        host.write_file("/etc/nginx/sites-available/default", &cached(time));
        host.run("systemctl stop nginx; rm -rf /tmp/cache; systemctl start nginx").ok();
        let seen = trial(&host, "http://127.0.0.1:8080/status.php");
        assert!(seen.contains(expected), "cached for {time}: {seen}");
    }
}

pub fn a_trial_tells_whether_apache_lets_the_balancer_notice() {
    let host = Host::with_package()
        .packages("php8.2-fpm,apache2")
        .file(
            "/etc/apache2/conf-enabled/hhvm.conf",
            "Listen 8081\nProxyFCGIBackendType GENERIC\nProxyPassMatch ^/(.+\\.php)$ fcgi://127.0.0.1:9000/var/www/$1\n",
        )
        .boot();
    host.run("a2enmod proxy_fcgi; systemctl restart apache2").ok();
    let plain = trial(&host, "http://127.0.0.1:8081/status.php");
    assert!(plain.contains("ok       trial: without the health file the answer is 404"), "{plain}");

    host.run("echo ErrorDocument 404 /index.html >>/etc/apache2/conf-enabled/hhvm.conf").ok();
    host.run("echo ProxyErrorOverride On >>/etc/apache2/conf-enabled/hhvm.conf; systemctl reload apache2")
        .ok();
    let page = trial(&host, "http://127.0.0.1:8081/status.php");
    assert!(page.contains("the answer is 404"), "an error page keeps its status: {page}");

    // A front controller, as most frameworks for PHP have it.
    host.write_file(
        "/etc/apache2/conf-enabled/hhvm.conf",
        "Listen 8081\nProxyFCGIBackendType GENERIC\nDocumentRoot /var/www\n<Directory /var/www>\n\
         RewriteEngine On\nRewriteCond %{REQUEST_FILENAME} !-f\nRewriteRule ^ /index.php [L]\n</Directory>\n\
         <FilesMatch \\.php$>\nSetHandler proxy:fcgi://127.0.0.1:9000\n</FilesMatch>\n",
    );
    host.write_file("/var/www/index.php", "<?php\n");
    host.run("a2enmod rewrite; systemctl restart apache2").ok();
    let caught = trial(&host, "http://127.0.0.1:8081/status.php");
    assert!(caught.contains("ERROR    trial: the answer is still 200"), "{caught}");
}
