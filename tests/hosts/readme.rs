//! The README's "Configure, in three steps", followed as it is written.

use std::path::Path;
use std::time::Duration;

use crate::host::{Host, wait_for};

/// `/etc/hhvm/server.ini` as HHVM's packages bring it.
const PACKAGED: &str = "\
; some comment
pid = /var/run/hhvm/pid

; hhvm specific
hhvm.server.port = 9000
hhvm.server.type = fastcgi
hhvm.server.default_document = index.php
hhvm.log.use_log_file = true
hhvm.log.file = /var/log/hhvm/error.log
hhvm.repo.central.path = /var/cache/hhvm/hhvm.hhbc
";

/// The lines of the first block of that language in the section.
fn block(section: &str, language: &str) -> String {
    let (_, rest) = section.split_once(&format!("```{language}\n")).expect("a block");
    let (lines, _) = rest.split_once("```").expect("its end");
    lines.lines().flat_map(|line| [line.trim_start(), "\n"]).collect()
}

pub fn the_three_steps_lead_to_a_green_check() {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md"));
    let readme = readme.expect("the README");
    let (_, section) = readme.split_once("## Configure, in three steps\n").expect("the section");
    let section = section.split("\n## ").next().expect("its end");

    let host = Host::with_package().boot();
    host.run("systemctl stop hhvm").ok();
    host.write_file("/etc/hhvm/server.ini", PACKAGED);
    host.assert_comes_back();

    let ini = block(section, "ini");
    host.write_file("/etc/hhvm/server.ini", &format!("{PACKAGED}{ini}"));
    let restart = host.run("systemctl restart hhvm").ok();
    assert!(restart.took < Duration::from_secs(20), "not the whole timeout: {restart:?}");
    assert_eq!(host.outcome(), "drained");
    wait_for("HHVM's admin port", Duration::from_secs(10), || host.load().is_some());

    host.write_file("/etc/hhvm-drain.toml", &block(section, "toml"));
    let check = host.run(&block(section, "sh")).ok();
    assert!(check.stdout.contains(":9001/check-load answers, load 0"), "{check:?}");
    assert!(!check.stdout.contains("warning") && !check.stdout.contains("ERROR"), "{check:?}");
}
