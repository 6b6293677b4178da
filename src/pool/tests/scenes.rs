//! What each command makes of the files and the record, one scene a test.

use super::{DISABLED, HEALTH, Scene, at_once};
use crate::error::Error;
use crate::message::Message;
use crate::pool::*;
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;
use std::time::{Duration, Instant};

#[test]
fn a_drain_parks_the_file_and_brings_the_very_file_back() {
    let scene = Scene::new(&[(HEALTH, "alive")]);
    let inode = scene.path(HEALTH).metadata().unwrap().ino();
    assert!(at_once(&scene.drain()));
    assert_eq!((scene.read(HEALTH), scene.read(DISABLED).as_deref()), (None, Some("alive")));
    assert_eq!(scene.record().unwrap().by, By::Drain);
    scene.restore();
    assert_eq!(scene.path(HEALTH).metadata().unwrap().ino(), inode);
    assert_eq!((scene.read(DISABLED), scene.record()), (None, None));
}

#[test]
fn a_record_without_its_rename_is_harmless() {
    let scene = Scene::new(&[(HEALTH, "alive")]);
    scene.drain();
    fs::rename(scene.path(DISABLED), scene.path(HEALTH)).unwrap();
    assert!(scene.restore().is_empty());
    assert_eq!((scene.read(HEALTH).as_deref(), scene.record()), (Some("alive"), None));
}

#[test]
fn a_drain_that_was_killed_is_continued_by_the_next_and_undone_after_a_reboot() {
    let scene = Scene::new(&[(HEALTH, "alive")]);
    scene.drain();
    scene.boot("two");
    let again = scene.drain();
    assert_eq!(again.out, Out::For(Duration::MAX), "out since before the boot: nothing to wait for");
    assert!(matches!(again.messages[..], [Message::OutAlready(Some(_))]));
    scene.restore();
    assert_eq!(scene.read(HEALTH).as_deref(), Some("alive"));
}

#[test]
fn what_an_operator_parked_by_hand_is_left_alone() {
    let scene = Scene::new(&[(DISABLED, "alive")]);
    let depooled = scene.drain();
    assert!(at_once(&depooled), "since when is not known");
    assert!(matches!(depooled.messages[..], [Message::OutAlready(None)]));
    assert_eq!(scene.record(), None);
    assert_eq!(scene.read(DISABLED).as_deref(), Some("alive"));
}

#[test]
fn an_operators_wish_outlasts_a_drain_and_a_reboot() {
    let scene = Scene::new(&[(HEALTH, "alive")]);
    scene.operator("new disk");
    scene.boot("two");
    scene.drain();
    let record = scene.record().unwrap();
    assert_eq!((record.by, record.reason.as_deref()), (By::Operator, Some("new disk")));
    scene.member().pool(&Neighbours::new(), &mut Vec::new()).unwrap();
    assert_eq!((scene.read(HEALTH).as_deref(), scene.record()), (Some("alive"), None));
}

#[test]
fn an_operator_takes_over_what_a_drain_or_a_hand_has_parked() {
    for by_drain in [true, false] {
        let scene = Scene::new(&[(HEALTH, "alive")]);
        if by_drain {
            scene.drain();
        } else {
            fs::rename(scene.path(HEALTH), scene.path(DISABLED)).unwrap();
        }
        assert!(scene.operator("mine").out != Out::Not);
        assert_eq!(scene.record().unwrap().by, By::Operator);
        assert_eq!(scene.read(DISABLED).as_deref(), Some("alive"));
    }
}

#[test]
fn an_operator_who_repeats_the_wish_keeps_its_date() {
    let scene = Scene::new(&[(HEALTH, "alive")]);
    scene.operator("first");
    let since = scene.record().unwrap().since;
    scene.operator("second");
    let record = scene.record().unwrap();
    assert_eq!((record.since, record.reason.as_deref()), (since, Some("second")));
}

#[test]
fn an_operators_depool_that_was_undone_by_hand_is_over() {
    let scene = Scene::new(&[(HEALTH, "alive")]);
    scene.operator("x");
    fs::rename(scene.path(DISABLED), scene.path(HEALTH)).unwrap();
    let depooled = scene.drain();
    assert!(matches!(depooled.messages[..], [Message::UndoneByHand(_), Message::Moving { .. }]));
    assert_eq!(scene.record().unwrap().by, By::Drain);
}

