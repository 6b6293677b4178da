//! A parked file that a deploy deletes comes back from its copy, into the directory that it was in.

use super::{DISABLED, HEALTH, Scene};
use crate::message::Message;
use crate::pool::*;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

const COPIES: &str = "var/lib/hhvm-drain/hhvm.service.copies";

/// `git clean`, `rsync --delete`.
fn clean(scene: &Scene) {
    fs::remove_file(scene.path(DISABLED)).unwrap();
}

#[test]
fn both_commands_put_it_back_with_its_mode() {
    for operator in [false, true] {
        let scene = Scene::new(&[(HEALTH, "alive")]);
        fs::set_permissions(scene.path(HEALTH), fs::Permissions::from_mode(0o640)).unwrap();
        if operator {
            scene.operator("x");
        } else {
            scene.drain();
        }
        assert_eq!(scene.path(COPIES).metadata().unwrap().mode() & 0o777, 0o600);
        clean(&scene);
        let mut messages = Vec::new();
        if operator {
            scene.member().pool(&Neighbours::new(), &mut messages).unwrap();
        } else {
            scene.member().undo_drain(Own::Ready, &Neighbours::new(), &mut messages).unwrap();
        }
        assert!(matches!(messages[..], [Message::PutBackCopy(_)]), "{messages:?}");
        assert_eq!(scene.read(HEALTH).as_deref(), Some("alive"));
        assert_eq!(scene.path(HEALTH).metadata().unwrap().mode() & 0o777, 0o640);
        assert_eq!((scene.record(), scene.path(COPIES).exists()), (None, false));
        assert_eq!(fs::read_dir(scene.path("var/www")).unwrap().count(), 1);
    }
}

#[test]
fn the_copy_goes_with_the_record() {
    let scene = Scene::new(&[(HEALTH, "alive")]);
    scene.drain();
    assert!(scene.path(COPIES).exists());
    scene.restore();
    assert!(!scene.path(COPIES).exists());
}

#[test]
fn a_copy_is_put_nowhere_else() {
    let scene = Scene::new(&[(HEALTH, "alive")]);
    scene.drain();
    fs::rename(scene.path("var/www"), scene.path("var/mounted")).unwrap();
    fs::create_dir(scene.path("var/www")).unwrap();
    assert!(matches!(scene.restore()[..], [Message::OutOfSight(..)]), "the mount is away");
    assert_eq!(scene.read(HEALTH), None);
    fs::remove_dir(scene.path("var/www")).unwrap();
    symlink("mounted", scene.path("var/www")).unwrap();
    clean(&scene);
    scene.restore();
    assert_eq!(scene.read("var/mounted/status.php").as_deref(), Some("alive"), "the directory was moved");
}

#[test]
fn what_a_deploy_puts_there_is_not_replaced() {
    let scene = Scene::new(&[(HEALTH, "old")]);
    scene.drain();
    clean(&scene);
    scene.write(HEALTH, "new");
    assert!(scene.restore().is_empty());
    assert_eq!(scene.read(HEALTH).as_deref(), Some("new"));
}

#[test]
fn a_copy_that_was_half_put_back_goes_when_a_deploy_was_quicker() {
    let scene = Scene::new(&[(HEALTH, "old")]);
    scene.drain();
    clean(&scene);
    scene.write("var/www/.status.php.hhvm-drain", "ol");
    scene.write(HEALTH, "new");
    scene.restore();
    assert_eq!(scene.read(HEALTH).as_deref(), Some("new"));
    assert_eq!(fs::read_dir(scene.path("var/www")).unwrap().count(), 1);
}

#[test]
fn without_a_copy_the_record_stays_and_a_line_says_what_to_do() {
    let scene = Scene::new(&[(HEALTH, &"x".repeat((64 << 10) + 1))]);
    scene.drain();
    clean(&scene);
    for _ in 0..2 {
        assert!(matches!(scene.restore()[..], [Message::Gone(_)]));
        assert!(scene.record().is_some());
    }
    scene.write(HEALTH, "by hand");
    scene.restore();
    assert_eq!(scene.record(), None);
}

#[test]
fn a_second_drain_copies_the_newer_file() {
    let scene = Scene::new(&[(HEALTH, "old")]);
    let mut member = scene.member();
    member.depool(&Wish::drain());
    scene.write(HEALTH, "new");
    member.keep_out().unwrap();
    fs::remove_file(scene.path("var/www/status.php.disabled.1")).unwrap();
    clean(&scene);
    scene.restore();
    assert_eq!(scene.read(HEALTH).as_deref(), Some("new"), "as it would have without the deletion");
    assert_eq!(scene.record(), None);
}
