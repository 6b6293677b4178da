//! Several units with one health file: it goes back when none of them drains and one serves.

use super::{DISABLED, HEALTH, Scene};
use crate::context::{Context, Env, Root, UnitName};
use crate::message::Message;
use crate::pool::*;
use std::fs;
use std::time::Duration;

fn name(unit: &str) -> UnitName {
    UnitName::parse(unit).unwrap()
}

fn unit(scene: &Scene, unit: &str) -> Member {
    let context = Context::new(Root::new(scene.0.path().to_owned()), Env::default(), name(unit));
    Member::new(&context, &["/var/www/status.php".into()])
}

fn standing<const N: usize>(units: [(&str, Standing); N]) -> Neighbours {
    units.map(|(unit, standing)| (name(unit), standing)).into()
}

/// What the hook of `unit_name` says and does.
fn restore(scene: &Scene, unit_name: &str, own: Own, neighbours: &Neighbours) -> (Left, Vec<Message>) {
    let mut messages = Vec::new();
    let left = unit(scene, unit_name).undo_drain(own, neighbours, &mut messages).unwrap();
    (left, messages)
}

fn both_drain() -> Scene {
    let scene = Scene::new(&[(HEALTH, "alive")]);
    for unit_name in ["hhvm@1", "hhvm@2"] {
        assert_ne!(unit(&scene, unit_name).depool(&Wish::drain()).out, Out::Not);
    }
    scene
}

fn has_record(scene: &Scene, unit_name: &str) -> bool {
    unit(scene, unit_name).store().record().unwrap().is_some()
}

#[test]
fn the_second_drain_needs_the_file_away_too_and_says_who_was_first() {
    let scene = Scene::new(&[(HEALTH, "alive")]);
    unit(&scene, "hhvm@1").depool(&Wish::drain());
    assert_eq!(unit(&scene, "hhvm@2").sharers(), [name("hhvm@1")]);
    let second = unit(&scene, "hhvm@2").depool(&Wish::drain());
    let told = &second.messages;
    assert!(
        matches!(&told[..], [Message::OutAlready(Some(story))] if story.contains("(hhvm@1.service)")),
        "{told:?}"
    );
    assert!(matches!(second.out, Out::For(time) if time < Duration::from_secs(10)));
    assert!(has_record(&scene, "hhvm@2"));
}

#[test]
fn the_file_stays_away_while_another_drains_and_its_hook_brings_it_back() {
    let scene = both_drain();
    let other = unit(&scene, "hhvm@2");
    let draining = DrainLock::take(other.store()).unwrap();
    // Whatever systemd was taken to say of it.
    for claimed in [Standing::Stopped, Standing::Comes] {
        unit(&scene, "hhvm@1").depool(&Wish::drain());
        let (left, told) = restore(&scene, "hhvm@1", Own::Ready, &standing([("hhvm@2", claimed)]));
        assert_eq!(left, Left::ToOthers);
        assert!(matches!(&told[..], [Message::LeftOut(why)] if why.contains("hhvm@2.service")), "{told:?}");
        assert_eq!(scene.read(HEALTH), None);
        assert!(!has_record(&scene, "hhvm@1") && has_record(&scene, "hhvm@2"));
    }
    drop(draining);
    let (_, told) = restore(&scene, "hhvm@2", Own::Ready, &standing([("hhvm@1", Standing::Serves)]));
    assert!(matches!(told[..], [Message::MovingBack { .. }]), "{told:?}");
    assert_eq!((scene.read(HEALTH).as_deref(), scene.read(DISABLED)), (Some("alive"), None));
    assert!(!has_record(&scene, "hhvm@2"));
}

#[test]
fn a_unit_that_was_stopped_for_good_does_not_keep_it_away() {
    let scene = both_drain();
    let stopped = standing([("hhvm@2", Standing::Stopped)]);
    let (_, told) = restore(&scene, "hhvm@1", Own::Ready, &stopped);
    assert!(matches!(told[..], [Message::MovingBack { .. }]), "{told:?}");
    assert_eq!(scene.read(HEALTH).as_deref(), Some("alive"));
    assert!(!has_record(&scene, "hhvm@1") && !has_record(&scene, "hhvm@2"), "its claim is void");
}

#[test]
fn a_unit_that_stops_for_good_leaves_the_file_to_one_that_serves() {
    let scene = Scene::new(&[(HEALTH, "alive")]);
    unit(&scene, "hhvm@2").depool(&Wish::drain());
    let (left, _) = restore(&scene, "hhvm@2", Own::Stopped, &standing([("hhvm@1", Standing::Stopped)]));
    assert!(matches!(left, Left::Waiting(_)), "nobody serves");
    assert_eq!(scene.read(HEALTH), None);
    restore(&scene, "hhvm@2", Own::Stopped, &standing([("hhvm@1", Standing::Serves)]));
    assert_eq!(scene.read(HEALTH).as_deref(), Some("alive"));
}

