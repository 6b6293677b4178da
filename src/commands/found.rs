//! Tells what is known of the running HHVM, each value with the file and line, or the option, that it comes from.

use super::finding::{Finding, good, warning};
use crate::hhvm::{Hhvm, Origin, Value};
use crate::text::quote;

/// What a line is made of: words, and where they come from.
struct Part<'a> {
    words: String,
    from: From<'a>,
}

enum From<'a> {
    Origin(&'a Origin),
    Default,
    /// What keeps it from being known.
    NotKnown(&'a Origin),
}

impl<'a> From<'a> {
    fn of<T>(value: &'a Value<T>) -> Self {
        match value {
            Value::Set(found) => Self::Origin(&found.origin),
            Value::Default => Self::Default,
            Value::Unknown(cause) => Self::NotKnown(&cause.origin),
        }
    }
}

/// A line about its pages, one about its admin port, and before them one for each thing that is not understood.
pub(super) fn findings(hhvm: &Hhvm) -> Vec<Finding> {
    let options = &hhvm.options;
    let password = options.admin_password();
    let address_of = if matches!(options.admin_ip, Value::Default) { &options.ip } else { &options.admin_ip };
    let mut pages = match &options.file_socket {
        Value::Set(found) if !found.value.as_os_str().is_empty() => {
            vec![part("page socket", quote(&found.value.to_string_lossy()), &options.file_socket)]
        }
        Value::Unknown(_) => vec![
            part("page socket", String::new(), &options.file_socket),
            number("page port", &options.port, 80),
        ],
        _ => vec![number("page port", &options.port, 80), address(&options.ip)],
    };
    let server_type =
        options.server_type.found().map_or("proxygen".to_owned(), |found| found.value.to_string());
    pages.push(part("type", server_type, &options.server_type));
    pages.push(number("graceful_shutdown_wait", &options.graceful_wait, 0));
    let admin = [
        match options.admin_port.or_default(0) {
            Some(0) => Part { words: "no admin port".to_owned(), from: From::of(&options.admin_port) },
            _ => number("admin port", &options.admin_port, 0),
        },
        address(address_of),
        match &password {
            Value::Default => Part { words: "no password".to_owned(), from: From::Default },
            _ => part("password", "set".to_owned(), &password),
        },
    ];
    let problems = hhvm.problems().into_iter().map(<Finding as std::convert::From<_>>::from);
    let edited = hhvm.edited_since.iter().map(|path| {
        let path = quote(&path.to_string_lossy());
        warning(format!("HHVM: {path} has changed since HHVM started, so HHVM may use other values"))
    });
    problems.chain(edited).chain([&pages[..], &admin].map(line)).collect()
}

/// A value as `text`, unless it is not known.
fn part<'a, T>(name: &str, text: String, value: &'a Value<T>) -> Part<'a> {
    let text = if value.cause().is_some() { "unknown".to_owned() } else { text };
    Part { words: format!("{name} {text}"), from: From::of(value) }
}

fn number<'a, T: Copy + Into<u64>>(name: &str, value: &'a Value<T>, default: u64) -> Part<'a> {
    part(name, value.found().map_or(default, |found| found.value.into()).to_string(), value)
}

/// Versions differ in what no address means.
fn address(value: &Value<String>) -> Part<'_> {
    match value.found().filter(|found| !found.value.is_empty()) {
        None if value.cause().is_none() => Part { words: "no address".to_owned(), from: From::of(value) },
        found => part("address", found.map_or(String::new(), |found| quote(&found.value)), value),
    }
}

