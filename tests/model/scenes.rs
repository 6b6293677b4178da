//! The hosts that are searched, and the bounds.

use crate::events::{Event, NAME};
use crate::host::{Disk, File, Folder, Host, Node, Phase, Way, Wish};
use hhvm_drain::settings::Repool;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    Small,
    Large,
}

/// A host, and what can happen on it.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "a list of choices, each by its name")]
pub struct Scene {
    pub name: &'static str,
    pub way: Way,
    pub units: usize,
    pub repool: Repool,
    pub layout: Layout,
    pub has_operators: bool,
    pub renumbers: bool,
    pub events: &'static [Event],
    /// What may happen before each call of a command, too.
    pub meanwhile: &'static [Event],
    /// Whether each call may fail.
    pub fails: bool,
    /// So many files are there at once, at most, if nobody has two names.
    pub files_max: usize,
    pub folders_max: usize,
    /// So many steps from the start, at most.
    pub steps_max: usize,
    /// Whether it is there to show that the search finds something.
    pub must_fail: bool,
}

/// Where the health file lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// In a directory, which may be a mount point.
    Plain,
    /// In a release, to which a symlink leads.
    Releases,
}

impl Scene {
    /// The directory of the health file, as the setting names it.
    pub fn directory(&self) -> &'static Path {
        Path::new(match self.layout {
            Layout::Plain => "/var/www",
            Layout::Releases => "/srv/current",
        })
    }

    pub fn health_file(&self) -> PathBuf {
        self.directory().join(NAME)
    }

    /// All units serve.
    pub fn host(&self) -> Host {
        let mut folders = vec![Folder::new(20, 0x800), Folder::new(21, 0x810)];
        let mut paths = BTreeMap::new();
        folders[0].put(OsStr::new(NAME), Node::File(File { inode: 1, content: 1, changed: 0 }));
        match self.layout {
            Layout::Plain => {
                paths.insert(PathBuf::from("/var/www"), (PathBuf::from("/var/www"), 0));
            }
            Layout::Releases => {
                folders[1].put(OsStr::new(NAME), Node::File(File { inode: 2, content: 2, changed: 0 }));
                folders[1].device = 0x800;
                for (path, real, at) in
                    [("/srv/current", "/srv/1", 0), ("/srv/1", "/srv/1", 0), ("/srv/2", "/srv/2", 1)]
                {
                    paths.insert(PathBuf::from(path), (PathBuf::from(real), at));
                }
            }
        }
        let mut disk = Disk {
            way: self.way,
            folders,
            paths,
            state: BTreeMap::new(),
            unsynced: BTreeMap::new(),
            contents: BTreeSet::new(),
            baits: BTreeSet::new(),
            now: 1,
        };
        disk.contents = disk.found();
        Host { disk, phases: vec![Phase::Serves; self.units], wish: Wish::Nobody, mounts_left: 2 }
    }
}

const PLAIN: Scene = Scene {
    name: "",
    way: Way::RenameUnlessTaken,
    units: 1,
    repool: Repool::WhenHealthy,
    layout: Layout::Plain,
    has_operators: true,
    renumbers: false,
    events: &[],
    meanwhile: &[],
    fails: false,
    files_max: 3,
    folders_max: 0,
    steps_max: usize::MAX,
    must_fail: false,
};

const HANDS: &[Event] = &[Event::HandOut, Event::HandBack];
const DEPLOYS: &[Event] = &[Event::Put, Event::Replace, Event::Clean];
const MOUNTS: &[Event] = &[Event::Mount, Event::Unmount, Event::Put];
const MEANWHILE: &[Event] = &[Event::Put, Event::Clean, Event::HandOut, Event::HandBack];

/// How deep a scene is searched: in every `make test`, and in `make model`.
const ALL: usize = usize::MAX;

#[rustfmt::skip]
const SCENES: &[(usize, usize, Scene)] = &[
    (6, ALL, Scene { name: "operators", events: HANDS, files_max: 1, ..PLAIN }),
    (5, ALL, Scene { name: "after every stop", events: HANDS, files_max: 1, repool: Repool::AfterStop, renumbers: true, ..PLAIN }),
    (4, 10, Scene { name: "hard links", way: Way::HardLink, events: HANDS, files_max: 1, ..PLAIN }),
    (4, ALL, Scene { name: "placeholders", way: Way::Placeholder, events: HANDS, files_max: 1, ..PLAIN }),
    (3, ALL, Scene { name: "failing calls", fails: true, files_max: 1, ..PLAIN }),
    (6, ALL, Scene { name: "mounts", has_operators: false, events: MOUNTS, files_max: 2, ..PLAIN }),
    (4, ALL, Scene { name: "mounts and operators", events: MOUNTS, files_max: 2, ..PLAIN }),
    (6, ALL, Scene { name: "new directories", has_operators: false, events: &[Event::NewFolder, Event::Put], files_max: 2, folders_max: 4, ..PLAIN }),
    (5, ALL, Scene { name: "two units", units: 2, files_max: 1, has_operators: false, ..PLAIN }),
    (2, 7, Scene { name: "two units and operators", units: 2, files_max: 1, ..PLAIN }),
    (5, 8, Scene { name: "two units and a deploy", units: 2, events: &[Event::Put], files_max: 2, has_operators: false, ..PLAIN }),
    (4, ALL, Scene { name: "releases", layout: Layout::Releases, events: &[Event::Flip], ..PLAIN }),
    (6, ALL, Scene { name: "pruned releases", layout: Layout::Releases, has_operators: false, events: &[Event::Flip, Event::Prune], ..PLAIN }),
    (6, 13, Scene { name: "deploys", events: DEPLOYS, files_max: 2, has_operators: false, ..PLAIN }),
    (5, 7, Scene { name: "a stranger's file", events: &[Event::Bait, Event::Put], files_max: 2, has_operators: false, ..PLAIN }),
    (3, 8, Scene { name: "deploys and operators", events: DEPLOYS, files_max: 2, ..PLAIN }),
    (2, 5, Scene { name: "races", events: HANDS, meanwhile: MEANWHILE, files_max: 2, ..PLAIN }),
    (3, 3, Scene { name: "a rename that overwrites", way: Way::Overwrites, events: &[Event::Put], meanwhile: &[Event::Put], files_max: 2, must_fail: true, has_operators: false, ..PLAIN }),
];

pub fn all(size: Size) -> Vec<&'static Scene> {
    let scene = |(small, large, scene): &(usize, usize, Scene)| -> &'static Scene {
        let steps_max = if size == Size::Small { *small } else { *large };
        Box::leak(Box::new(Scene { steps_max, ..*scene }))
    };
    SCENES.iter().map(scene).collect()
}
