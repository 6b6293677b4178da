//! Files that cannot be seen for a while, or have gone for good: the record is forgotten when a health file is in its
//! place, and not before.

use super::{DISABLED, HEALTH, Scene};
use crate::error::Error;
use crate::message::Message;
use crate::pool::*;
use std::fs;
use std::os::unix::fs::symlink;

impl Scene {
    /// Takes the document root away, as an unmount does, and leaves `below` in its place.
    fn unmount(&self, below: &[(&str, &str)]) {
        fs::rename(self.path("var/www"), self.path("var/mounted")).unwrap();
        fs::create_dir(self.path("var/www")).unwrap();
        for (path, text) in below {
            self.write(path, text);
        }
    }

    fn mount(&self) {
        fs::remove_dir_all(self.path("var/www")).unwrap();
        fs::rename(self.path("var/mounted"), self.path("var/www")).unwrap();
    }

    /// Lets all files that there are be older than the record.
    fn record_is_from(&self, at: &str) {
        let mut record = self.record().unwrap();
        at.clone_into(&mut record.since.at);
        self.member().store().save(&record).unwrap();
    }
}

const LATER: &str = "2100-01-01T00:00:00Z";

fn is_out_of_sight(messages: &[Message], words: &str) -> bool {
    matches!(messages, [message @ Message::OutOfSight(..)] if message.to_string().contains(words))
}

#[test]
fn a_record_stays_while_the_file_system_is_away_and_the_node_comes_back_with_it() {
    for below in [&[][..], &[(HEALTH, "below")], &[(DISABLED, "below")]] {
        let scene = Scene::new(&[(HEALTH, "alive")]);
        scene.drain();
        scene.record_is_from(LATER);
        scene.unmount(below);
        for _hook in ["stop-post", "start-pre", "start-post"] {
            let messages = scene.restore();
            assert!(is_out_of_sight(&messages, "is its file system mounted?"), "{messages:?}");
        }
        for (path, text) in below {
            assert_eq!(scene.read(path).as_deref(), Some(*text), "what lies below is nobody's business");
        }
        scene.mount();
        assert!(matches!(scene.restore()[..], [Message::MovingBack { .. }]));
        assert_eq!((scene.read(HEALTH).as_deref(), scene.record()), (Some("alive"), None));
    }
}

#[test]
fn a_path_that_is_not_there_yet_or_cannot_be_read_is_named() {
    let scene = Scene::new(&[(HEALTH, "alive")]);
    scene.drain();
    fs::rename(scene.path("var/www"), scene.path("var/mounted")).unwrap();
    let messages = scene.restore();
    assert!(is_out_of_sight(&messages, "there is no /var/www"), "{messages:?}");
    fs::write(scene.path("var/www"), "no directory").unwrap();
    assert!(is_out_of_sight(&scene.restore(), "there is no /var/www"));
    fs::remove_file(scene.path("var/www")).unwrap();
    symlink("www", scene.path("var/www")).unwrap();
    let messages = scene.restore();
    assert!(is_out_of_sight(&messages, "/var/www cannot be looked at"), "{messages:?}");
    fs::remove_file(scene.path("var/www")).unwrap();
    fs::rename(scene.path("var/mounted"), scene.path("var/www")).unwrap();
    scene.restore();
    assert_eq!((scene.read(HEALTH).as_deref(), scene.record()), (Some("alive"), None));
}

#[test]
fn a_record_of_0_1_0_stays_too() {
    let scene = Scene::new(&[(HEALTH, "alive")]);
    scene.drain();
    let mut record = scene.record().unwrap();
    record.parked[0].directory = None;
    record.parked[0].file.written = None;
    scene.member().store().save(&record).unwrap();
    scene.unmount(&[]);
    assert!(is_out_of_sight(&scene.restore(), "neither of its names"));
    scene.mount();
    scene.restore();
    assert_eq!((scene.read(HEALTH).as_deref(), scene.record()), (Some("alive"), None));
}

#[test]
fn a_deploy_that_replaced_the_directory_ends_it_by_a_newer_health_file() {
    let scene = Scene::new(&[(HEALTH, "old")]);
    scene.drain();
    // An inode that is held is not given to the new file.
    let _held = fs::File::open(scene.path(DISABLED)).unwrap();
    scene.unmount(&[]);
    fs::remove_dir_all(scene.path("var/mounted")).unwrap();
    assert!(is_out_of_sight(&scene.restore(), "not the directory that it was"));
    scene.write(HEALTH, "new");
    let messages = scene.restore();
    assert!(matches!(&messages[..], [Message::Replaced { old, by }] if old == by), "{messages:?}");
    assert_eq!((scene.read(HEALTH).as_deref(), scene.record()), (Some("new"), None));
}