#[test]
fn an_operators_depool_outlasts_a_deploy_that_brings_another_file() {
    let scene = Scene::of_releases();
    let member = || scene.member_with(&["/current/status.php"]);
    let wish = Wish { by: By::Operator, who: None, reason: Some("new disk".to_owned()) };
    member().depool(&wish);
    fs::remove_file(scene.path("releases/1/status.php.disabled")).unwrap();
    scene.write("releases/1/status.php", "one, again");
    let is_the_operators = || {
        let record = scene.record().unwrap();
        assert_eq!((record.by, record.reason.as_deref()), (By::Operator, Some("new disk")));
        assert!(scene.path("current/status.php.disabled").exists());
    };
    assert!(at_once(&member().depool(&Wish::drain())));
    is_the_operators();
    scene.flip();
    fs::remove_dir_all(scene.path("releases/1")).unwrap();
    member().depool(&Wish::drain());
    is_the_operators();
    member().pool(&Neighbours::new(), &mut Vec::new()).unwrap();
    assert_eq!((scene.read("releases/2/status.php").as_deref(), scene.record()), (Some("two"), None));
}

#[test]
fn a_deploy_under_an_operators_depool_does_not_bring_the_node_back_for_good() {
    let scene = Scene::new(&[(HEALTH, "old")]);
    scene.operator("x");
    scene.write(HEALTH, "new");
    scene.drain();
    assert_eq!(scene.read(HEALTH), None);
    assert_eq!(scene.record().unwrap().by, By::Operator);
    scene.member().pool(&Neighbours::new(), &mut Vec::new()).unwrap();
    assert_eq!(scene.read(HEALTH).as_deref(), Some("new"), "the newer one goes back");
    assert_eq!(scene.read(DISABLED).as_deref(), Some("old"), "and the older one is not lost");
}

#[test]
fn a_file_that_has_the_disabled_name_already_is_not_touched() {
    let scene = Scene::new(&[(HEALTH, "alive"), (DISABLED, "somebody's")]);
    assert!(at_once(&scene.drain()));
    assert_eq!(scene.read(DISABLED).as_deref(), Some("somebody's"));
    assert_eq!(scene.read("var/www/status.php.disabled.1").as_deref(), Some("alive"));
    scene.restore();
    assert_eq!(scene.read(HEALTH).as_deref(), Some("alive"));
    assert_eq!(scene.read(DISABLED).as_deref(), Some("somebody's"));
    assert_eq!(scene.read("var/www/status.php.disabled.1"), None);
}

#[test]
fn a_file_under_another_name_is_still_known_to_be_parked() {
    let scene = Scene::new(&[(HEALTH, "alive"), (DISABLED, "somebody's")]);
    scene.operator("x");
    fs::remove_file(scene.path(DISABLED)).unwrap();
    let depooled = scene.drain();
    assert!(matches!(depooled.messages[..], [Message::OutAlready(Some(_))]), "{:?}", depooled.messages);
    assert_ne!(depooled.out, Out::Not);
}

#[test]
fn a_deploy_in_mid_drain_is_parked_again_and_wins_in_the_end() {
    let scene = Scene::new(&[(HEALTH, "old")]);
    let mut member = scene.member();
    member.depool(&Wish::drain());
    assert!(member.keep_out().is_none());
    scene.write(HEALTH, "new");
    let again = member.keep_out().unwrap();
    assert!(at_once(&again) && matches!(again.messages[0], Message::Returned(_)));
    assert_eq!(scene.read(HEALTH), None);
    let messages = scene.restore();
    assert_eq!(scene.read(HEALTH).as_deref(), Some("new"));
    assert_eq!(scene.read(DISABLED).as_deref(), Some("old"));
    assert!(messages.iter().any(|m| matches!(m, Message::Superseded { .. })), "{messages:?}");
    scene.drain();
    assert_eq!(scene.read(HEALTH), None, "what was left does not hinder the next drain");
}

#[test]
fn a_deploy_just_before_the_end_wins() {
    let scene = Scene::new(&[(HEALTH, "old")]);
    scene.drain();
    scene.write(HEALTH, "new");
    scene.restore();
    assert_eq!((scene.read(HEALTH).as_deref(), scene.read(DISABLED).as_deref()), (Some("new"), Some("old")));
    assert_eq!(scene.record(), None);
}

