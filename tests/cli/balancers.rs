//! Load balancers that are asked during a drain: a made-up HAProxy, and hostile ones.

use crate::haproxy::{HEADER, Haproxy, SOCKET, asking_haproxy, settings, table};
use crate::rig::Rig;
use crate::run::{finish, run, wait_for};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// What listens on a port and does `serve` with every connection; its URL.
fn listen(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("haproxy+tcp://{}", listener.local_addr().unwrap());
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = Arc::clone(&serve);
            thread::spawn(move || serve(stream));
        }
    });
    url
}

#[test]
fn a_drain_ends_once_the_balancer_is_quiet_long_before_min_drain() {
    let rig = Rig::new();
    let haproxy = Haproxy::start(&rig, "0,0,7,UP,1");
    asking_haproxy(&rig);
    let child = rig.begin_stop(&["--min-drain=24s"]);
    wait_for(|| !rig.is_pooled());
    wait_for(|| {
        rig.notifications().iter().any(|n| n.contains("waiting for /run/haproxy/admin.sock to stop sending"))
    });
    let out = Instant::now();
    haproxy.set("0,0,8,NOLB,1");
    let stop = finish(child);
    assert!(out.elapsed() >= Duration::from_millis(1100), "{:?}", out.elapsed());
    let lines = [
        "/run/haproxy/admin.sock sends no new requests here any more",
        "no load balancer sends requests here any more, and none is on its way; not waiting for min-drain",
        "load was 0 after",
    ];
    let at: Vec<_> = lines.iter().map(|line| stop.stderr.find(line)).collect();
    assert!(at.is_sorted() && at[0].is_some(), "{stop:?}");
    assert!(stop.drained_after() < Duration::from_secs(15), "{stop:?}");
    let last = &rig.status()["last_drain"];
    assert_eq!((last["outcome"].as_str(), last["balancers"].as_str()), (Some("drained"), Some("confirmed")));
}

#[test]
fn requests_that_are_still_under_way_at_the_balancer_are_waited_for() {
    let rig = Rig::new();
    let haproxy = Haproxy::start(&rig, "0,1,7,DOWN,1");
    asking_haproxy(&rig);
    let child = rig.begin_stop(&["--min-drain=24s"]);
    wait_for(|| {
        rig.notifications().iter().any(|n| n.contains("waiting for the last requests from /run/haproxy"))
    });
    haproxy.set("2,0,7,DOWN,1");
    thread::sleep(Duration::from_millis(1300));
    let idle = Instant::now();
    haproxy.set("0,0,9,DOWN,1");
    let stop = finish(child);
    assert!(idle.elapsed() >= Duration::from_millis(1100), "{:?}: {stop:?}", idle.elapsed());
    assert!(stop.stderr.contains("not waiting for min-drain"), "{stop:?}");
}

#[test]
fn one_that_sends_keeps_the_drain_up_to_its_timeout() {
    let rig = Rig::new();
    let _haproxy = Haproxy::start(&rig, "0,0,7,UP 1/3,1");
    asking_haproxy(&rig);
    let stop = rig.stop(&["--timeout=2s"]);
    assert!(
        stop.stderr.contains("load is 0; waiting for /run/haproxy/admin.sock to stop sending"),
        "{stop:?}"
    );
    assert!(stop.stderr.contains("/run/haproxy/admin.sock still sent requests here at the end"), "{stop:?}");
    assert!(stop.stderr.contains("load is still 0 after 2 s; the stop goes on"), "{stop:?}");
    assert_eq!(rig.status()["last_drain"]["balancers"], "still-sending");
}

#[test]
fn one_that_flaps_is_never_confirmed() {
    let rig = Rig::new();
    let haproxy = Haproxy::start(&rig, "0,0,7,UP,1");
    asking_haproxy(&rig);
    let flap = thread::spawn(move || {
        for _ in 0..7 {
            haproxy.set("0,0,7,DOWN,1");
            thread::sleep(Duration::from_millis(600));
            haproxy.set("0,0,7,UP,1");
            thread::sleep(Duration::from_millis(400));
        }
    });
    let stop = rig.stop(&["--min-drain=4s", "--timeout=6s"]);
    flap.join().unwrap();
    assert!(stop.stderr.contains("sends requests here again (web/web1 UP)"), "{stop:?}");
    assert!(!stop.stderr.contains("not waiting for min-drain"), "{stop:?}");
    assert_eq!(rig.status()["last_drain"]["outcome"], "timeout");
}

/// Bytes without an end, as fast as they are taken.
fn endless(mut stream: TcpStream) {
    while stream.write_all(&[b'x'; 4096]).is_ok() {}
}

/// A right answer, one byte at a time.
fn slow(mut stream: TcpStream) {
    for byte in table("0,0,7,DOWN,1").bytes() {
        if stream.write_all(&[byte]).is_err() {
            return;
        }
        thread::sleep(Duration::from_millis(100));
    }
}

