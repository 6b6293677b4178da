//! Command lines and files of the kinds that hosts have, and nonsense.

use super::*;
use crate::endpoint::Protocol;
use crate::password::Password;
use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// Files that are in memory.
pub(crate) struct Made(HashMap<PathBuf, Result<Rc<[u8]>, Missing>>);

impl Files for Made {
    fn read(&mut self, name: &Path, _: Option<&Path>) -> Result<Rc<[u8]>, Missing> {
        self.0.get(name).cloned().unwrap_or(Err(Missing::Absent))
    }

    fn list(&mut self, directory: &Path) -> Result<Vec<OsString>, Missing> {
        let of =
            |name: &PathBuf| (name.parent() == Some(directory)).then(|| name.file_name().unwrap().to_owned());
        Ok(self.0.keys().filter_map(of).collect())
    }
}

impl Hhvm {
    /// One that has these words on its command line, and reads these files.
    pub(crate) fn made(words: &[&str], files: &[(&str, &str)]) -> Self {
        found(&[&["hhvm"], words].concat(), files)
    }
}

fn made(files: &[(&str, &str)]) -> Made {
    let file = |(name, text): &(&str, &str)| {
        let content = match *text {
            "(unreadable)" => Err(Missing::Unreadable("cannot be read (odd)".to_owned())),
            text => Ok(text.as_bytes().into()),
        };
        (PathBuf::from(name), content)
    };
    Made(files.iter().map(file).collect())
}

fn found_in(environment: &str, words: &[&str], files: &[(&str, &str)]) -> Hhvm {
    let start = Start {
        command_line: words.join("\0").into_bytes(),
        is_whole: true,
        environment: Some(environment.as_bytes().to_vec()),
        directory: PathBuf::from("/"),
    };
    read(&start, &mut made(files))
}

fn found(words: &[&str], files: &[(&str, &str)]) -> Hhvm {
    found_in("PATH=/bin\0", words, files)
}

/// The port and where it comes from.
fn port(hhvm: &Hhvm) -> String {
    told(&hhvm.options.port)
}

fn told<T: std::fmt::Debug>(value: &Value<T>) -> String {
    match value {
        Value::Set(found) => format!("{:?} {}", found.value, found.origin),
        Value::Default => "default".to_owned(),
        Value::Unknown(cause) => format!("unknown {cause}"),
    }
}

fn remarks(hhvm: &Hhvm) -> Vec<String> {
    hhvm.remarks.iter().map(ToString::to_string).collect()
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
    let words = ["/usr/bin/hhvm", "--mode", "daemon", "--config", "/server.ini"];
    let hhvm = found(&words, &[("/server.ini", PACKAGED)]);
    assert_eq!(hhvm.options.admin_port, Value::Default, "all was read");
    assert_eq!(port(&hhvm), "9000 /server.ini:5");
    assert_eq!(told(&hhvm.options.server_type), "FastCgi /server.ini:6");
    assert_eq!(remarks(&hhvm), [""; 0]);
}

/// `add_default_config_files_globbed`, `HHVM_NO_DEFAULT_CONFIGS`, `HHVM_CONFIG_FILE`.
#[test]
fn without_a_file_on_the_command_line_those_in_etc_count() {
    let files = [
        ("/etc/hhvm/php.ini", "hhvm.server.port = 1\nhhvm.server.type=fastcgi"),
        ("/etc/hhvm/php2.ini", "hhvm.server.port = 2"),
        ("/etc/hhvm/server.ini", "hhvm.server.port = 3"),
        ("/etc/hhvm/config.hdf", "AdminServer {\n  Port = 4\n}\n"),
        ("/x.ini", "hhvm.server.port = 5"),
    ];
    let hhvm = found(&["hhvm", "-m", "server"], &files);
    assert_eq!(port(&hhvm), "2 /etc/hhvm/php2.ini:1");
    assert_eq!(told(&hhvm.options.admin_port), "4 /etc/hhvm/config.hdf:2");
    for (environment, words, expected) in [
        ("A=b", &["hhvm", "--no-config"][..], "default"),
        ("A=b", &["hhvm", "-c", "x.ini"], "5 /x.ini:1"),
        ("HHVM_NO_DEFAULT_CONFIGS=", &["hhvm"], "default"),
        ("HHVM_CONFIG_FILE=/x.ini", &["hhvm"], "5 /x.ini:1"),
        ("HHVM_CONFIG_FILE=/etc/hhvm/se*.ini", &["hhvm", "-c", "x.ini"], "3 /etc/hhvm/server.ini:1"),
    ] {
        assert_eq!(port(&found_in(environment, words, &files)), expected, "{environment} {words:?}");
    }
}