#[test]
fn a_stop_while_the_file_system_is_away_keeps_the_record() {
    let scene = Scene::new(&[(HEALTH, "alive")]);
    scene.operator("new disk");
    scene.unmount(&[]);
    let depooled = scene.drain();
    assert_ne!(depooled.out, Out::Not, "nothing is where the load balancer looks for it");
    let told = &depooled.messages;
    assert!(matches!(told[..], [Message::OutOfSight(..), Message::OutAlready(Some(_))]), "{told:?}");
    assert_eq!(scene.record().unwrap().by, By::Operator);
    scene.mount();
    assert!(matches!(scene.drain().messages[..], [Message::OutAlready(Some(_))]));
    scene.member().pool(&Neighbours::new(), &mut Vec::new()).unwrap();
    assert_eq!(scene.read(HEALTH).as_deref(), Some("alive"));
}

#[test]
fn a_file_below_the_mount_point_is_parked_too_and_no_hindrance_later() {
    for is_older in [true, false] {
        let scene = Scene::new(&[(HEALTH, "alive")]);
        let mut member = scene.member();
        member.depool(&Wish::drain());
        if is_older {
            scene.record_is_from(LATER);
        }
        scene.unmount(&[(HEALTH, "below")]);
        assert!(member.keep_out().is_some());
        assert_eq!(scene.read(DISABLED).as_deref(), Some("below"));
        scene.mount();
        scene.restore();
        assert_eq!((scene.read(HEALTH).as_deref(), scene.record()), (Some("alive"), None));
    }
}

#[test]
fn a_newer_file_of_another_disk_is_no_reason_to_forget() {
    let scene = Scene::new(&[(HEALTH, "alive")]);
    scene.drain();
    let mut record = scene.record().unwrap();
    record.parked[0].directory.as_mut().unwrap().device = 0x801;
    scene.member().store().save(&record).unwrap();
    scene.unmount(&[(HEALTH, "below")]);
    assert!(is_out_of_sight(&scene.restore(), "is its file system mounted?"));
    scene.mount();
    scene.restore();
    assert_eq!((scene.read(HEALTH).as_deref(), scene.record()), (Some("alive"), None));
}

#[test]
fn a_mount_that_comes_in_mid_drain_is_parked() {
    let scene = Scene::new(&[("mounted/status.php", "alive")]);
    let mut member = scene.member();
    assert_eq!(member.depool(&Wish::drain()).out, Out::Not);
    assert!(member.keep_out().is_none());
    fs::create_dir_all(scene.path("var")).unwrap();
    fs::rename(scene.path("mounted"), scene.path("var/www")).unwrap();
    assert_ne!(member.keep_out().unwrap().out, Out::Not);
    assert_eq!(scene.read(DISABLED).as_deref(), Some("alive"));
}

#[test]
fn one_of_two_files_comes_back_and_the_other_is_waited_for() {
    let scene = Scene::new(&[(HEALTH, "a"), ("srv/status.php", "b")]);
    let member = scene.member_with(&["/var/www/status.php", "/srv/status.php"]);
    scene.member_with(&["/var/www/status.php", "/srv/status.php"]).depool(&Wish::drain());
    fs::rename(scene.path("srv"), scene.path("away")).unwrap();
    let messages = scene.restore();
    assert!(matches!(messages[..], [Message::OutOfSight(..), Message::MovingBack { .. }]), "{messages:?}");
    let record = scene.record().unwrap();
    assert_eq!(record.parked.len(), 1);
    let whereabouts = |path: &str| {
        let path = std::path::Path::new(path);
        member
            .whereabouts(
                path,
                &Sight::of(&crate::context::Root::new(scene.0.path().to_owned()), path),
                Some(&record),
            )
            .unwrap()
    };
    assert_eq!(whereabouts("/var/www/status.php"), Whereabouts::InPlace);
    assert!(matches!(whereabouts("/srv/status.php"), Whereabouts::Lost(_)));
    assert!(!member.is_over(&record));
    assert!(matches!(member.pool(&Neighbours::new(), &mut Vec::new()), Err(Error::NotBack)));
    fs::rename(scene.path("away"), scene.path("srv")).unwrap();
    scene.restore();
    assert_eq!((scene.read("srv/status.php").as_deref(), scene.record()), (Some("b"), None));
}

