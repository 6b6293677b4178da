//! Processes in a made-up procfs, with files that others can have a hand in.

use super::*;
use crate::hhvm::Value;
use nix::sys::stat::Mode as FileMode;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};

/// Anybody but root.
const NOBODY: u32 = 65534;
/// Another of these.
const STRANGER: u32 = 4242;

/// A procfs with the process 7, which is HHVM and has the uid of nobody.
struct Host(tempfile::TempDir);

impl Host {
    fn new(words: &[&str]) -> Self {
        let host = Self(tempfile::tempdir().unwrap());
        fs::set_permissions(host.0.path(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::create_dir_all(host.path("etc/hhvm")).unwrap();
        host.process("comm", "hhvm\n");
        host.process("cmdline", &(words.join("\0") + "\0"));
        host.process("environ", "PATH=/bin\0");
        host.process("status", &format!("Uid:\t0\t0\t0\t{NOBODY}\nGid:\t0\t0\t0\t{NOBODY}\nGroups:\t\n"));
        symlink("/etc", host.0.path().join("7/cwd")).unwrap();
        host
    }

    fn process(&self, name: &str, text: &str) {
        fs::write(self.0.path().join("7").join(name), text).unwrap();
    }

    /// A path below the process's root.
    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join("7/root").join(name)
    }

    fn file(&self, name: &str, text: &str, mode: u32, owner: u32) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        if Uid::effective().is_root() {
            chown(&path, Some(owner), None).unwrap();
        }
    }

    fn looked(&self, trusted: &[&str]) -> Option<Looked> {
        let trusted: Vec<PathBuf> = trusted.iter().map(PathBuf::from).collect();
        hhvm(7, self.0.path(), &trusted, Instant::now() + Duration::from_secs(20))
    }

    fn port(&self, trusted: &[&str]) -> String {
        match self.looked(trusted).unwrap().hhvm.options.port {
            Value::Set(found) => found.value.to_string(),
            Value::Default => "default".to_owned(),
            Value::Unknown(cause) => cause.to_string(),
        }
    }

    /// The process has started so long from now.
    fn started(&self, before: Duration) {
        let now = Duration::from(clock_gettime(ClockId::CLOCK_BOOTTIME).unwrap());
        let ticks = now.saturating_sub(before).as_millis() / 10;
        self.process("stat", &format!("7 (hh) vm) S {} {ticks} 0\n", "0 ".repeat(18).trim()));
    }
}

const PORT: &str = "hhvm.server.port = 9000\n";

#[test]
fn a_running_process_is_read_below_its_own_root() {
    let host = Host::new(&["hhvm", "-c", "hhvm/server.ini", "--admin-port", "9001"]);
    host.file("etc/hhvm/server.ini", PORT, 0o644, 0);
    let options = host.looked(&[]).unwrap().hhvm.options;
    assert_eq!(options.admin_port.or_default(0), Some(9001));
    let origin = options.port.found().unwrap().origin.to_string();
    assert_eq!(origin, "/etc/hhvm/server.ini:1", "a relative path is told in full");
    host.process("comm", "php-fpm8.2\n");
    assert_eq!(host.looked(&[]), None, "another server's options mean nothing here");
    assert_eq!(hhvm(8, host.0.path(), &[], Instant::now() + Duration::from_secs(9)), None);
}

#[test]
fn links_and_dots_stay_in_the_root() {
    let host = Host::new(&["hhvm", "-c", "/a/../../../b/link.ini"]);
    host.file("c/d.ini", PORT, 0o644, 0);
    fs::create_dir_all(host.path("b")).unwrap();
    fs::create_dir_all(host.path("a")).unwrap();
    symlink("/c/./d.ini", host.path("b/link.ini")).unwrap();
    assert_eq!(host.port(&[]), "9000");
    for (target, expected) in [
        ("../../../../../c/d.ini", "9000"),
        ("/b/link.ini", "/a/../../../b/link.ini: cannot be read (Too many"),
        (host.path("c/d.ini").to_str().unwrap(), "/a/../../../b/link.ini: not found"),
    ] {
        fs::remove_file(host.path("b/link.ini")).unwrap();
        symlink(target, host.path("b/link.ini")).unwrap();
        assert!(host.port(&[]).starts_with(expected), "{target}: {}", host.port(&[]));
    }
}