#[test]
fn a_release_that_is_flipped_in_mid_drain_is_parked_too_and_both_come_back() {
    let scene = Scene::of_releases();
    let mut member = scene.member_with(&["/current/status.php"]);
    member.depool(&Wish::drain());
    scene.flip();
    assert!(member.keep_out().is_some());
    assert!(!scene.path("current/status.php").exists());
    scene.restore();
    for (release, text) in [("releases/1/status.php", "one"), ("releases/2/status.php", "two")] {
        assert_eq!(scene.read(release).as_deref(), Some(text));
    }
}

#[test]
fn a_release_that_was_pruned_is_forgotten_if_the_new_one_has_its_file() {
    let scene = Scene::of_releases();
    let mut member = scene.member_with(&["/current/status.php"]);
    member.depool(&Wish::drain());
    scene.flip();
    fs::remove_dir_all(scene.path("releases/1")).unwrap();
    let mut messages = Vec::new();
    member.undo_drain(Own::Ready, &Neighbours::new(), &mut messages).unwrap();
    assert!(matches!(messages[..], [Message::Replaced { .. }]), "{messages:?}");
    assert_eq!(scene.record(), None);
}

#[test]
fn a_symlink_as_health_file_is_parked_itself() {
    let scene = Scene::new(&[("shared/status.php", "alive")]);
    fs::create_dir_all(scene.path("var/www")).unwrap();
    symlink("../../shared/status.php", scene.path(HEALTH)).unwrap();
    scene.drain();
    assert!(scene.path(DISABLED).is_symlink() && !scene.path(HEALTH).exists());
    scene.restore();
    assert_eq!(scene.read(HEALTH).as_deref(), Some("alive"));
}

#[test]
fn no_health_file_is_told_and_leaves_no_record() {
    for scene in [Scene::new(&[]), Scene::new(&[("var/www/index.php", "")])] {
        let depooled = scene.drain();
        assert_eq!(depooled.out, Out::Not);
        assert!(matches!(depooled.messages[..], [Message::NoHealthFile(_)]), "{:?}", depooled.messages);
        assert_eq!(scene.record(), None);
        assert!(matches!(
            scene.member().pool(&Neighbours::new(), &mut Vec::new()),
            Err(Error::NoHealthFile(_))
        ));
    }
}

#[test]
fn several_health_files_go_and_come_together() {
    let scene = Scene::new(&[(HEALTH, "a"), ("srv/status.php", "b")]);
    let files = ["/var/www/status.php", "/srv/status.php", "/none/status.php"];
    let depooled = scene.member_with(&files).depool(&Wish::drain());
    assert!(at_once(&depooled));
    assert_eq!(depooled.messages.len(), 3, "{:?}", depooled.messages);
    assert!(scene.read(HEALTH).is_none() && scene.read("srv/status.php").is_none());
    scene.restore();
    assert!(scene.read(HEALTH).is_some() && scene.read("srv/status.php").is_some());
}

#[test]
fn a_file_that_was_put_in_place_of_the_parked_one_is_not_moved() {
    let scene = Scene::new(&[(HEALTH, "alive")]);
    scene.drain();
    scene.write("var/www/other", "other");
    fs::rename(scene.path("var/www/other"), scene.path(DISABLED)).unwrap();
    assert!(matches!(scene.restore()[..], [Message::NotOurs(_)]));
    assert_eq!(scene.read(DISABLED).as_deref(), Some("other"));
    let mut messages = Vec::new();
    scene.member().pool(&Neighbours::new(), &mut messages).unwrap();
    assert!(matches!(messages[..], [Message::MovingBack { .. }]), "{messages:?}");
    assert_eq!((scene.read(HEALTH).as_deref(), scene.record()), (Some("other"), None), "an operator's word");
}

#[test]
fn a_directory_that_was_made_a_symlink_leads_root_nowhere() {
    let scene = Scene::new(&[(HEALTH, "alive"), ("etc/status.php.disabled", "bait")]);
    scene.drain();
    fs::rename(scene.path("var/www"), scene.path("var/old")).unwrap();
    symlink("../etc", scene.path("var/www")).unwrap();
    scene.restore();
    assert_eq!(scene.read("etc/status.php.disabled").as_deref(), Some("bait"));
    assert_eq!(scene.read("etc/status.php"), None);
}

#[test]
fn where_no_record_can_be_written_the_file_stays() {
    let scene =
        Scene::new(&[(HEALTH, "alive"), ("var/lib/hhvm-drain", "no directory"), ("run", "none either")]);
    let depooled = scene.drain();
    assert_eq!(depooled.out, Out::Not);
    assert_eq!(scene.read(HEALTH).as_deref(), Some("alive"));
}

