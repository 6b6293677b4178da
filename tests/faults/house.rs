//! Where the runs take place: a root directory in name spaces of its own, so that the program sees the same few processes
//! and sockets in each run, at the paths that it has on a host.

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::unistd::{chdir, pivot_root};
use std::env;
use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The programs, inside.
pub const PROGRAM: &str = "/opt/hhvm-drain";
pub const HHVM: &str = "/opt/hhvm";
/// Holds the boot's number.
pub const BOOT_ID: &str = "/log/boot_id";
pub const FIRST_BOOT: &str = "00000000-1111-4222-8333-444444444444\n";
pub const NEXT_BOOT: &str = "55555555-6666-4777-8888-999999999999\n";
const SELF: &str = "/opt/faults";
/// Names the program that is tested in place of this build's.
const ANOTHER: &str = "TEST_PROGRAM";

/// A command that runs this program again, in name spaces of its own.
pub fn command(root: &Path) -> Command {
    // Ended with these tests, however they end.
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "unshare"]);
    command.args(["--mount", "--pid", "--net", "--fork", "--kill-child", "--propagation=private", "--"]);
    command.arg(env::current_exe().unwrap()).arg("inside").arg(root);
    command
}

/// What keeps this machine from running the tests, if anything does.
pub fn obstacle() -> Option<String> {
    if !cfg!(target_arch = "x86_64") {
        return Some("system calls are known by their numbers on x86-64 only".to_owned());
    }
    let mut trial = Command::new("unshare");
    match trial.args(["--mount", "--pid", "--net", "--fork", "mount", "-t", "tmpfs", "none", "/mnt"]).output()
    {
        Ok(done) if done.status.success() => None,
        Ok(done) => Some(format!("no name spaces here: {}", String::from_utf8_lossy(&done.stderr).trim())),
        Err(error) => Some(format!("unshare: {error}")),
    }
}

fn bind(from: &Path, to: &Path) {
    mount(Some(from), to, None::<&str>, MsFlags::MS_BIND | MsFlags::MS_REC, None::<&str>).unwrap();
}

fn mount_new(kind: &str, at: &Path, data: Option<&str>) {
    fs::create_dir_all(at).unwrap();
    mount(Some("none"), at, Some(kind), MsFlags::empty(), data).unwrap_or_else(|why| panic!("{kind}: {why}"));
}

/// The cgroup of the unit, with HHVM, the hooks and these tests in it.
pub struct Cgroup(String);

impl Cgroup {
    /// As systemd names it.
    pub fn path(&self) -> &str {
        &self.0
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        let _ = fs::write("/sys/fs/cgroup/cgroup.procs", "0");
        let _ = fs::remove_dir(format!("/sys/fs/cgroup{}", self.0));
    }
}

/// Makes the root directory at `root`, whose name nobody else has, and goes to live there.
pub fn move_in(root: &Path) -> Cgroup {
    assert!(Command::new("ip").args(["link", "set", "lo", "up"]).status().unwrap().success());
    mount_new("tmpfs", root, Some("mode=755"));
    for name in ["usr", "bin", "sbin", "lib", "lib32", "lib64"] {
        let (outside, inside) = (Path::new("/").join(name), root.join(name));
        match fs::read_link(&outside) {
            Ok(target) => symlink(target, inside).unwrap(),
            Err(_) if outside.exists() => {
                fs::create_dir(&inside).unwrap();
                bind(&outside, &inside);
            }
            Err(_) => {}
        }
    }
    for name in ["dev", "etc", "opt/systemd", "log", "run/systemd/journal", "tmp", "var/lib", "var/www"] {
        fs::create_dir_all(root.join(name)).unwrap();
    }
    bind(Path::new("/dev"), &root.join("dev"));
    mount_new("proc", &root.join("proc"), None);
    fs::write(root.join(&BOOT_ID[1..]), FIRST_BOOT).unwrap();
    bind(&root.join(&BOOT_ID[1..]), &root.join("proc/sys/kernel/random/boot_id"));
    mount_new("cgroup2", &root.join("sys/fs/cgroup"), None);
    let program = env!("CARGO_BIN_EXE_hhvm-drain");
    let stand_in = Path::new(program).with_file_name("examples").join("hhvm");
    let program = env::var_os(ANOTHER).map_or_else(|| program.into(), PathBuf::from);
    for (from, to) in [(program, PROGRAM), (stand_in, HHVM), (env::current_exe().unwrap(), SELF)] {
        let to = root.join(&to[1..]);
        fs::write(&to, "").unwrap();
        bind(&from, &to);
    }
    fs::copy(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults/systemctl"),
        root.join("opt/systemd/systemctl"),
    )
    .unwrap();
    // Not chroot(2): the program may enter the mount name space of process 1, and would find itself outside.
    chdir(root).unwrap();
    pivot_root(".", ".").unwrap();
    umount2(".", MntFlags::MNT_DETACH).unwrap();
    let name = root.file_name().unwrap().display().to_string();
    let cgroup = Cgroup(format!("/hhvm-drain-faults{name}"));
    fs::create_dir(format!("/sys/fs/cgroup{}", cgroup.path())).unwrap();
    // So that no hook has to: to move a process takes the kernel ten milliseconds.
    fs::write(format!("/sys/fs/cgroup{}/cgroup.procs", cgroup.path()), "0").unwrap();
    cgroup
}

/// Whether each system call is seen.
#[derive(Clone, Copy, PartialEq)]
pub enum Mode {
    Traced,
    Free,
}

/// A command that runs `program`.
pub fn start(mode: Mode, program: &str) -> Command {
    if mode == Mode::Free {
        return Command::new(program);
    }
    let mut command = Command::new(SELF);
    command.args(["traced", program]);
    command
}

/// What [`start`] runs to be traced: becomes the program of `words`.
pub fn become_traced(words: &[String]) -> ! {
    nix::sys::ptrace::traceme().unwrap();
    panic!("{}: {}", words[0], Command::new(&words[0]).args(&words[1..]).exec());
}
