//! Servers that nobody here wrote: nginx and Apache in front of HHVM.

use crate::host::Host;

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

pub fn an_observation_finds_the_checks_of_a_real_haproxy() {
    let haproxy = "
defaults
    mode http
    timeout connect 1s
    timeout client 10s
    timeout server 10s
    option httpchk GET /status.php
backend quick
    server node 127.0.0.1:8080 check inter 700ms
backend slow
    server node 127.0.0.1:8080 check inter 1500ms
";
    let host = Host::with_package()
        .packages("haproxy")
        .settings("min-drain = '2s'")
        .file("/etc/haproxy/haproxy.cfg", haproxy)
        .boot();
    let observe = || host.run("hhvm-drain check --observe 12s").ok().stdout;
    // nginx hands the request to HHVM, which looks at the file by stat(2).
    host.write_file("/etc/nginx/sites-available/default", &nginx(""));
    host.run("systemctl start nginx && systemctl restart haproxy").ok();
    let unseen = host.run("hhvm-drain check --observe 4s").ok().stdout;
    assert!(unseen.contains("warning  observe: nobody opened /var/www/status.php in 4 s"), "{unseen}");

    host.write_file("/etc/nginx/sites-available/default", "server { listen 8080; root /var/www; }\n");
    host.run("systemctl restart nginx").ok();
    let seen = observe();
    assert!(seen.contains(": 2 checkers, every 0.7 s, every 1.5 s"), "{seen}");
    assert!(
        seen.contains("warning  min-drain: 2 s is too short if 3 failed checks take the node out"),
        "{seen}"
    );
    assert!(seen.contains("set min-drain = \"6s\""), "{seen}");
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
