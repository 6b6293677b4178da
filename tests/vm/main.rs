//! Tests on a whole machine: what a container cannot show, that is a kernel that goes down and a disk that is cut off.
//!
//! The machine is a Debian 12 of our own, or the image that `make test-vm IMAGE=…` names.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod image;
mod machine;
mod node;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::OnceLock;

use image::Image;
use libtest_mimic::{Arguments, Failed, Trial};
use node::Node;

/// A test: a function that panics when something is not as it should be.
type Test = (&'static str, fn(&Image));

const TESTS: &[Test] = &[
    ("comes_back_after_a_power_cut_in_mid_drain", comes_back_after_a_power_cut_in_mid_drain),
    ("drains_before_a_reboot", drains_before_a_reboot),
    ("installs_drains_and_is_removed", installs_drains_and_is_removed),
];

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // A machine has two processors.
    arguments.test_threads.get_or_insert(2);
    let image = if arguments.list { Err("not run".to_owned()) } else { find_image() };
    if let (Err(why_not), false) = (&image, arguments.list) {
        println!("tests on a machine are ignored: {why_not}");
    }
    let image: &'static Result<Image, String> = Box::leak(Box::new(image));
    let trial = |&(name, test): &Test| {
        let run = move || image.as_ref().map(test).map_err(Failed::from);
        Trial::test(name, run).with_ignored_flag(image.is_err())
    };
    libtest_mimic::run(&arguments, TESTS.iter().map(trial).collect()).exit_code()
}

fn find_image() -> Result<Image, String> {
    for program in ["qemu-system-x86_64", "ssh", "setpriv"] {
        let found = Command::new(program).arg("--version").output();
        found.map_err(|error| format!("cannot run {program}: {error}"))?;
    }
    Image::find()
}

/// Where all that is about machines is kept. The name holds what the path of anybody's checkout may hold, so that no
/// test depends on where the checkout lies.
fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(r"target/vm/größe, (und) \mehr")
}

/// The signed repositories with the package under test.
fn repository() -> &'static Path {
    static PLACE: OnceLock<PathBuf> = OnceLock::new();
    PLACE.get_or_init(|| {
        let place = directory().join("repository");
        let mut make = Command::new("make");
        // As an argument, make would look for variables in the path.
        make.current_dir(env!("CARGO_MANIFEST_DIR")).args(["--silent", "repo"]).env_remove("MAKEFLAGS");
        make.env("URL", format!("file://{}", node::REPOSITORY)).env("REPO", &place);
        assert!(make.output().expect("make").status.success(), "make repo failed");
        place
    })
}

/// The program that plays HHVM.
fn standin() -> &'static Path {
    static STANDIN: OnceLock<PathBuf> = OnceLock::new();
    STANDIN.get_or_init(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut build = Command::new(source.join("packaging/zigbuild.sh"));
        build.args(["--example", "hhvm"]).env("CARGO_TARGET_DIR", source.join("target"));
        assert!(build.status().expect("zigbuild.sh").success(), "the stand-in for HHVM does not build");
        // Without its symbols: what goes to the machine passes an emulated processor.
        let stripped = directory().join("hhvm");
        let mut strip = Command::new("strip");
        strip
            .arg("-o")
            .arg(&stripped)
            .arg(source.join("target/x86_64-unknown-linux-gnu/debug/examples/hhvm"));
        assert!(strip.status().expect("strip").success(), "failed to strip the stand-in");
        stripped
    })
}

fn installs_drains_and_is_removed(image: &Image) {
    let node = Node::boot(image);
    let pid = node.show("hhvm", "MainPID");
    println!("vm: the installation took {} ms", node.install());
    assert_eq!(node.show("hhvm", "MainPID"), pid);
    node.run("hhvm-drain check").ok();

    node.hhvm_says("load = 4>0/5s");
    println!("vm: the health file was away {} ms after systemctl stop", node.begin_stop());
    node.run("systemctl stop hhvm").ok();
    assert_eq!((node.show("hhvm", "Result"), node.outcome()), ("success".to_owned(), "drained".to_owned()));
    node.run("systemctl start hhvm").ok();
    node.assert_back();

    let pid = node.show("hhvm", "MainPID");
    node.remove();
    assert_eq!(node.show("hhvm", "MainPID"), pid);
    assert_eq!(
        (node.show("hhvm", "ExecStop"), node.show("hhvm", "NeedDaemonReload")),
        (String::new(), "no".into())
    );
    let left = "find /usr /etc -name '*hhvm-drain*' -o -name 'hhvm.service.d'";
    assert_eq!(node.run(left).ok(), "");
}

fn drains_before_a_reboot(image: &Image) {
    let mut node = Node::boot(image);
    node.install();
    node.hhvm_says("load = 4>0/5s");
    node.reboot();
    assert_eq!(
        (node.show("hhvm", "ActiveState"), node.outcome()),
        ("active".to_owned(), "drained".to_owned())
    );
    assert!(node.is_pooled());
}

fn comes_back_after_a_power_cut_in_mid_drain(image: &Image) {
    let mut node = Node::boot(image);
    node.install();
    node.hhvm_says("load = 5");
    node.begin_stop();
    // Whether the disk knows of the depool at this moment is left to chance.
    node.power_cut_and_boot();
    node.assert_back();

    node.begin_stop();
    node.run("sync").ok();
    node.power_cut_and_boot();
    node.assert_back();
    node.run("journalctl -b -u hhvm -t hhvm-drain | grep 'status.php.disabled back to'").ok();
}