/// `RuntimeOption::Load`, `Config::Get`: "REMEMBER HDF WINS OVER INI".
#[test]
fn hdf_wins_over_ini_and_later_over_earlier() {
    let files = [
        ("/a.ini", "hhvm.server.port = 1"),
        ("/b.ini", "hhvm.server.port=2"),
        ("/c.hdf", "Server.Port = 3"),
        ("/d.hdf", "Server {\nPort=4\n}\n"),
    ];
    let all = ["-ddef=1", "-dhhvm.server.port=5", "-vServer.Port=6", "--port=7"];
    for (words, expected) in [
        (&["-c", "a.ini", "--config=b.ini"][..], "2 /b.ini:1"),
        (&["-c", "b.ini", "-ca.ini"], "1 /a.ini:1"),
        (&["-c", "a.ini", "-d", "hhvm.server.port=5"], "5 HHVM's option -d hhvm.server.port=5"),
        (&["-d", "hhvm.server.port=5", "-c", "c.hdf", "-c", "a.ini"], "3 /c.hdf:1"),
        (&["-c", "d.hdf", "-c", "c.hdf"], "3 /c.hdf:1"),
        (&["-c", "c.hdf", "-c", "d.hdf"], "4 /d.hdf:2"),
        (
            &["-v", "Server.Port = 6", "-c", "d.hdf", "-d", "hhvm.server.port=5"],
            "6 HHVM's option -v Server.Port = 6",
        ),
        (&[&all[..], &["-c", "d.hdf"]].concat(), "7 HHVM's option --port 7"),
        (&["-p", "-1", "-c", "a.ini"], "1 /a.ini:1"),
    ] {
        let words = [&["hhvm"], words].concat();
        assert_eq!(port(&found(&words, &files)), expected, "{words:?}");
    }
}

/// HHVM would take its defaults, but somebody has meant something else.
#[test]
fn names_of_the_other_kind_are_told_and_what_is_not_set_is_not_known() {
    let files = [
        ("/a.hdf", "hhvm.server.port = 9000\n"),
        ("/a.ini", "Server.Port = 9000\n"),
        ("/b.ini", "server.port = 9000\nhhvm.server.type = fastcgi\n"),
    ];
    for (words, expected) in [
        (&["-c", "a.hdf"][..], "/a.hdf:1: hhvm.server.port is not a name that HHVM reads here"),
        (&["-c", "a.ini"], "/a.ini:1: Server.Port is not a name that HHVM reads here"),
        (&["-c", "b.ini"], "/b.ini:1: server.port is not a name that HHVM reads here"),
        (
            &["-vhhvm.server.port=6"],
            "HHVM's option -v hhvm.server.port=6: hhvm.server.port is not a name that HHVM reads here",
        ),
        (
            &["-dServer.Port=6"],
            "HHVM's option -d Server.Port=6: Server.Port is not a name that HHVM reads here",
        ),
    ] {
        let words = [&["hhvm"], words].concat();
        let hhvm = found(&words, &files);
        assert_eq!((port(&hhvm), remarks(&hhvm)), (format!("unknown {expected}"), vec![expected.to_owned()]));
        let set = found(&[&words[..], &["--port=7"]].concat(), &files);
        assert_eq!(port(&set), "7 HHVM's option --port 7", "what is set is set");
    }
    assert_eq!(told(&found(&["hhvm", "-c", "b.ini"], &files).options.server_type), "FastCgi /b.ini:2");
}

