//! Whatever the endpoint answers: what is no load is never taken for zero, and the wait ends by its timeout.

use crate::rig::Rig;
use crate::run::run;
use std::fs;
use std::time::Duration;

/// Drains against `control`; the load must be unknown to the end, for `reason`.
fn unknown(protocol: &str, control: &str, reason: &str) {
    let rig = Rig::speaking(protocol);
    rig.control(control);
    let stop = rig.stop(&["--timeout=1s"]);
    let case = format!("{protocol}, {control}: {stop:?}");
    assert_eq!(stop.code, 0, "{case}");
    assert!(stop.stderr.contains(&format!("load is unknown after 1 s ({reason}")), "{case}");
    assert_eq!(rig.status()["last_drain"]["outcome"], "timeout", "{case}");
}

macro_rules! unknown_answers {
    ($($name:ident: $control:expr, $reason:expr;)+) => {
        $(#[test]
        fn $name() {
            unknown("fastcgi", $control, $reason);
            unknown("http", $control, $reason);
        })+
    };
}

unknown_answers! {
    refused: "refuse = true", "endpoint is ";
    hangs_before_reading: "hang = accept", "no complete answer in time";
    hangs_after_reading: "hang = reply", "no complete answer in time";
    a_byte_a_second: "drip = true", "no complete answer in time";
    status_401: "status = 401", "status 401: set password-file";
    status_404: "status = 404", "status 404";
    status_500: "status = 500", "status 500";
    empty: "body = empty", "empty answer";
    negative: "body = -1", "answer is not a number: \"-1\"";
    letters: "body = abc", "answer is not a number: \"abc\"";
    html_502: "body = html502", "status 502";
    huge_number: "body = huge-number", "answer is not a number: \"9999";
    ten_megabytes_of_zeros: "body = 10MB", "answer is not a number: \"0000";
    queue_unknown: "status = 500\nonly = check-queued", "status 500";
}

#[test]
fn every_protocol_reads_the_load_and_the_queue() {
    for protocol in ["fastcgi", "http", "unix"] {
        let rig = Rig::speaking(protocol);
        rig.control("load = 2\nqueued = 3\nsplit = true");
        assert_eq!(rig.status()["load"], 5, "{protocol}");
    }
}

#[test]
fn a_build_without_check_queued_is_drained_by_check_load() {
    for protocol in ["fastcgi", "http"] {
        let rig = Rig::speaking(protocol);
        rig.control("load = 0\nqueued-404 = true\nbody = newline\nonly = check-load");
        let stop = rig.stop(&[]);
        assert!(stop.stderr.contains("load was 0 after"), "{stop:?}");
    }
}

#[test]
fn the_wrong_protocol_is_named() {
    let mut fastcgi = Rig::new();
    fastcgi.endpoint = fastcgi.endpoint.replace("fastcgi://", "http://");
    let stop = fastcgi.stop(&["--timeout=1s"]);
    let silence = "load is unknown after 1 s (no complete answer in time)";
    assert!(stop.stderr.contains(silence), "later versions of HHVM do not answer that: {stop:?}");
    let mut http = Rig::speaking("http");
    http.endpoint = http.endpoint.replace("http://", "fastcgi://");
    let stop = http.stop(&["--timeout=3s"]);
    assert!(stop.stderr.contains("the port speaks HTTP, not FastCGI"), "{stop:?}");
}

#[test]
fn a_flickering_load_is_not_zero() {
    let rig = Rig::new();
    rig.control("flicker = true");
    let stop = rig.stop(&["--timeout=1s", "--min-drain=0s"]);
    assert!(stop.stderr.contains("after 1 s; the stop goes on"), "{stop:?}");
}

#[test]
fn a_threshold_counts_as_zero() {
    let rig = Rig::new();
    rig.control("load = 1");
    let stop = rig.stop(&["--threshold=1"]);
    assert!(stop.stderr.contains("load was 1 after"), "{stop:?}");
}

#[test]
fn the_password_is_sent_and_shown_nowhere() {
    use std::os::unix::fs::PermissionsExt;
    let rig = Rig::configured(
        "hhvm.server.type = fastcgi\nhhvm.admin_server.port = {port}\nhhvm.admin_server.password = \"s3cret &+\"\n",
    );
    for (password, expected) in [("s3cret &+\n", "load was 0 after"), ("wr0ng s3cret\n", "status 401")] {
        fs::write(rig.path("etc/password"), password).unwrap();
        fs::set_permissions(rig.path("etc/password"), PermissionsExt::from_mode(0o600)).unwrap();
        let stop = rig.stop(&["--timeout=5s", "--password-file=/etc/password"]);
        let said = format!("{stop:?}{:?}{}", rig.notifications(), rig.status());
        assert!(stop.stderr.contains(expected) && !said.contains("s3cret"), "{said}");
        run(&mut rig.hook(&["restore"]));
    }
}