/// A file is named once; what follows from the same file has only its line.
fn line(parts: &[Part]) -> Finding {
    let (mut file, mut is_known) = (None, true);
    let parts = parts.iter().map(|part| {
        let place = match part.from {
            From::Default => "default".to_owned(),
            From::NotKnown(origin) => {
                is_known = false;
                origin.to_string()
            }
            From::Origin(Origin::File(path, line)) if file == Some(path) => format!("line {line}"),
            From::Origin(origin) => {
                file = match origin {
                    Origin::File(path, _) => Some(path),
                    _ => None,
                };
                origin.to_string()
            }
        };
        format!("{} ({place})", part.words)
    });
    let text = format!("HHVM: {}", parts.collect::<Vec<_>>().join(", "));
    if is_known { good(text) } else { warning(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is told of an HHVM with this file and these words.
    fn told(text: &str, words: &[&str]) -> Vec<String> {
        let file = "/etc/hhvm/server.ini";
        let hhvm = Hhvm::made(&[&["-c", file], words].concat(), &[(file, text), ("/odd.hdf", "odd")]);
        findings(&hhvm).into_iter().map(|finding| finding.text).collect()
    }

    #[test]
    fn each_value_has_its_origin_and_a_file_is_named_once() {
        let text = "hhvm.server.port = 9000\nhhvm.server.type = fastcgi\nhhvm.server.ip = 10.0.0.1\n\
                    hhvm.admin_server.port = 9001\nhhvm.admin_server.password = geheim\n\
                    hhvm.server.graceful_shutdown_wait = 5\n";
        assert_eq!(
            told(text, &["-v", "AdminServer.IP=::1"]),
            [
                "HHVM: page port 9000 (/etc/hhvm/server.ini:1), address 10.0.0.1 (line 3), type fastcgi (line 2), \
                 graceful_shutdown_wait 5 (line 6)",
                "HHVM: admin port 9001 (/etc/hhvm/server.ini:4), address ::1 (HHVM's option -v AdminServer.IP=::1), \
                 password set (/etc/hhvm/server.ini:5)",
            ]
        );
    }

    #[test]
    fn what_stands_nowhere_is_hhvms_default() {
        assert_eq!(
            told("", &[]),
            [
                "HHVM: page port 80 (default), no address (default), type proxygen (default), \
                 graceful_shutdown_wait 0 (default)",
                "HHVM: no admin port (default), no address (default), no password (default)",
            ]
        );
        let told = told("hhvm.admin_server.port = 0", &[]);
        assert!(told[1].starts_with("HHVM: no admin port (/etc/hhvm/server.ini:1)"), "{told:?}");
    }

    #[test]
    fn what_is_not_known_is_told_with_what_keeps_it_from_being_known() {
        let told = told("", &["-c", "/odd.hdf", "--port", "9000"]);
        assert_eq!(
            told,
            [
                "/odd.hdf:1: cannot parse this line",
                "HHVM: page socket unknown (/odd.hdf:1), page port 9000 (HHVM's option --port 9000), type unknown \
                 (/odd.hdf:1), graceful_shutdown_wait unknown (/odd.hdf:1)",
                "HHVM: admin port unknown (/odd.hdf:1), address unknown (/odd.hdf:1), password unknown \
                 (/odd.hdf:1)",
            ]
        );
    }

    #[test]
    fn a_socket_takes_the_place_of_port_and_address() {
        let told = told("hhvm.server.file_socket = /run/hhvm/sock\nhhvm.server.port = 9000", &[]);
        assert!(
            told[0].starts_with("HHVM: page socket /run/hhvm/sock (/etc/hhvm/server.ini:1), type "),
            "{told:?}"
        );
    }

    #[test]
    fn a_password_on_the_command_line_is_not_shown() {
        let told = told("", &["-v", "AdminServer.Password=geheim"]).join("\n");
        assert!(told.contains("password set (HHVM's option -v AdminServer.Password)"), "{told}");
        assert!(!told.contains("geheim"), "{told}");
    }

    #[test]
    fn files_that_are_newer_than_the_process_are_told() {
        let mut hhvm = Hhvm::made(&[], &[]);
        hhvm.edited_since.push("/etc/hhvm/server.ini".into());
        assert_eq!(
            findings(&hhvm)[0].text,
            "HHVM: /etc/hhvm/server.ini has changed since HHVM started, so HHVM may use other values"
        );
    }
}
