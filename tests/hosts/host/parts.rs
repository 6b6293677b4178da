//! What goes into a host: the Debian 12 root, the package under test, the stand-in for HHVM.
//!
//! Each is made when it is missing or older than its sources, so that a test never runs yesterday's program.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::overlay::Overlay;
use super::setup::{CONTROL, Setup};
use super::{Host, succeed, target};

const SOURCE: &str = env!("CARGO_MANIFEST_DIR");

/// The root that every host boots from.
pub fn root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        let script = Path::new(SOURCE).join("tests/hosts/root.sh");
        PathBuf::from(succeed(Command::new(script).arg(target().join("hosts"))))
    })
}

/// The program that plays HHVM.
pub fn standin() -> &'static Path {
    static STANDIN: OnceLock<PathBuf> = OnceLock::new();
    STANDIN.get_or_init(|| {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let build = ["build", "--quiet", "--example", "hhvm", "--target-dir"];
        succeed(Command::new(cargo).current_dir(SOURCE).args(build).arg(target()));
        target().join("debug/examples/hhvm")
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

/// What `apt-get install` of the package writes, so that only the first host has to run it.
pub fn installed() -> PathBuf {
    static LAYER: OnceLock<PathBuf> = OnceLock::new();
    let install = || {
        let host = Host::bare().boot();
        let package = host.bring_package();
        host.run(&format!("DEBIAN_FRONTEND=noninteractive apt-get install -y {package}")).ok();
        // Without a shutdown, which would drain; and the journal of this host is no other's.
        let disk = host.into_disk();
        let journal = disk.root().join("var/log/journal");
        fs::remove_dir_all(&journal)
            .and_then(|()| fs::create_dir(&journal))
            .expect("failed to empty the journal");
        disk.into_layer("package")
    };
    LAYER.get_or_init(install).clone()
}

/// Why programs built here do not run on Debian 12, if they do not.
pub fn why_not() -> Option<String> {
    let overlay = Overlay::new(vec![root().to_owned()]);
    fs::copy(standin(), overlay.root().join("hhvm")).expect("failed to copy the stand-in");
    let output =
        Command::new("chroot").arg(overlay.root()).args(["/hhvm", "--help"]).output().expect("chroot");
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    message
        .contains("GLIBC")
        .then(|| format!("what is built here does not run on Debian 12: {}", message.trim()))
}

/// Puts the stand-in, its unit and the health file in place, HHVM enabled.
pub fn furnish(root: &Path, setup: &Setup) {
    let service = format!(
        "[Unit]\nDescription=HHVM\nAfter=network.target\nStartLimitIntervalSec=0\n\n\
         [Service]\nType=simple\nExecStart=/usr/bin/hhvm --mode server -c /etc/hhvm/server.ini --standin-control {CONTROL}\n{}\n\n\
         [Install]\nWantedBy=multi-user.target\n",
        setup.service.join("\n"),
    );
    let write = |path: &str, text: &str| {
        let path = root.join(path.trim_start_matches('/'));
        fs::create_dir_all(path.parent().expect("a file in a directory")).expect("a directory in the host");
        fs::write(&path, text).unwrap_or_else(|error| panic!("failed to write {}: {error}", path.display()));
    };
    fs::copy(standin(), root.join("usr/bin/hhvm")).expect("failed to copy the stand-in");
    write("usr/lib/systemd/system/hhvm.service", &service);
    write("etc/hhvm/server.ini", &setup.ini);
    write("var/www/status.php", "<?php echo 'OK';\n");
    for (path, text) in &setup.files {
        write(path, text);
    }
    let enable = ["--quiet", "enable", "hhvm.service", "--root"];
    succeed(Command::new("systemctl").args(enable).arg(root));
}
