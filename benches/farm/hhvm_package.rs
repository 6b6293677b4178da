//! HHVM as a package that can be upgraded: the stand-in, and maintainer scripts that do what HHVM's own do.

use crate::Result;
use crate::host::{Background, Host, standin};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

/// Stops the server before its files are replaced, as the `prerm` of HHVM's packages does.
const PRERM: &str = "#!/bin/sh\nset -e\ninvoke-rc.d hhvm stop\n";
const POSTINST: &str = "#!/bin/sh\nset -e\ninvoke-rc.d hhvm start\n";

const PLACE: &str = "/root/hhvm.deb";

/// Puts a version of the package on a host, for its administrator to install.
pub fn bring(host: &Host, version: u32) -> Result<()> {
    let scratch = tempfile::tempdir()?;
    let tree = scratch.path().join("hhvm");
    fs::create_dir_all(tree.join("DEBIAN"))?;
    fs::create_dir_all(tree.join("usr/bin"))?;
    fs::set_permissions(&tree, PermissionsExt::from_mode(0o755))?;
    fs::copy(standin(), tree.join("usr/bin/hhvm"))?;
    let control = format!(
        "Package: hhvm\nVersion: {version}\nArchitecture: amd64\nMaintainer: nobody <nobody@example.org>\n\
         Description: a stand-in for HHVM\n"
    );
    fs::write(tree.join("DEBIAN/control"), control)?;
    for (name, text) in [("prerm", PRERM), ("postinst", POSTINST)] {
        let script = tree.join("DEBIAN").join(name);
        fs::write(&script, text)?;
        fs::set_permissions(&script, PermissionsExt::from_mode(0o755))?;
    }
    let package = scratch.path().join("hhvm.deb");
    let mut build = Command::new("dpkg-deb");
    build.args(["-Znone", "--root-owner-group", "--build"]).arg(&tree).arg(&package);
    let output = build.output()?;
    if !output.status.success() {
        return Err(format!("dpkg-deb: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    fs::copy(package, host.path(PLACE))?;
    Ok(())
}

/// Installs what was brought.
pub fn install(host: &Host) -> Background {
    host.spawn(&format!("DEBIAN_FRONTEND=noninteractive apt-get install -y {PLACE}"))
}
