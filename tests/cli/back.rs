//! The end of the way back: the balancers are waited for, not for long, and a stop ends the wait.

use crate::haproxy::{Haproxy, asking_haproxy, settings};
use crate::rig::Rig;
use crate::run::{Run, finish, run, wait_for};
use std::fs;
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

/// A node that a drain has taken out at this HAProxy.
fn drained(rig: &Rig) -> Haproxy {
    let haproxy = Haproxy::start(rig, "0,0,7,UP,1");
    asking_haproxy(rig);
    let stop = rig.begin_stop(&["--min-drain=24s"]);
    wait_for(|| rig.notifications().iter().any(|told| told.contains("to stop sending")));
    haproxy.set("0,0,7,NOLB,1");
    assert!(finish(stop).stderr.contains("not waiting for min-drain"));
    haproxy
}

/// `hhvm-drain-repool@.service`.
fn repool_unit(rig: &Rig) -> Command {
    let mut command = rig.command(&["restore", "--after-start"]);
    command.env("NOTIFY_SOCKET", rig.path("notify"));
    command
}

fn waits(rig: &Rig) -> bool {
    let waiting = "Back in the pool: waiting for /run/haproxy/admin.sock to send requests again";
    rig.notifications().iter().any(|told| told.contains(waiting))
}

fn assert_sends_again(end: &Run, set: Instant) {
    assert!(set.elapsed() < Duration::from_secs(3), "{:?}", set.elapsed());
    assert!(
        end.stderr.contains("hhvm-drain: every load balancer sends requests here as before, "),
        "{end:?}"
    );
    assert_eq!(end.code, 0);
}

#[test]
fn the_repool_unit_waits_until_the_balancer_sends_again_and_the_time_out_is_noted() {
    let rig = Rig::new();
    let haproxy = drained(&rig);
    let out = Instant::now();
    haproxy.set("0,0,7,DOWN,1");
    run(&mut rig.hook(&["restore"]));
    assert!(rig.is_pooled(), "nothing in a start waits for it");
    let back = rig.status()["last_drain"]["seconds_out"].as_u64().expect("the file is back");
    let repool = repool_unit(&rig).spawn().unwrap();
    wait_for(|| waits(&rig));
    assert_eq!(rig.status()["activity"]["phase"], "returning");
    // It comes up, but gets only a part of its requests.
    haproxy.set("0,0,7,UP 1/3,1");
    thread::sleep(Duration::from_secs(2));
    haproxy.set("0,0,8,UP,1");
    let set = Instant::now();
    assert_sends_again(&finish(repool), set);
    let told = rig.notifications().concat();
    assert!(told.contains("STATUS=Back in the pool: all load balancers send requests again"), "{told}");
    let status = rig.status();
    let seconds = status["last_drain"]["seconds_out"].as_u64().expect("it sends");
    assert!(seconds >= back + 2 && seconds <= out.elapsed().as_secs() + 15, "{seconds} {back}");
    let published = fs::read_to_string(rig.path("run/hhvm-drain/hhvm.service.state")).unwrap();
    assert!(published.contains(&format!("\"seconds_out\": {seconds}")), "{published}");
    let words = run(&mut rig.command(&["status"])).stdout;
    assert!(words.contains(&format!(", {seconds} s out of the pool, 20")), "{words}");
    // Nobody waits twice.
    haproxy.set("0,0,8,DOWN,1");
    let begun = Instant::now();
    assert_eq!(run(&mut repool_unit(&rig)).stderr, "");
    assert!(begun.elapsed() < Duration::from_secs(2));
}

#[test]
fn a_row_that_was_out_before_the_drain_is_not_waited_for() {
    let rig = Rig::new();
    let haproxy = Haproxy::start(&rig, "0,0,7,MAINT,1");
    asking_haproxy(&rig);
    rig.stop(&[]);
    run(&mut rig.hook(&["restore"]));
    let repool = run(&mut repool_unit(&rig));
    assert!(repool.stderr.contains("every load balancer sends requests here as before, "), "{repool:?}");
    drop(haproxy);
}

