//! How the package comes to a host.

use std::fs;
use std::process::Command;

use super::parts::{self, REPOSITORY};
use super::{Host, succeed};

impl Host {
    /// Puts the package into the running host, for its administrator to install; returns its path there.
    pub fn bring_package(&self) -> &'static str {
        let path = "/root/hhvm-drain.deb";
        fs::copy(parts::package(), self.path(path)).expect("failed to copy the package");
        path
    }

    /// The same with the newer package.
    pub fn bring_newer_package(&self) -> &'static str {
        let path = "/root/hhvm-drain-newer.deb";
        fs::copy(parts::newer_package(), self.path(path)).expect("failed to copy the newer package");
        path
    }

    /// Puts the repositories into the host.
    pub fn bring_repository(&self) {
        let place = self.path(REPOSITORY);
        succeed(Command::new("cp").arg("-r").arg(parts::repository()).arg(place));
    }

    /// Installs the package as the README says: by apt, from the repository, whose key is known.
    pub fn install(&self) {
        self.bring_repository();
        self.run(&format!(
            "cp {REPOSITORY}/hhvm-drain.asc /usr/share/keyrings/ && \
             cp {REPOSITORY}/hhvm-drain.sources /etc/apt/sources.list.d/ && \
             apt-get -o APT::Update::Error-Mode=any update && \
             DEBIAN_FRONTEND=noninteractive apt-get install -y hhvm-drain"
        ))
        .ok();
    }
}