#[test]
fn a_unit_without_a_record_brings_back_what_a_stopped_one_has_left() {
    let scene = Scene::new(&[(HEALTH, "alive")]);
    unit(&scene, "hhvm@2").depool(&Wish::drain());
    restore(&scene, "hhvm@1", Own::Ready, &standing([("hhvm@2", Standing::Comes)]));
    assert_eq!(scene.read(HEALTH), None);
    restore(&scene, "hhvm@1", Own::Ready, &standing([("hhvm@2", Standing::Stopped)]));
    assert_eq!(scene.read(HEALTH).as_deref(), Some("alive"));
    assert!(!has_record(&scene, "hhvm@2"));
}

#[test]
fn an_operators_wish_for_one_unit_holds_for_the_others_drains() {
    let scene = Scene::new(&[(HEALTH, "alive")]);
    let wish = Wish { by: By::Operator, who: Some("ada".into()), reason: None };
    unit(&scene, "hhvm@1").depool(&wish);
    unit(&scene, "hhvm@2").depool(&Wish::drain());
    let (_, told) = restore(&scene, "hhvm@2", Own::Ready, &standing([("hhvm@1", Standing::Serves)]));
    assert!(matches!(&told[..], [Message::LeftOut(why)] if why.contains("operator ada")), "{told:?}");
    assert_eq!(scene.read(HEALTH), None);
    unit(&scene, "hhvm@2").pool(&Neighbours::new(), &mut Vec::new()).unwrap();
    assert_eq!(scene.read(HEALTH).as_deref(), Some("alive"), "pool asks for no unit's leave");
    assert!(!has_record(&scene, "hhvm@1") && !has_record(&scene, "hhvm@2"));
}

#[test]
fn pool_forgets_the_wish_for_another_unit_that_moved_nothing() {
    let scene = Scene::new(&[(HEALTH, "alive")]);
    unit(&scene, "hhvm@1").depool(&Wish { by: By::Operator, who: None, reason: None });
    // As it is when that was killed before it renamed.
    fs::rename(scene.path(DISABLED), scene.path(HEALTH)).unwrap();
    unit(&scene, "hhvm@2").pool(&Neighbours::new(), &mut Vec::new()).unwrap();
    assert!(!has_record(&scene, "hhvm@1"));
}

#[test]
fn pool_waits_for_another_units_drain_whoever_wished_the_node_away() {
    let scene = Scene::new(&[(HEALTH, "alive")]);
    let wish = Wish { by: By::Operator, who: None, reason: None };
    unit(&scene, "hhvm@2").depool(&wish);
    let other = unit(&scene, "hhvm@2");
    let draining = DrainLock::take(other.store()).unwrap();
    let mut told = Vec::new();
    unit(&scene, "hhvm@1").pool(&Neighbours::new(), &mut told).unwrap();
    assert!(matches!(told[..], [Message::PoolAfterStop]), "{told:?}");
    assert_eq!(scene.read(HEALTH), None);
    drop(draining);
    restore(&scene, "hhvm@2", Own::Ready, &Neighbours::new());
    assert_eq!(scene.read(HEALTH).as_deref(), Some("alive"));
}

#[test]
fn files_that_are_not_shared_are_nobody_elses_business() {
    let scene = Scene::new(&[(HEALTH, "alive"), ("srv/status.php", "other")]);
    unit(&scene, "hhvm@1").depool(&Wish::drain());
    let context = Context::new(Root::new(scene.0.path().to_owned()), Env::default(), name("hhvm@2"));
    let mut other = Member::new(&context, &["/srv/status.php".into()]);
    other.depool(&Wish::drain());
    assert!(other.sharers().is_empty() && unit(&scene, "hhvm@1").sharers().is_empty());
    restore(&scene, "hhvm@1", Own::Ready, &Neighbours::new());
    assert_eq!((scene.read(HEALTH).as_deref(), scene.read("srv/status.php")), (Some("alive"), None));
    assert!(has_record(&scene, "hhvm@2"));
}

#[test]
fn two_that_park_at_the_same_moment_have_both_parked_it() {
    for _ in 0..20 {
        let scene = Scene::new(&[(HEALTH, "alive")]);
        let depool = |unit_name: &'static str| {
            let mut member = unit(&scene, unit_name);
            move || member.depool(&Wish::drain())
        };
        let (one, two) = (depool("hhvm@1"), depool("hhvm@2"));
        let outs = std::thread::scope(|scope| {
            let threads = [scope.spawn(one), scope.spawn(two)];
            threads.map(|thread| thread.join().unwrap())
        });
        for depooled in outs {
            assert_ne!(depooled.out, Out::Not, "{:?}", depooled.messages);
        }
        assert!(has_record(&scene, "hhvm@1") && has_record(&scene, "hhvm@2"));
        assert_eq!(scene.read(DISABLED).as_deref(), Some("alive"));
    }
}