/// An answer that is over once the question is read.
fn say(mut stream: &TcpStream, text: &str) {
    let mut question = String::new();
    let _ = BufReader::new(stream).read_line(&mut question);
    let _ = stream.write_all(text.as_bytes());
}

#[test]
fn what_cannot_be_understood_costs_min_drain_and_a_line_and_no_more() {
    let rig = Rig::new();
    let haproxy = Haproxy::start(&rig, "0,0,7,DOWN,1");
    let hung: Vec<String> = (0..7)
        .map(|_| {
            listen(|stream| {
                thread::sleep(Duration::from_secs(60));
                drop(stream);
            })
        })
        .collect();
    let many = format!("Pid: 1\n\n{HEADER}{}\n", "web,web1,0,0,7,DOWN,1,99,2,,5,,\n".repeat(100_000));
    let others = format!("Pid: 1\n\n{HEADER}web,web3,0,0,7,DOWN,1,99,2,,5,,\n\n");
    let unchecked = format!("Pid: 1\n\n{HEADER}web,web1,0,0,7,no check,1,99,2,,5,,\n\n");
    let cut = table("0,0,7,DOWN,1").replace("web2,0,0", "");
    let of = |text: String| listen(move |stream| say(&stream, &text));
    let hostile = [
        (listen(endless), "the answer is longer than 4 MiB"),
        (listen(slow), "no complete answer in time"),
        (of(many), "100000 of its rows match"),
        (of(others), "it has no row for this node; set balancer-name"),
        (of(unchecked), "it does not check web/web1"),
        (of(cut), "the answer is not a table of HAProxy's"),
        (of("Permission denied\n\n".to_owned()), "\"Permission denied\""),
        (listen(drop), "the connection ended before the answer was complete"),
    ];
    let urls: Vec<&String> = hung.iter().chain(hostile.iter().map(|(url, _)| url)).collect();
    let all = format!(
        "balancer = [\"haproxy+unix:///{SOCKET}\", {}]\n",
        urls.iter().map(|url| format!("\"{url}\"")).collect::<Vec<_>>().join(", ")
    );
    settings(&rig, &format!("{all}balancer-name = \"web1\"\n"));
    let stop = rig.stop(&["--min-drain=6s"]);
    let took = stop.drained_after();
    assert!((6..9).contains(&took.as_secs()), "{took:?}");
    for (url, why) in &hostile {
        let place = url.trim_start_matches("haproxy+tcp://");
        let line = format!("hhvm-drain: {place}: it is not known whether it sends requests here (");
        let lines: Vec<&str> = stop.stderr.lines().filter(|said| said.starts_with(&line)).collect();
        assert!(lines.len() == 1 && lines[0].contains(why), "{url} {why}: {lines:?} of {stop:?}");
        assert!(lines[0].ends_with("); min-drain applies") && lines[0].len() < 300, "{lines:?}");
    }
    assert!(!stop.stderr.contains("not waiting for min-drain"), "{stop:?}");
    assert_eq!(rig.status()["last_drain"]["balancers"], "unconfirmed");
    drop(haproxy);
}

#[test]
fn a_balancer_that_goes_in_the_middle_keeps_min_drain() {
    let rig = Rig::new();
    let _haproxy = Haproxy::start(&rig, "0,1,7,DOWN,1");
    asking_haproxy(&rig);
    let child = rig.begin_stop(&["--min-drain=4s"]);
    wait_for(|| rig.notifications().iter().any(|n| n.contains("waiting for the last requests")));
    fs::remove_file(rig.path(SOCKET)).unwrap();
    let stop = finish(child);
    assert!(stop.drained_after() >= Duration::from_secs(4), "{stop:?}");
    assert!(stop.stderr.contains("/run/haproxy/admin.sock: it is not known"), "{stop:?}");
}

#[test]
fn nobody_is_asked_where_the_node_could_not_be_taken_out() {
    let rig = Rig::new();
    let _haproxy = Haproxy::start(&rig, "0,0,7,UP,1");
    asking_haproxy(&rig);
    fs::remove_file(rig.path("var/www/status.php")).unwrap();
    let stop = rig.stop(&[]);
    assert!(stop.drained_after() < Duration::from_secs(5), "{stop:?}");
    assert_eq!(rig.status()["last_drain"]["balancers"], "not-asked");
}

#[test]
fn check_and_status_show_what_each_balancer_says() {
    let rig = Rig::new();
    let haproxy = Haproxy::start(&rig, "0,0,7,UP,1");
    asking_haproxy(&rig);
    let check = rig.check().stdout;
    let found = "ok       balancer: haproxy+unix:///run/haproxy/admin.sock: web/web1 UP\n";
    assert!(check.contains(found), "{check}");
    haproxy.set("0,0,7,DOWN 1/2,1");
    let balancers = rig.status()["balancers"].clone();
    assert_eq!(balancers[0]["sends"], false);
    assert_eq!(balancers[0]["rows"][0], "web/web1 DOWN 1/2");
    settings(&rig, &format!("balancer = \"haproxy+unix:///{SOCKET}\"\nbalancer-name = \"web9\"\n"));
    let check = rig.check();
    let why =
        "it has no row for this node; set balancer-name to the server's name, ADDR:PORT or BACKEND/SERVER";
    let line = check.stdout.lines().find(|line| line.starts_with("warning  balancer: ")).unwrap();
    assert!(line.contains(why), "{line}");
}

