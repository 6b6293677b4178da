//! A host of a fleet: a root with its settings, and the program's commands on it.

use crate::cluster::write;
use std::process::Command;
use tempfile::TempDir;

/// A host of the fleet.
pub struct Host(TempDir);

/// What came of a command: its exit status, what it said, what it complained of.
#[derive(Debug)]
pub struct Said(pub i32, pub String, pub String);

impl Host {
    pub fn of(members: &[String], name: &str) -> Self {
        let host = Self(tempfile::tempdir().unwrap());
        host.write("proc/sys/kernel/hostname", &format!("{name}\n"));
        host.write("etc/machine-id", &format!("id-of-{name}\n"));
        host.write("etc/hhvm-drain.toml", &format!("[fleet]\nmembers = {members:?}\npool = \"web\"\n"));
        host
    }

    pub fn write(&self, name: &str, text: &str) {
        write(self.0.path(), name, text.as_bytes());
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.path().join(name).exists()
    }

    pub fn run(&self, words: &str) -> Said {
        let output = Command::new(env!("CARGO_BIN_EXE_hhvm-drain"))
            .args(words.split(' '))
            .arg("--root")
            .arg(self.0.path())
            .env_clear()
            .env("SUDO_USER", "alice")
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Said(output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    pub fn ok(&self, words: &str) -> String {
        let Said(0, said, _) = self.run(words) else { panic!("{words}: {:?}", self.run(words)) };
        said
    }

    /// The one line of a command that fails.
    pub fn fails(&self, words: &str, status: i32) -> String {
        let Said(code, said, why) = self.run(words);
        assert!(
            code == status && said.is_empty() && why.lines().count() == 1,
            "{words}: {code} {said} {why}"
        );
        why
    }
}