/// What only the command line names is opened with HHVM's rights, or else another instance's password would be sent to
/// whoever runs HHVM.
#[test]
fn a_file_of_roots_is_read_only_if_root_named_it() {
    if !Uid::effective().is_root() {
        return;
    }
    let host = Host::new(&["hhvm", "-c", "/etc/hhvm/other.ini"]);
    host.file("etc/hhvm/other.ini", PORT, 0o600, 0);
    let looked = host.looked(&[]).unwrap();
    assert!(looked.was_refused && looked.hhvm.options.port.cause().is_some(), "{looked:?}");
    assert!(host.port(&["/etc/hhvm/server.ini"]).contains("Permission denied"));
    assert_eq!(host.port(&["/etc/hhvm/other.ini"]), "9000");
    // A name of root's that others can lead elsewhere is no better than their own.
    for (name, at) in [("srv/site/x.ini", "srv/site"), ("srv/site/link/x.ini", "srv/site/link")] {
        let (file, words) = (format!("/{name}"), format!("hhvm\0-c\0/{name}\0"));
        host.process("cmdline", &words);
        let _ = fs::remove_dir_all(host.path("srv"));
        fs::create_dir_all(host.path("srv/site")).unwrap();
        if at.ends_with("link") {
            host.file("srv/other/x.ini", PORT, 0o600, 0);
            symlink("/srv/other", host.path(at)).unwrap();
            std::os::unix::fs::lchown(host.path(at), Some(STRANGER), None).unwrap();
        } else {
            host.file(name, PORT, 0o600, 0);
            chown(host.path(at), Some(STRANGER), None).unwrap();
        }
        assert!(host.port(&[&file]).contains("the path to it is not safe"), "{name}");
    }
}

#[test]
fn what_roots_file_includes_is_named_by_root_and_what_others_files_include_is_not() {
    if !Uid::effective().is_root() {
        return;
    }
    let host = Host::new(&["hhvm", "-c", "/etc/hhvm/server.ini"]);
    host.file("etc/hhvm/secret.ini", PORT, 0o600, 0);
    for (mode, owner, expected) in [(0o644, 0, "9000"), (0o664, 0, "denied"), (0o644, NOBODY, "denied")] {
        host.file("etc/hhvm/server.ini", "#include \"secret.ini\"\n", mode, owner);
        let port = host.port(&["/etc/hhvm/server.ini"]);
        assert!(port.contains(expected), "{mode:o} {owner}: {port}");
        assert!(host.port(&[]).contains("denied"), "root has not named the file");
    }
}

#[test]
fn hhvms_default_files_are_roots() {
    if !Uid::effective().is_root() {
        return;
    }
    let host = Host::new(&["hhvm", "-m", "server"]);
    host.file("etc/hhvm/php.ini", PORT, 0o600, 0);
    assert_eq!(host.port(&[]), "9000");
    host.process("status", "Uid:\tx\n");
    assert_eq!(host.port(&[]), "9000", "whoever HHVM is");
    host.process("cmdline", "hhvm\0-c\0/etc/hhvm/x.ini\0");
    host.file("etc/hhvm/x.ini", PORT, 0o644, 0);
    assert!(host.port(&[]).contains("unknown user of HHVM"), "{}", host.port(&[]));
}

#[test]
fn only_files_are_opened_and_nothing_is_waited_for() {
    let host = Host::new(&["hhvm", "-c", "/x.ini"]);
    let fifo = |path: PathBuf| nix::unistd::mkfifo(&path, FileMode::S_IRWXU).unwrap();
    for make in [&fifo as &dyn Fn(PathBuf), &|path| fs::create_dir(path).unwrap(), &|path| {
        symlink("/dev/ptmx", path).unwrap();
    }] {
        make(host.path("x.ini"));
        if host.path("x.ini").is_symlink() && Uid::effective().is_root() {
            fs::create_dir(host.path("dev")).unwrap();
            let device = nix::sys::stat::makedev(5, 2);
            nix::sys::stat::mknod(
                &host.path("dev/ptmx"),
                nix::sys::stat::SFlag::S_IFCHR,
                FileMode::all(),
                device,
            )
            .unwrap();
            assert!(host.port(&[]).contains("not a regular file"), "{}", host.port(&[]));
        } else if !host.path("x.ini").is_symlink() {
            assert!(host.port(&[]).contains("not a regular file"), "{}", host.port(&[]));
        }
        let _ = fs::remove_file(host.path("x.ini")).or_else(|_| fs::remove_dir(host.path("x.ini")));
    }
    host.file("x.ini", &"#".repeat((1 << 20) + 1), 0o644, 0);
    assert!(host.port(&[]).contains("larger than 1 MiB"), "{}", host.port(&[]));
}