#[test]
fn auto_finds_the_admin_port_that_hhvms_own_files_set() {
    for (server_type, password) in
        [("fastcgi", ""), ("proxygen", "hhvm.admin_server.password = \"ge &heim\"\n")]
    {
        let rig = Rig::configured(&format!(
            "hhvm.server.type = {server_type}\nhhvm.admin_server.port = {{port}}\n{password}"
        ));
        let stop = rig.stop(&[]);
        assert!(stop.stderr.contains("load was 0 after"), "{server_type}: {stop:?}");
        assert!(!stop.stderr.contains("heim"), "{stop:?}");
    }
}

#[test]
fn check_tells_what_it_found_of_hhvm_and_where_and_what_it_did_not_understand() {
    let mut rig = Rig::configured(
        "hhvm.server.port = abc\nhhvm.server.type = fastcgi\n\nhhvm.admin_server.port = {port}\n\
         hhvm.admin_server.password = geheim\nhhvm.server.graceful_shutdown_wait = 5\n",
    );
    // HHVM has read its file; it is named as the process, which was given a relative path, sees it.
    let ini = rig.path("etc/server.ini").canonicalize().unwrap();
    let ini = ini.display();
    let admin = fs::read_to_string(rig.path("etc/server.ini")).unwrap();
    let admin = admin.lines().nth(3).unwrap().rsplit(' ').next().unwrap();
    let check = rig.check();
    let expected = format!(
        "warning  {ini}:1: invalid value \"abc\" for hhvm.server.port; HHVM uses 0\n\
         ok       HHVM: page port 0 (HHVM's option --port 0), no address (default), type fastcgi ({ini}:2), \
         graceful_shutdown_wait 5 (line 6)\n\
         ok       HHVM: admin port {admin} ({ini}:4), no address (default), password set (line 5)\n\
         ok       endpoint: fastcgi://127.0.0.1:{admin}/check-load answers, load 0\n"
    );
    assert!(check.stdout.contains(&expected), "{expected}\n{}", check.stdout);
    assert!(!format!("{check:?}").contains("geheim"), "{check:?}");
    // With an endpoint that is set, HHVM is looked at all the same.
    rig.endpoint = format!("fastcgi://127.0.0.1:{admin}/check-load");
    fs::remove_file(rig.path("etc/server.ini")).unwrap();
    let check = rig.check();
    let missing = format!("warning  {ini}: not found, so the values that it sets are unknown\n");
    assert!(check.stdout.contains(&missing), "{check:?}");
    assert!(check.stdout.contains(&format!("type unknown ({ini})")), "{check:?}");
}

#[test]
fn hhvms_file_may_hold_any_bytes_and_what_is_not_read_is_not_taken_for_a_default() {
    let rig = Rig::configured("hhvm.server.type = fastcgi\nhhvm.admin_server.port = {port}\n");
    let ini = rig.path("etc/server.ini").canonicalize().unwrap();
    let text = fs::read(&ini).unwrap();
    // The stand-in has read it, and would not read this; its start is known to some hundredths of a second.
    std::thread::sleep(Duration::from_millis(200));
    fs::write(&ini, [b"; f\xfcr Kunden\n", &text[..]].concat()).unwrap();
    let check = rig.check();
    assert!(check.stdout.contains(&format!(" ({}:3), no address", ini.display())), "{check:?}");
    assert!(check.stdout.contains("answers, load 0"), "{check:?}");
    assert!(check.stdout.contains("server.ini has changed since HHVM started"), "{check:?}");
    fs::write(&ini, [b"display_errors = \"on\n", &text[..]].concat()).unwrap();
    let check = rig.check();
    let place = format!("{}:3", ini.display());
    assert!(
        check.stdout.contains(&format!("warning  {place}: syntax error; HHVM ignores the rest")),
        "{check:?}"
    );
    assert!(check.stdout.contains(&format!("admin port unknown ({place})")), "{check:?}");
    // The file does not say which port that is, but the one that answers as an admin port is among HHVM's own.
    assert!(check.stdout.contains("answers, load 0"), "{check:?}");
}