#[test]
fn a_password_that_others_can_read_fails_check_and_is_never_shown() {
    let rig = Rig::new();
    settings(&rig, "balancer = \"haproxy+http://me:geheim@127.0.0.1:1/stats\"\n");
    let check = rig.check();
    let said = format!("{}{}", check.stdout, check.stderr);
    assert!(
        said.contains("ERROR    balancer: others can read the password in /etc/hhvm-drain.toml"),
        "{said}"
    );
    assert!(said.contains("balancer: haproxy+http://127.0.0.1:1/stats: it is not known"), "{said}");
    let stop = rig.stop(&[]);
    let told = format!("{said}{}{}{:?}", stop.stderr, rig.status(), rig.notifications());
    assert!(!told.contains("geheim"), "{told}");
    if nix::unistd::getuid().is_root() {
        fs::set_permissions(rig.path("etc/hhvm-drain.toml"), fs::Permissions::from_mode(0o600)).unwrap();
        assert!(!rig.check().stdout.contains("others can read the password"));
    }
}

#[test]
fn a_mistake_in_the_setting_has_its_place_and_the_drain_goes_on() {
    let rig = Rig::new();
    settings(&rig, "balancer = [\"haproxy+tcp://lb1\", { comand = \"/x\" }]\n");
    let stop = rig.stop(&[]);
    let line =
        "/etc/hhvm-drain.toml:1:12: balancer: balancer 1: \"haproxy+tcp://lb1\" is not haproxy+unix://";
    assert!(stop.stderr.contains(line), "{stop:?}");
    assert!(stop.stderr.contains("load was 0 after"), "{stop:?}");
    settings(&rig, "");
    let mut command = rig.command(&["check"]);
    let check = crate::run::run(command.env("HHVM_DRAIN_BALANCER", "haproxy+tcp://lb1:9"));
    assert!(check.stdout.contains("HHVM_DRAIN_BALANCER: balancer can be set in files only"), "{check:?}");
}

#[test]
fn clients_that_stick_to_the_node_by_a_cookie_are_warned_of() {
    let rig = Rig::new();
    let haproxy = Haproxy::start(&rig, "0,0,7,UP,1");
    asking_haproxy(&rig);
    assert!(!rig.check().stdout.contains("cookie"));
    haproxy.set_cookie();
    let check = rig.check().stdout;
    let line = "warning  balancer: haproxy+unix:///run/haproxy/admin.sock: clients with the cookie of web/web1 still come";
    assert!(check.contains(line), "{check}");
}

#[test]
fn a_trial_tells_how_long_the_balancer_takes_to_notice_and_to_send_again() {
    let rig = Rig::speaking("http");
    let haproxy = Arc::new(Haproxy::start(&rig, "0,0,7,UP,1"));
    asking_haproxy(&rig);
    let url = format!("--url=http://{}/status.php", rig.page);
    let trial = rig.command(&["check", &url, "--trial"]).spawn().unwrap();
    wait_for(|| !rig.is_pooled());
    thread::sleep(Duration::from_millis(1200));
    haproxy.set("0,0,7,DOWN,1");
    wait_for(|| rig.is_pooled());
    thread::sleep(Duration::from_millis(2200));
    haproxy.set("0,0,7,UP,1");
    let trial = finish(trial).stdout;
    let said = "ok       trial: haproxy+unix:///run/haproxy/admin.sock noticed after ";
    let line = trial.lines().find_map(|line| line.strip_prefix(said)).unwrap_or_else(|| panic!("{trial}"));
    let (noticed, back) = line.split_once(" s, and sent requests again ").unwrap();
    let back = back.strip_suffix(" s after the health file was back").unwrap();
    let [noticed, back]: [f32; 2] = [noticed, back].map(|seconds| seconds.parse().unwrap());
    assert!((1.2..2.2).contains(&noticed) && (2.2..3.2).contains(&back), "{line}");

    haproxy.set("0,0,7,MAINT,1");
    let trial = run(&mut rig.command(&["check", &url, "--trial"])).stdout;
    assert!(
        trial.contains("admin.sock did not send requests here before, either (web/web1 MAINT)"),
        "{trial}"
    );

    haproxy.set("0,0,7,UP,1");
    let trial = run(&mut rig.command(&["check", &url, "--trial", "--timeout=2s", "--min-drain=1s"]));
    let line =
        "admin.sock still sent requests here at the end (web/web1 UP), so a drain would run into its timeout";
    assert!(trial.stdout.contains(line) && trial.code == 1 && rig.is_pooled(), "{trial:?}");
}
