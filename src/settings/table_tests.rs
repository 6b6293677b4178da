//! Every entry takes what its manual shows, and says what is right.

use super::*;

#[test]
fn every_default_can_be_parsed() {
    let mut settings = Settings::default();
    for spec in SPECS {
        if let Some(default) = spec.default {
            settings.set(spec, &[default]).unwrap();
        }
    }
    assert_eq!(settings, Settings::default());
}

#[test]
fn every_key_takes_a_value_that_its_manual_shows() {
    let mut settings = Settings::default();
    for (name, value) in [
        ("health-file", "/srv/www/status.php"),
        ("endpoint", "http://127.0.0.1:9001/check-load"),
        ("health-url", "http://127.0.0.1/status.php#www.example.com"),
        ("kind", "php-fpm"),
        ("password-file", "/etc/hhvm-drain.password"),
        ("min-drain", "6s"),
        ("timeout", "3min"),
        ("poll-interval", "250ms"),
        ("zero-samples", "5"),
        ("threshold", "1"),
        ("repool", "after-stop"),
        ("start-timeout", "90s"),
        ("balancer", "haproxy+unix:///run/haproxy/admin.sock"),
        ("balancer-name", "web_80/web1"),
    ] {
        let before = settings.clone();
        settings.set(Spec::named(name).unwrap(), &[value]).unwrap();
        assert_ne!(settings, before, "{name} changes nothing");
    }
    assert_eq!(settings.timeout, Duration::from_secs(180));
}

#[test]
fn a_wrong_value_says_what_is_right_and_changes_nothing() {
    let mut settings = Settings::default();
    for (name, value, part) in [
        ("timeout", "30", "a number and a unit"),
        ("timeout", "-5s", "a number and a unit"),
        ("timeout", "25h", "longer than 24h"),
        ("poll-interval", "1ms", "between"),
        ("zero-samples", "0", "1 or more"),
        ("threshold", "-1", "0 or more"),
        ("repool", "always", "after-stop"),
        ("kind", "apache", "php-fpm"),
        ("health-url", "https://x/status.php", "like http://"),
        ("health-file", "status.php", "absolute"),
        ("health-file", "/var/www/", "a file"),
        ("endpoint", "ftp://x", "fastcgi://"),
        ("balancer", "lb1", "haproxy+unix://"),
        ("balancer-name", "a/b/c", "ADDR:PORT"),
    ] {
        let message = settings.set(Spec::named(name).unwrap(), &[value]).unwrap_err();
        assert!(message.contains(part), "{name}: {message}");
    }
    assert_eq!(settings, Settings::default());
}