#[test]
fn the_language_is_that_of_the_server_type() {
    for (words, expected) in [
        (&[][..], Some(Protocol::Http)),
        (&["-vServer.Type=fastcgi"], Some(Protocol::FastCgi)),
        (&["-dhhvm.server.type=\"fastcgi\""], Some(Protocol::FastCgi)),
        (&["-vServer.Type=libevent"], Some(Protocol::Http)),
        (&["-vServer.Type=FastCGI"], None),
    ] {
        assert_eq!(found(&[&["hhvm"], words].concat(), &[]).protocol(), expected, "{words:?}");
    }
}

/// `N(Ty)` in `ini-setting.cpp`, `Hdf::getInt`.
#[test]
fn numbers_are_taken_as_hhvm_takes_them_and_that_is_told() {
    for (text, expected, remark) in [
        ("9000", "9000 /a.ini:1", ""),
        ("\"9000\" ; pages", "9000 /a.ini:1", ""),
        ("9000abc", "9000 /a.ini:1", "invalid value \"9000abc\" for hhvm.server.port; HHVM uses 9000"),
        ("abc", "0 /a.ini:1", "invalid value \"abc\" for hhvm.server.port; HHVM uses 0"),
        ("0x2328", "0 /a.ini:1", "invalid value \"0x2328\" for hhvm.server.port; HHVM uses 0"),
        ("on", "1 /a.ini:1", ""),
        (
            "99999",
            "unknown /a.ini:1: invalid value \"99999\" for hhvm.server.port; the value is unknown",
            "invalid value \"99999\" for hhvm.server.port; the value is unknown",
        ),
        (
            "-1",
            "unknown /a.ini:1: invalid value \"-1\" for hhvm.server.port; the value is unknown",
            "invalid value \"-1\" for hhvm.server.port; the value is unknown",
        ),
        (
            "${NONE}",
            "unknown /a.ini:1: the value of hhvm.server.port is unknown: it uses a variable that is not in HHVM's environment",
            "the value of hhvm.server.port is unknown: it uses a variable that is not in HHVM's environment",
        ),
    ] {
        let hhvm = found(&["hhvm", "-c", "a.ini"], &[("/a.ini", &format!("hhvm.server.port = {text}\n"))]);
        assert_eq!(port(&hhvm), expected, "{text}");
        let remark = if remark.is_empty() { Vec::new() } else { vec![format!("/a.ini:1: {remark}")] };
        assert_eq!(remarks(&hhvm), remark, "{text}");
    }
    assert_eq!(
        port(&found(&["hhvm", "-vServer.Port=0x2328"], &[])),
        "9000 HHVM's option -v Server.Port=0x2328"
    );
    assert!(port(&found(&["hhvm", "-p", "9000x"], &[])).starts_with("unknown HHVM's option --port 9000x"));
    let given = found(&["hhvm", "--port-fd", "3", "-p9000"], &[]);
    assert_eq!(port(&given), "unknown HHVM's option --port-fd 3: HHVM uses an open socket instead of a port");
}