#[test]
fn pool_forgets_what_the_settings_name_no_longer() {
    let scene = Scene::new(&[("old/status.php", "old")]);
    scene.member_with(&["/old/status.php"]).depool(&Wish::drain());
    fs::remove_dir_all(scene.path("old")).unwrap();
    scene.write(HEALTH, "new");
    assert!(is_out_of_sight(&scene.restore(), "there is no /old"), "a hook goes on trying");
    scene.member().pool(&Neighbours::new(), &mut Vec::new()).unwrap();
    assert_eq!((scene.read(HEALTH).as_deref(), scene.record()), (Some("new"), None));
}

#[test]
fn a_file_that_cannot_be_moved_away_is_told_once_and_has_not_come_back() {
    let scene = Scene::new(&[(HEALTH, "alive")]);
    for number in ["", ".1", ".2", ".3", ".4", ".5", ".6", ".7", ".8", ".9"] {
        scene.write(&format!("{DISABLED}{number}"), "somebody's");
    }
    let mut member = scene.member();
    let depooled = member.depool(&Wish::drain());
    assert_eq!(depooled.out, Out::Not);
    assert!(matches!(depooled.messages[..], [Message::CannotPark(..)]), "{:?}", depooled.messages);
    for _ in 0..3 {
        assert!(member.keep_out().is_none());
    }
    assert_eq!(scene.record(), None);
}

#[test]
fn a_directory_with_the_disabled_name_is_left_alone_and_the_node_goes_out() {
    let scene = Scene::new(&[(HEALTH, "alive"), ("var/www/status.php.disabled/inside", "")]);
    assert_ne!(scene.drain().out, Out::Not);
    assert_eq!(scene.read("var/www/status.php.disabled.1").as_deref(), Some("alive"));
    scene.restore();
    assert_eq!(scene.read(HEALTH).as_deref(), Some("alive"));
    assert!(scene.path("var/www/status.php.disabled/inside").exists());
}

#[test]
fn a_release_whose_name_is_not_utf_8_goes_and_comes() {
    use std::os::unix::ffi::OsStrExt;
    let scene = Scene::new(&[]);
    let name = std::ffi::OsStr::from_bytes(b"rel\xe9ase");
    let release = scene.0.path().join(name);
    fs::create_dir_all(&release).unwrap();
    fs::write(release.join("status.php"), "alive").unwrap();
    symlink(name, scene.path("current")).unwrap();
    let mut member = scene.member_with(&["/current/status.php"]);
    assert_ne!(member.depool(&Wish::drain()).out, Out::Not);
    assert!(release.join("status.php.disabled").exists());
    member.undo_drain(Own::Ready, &Neighbours::new(), &mut Vec::new()).unwrap();
    assert_eq!(fs::read_to_string(release.join("status.php")).unwrap(), "alive");
}

#[test]
fn a_link_that_was_half_moved_is_made_whole() {
    let scene = Scene::new(&[(HEALTH, "alive")]);
    scene.drain();
    fs::hard_link(scene.path(DISABLED), scene.path(HEALTH)).unwrap();
    assert!(scene.restore().is_empty());
    assert_eq!((scene.read(HEALTH).as_deref(), scene.read(DISABLED)), (Some("alive"), None));
    scene.drain();
    fs::hard_link(scene.path(DISABLED), scene.path(HEALTH)).unwrap();
    scene.drain();
    assert_eq!((scene.read(HEALTH), scene.read(DISABLED).as_deref()), (None, Some("alive")));
    assert_eq!(scene.read("var/www/status.php.disabled.1"), None);
    assert_eq!(scene.record().unwrap().parked.len(), 1);
}

#[test]
fn a_link_that_pool_has_half_moved_is_made_whole_by_the_next() {
    let scene = Scene::new(&[(DISABLED, "alive")]);
    fs::hard_link(scene.path(DISABLED), scene.path(HEALTH)).unwrap();
    scene.member().pool(&Neighbours::new(), &mut Vec::new()).unwrap();
    assert_eq!((scene.read(HEALTH).as_deref(), scene.read(DISABLED)), (Some("alive"), None));
    scene.write(DISABLED, "alive");
    scene.member().pool(&Neighbours::new(), &mut Vec::new()).unwrap();
    assert_eq!(scene.read(DISABLED).as_deref(), Some("alive"), "another file, with the same text");
}
