//! Command lines and ini files of the kinds that hosts have, and nonsense.

use super::*;
use crate::endpoint::Protocol;
use crate::hhvm::{Options, arguments, properties};
use crate::locate::Configured;
use proptest::prelude::*;

fn found(words: &[&str], files: &[(&str, &str)]) -> Hhvm {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let file = directory.path().join(name.trim_start_matches('/'));
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    of_command_line(words.join("\0").as_bytes(), directory.path(), Path::new(""))
}

/// The admin port, and the language that it speaks.
fn admin(hhvm: &Hhvm) -> Option<(u16, Protocol)> {
    let configured = Configured::of(hhvm);
    Some((configured.admin_port?, configured.protocol.unwrap()))
}

const PACKAGED: &str = "\
; some comment
pid = /var/run/hhvm/pid

; hhvm specific
hhvm.server.port = 9000
hhvm.server.type = fastcgi
hhvm.server.default_document = index.php
hhvm.log.use_log_file = true
";

#[test]
fn the_packaged_configuration_has_no_admin_port() {
    let hhvm = found(
        &["/usr/bin/hhvm", "--mode", "daemon", "--config", "/server.ini"],
        &[("/server.ini", PACKAGED)],
    );
    assert_eq!(admin(&hhvm), None);
    assert_eq!(hhvm.options.port.as_ref().map(|found| found.value), Some(9000));
    let origin = hhvm.options.server_type.unwrap().origin;
    assert_eq!(origin.to_string(), "/server.ini:6");
}

#[test]
fn without_a_file_on_the_command_line_those_in_etc_count() {
    let files = [
        ("etc/hhvm/php.ini", "hhvm.admin_server.port = 1\nhhvm.server.type=fastcgi"),
        ("etc/hhvm/php2.ini", "hhvm.admin_server.port = 2"),
        ("etc/hhvm/server.ini", "hhvm.admin_server.port = 3"),
        ("etc/hhvm/config.hdf", "AdminServer { Port = 4 }"),
    ];
    let hhvm = found(&["hhvm", "-m", "server"], &files);
    assert_eq!(admin(&hhvm), Some((2, Protocol::FastCgi)));
    assert_eq!(hhvm.options.admin_port.unwrap().origin.to_string(), "/etc/hhvm/php2.ini:1");
    assert_eq!(hhvm.unread[0].0, Path::new("/etc/hhvm/config.hdf"));
    for words in [&["hhvm", "-n"][..], &["hhvm", "--no-config"], &["hhvm", "-c", "etc/hhvm/none.ini"]] {
        assert_eq!(admin(&found(words, &files)), None, "{words:?}");
    }
}

#[test]
fn later_files_win_and_the_command_line_over_files() {
    let files = [
        ("a.ini", "hhvm.admin_server.port = 1\nhhvm.server.type=fastcgi"),
        ("b.ini", "hhvm.admin_server.port=2"),
    ];
    let both = ["hhvm", "-c", "a.ini", "--config=b.ini"];
    assert_eq!(admin(&found(&both, &files)), Some((2, Protocol::FastCgi)));
    for (words, port) in [
        (&["-d", "hhvm.admin_server.port=3"][..], 3),
        (&["-dhhvm.admin_server.port=3", "-vAdminServer.Port=4"], 4),
        (&["--admin-port", "5", "-v", "AdminServer.Port = 4"], 5),
        (&["--admin-port=6"], 6),
    ] {
        let hhvm = found(&[&both[..], words].concat(), &files);
        assert_eq!(admin(&hhvm), Some((port, Protocol::FastCgi)), "{words:?}");
    }
}

#[test]
fn a_flag_at_the_end_has_no_value() {
    for words in ["hhvm\0--config\0", "hhvm\0--config"] {
        assert_eq!(arguments::read(words.as_bytes()), [], "{words:?}");
    }
}

#[test]
fn a_password_is_found_and_never_shown() {
    let hhvm = found(
        &["hhvm", "-c", "a.ini", "-vAdminServer.Password=geheim2"],
        &[("a.ini", "hhvm.admin_server.passwords[0] = \"geheim1\"")],
    );
    let password = hhvm.options.admin_password.as_ref().unwrap();
    assert_eq!(password.value.0, "geheim2");
    assert!(!format!("{hhvm:?}{}", password.origin).contains("geheim2"), "{}", password.origin);
}