#[test]
fn where_only_memory_takes_the_record_the_node_goes_out_and_comes_back() {
    let scene = Scene::new(&[(HEALTH, "alive"), ("var/lib/hhvm-drain", "no directory")]);
    let depooled = scene.drain();
    assert!(at_once(&depooled) && matches!(depooled.messages[0], Message::RecordInMemory));
    scene.restore();
    assert_eq!((scene.read(HEALTH).as_deref(), scene.record()), (Some("alive"), None));
}

#[test]
fn a_broken_record_is_named_and_does_not_hold_up_a_drain() {
    let scene = Scene::new(&[(HEALTH, "alive"), ("var/lib/hhvm-drain/hhvm.service.json", "{")]);
    assert!(matches!(scene.member().store().record(), Err(Error::RecordBroken { .. })));
    assert!(at_once(&scene.drain()));
    assert_eq!(scene.record().unwrap().by, By::Drain);
}

#[test]
fn an_empty_record_is_what_a_power_cut_leaves_before_the_rename() {
    for text in ["", "\0\0\0"] {
        let scene = Scene::new(&[(HEALTH, "alive"), ("var/lib/hhvm-drain/hhvm.service.json", text)]);
        assert_eq!(scene.record(), None);
    }
}

#[test]
fn a_record_of_a_newer_version_is_read() {
    let scene = Scene::new(&[(HEALTH, "alive")]);
    scene.drain();
    let path = "var/lib/hhvm-drain/hhvm.service.json";
    let newer = scene.read(path).unwrap().replacen("\"version\": 1", "\"version\": 9, \"colour\": [1]", 1);
    scene.write(path, &newer);
    assert_eq!(scene.record().unwrap().version, 9);
    scene.restore();
    assert_eq!(scene.read(HEALTH).as_deref(), Some("alive"));
}

#[test]
fn pool_in_mid_drain_takes_effect_after_the_stop() {
    for operator in [true, false] {
        let scene = Scene::new(&[(HEALTH, "alive")]);
        if operator {
            scene.operator("x");
        } else {
            fs::rename(scene.path(HEALTH), scene.path(DISABLED)).unwrap();
        }
        let lock = DrainLock::take(scene.member().store());
        assert!(lock.is_some() && drain_in_progress(scene.member().store()));
        scene.member().pool(&Neighbours::new(), &mut Vec::new()).unwrap();
        assert_eq!(scene.read(HEALTH), None);
        assert_eq!(scene.record().unwrap().by, By::Drain);
        drop(lock);
        // What another test starts holds the lock, too, between its fork and its exec.
        let deadline = Instant::now() + Duration::from_secs(10);
        while drain_in_progress(scene.member().store()) {
            assert!(Instant::now() < deadline, "the lock outlives its holder");
        }
        scene.restore();
        assert_eq!(scene.read(HEALTH).as_deref(), Some("alive"));
    }
}

#[test]
fn the_record_tells_an_operators_story() {
    let scene = Scene::new(&[(HEALTH, "alive")]);
    scene.operator("new\ndisk");
    let story = scene.record().unwrap().story();
    assert!(story.starts_with("an operator took it out on 2") && story.ends_with(": new disk"), "{story}");
    assert!(Path::new("/var/www/status.php.disabled") == scene.record().unwrap().parked[0].disabled);
}

#[test]
fn what_a_power_cut_leaves_of_a_rename_without_hard_links_counts_as_nothing() {
    const PLACEHOLDER: &str = "hhvm-drain holds this name for the moment of a rename\n";
    let scene = Scene::new(&[(HEALTH, "alive")]);
    let mut member = scene.member();
    member.depool(&Wish::drain());
    scene.write(HEALTH, PLACEHOLDER);
    assert!(member.keep_out().is_none(), "it has not come back");
    assert!(matches!(scene.drain().messages[..], [Message::OutAlready(Some(_))]));
    scene.restore();
    assert_eq!((scene.read(HEALTH).as_deref(), scene.read(DISABLED)), (Some("alive"), None));
    scene.drain();
    fs::rename(scene.path(DISABLED), scene.path(HEALTH)).unwrap();
    scene.write(DISABLED, PLACEHOLDER);
    scene.restore();
    assert_eq!((scene.read(HEALTH).as_deref(), scene.read(DISABLED)), (Some("alive"), None));
}
