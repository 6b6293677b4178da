//! What goes into a host besides its Debian: the package under test, the stand-in for HHVM.
//!
//! Each is made when it is missing or older than its sources, so that a test never runs yesterday's program.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::debian::Debian;
use super::setup::{CONTROL, Setup};
use super::{Host, succeed, target};

const SOURCE: &str = env!("CARGO_MANIFEST_DIR");

/// The program that plays HHVM, built for the old glibc that the packages are built for.
pub fn standin() -> &'static Path {
    static STANDIN: OnceLock<PathBuf> = OnceLock::new();
    STANDIN.get_or_init(|| {
        let build = Path::new(SOURCE).join("packaging/zigbuild.sh");
        succeed(
            Command::new(build)
                .args(["--profile", "farm", "--example", "hhvm"])
                .env("CARGO_TARGET_DIR", target()),
        );
        target().join("x86_64-unknown-linux-gnu/farm/examples/hhvm")
    })
}

/// The package under test.
pub fn package() -> &'static Path {
    static PACKAGE: OnceLock<PathBuf> = OnceLock::new();
    PACKAGE.get_or_init(|| {
        succeed(Command::new("make").current_dir(SOURCE).args(["--silent", "deb"]));
        let packages = fs::read_dir(target().join("packages")).expect("target/packages");
        let mut debs = packages.map(|entry| entry.expect("an entry of target/packages").path());
        debs.find(|path| path.extension().is_some_and(|extension| extension == "deb"))
            .expect("a .deb in target/packages")
    })
}

/// The same package under a higher version number, which is all that makes a package newer for dpkg.
pub fn newer_package() -> &'static Path {
    static NEWER: OnceLock<PathBuf> = OnceLock::new();
    let script = r#"
        rm -rf "$2"; dpkg-deb --raw-extract "$1" "$2"
        sed -i 's/^Version: .*/Version: 99-1/' "$2/DEBIAN/control"
        dpkg-deb --root-owner-group --build "$2" "$2.deb" >&2
    "#;
    NEWER.get_or_init(|| {
        let tree = super::overlay::directory().join("newer");
        succeed(Command::new("sh").args(["-ec", script, "sh"]).arg(package()).arg(&tree));
        tree.with_extension("deb")
    })
}

/// Where a host finds the repositories.
pub const REPOSITORY: &str = "/srv/hhvm-drain";

/// The signed repositories with the package under test, for apt and for dnf.
pub fn repository() -> &'static Path {
    static PLACE: OnceLock<PathBuf> = OnceLock::new();
    PLACE.get_or_init(|| {
        // Two makes at once would write the same files.
        package();
        let place = super::overlay::directory().join("repository");
        let mut make = Command::new("make");
        // As an argument, make would look for variables in the path.
        make.current_dir(SOURCE).args(["--silent", "repo"]).env_remove("MAKEFLAGS");
        succeed(make.env("URL", format!("file://{REPOSITORY}")).env("REPO", &place));
        place
    })
}

/// What the installation writes, so that only the first host of a release has to go through it.
pub fn installed(debian: Debian) -> PathBuf {
    static LAYERS: [OnceLock<PathBuf>; Debian::ALL.len()] = [const { OnceLock::new() }; Debian::ALL.len()];
    let install = || {
        let host = Host::bare().boot();
        host.install();
        // Without a shutdown, which would drain; and the journal of this host is no other's.
        let disk = host.into_disk();
        let journal = disk.root().join("var/log/journal");
        fs::remove_dir_all(&journal)
            .and_then(|()| fs::create_dir(&journal))
            .expect("failed to empty the journal");
        disk.into_layer(&format!("package-{}", debian.codename()))
    };
    LAYERS[debian as usize].get_or_init(install).clone()
}

/// Puts what was asked for in place, the units enabled.
pub fn furnish(root: &Path, setup: &Setup) {
    if setup.hhvm {
        furnish_hhvm(root, setup);
    }
    for (path, text) in &setup.files {
        write(root, path, text);
    }
    let hhvm = setup.hhvm.then_some("hhvm.service");
    let units: Vec<_> = hhvm.iter().chain(&setup.enabled).collect();
    if !units.is_empty() {
        succeed(Command::new("systemctl").args(["--quiet", "enable", "--root"]).arg(root).args(units));
    }
}

/// The stand-in, its unit, its configuration and the health file.
fn furnish_hhvm(root: &Path, setup: &Setup) {
    let service = format!(
        "[Unit]\nDescription=HHVM\nAfter=network.target\nStartLimitIntervalSec=0\n\n\
         [Service]\nType=simple\nExecStart=/usr/bin/hhvm --mode server -c /etc/hhvm/server.ini --standin-control {CONTROL}\n{}\n\n\
         [Install]\nWantedBy=multi-user.target\n",
        setup.service.join("\n"),
    );
    fs::copy(standin(), root.join("usr/bin/hhvm")).expect("failed to copy the stand-in");
    write(root, "/usr/lib/systemd/system/hhvm.service", &service);
    write(root, "/etc/hhvm/server.ini", &setup.ini);
    write(root, "/var/www/status.php", "<?php echo 'OK';\n");
}

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path.trim_start_matches('/'));
    fs::create_dir_all(path.parent().expect("a file in a directory")).expect("a directory in the host");
    fs::write(&path, text).unwrap_or_else(|error| panic!("failed to write {}: {error}", path.display()));
}
