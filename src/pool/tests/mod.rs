//! Scenes with the health file and the record, on real directories: what is there before, what is done, what is there
//! after.

mod deleted;
mod missing;
mod published;
mod scenes;
mod shared;

use super::activity::Precedence;
use super::*;
use crate::context::{Context, Env, Root, UnitName};
use crate::error::Error;
use crate::message::Message;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::time::Duration;

pub const HEALTH: &str = "var/www/status.php";
pub const DISABLED: &str = "var/www/status.php.disabled";

/// A machine's file system in a temporary directory.
pub struct Scene(pub tempfile::TempDir);

impl Scene {
    pub fn new(files: &[(&str, &str)]) -> Self {
        let scene = Self(tempfile::tempdir().unwrap());
        scene.boot("one");
        for (path, text) in files {
            scene.write(path, text);
        }
        scene
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    pub fn write(&self, path: &str, text: &str) {
        fs::create_dir_all(self.path(path).parent().unwrap()).unwrap();
        fs::write(self.path(path), text).unwrap();
    }

    pub fn read(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.path(path)).ok()
    }

    /// A node whose health file is that of release 1, by way of a symlink.
    pub fn of_releases() -> Self {
        let scene = Self::new(&[("releases/1/status.php", "one"), ("releases/2/status.php", "two")]);
        symlink("releases/1", scene.path("current")).unwrap();
        scene
    }

    /// A deploy of release 2.
    pub fn flip(&self) {
        fs::remove_file(self.path("current")).unwrap();
        symlink("releases/2", self.path("current")).unwrap();
    }

    pub fn boot(&self, id: &str) {
        self.write("proc/sys/kernel/random/boot_id", id);
    }

    /// The node as a new process sees it.
    pub fn member(&self) -> Member {
        self.member_with(&["/var/www/status.php"])
    }

    pub fn member_with(&self, health_files: &[&str]) -> Member {
        let root = Root::new(self.0.path().to_owned());
        let context = Context::new(root, Env::default(), UnitName::parse("hhvm").unwrap());
        let health_files: Vec<PathBuf> = health_files.iter().map(PathBuf::from).collect();
        Member::new(&context, &health_files)
    }

    pub fn drain(&self) -> Depooled {
        self.member().depool(&Wish::drain())
    }

    pub fn operator(&self, reason: &str) -> Depooled {
        self.member().depool(&Wish { by: By::Operator, who: None, reason: Some(reason.to_owned()) })
    }

    pub fn record(&self) -> Option<Record> {
        self.member().store().record().unwrap()
    }

    /// What `restore` does once it has decided to bring the node back.
    pub fn restore(&self) -> Vec<Message> {
        let mut messages = Vec::new();
        match self.member().undo_drain(Own::Ready, &Neighbours::new(), &mut messages) {
            Ok(_) | Err(Error::NotBack) => messages,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Whether it is out since just now.
pub fn at_once(depooled: &Depooled) -> bool {
    depooled.out == Out::For(Duration::ZERO)
}