#[test]
fn a_stop_ends_the_wait_and_drains() {
    let rig = Rig::new();
    let haproxy = drained(&rig);
    run(&mut rig.hook(&["restore"]));
    let repool = repool_unit(&rig).spawn().unwrap();
    wait_for(|| waits(&rig));
    let stop = rig.begin_stop(&["--min-drain=24s"]);
    let repool = finish(repool);
    assert!(!repool.stderr.contains("send requests again"), "{repool:?}");
    assert_eq!(repool.code, 0);
    haproxy.set("0,0,7,DOWN,1");
    let stop = finish(stop);
    assert!(stop.stderr.contains("not waiting for min-drain") && !rig.is_pooled(), "{stop:?}");
    assert_eq!(rig.status()["last_drain"]["seconds_out"], serde_json::Value::Null);

    // It was out when that stop began, but only because of the drain before.
    run(&mut rig.hook(&["restore"]));
    let mut repool = repool_unit(&rig).spawn().unwrap();
    thread::sleep(Duration::from_secs(1));
    assert_eq!(repool.try_wait().unwrap(), None, "it waits on after the first answer");
    haproxy.set("0,0,7,UP,1");
    assert_sends_again(&finish(repool), Instant::now());
}

fn pool(rig: &Rig) -> Child {
    rig.command(&["pool", "--wait"]).spawn().unwrap()
}

#[test]
fn an_operators_pool_waits_if_it_is_told_to() {
    let rig = Rig::new();
    let haproxy = Haproxy::start(&rig, "0,0,7,UP,1");
    asking_haproxy(&rig);
    run(&mut rig.command(&["depool"]));
    haproxy.set("0,0,7,DOWN 1/2,1");
    let begun = Instant::now();
    run(&mut rig.command(&["pool"]));
    assert!(rig.is_pooled() && begun.elapsed() < Duration::from_secs(5));
    run(&mut rig.command(&["depool"]));
    let pool = pool(&rig);
    wait_for(|| rig.status()["activity"]["phase"] == "returning");
    assert!(rig.is_pooled());
    haproxy.set("0,0,7,UP,1");
    let set = Instant::now();
    assert_sends_again(&finish(pool), set);
}

#[test]
fn one_that_cannot_be_asked_is_named_and_not_waited_for_for_long() {
    let rig = Rig::new();
    settings(&rig, "balancer = \"haproxy+unix:///run/haproxy/gone.sock\"\n");
    rig.stop(&[]);
    run(&mut rig.hook(&["restore"]));
    let begun = Instant::now();
    let repool = run(&mut repool_unit(&rig));
    assert!((5..9).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
    let line = "hhvm-drain: /run/haproxy/gone.sock: it is not known whether it sends requests here again (";
    assert!(repool.stderr.contains(line), "{repool:?}");
    assert_eq!(rig.status()["last_drain"]["seconds_out"], serde_json::Value::Null);
    settings(&rig, "");
    let begun = Instant::now();
    let pool = finish(pool(&rig));
    assert!(pool.stderr.contains("no balancer is set") && pool.code == 0, "{pool:?}");
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[test]
fn thirty_seconds_are_enough_for_anybody() {
    let rig = Rig::new();
    let haproxy = drained(&rig);
    haproxy.set("0,0,7,DOWN,1");
    run(&mut rig.hook(&["restore"]));
    let begun = Instant::now();
    let mut repool = repool_unit(&rig).spawn().unwrap();
    thread::sleep(Duration::from_secs(28));
    assert_eq!(repool.try_wait().unwrap(), None);
    let repool = finish(repool);
    assert!((30..34).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
    let line =
        "/run/haproxy/admin.sock sends no requests here yet, 30 s after this node was back (web/web1 DOWN)";
    assert!(repool.stderr.contains(line) && repool.code == 0, "{repool:?}");
}