#[test]
fn the_command_line_and_the_environment_are_bounded() {
    let host = Host::new(&["hhvm", "-p", "9000"]);
    host.process("environ", &"x".repeat(1 << 18));
    assert_eq!(host.port(&[]), "9000");
    assert!(host.looked(&[]).unwrap().hhvm.options.admin_port.cause().is_some());
    host.process("cmdline", &format!("hhvm\0-p\x009000\0{}", "-c\0x\0".repeat(1 << 16)));
    assert!(host.port(&[]).contains("too long"), "{}", host.port(&[]));
}

/// 20 files of mistakes took 21 seconds once.
#[test]
fn files_are_read_once_and_not_longer_than_the_time_that_there_is() {
    let words: Vec<String> = (0..20).map(|number| format!("-c/etc/hhvm/{number}.ini")).collect();
    let host =
        Host::new(&std::iter::once("hhvm").chain(words.iter().map(String::as_str)).collect::<Vec<_>>());
    host.file("etc/hhvm/0.ini", &"hhvm.server.port = 9x ; y\n".repeat(40_000), 0o644, 0);
    for number in 1..20 {
        fs::hard_link(host.path("etc/hhvm/0.ini"), host.path(&format!("etc/hhvm/{number}.ini"))).unwrap();
    }
    // Whatever else the machine does, the thread has no more to do.
    let whole = || look(&host.0.path().join("7"), &[], Instant::now() + Duration::from_secs(600));
    let looking =
        || (whole().unwrap().hhvm, Duration::from(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap()));
    let (hhvm_of_them, work) = std::thread::scope(|scope| scope.spawn(looking).join().unwrap());
    assert!(work < Duration::from_secs(15), "{work:?}");
    let remarks: Vec<String> = hhvm_of_them.remarks.iter().map(ToString::to_string).collect();
    assert!(remarks.iter().any(|remark| remark.contains("larger than 4 MiB in total")), "{remarks:?}");
    assert!(remarks.iter().any(|remark| remark.contains("too many configuration files")), "{remarks:?}");
    let begin = Instant::now();
    let looked = hhvm(7, host.0.path(), &[], begin + Duration::from_millis(20)).unwrap();
    assert!(looked.hhvm.options.port.cause().is_some());
    assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
}

#[test]
fn files_that_are_newer_than_the_process_are_named() {
    let host = Host::new(&["hhvm", "-c", "/etc/hhvm/server.ini", "-c", "/etc/hhvm/gone.ini"]);
    host.file("etc/hhvm/server.ini", PORT, 0o644, 0);
    host.started(Duration::from_secs(60));
    let hhvm = host.looked(&[]).unwrap().hhvm;
    assert_eq!(hhvm.edited_since, [Path::new("/etc/hhvm/server.ini")]);
    assert!(hhvm.options.admin_port.cause().is_some(), "the file may have been there then");
    let old = fs::File::options().write(true).open(host.path("etc/hhvm/server.ini")).unwrap();
    drop(old);
    std::thread::sleep(Duration::from_millis(1100));
    host.started(Duration::ZERO);
    let hhvm = host.looked(&[]).unwrap().hhvm;
    assert_eq!(hhvm.edited_since, [""; 0].map(PathBuf::from));
    assert_eq!(hhvm.options.admin_port, Value::Default, "nor was the missing file there then");
}

#[test]
fn root_names_files_in_the_unit_in_its_variables_and_in_a_script() {
    if !Uid::effective().is_root() {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = root.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    file("etc/default/hhvm", "CONFIG_FILE=\"/etc/hhvm/default.ini\"\n");
    file("etc/init.d/hhvm", "#!/bin/sh\nexec hhvm -c/etc/hhvm/script.ini $X\n");
    let unit = Unit::parse(
        "ExecStart={ path=/etc/init.d/hhvm ; argv[]=/etc/init.d/hhvm --config /etc/hhvm/exec.ini ; ignore_errors=no }\n\
         Environment=A=/etc/hhvm/variable.ini\nEnvironmentFiles=/etc/default/hhvm (ignore_errors=yes)\n",
    );
    let names = named_by_root(&unit, root.path());
    for name in ["exec", "variable", "default", "script"] {
        assert!(names.contains(&PathBuf::from(format!("/etc/hhvm/{name}.ini"))), "{name}: {names:?}");
    }
    chown(root.path().join("etc/init.d/hhvm"), Some(NOBODY), None).unwrap();
    fs::set_permissions(root.path().join("etc/default"), fs::Permissions::from_mode(0o777)).unwrap();
    let names = named_by_root(&unit, root.path());
    for name in ["default", "script"] {
        assert!(
            !names.contains(&PathBuf::from(format!("/etc/hhvm/{name}.ini"))),
            "others wrote {name}: {names:?}"
        );
    }
}
