//! What everybody may know, as the files of this program change.

use super::*;
use crate::pool::activity::Live;
use crate::pool::published::VERSION;

const STATE: &str = "run/hhvm-drain/hhvm.service.state";

impl Scene {
    fn published(&self) -> Published {
        self.member().store().published().unwrap().unwrap()
    }

    fn word(&self) -> Option<Word> {
        self.published().word()
    }

    /// Lets the activities of this process be told of.
    fn use_real_processes(&self) {
        let proc = self.path("proc");
        symlink(format!("/proc/{}", std::process::id()), proc.join(std::process::id().to_string())).unwrap();
    }
}

#[test]
fn every_change_of_the_record_is_published() {
    let scene = Scene::new(&[(HEALTH, "alive")]);
    scene.member().store().publish();
    assert_eq!((scene.published().membership, scene.word()), (Membership::In, Some(Word::Ready)));
    scene.operator("new disk");
    let Membership::Out { by, reason, since, .. } = scene.published().membership else { panic!("in") };
    assert_eq!((by, reason.as_deref(), since.boot_id.as_str()), (By::Operator, Some("new disk"), "one"));
    assert_eq!(scene.word(), Some(Word::Drain));
    scene.member().pool(&Neighbours::new(), &mut Vec::new()).unwrap();
    assert_eq!(scene.word(), Some(Word::Ready));
    scene.drain();
    assert_eq!(scene.word(), Some(Word::Drain));
    scene.restore();
    assert_eq!((scene.published().membership, scene.word()), (Membership::In, Some(Word::Ready)));
}

#[test]
fn everybody_may_read_it_and_nobody_half_of_it() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let scene = Scene::new(&[(HEALTH, "alive")]);
    scene.drain();
    let before = fs::metadata(scene.path(STATE)).unwrap();
    assert_eq!(before.permissions().mode() & 0o777, 0o644);
    scene.restore();
    assert_ne!(fs::metadata(scene.path(STATE)).unwrap().ino(), before.ino(), "it is renamed into place");
}

#[test]
fn a_record_that_cannot_be_read_leaves_no_word() {
    let scene = Scene::new(&[("var/lib/hhvm-drain/hhvm.service.json", "{")]);
    scene.member().store().publish();
    assert_eq!((scene.published().membership, scene.word()), (Membership::Unknown, None));
}

#[test]
fn a_drain_is_told_even_where_no_file_can_be_moved_and_ends_with_its_process() {
    let scene = Scene::new(&[]);
    scene.use_real_processes();
    let store = scene.member().store().clone();
    let drain = Announcement::of_drain(&store, Duration::from_secs(30)).unwrap();
    let activity = scene.published().activity.unwrap();
    assert_eq!((activity.phase, activity.at_most), (Phase::Draining, Some(30)));
    assert_eq!(activity.writer.runs(std::path::Path::new("/proc")), Some(true));
    assert_eq!((scene.published().membership, scene.word()), (Membership::In, Some(Word::Drain)));
    drop(drain);
    assert_eq!((scene.published().activity, scene.word()), (None, Some(Word::Ready)));
}

#[test]
fn an_activity_whose_process_has_gone_is_not_published_again() {
    let scene = Scene::new(&[]);
    let mut ended = std::process::Command::new("true").spawn().unwrap();
    ended.wait().unwrap();
    let writer = Writer { pid: i32::try_from(ended.id()).unwrap(), started: 1 };
    let store = scene.member().store().clone();
    let activity =
        Activity { phase: Phase::Draining, since: store.now(), at_most: None, writer, live: Live::default() };
    store.announce(activity, Precedence::First);
    assert_eq!(scene.published().activity.unwrap().writer.runs(std::path::Path::new("/proc")), Some(false));
    store.publish();
    assert_eq!(scene.published().activity, None);
}

#[test]
fn a_drain_goes_before_what_waits_for_the_way_back() {
    let scene = Scene::new(&[]);
    scene.use_real_processes();
    let store = scene.member().store().clone();
    // Another process, which surely runs.
    let writer = Writer { pid: rustix::process::getppid().unwrap().as_raw_nonzero().get(), started: 1 };
    let theirs = |phase| Activity { phase, since: store.now(), at_most: None, writer, live: Live::default() };
    let phase = || scene.published().activity.map(|activity| activity.phase);
    store.announce(theirs(Phase::Returning), Precedence::First);
    let drain = Announcement::of_drain(&store, Duration::from_secs(1)).unwrap();
    assert_eq!(phase(), Some(Phase::Draining));
    drop(drain);
    store.announce(theirs(Phase::Draining), Precedence::First);
    let back = Announcement::of_return(&store, None).unwrap();
    assert_eq!(phase(), Some(Phase::Draining));
    drop(back);
    assert_eq!(phase(), Some(Phase::Draining), "the end of the one is not that of the other");
}

#[test]
fn what_a_later_version_adds_is_passed_over_and_a_later_format_or_boot_is_not_understood() {
    let scene = Scene::new(&[]);
    let text = |version: u32, boot: &str| {
        format!(
            r#"{{"version": {version}, "unit": "hhvm.service", "node": "in", "slot": {{"ahead": 2}},
                "written": {{"at": "", "boot_id": "{boot}", "boottime_ms": 1}},
                "activity": {{"phase": "queueing", "since": {{"at": "", "boot_id": "one", "boottime_ms": 1}},
                              "writer": {{"pid": 1, "started": 2}}, "load": [1, 2]}}}}"#
        )
    };
    for (version, boot, expected) in
        [(VERSION, "one", true), (VERSION + 1, "one", false), (VERSION, "two", false), (VERSION, "", false)]
    {
        scene.write(STATE, &text(version, boot));
        let published = scene.published();
        assert_eq!(published.is_about("hhvm.service", "one"), expected, "{version} {boot}");
        assert_eq!(published.activity.unwrap().phase, Phase::Other);
        assert!(!scene.published().is_about("php.service", "one"));
    }
}