#[test]
fn what_is_not_read_makes_everything_unknown_that_it_may_set() {
    let files = [
        ("/bad.ini", "(unreadable)"),
        ("/bad.hdf", "(unreadable)"),
        ("/open.hdf", "Server {\n"),
        ("/odd.conf", "hhvm.server.port = 1"),
        ("/a.ini", "hhvm.server.port = 9000"),
        ("/stop.ini", "hhvm.server.port = 9000\n=\nhhvm.admin_server.port = 1\n"),
        (
            "/tiers.hdf",
            "Tiers {\n x {\n  machine = .*\n  overwrite {\n   Server.Port = 1\n  }\n }\n}\nServer.Port = 2\n",
        ),
    ];
    let bad = "unknown /bad.ini: cannot be read (odd), so the values that it sets are unknown";
    let odd = "unknown /odd.conf: not every version of HHVM reads a file of this name, so the values that it \
               sets are unknown";
    let tiers = "unknown /tiers.hdf:1: Tiers can change any option, and this program does not evaluate them";
    let ini = "9000 /a.ini:1";
    for (words, expected_port, expected_admin) in [
        (&["-c", "bad.ini"][..], bad, bad),
        (&["-c", "a.ini", "-c", "bad.ini"], bad, bad),
        (&["-c", "bad.ini", "-c", "a.ini"], ini, bad),
        (
            &["-c", "bad.ini", "--port=1", "--admin-port=2"],
            "1 HHVM's option --port 1",
            "2 HHVM's option --admin-port 2",
        ),
        (&["-c", "a.ini", "-c", "bad.hdf"], &bad.replace("ini", "hdf"), &bad.replace("ini", "hdf")),
        (
            &["-c", "bad.hdf", "-c", "a.ini", "-vServer.Port=3"],
            "3 HHVM's option -v Server.Port=3",
            &bad.replace("ini", "hdf"),
        ),
        (
            &["-c", "open.hdf"],
            "unknown /open.hdf:1: missing } at the end of a block",
            "unknown /open.hdf:1: missing } at the end of a block",
        ),
        (&["-c", "odd.conf", "-c", "a.ini"], odd, odd),
        (&["-c", "gone.ini", "-c", "a.ini"], ini, "default"),
        (&["-c", "tiers.hdf"], tiers, tiers),
        (&["-c", "tiers.hdf", "-v", "Server.Port=3"], "3 HHVM's option -v Server.Port=3", tiers),
        (
            &["-c", "stop.ini"],
            "9000 /stop.ini:1",
            "unknown /stop.ini:2: syntax error; HHVM ignores the rest of the file",
        ),
    ] {
        let hhvm = found(&[&["hhvm"], words].concat(), &files);
        assert_eq!(
            (port(&hhvm).as_str(), told(&hhvm.options.admin_port).as_str()),
            (expected_port, expected_admin),
            "{words:?}"
        );
        assert!(!hhvm.problems().is_empty(), "{words:?}: all of that is told");
    }
}

#[test]
fn a_list_of_passwords_that_may_be_there_makes_the_password_unknown() {
    let hhvm =
        found(&["hhvm", "-c", "bad.hdf", "-v", "AdminServer.Password=x"], &[("/bad.hdf", "(unreadable)")]);
    assert!(hhvm.options.admin_password().cause().is_some());
}

#[test]
fn a_start_that_is_not_known_whole_says_nothing() {
    let start = Start {
        command_line: b"hhvm\0-p\x009000".to_vec(),
        is_whole: false,
        environment: None,
        directory: "/".into(),
    };
    let cut = read(&Start { environment: Some(Vec::new()), ..start.clone() }, &mut made(&[]));
    assert_eq!(port(&cut), "unknown HHVM's command line: too long to be read");
    let without = read(&Start { is_whole: true, ..start }, &mut made(&[]));
    assert_eq!(port(&without), "9000 HHVM's option --port 9000");
    let why = "HHVM's command line: cannot read the environment, which may name a configuration file";
    assert_eq!(told(&without.options.admin_port), format!("unknown {why}"));
    assert_eq!(port(&Hhvm::unknown("is odd")), "unknown HHVM's command line: is odd");
}

/// `Config::ReplaceIncludesWithIni`.
#[test]
fn an_ini_file_includes_others_in_the_place_of_the_line() {
    let files = [
        ("/etc/a.ini", "hhvm.server.port = 1\n  #include   \"b/b.ini\" \nhhvm.server.ip = 3.3.3.3\n"),
        (
            "/etc/b/b.ini",
            "hhvm.server.port = 2\n#include \"c.ini\"\n#include \"gone.ini\"\nhhvm.server.ip = 2.2.2.2",
        ),
        ("/etc/b/c.ini", "hhvm.admin_server.port = 9001 ; x"),
        ("/comment.ini", "#include \"/etc/a.ini\" x\n#include /etc/a.ini\n\t#include \"/etc/a.ini\"\n"),
        ("/self.ini", "hhvm.server.port = 1\n#include \"self.ini\"\n"),
        ("/bad.ini", "hhvm.server.port = 1\n#include \"(bad).ini\"\n"),
        ("/(bad).ini", "(unreadable)"),
    ];
    let hhvm = found(&["hhvm", "-c", "etc/a.ini"], &files);
    assert_eq!(port(&hhvm), "2 /etc/b/b.ini:1");
    assert_eq!(told(&hhvm.options.ip), "\"3.3.3.3\" /etc/a.ini:3");
    assert_eq!(told(&hhvm.options.admin_port), "9001 /etc/b/c.ini:1");
    assert_eq!(remarks(&hhvm), ["/etc/b/b.ini:3: the included file is not found; HHVM ignores that"]);
    assert_eq!(port(&found(&["hhvm", "-c", "comment.ini"], &files)), "default");
    for (name, expected) in [
        ("self.ini", "unknown /self.ini:2: includes are nested too deeply"),
        ("bad.ini", "unknown /(bad).ini: cannot be read (odd)"),
    ] {
        assert_eq!(port(&found(&["hhvm", "-c", name], &files)), expected);
    }
}