#[test]
fn what_is_not_read_is_named() {
    let hhvm = found(&["hhvm", "-c", "old.hdf", "-c", "/missing.ini", "-c", "a.ini"], &[("a.ini", PACKAGED)]);
    let unread: Vec<_> = hhvm.unread.iter().map(|(path, why)| format!("{} {why}", path.display())).collect();
    assert_eq!(unread.len(), 2, "{unread:?}");
    assert!(
        unread[0].starts_with("old.hdf hdf files are not supported") && unread[1].starts_with("/missing.ini")
    );
    assert!(hhvm.options.port.is_some());
}

#[test]
fn nonsense_among_the_lines_spares_the_rest() {
    let text = "=\n[section\n]]\n\"\nhhvm.server.port\nhhvm.server.port = abc\nhhvm.server.port = 99999\n\
                hhvm.server.port = 8080 ; behind\n  hhvm.server.file_socket = '/run/hhvm/sock'\n\u{0}\n";
    let hhvm = found(&["hhvm", "-c", "a.ini"], &[("a.ini", text)]);
    let problems: Vec<String> = hhvm.problems().iter().map(ToString::to_string).collect();
    assert_eq!(
        problems,
        [(6, "abc"), (7, "99999")].map(|(line, value)| format!(
            "a.ini:{line}: invalid value \"{value}\" for hhvm.server.port; HHVM uses 8080 (a.ini:8)"
        ))
    );
    assert_eq!(
        hhvm.options.port.map(|found| (found.value, found.origin.to_string())),
        Some((8080, "a.ini:8".into()))
    );
    assert_eq!(hhvm.options.file_socket.map(|found| found.value), Some("/run/hhvm/sock".into()));
}

#[test]
fn a_running_process_is_read_below_its_own_root() {
    let proc = tempfile::tempdir().unwrap();
    let process = proc.path().join("7");
    fs::create_dir_all(process.join("root/etc/hhvm")).unwrap();
    fs::write(process.join("cmdline"), "hhvm\0-c\0hhvm/server.ini\0--admin-port\x009001\0").unwrap();
    fs::write(process.join("root/etc/hhvm/server.ini"), PACKAGED).unwrap();
    std::os::unix::fs::symlink("/etc", process.join("cwd")).unwrap();
    fs::write(process.join("comm"), "php-fpm8.2\n").unwrap();
    assert_eq!(super::hhvm(7, proc.path()), None, "another server's options mean nothing here");
    fs::write(process.join("comm"), "hhvm\n").unwrap();
    let hhvm = super::hhvm(7, proc.path()).unwrap();
    assert_eq!(admin(&hhvm), Some((9001, Protocol::FastCgi)));
    let origin = hhvm.options.server_type.unwrap().origin;
    assert_eq!(origin.to_string(), "/etc/hhvm/server.ini:6", "a relative path is told in full");
    assert_eq!(super::hhvm(8, proc.path()), None);
}

proptest! {
    #[test]
    fn noise_is_read_without_a_panic(line in proptest::collection::vec(any::<u8>(), 0..200), text in ".{0,200}") {
        properties::command_line(&line);
        properties::ini(text.as_bytes());
        let mut options = Options::default();
        let _ = options.set(&text, &text, &Origin::CommandLine(text.clone()));
    }

    #[test]
    fn what_looks_like_an_ini_file_is_read_line_by_line(
        text in "((hhvm\\.|)(admin_server|server|AdminServer)\\.[a-zP]{1,9} ?= ?[\"'; 0-9a:*]{0,6}\r?\n){0,6}",
    ) {
        properties::ini(text.as_bytes());
    }

    #[test]
    fn what_looks_like_a_command_line_is_read_word_by_word(
        words in "((-[cdvp]|--(config|define|port|admin-port|))?=?(Server\\.Port|AdminServer\\.Password)?=?[0-9]{0,3}\\x00){0,8}",
    ) {
        properties::command_line(words.as_bytes());
    }
}