/// `AdminRequestHandler`: hashes first, then `Passwords`, then `Password`.
#[test]
fn a_password_is_found_and_never_shown() {
    let files = [(
        "/a.ini",
        "hhvm.admin_server.password = eins\nhhvm.admin_server.passwords[0] = \"zwei\"\n\
                            hhvm.admin_server.passwords[]=drei\n",
    )];
    for (words, expected) in [
        (&["-c", "a.ini"][..], "drei"),
        (&["-c", "a.ini", "-v", "AdminServer.Passwords.x=vier"], "vier"),
        (&["-c", "a.ini", "-v", "AdminServer {\nPasswords {\n * = vier\n * = fünf\n}\n}"], "fünf"),
        (&["-v", "AdminServer.Password=sechs"], "sechs"),
        (&["-d", "hhvm.admin_server.password='sieben'"], "sieben"),
    ] {
        let hhvm = found(&[&["hhvm"], words].concat(), &files);
        let password = hhvm.options.admin_password();
        let expected = Password::new(expected.as_bytes());
        assert_eq!(password.found().map(|found| &found.value), Some(&expected), "{words:?}");
        let shown = format!("{hhvm:?} {}", told(&password));
        for secret in ["eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
    let hashed = found(&["hhvm", "-c", "a.ini", "-v", "AdminServer.HashedPasswords.*=$7$x"], &files);
    assert!(told(&hashed.options.admin_password()).ends_with("set password-file"));
    let none = found(&["hhvm", "-v", "AdminServer.Password="], &[]);
    assert_eq!(none.options.admin_password(), Value::Default);
}

#[test]
fn lists_and_single_values_in_each_others_place_are_not_known() {
    for (text, of) in [
        ("hhvm.server.port[] = 1", "port"),
        ("hhvm.server[port] = 1", "port"),
        ("hhvm[server][port] = 1", "port"),
        ("hhvm.admin_server.passwords = x", "passwords"),
    ] {
        let hhvm = found(&["hhvm", "-c", "a.ini"], &[("/a.ini", text)]);
        let is_unknown = if of == "port" {
            hhvm.options.port.cause().is_some()
        } else {
            hhvm.options.admin_password().cause().is_some()
        };
        assert!(is_unknown, "{text}");
    }
    assert_eq!(port(&found(&["hhvm", "-c", "a.ini"], &[("/a.ini", "hhvm.env_variables[x] = 1")])), "default");
}

#[test]
fn remarks_are_bounded() {
    let words: Vec<String> = (0..50).map(|number| format!("-dhhvm.server.port={number}x")).collect();
    let hhvm = Hhvm::made(&words.iter().map(String::as_str).collect::<Vec<_>>(), &[]);
    let problems: Vec<String> = hhvm.problems().iter().map(ToString::to_string).collect();
    assert_eq!(problems.len(), 21);
    assert_eq!(problems[20], "HHVM's command line: 30 more warnings about HHVM's configuration");
    let twice = found(
        &["hhvm", "-c", "a.ini", "-c", "b.ini", "-c", "a.ini"],
        &[("/a.ini", "hhvm.server.port=1"), ("/b.ini", "hhvm.server.port=2")],
    );
    assert_eq!((port(&twice).as_str(), twice.remarks.len()), ("1 /a.ini:1", 0));
    let many: Vec<String> = (0..20).map(|number| format!("-c/{number}.ini")).collect();
    let words: Vec<&str> = std::iter::once("hhvm").chain(many.iter().map(String::as_str)).collect();
    assert!(port(&found(&words, &[])).ends_with("too many configuration files"));
}
