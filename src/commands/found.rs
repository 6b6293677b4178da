//! Shows what is known about the running HHVM: each value with the file and line, or the option, that sets it.

use super::finding::{Finding, good};
use crate::endpoint::Protocol;
use crate::hhvm::{Found, Hhvm, Origin};
use crate::problem::Problem;
use crate::text::quote;

/// A part of a line: words, and their origin unless they are HHVM's default.
type Part<'a> = (String, Option<&'a Origin>);

/// A line about its pages, one about its admin port, and before them one for each file or value that is not usable.
pub(super) fn findings(hhvm: &Hhvm) -> Vec<Finding> {
    let (options, unread) = (&hhvm.options, !hhvm.unread.is_empty());
    let mut pages = match &options.file_socket {
        Some(found) => {
            vec![(format!("page socket {}", quote(&found.value.to_string_lossy())), Some(&found.origin))]
        }
        None => vec![number("page port", options.port.as_ref(), 80), address(options.ip.as_ref())],
    };
    let protocol = if hhvm.protocol() == Protocol::FastCgi { "fastcgi" } else { "proxygen" };
    let server_type = options.server_type.as_ref();
    let name = server_type.map_or(protocol, |found| &found.value);
    pages.push((format!("type {name}"), origin(server_type)));
    pages.push(number("graceful_shutdown_wait", options.graceful_wait.as_ref(), 0));
    let admin = [
        match &options.admin_port {
            Some(found) if found.value > 0 => (format!("admin port {}", found.value), Some(&found.origin)),
            off => ("no admin port".to_owned(), origin(off.as_ref())),
        },
        address(options.admin_ip.as_ref().or(options.ip.as_ref())),
        match &options.admin_password {
            Some(found) => ("password set".to_owned(), Some(&found.origin)),
            None => ("no password".to_owned(), None),
        },
    ];
    let problems = hhvm.problems().into_iter().map(<Finding as From<Problem>>::from);
    problems.chain([&pages[..], &admin].map(|parts| line(parts, unread))).collect()
}

fn origin<T>(found: Option<&Found<T>>) -> Option<&Origin> {
    found.map(|found| &found.origin)
}

fn number<'a, T: Copy + Into<u64>>(name: &str, found: Option<&'a Found<T>>, default: u64) -> Part<'a> {
    (format!("{name} {}", found.map_or(default, |found| found.value.into())), origin(found))
}

/// Versions of HHVM differ in what no address means.
fn address(found: Option<&Found<String>>) -> Part<'_> {
    let words = match found {
        Some(found) if !found.value.is_empty() => format!("address {}", quote(&found.value)),
        _ => "no address".to_owned(),
    };
    (words, origin(found))
}

/// A file is named once; for later values from the same file, only the line is shown.
fn line(parts: &[Part], unread: bool) -> Finding {
    let mut file = None;
    let parts = parts.iter().map(|(words, origin)| {
        let place = match origin {
            None if unread => "default, unless set in a file that was not read".to_owned(),
            None => "default".to_owned(),
            Some(Origin::File(path, line)) if file == Some(path) => format!("line {line}"),
            Some(origin) => {
                file = match origin {
                    Origin::File(path, _) => Some(path),
                    Origin::CommandLine(_) => None,
                };
                origin.to_string()
            }
        };
        format!("{words} ({place})")
    });
    good(format!("HHVM: {}", parts.collect::<Vec<_>>().join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is told of these options: where they are found, 0 for the command line, their names and their values.
    fn told(options: &[(usize, &str, &str)], unread: &[&str]) -> Vec<String> {
        let mut hhvm = Hhvm::default();
        for (line, name, value) in options {
            let origin = match line {
                0 => Origin::CommandLine(format!("-v {name}={value}")),
                line => Origin::File("/etc/hhvm/server.ini".into(), *line),
            };
            hhvm.set((*name).to_owned(), (*value).to_owned(), origin);
        }
        hhvm.unread = unread.iter().map(|path| (path.into(), "is odd".to_owned())).collect();
        findings(&hhvm).into_iter().map(|finding| finding.text).collect()
    }

    #[test]
    fn each_value_has_its_origin_and_a_file_is_named_once() {
        let options = [
            (3, "hhvm.server.port", "9000"),
            (4, "hhvm.server.type", "fastcgi"),
            (5, "hhvm.server.ip", "10.0.0.1"),
            (7, "hhvm.admin_server.port", "9001"),
            (0, "AdminServer.IP", "::1"),
            (8, "hhvm.admin_server.password", "geheim"),
            (9, "hhvm.server.graceful_shutdown_wait", "5"),
        ];
        assert_eq!(
            told(&options, &[]),
            [
                "HHVM: page port 9000 (/etc/hhvm/server.ini:3), address 10.0.0.1 (line 5), type fastcgi (line 4), \
                 graceful_shutdown_wait 5 (line 9)",
                "HHVM: admin port 9001 (/etc/hhvm/server.ini:7), address ::1 (HHVM's option -v AdminServer.IP=::1), \
                 password set (/etc/hhvm/server.ini:8)",
            ]
        );
    }

    #[test]
    fn what_stands_nowhere_is_hhvms_default() {
        assert_eq!(
            told(&[], &[]),
            [
                "HHVM: page port 80 (default), no address (default), type proxygen (default), \
                 graceful_shutdown_wait 0 (default)",
                "HHVM: no admin port (default), no address (default), no password (default)",
            ]
        );
        assert!(
            told(&[(2, "AdminServer.Port", "0")], &[])[1]
                .starts_with("HHVM: no admin port (/etc/hhvm/server.ini:2)")
        );
        let told = told(&[], &["/etc/hhvm/config.hdf"]);
        assert!(told[0].starts_with("/etc/hhvm/config.hdf: is odd; HHVM's other files"), "{told:?}");
        assert!(
            told[1].contains("page port 80 (default, unless set in a file that was not read)"),
            "{told:?}"
        );
    }

    #[test]
    fn a_socket_takes_the_place_of_port_and_address() {
        let told = told(&[(1, "Server.FileSocket", "/run/hhvm/sock"), (2, "Server.Port", "9000")], &[]);
        assert!(
            told[0].starts_with("HHVM: page socket /run/hhvm/sock (/etc/hhvm/server.ini:1), type "),
            "{told:?}"
        );
    }

    #[test]
    fn a_password_on_the_command_line_is_not_shown() {
        let told = told(&[(0, "AdminServer.Password", "geheim")], &[]).join("\n");
        assert!(told.contains("password set (HHVM's option -v AdminServer.Password)"), "{told}");
        assert!(!told.contains("geheim"), "{told}");
    }

    #[test]
    fn a_value_that_is_not_understood_is_told_with_its_place_and_what_counts_instead() {
        let told = told(
            &[
                (2, "hhvm.server.port", "9000"),
                (3, "hhvm.server.port", "abc"),
                (4, "hhvm.admin_server.port", "99999"),
                (5, "hhvm.server.type", "fcgi"),
                (0, "Server.GracefulShutdownWait", "-1"),
            ],
            &[],
        );
        let expected = [
            "/etc/hhvm/server.ini:3: invalid value \"abc\" for hhvm.server.port; HHVM uses 9000 (/etc/hhvm/server.ini:2)",
            "/etc/hhvm/server.ini:4: invalid value \"99999\" for hhvm.admin_server.port; HHVM uses its default, 0 (off)",
            "/etc/hhvm/server.ini:5: invalid value \"fcgi\" for hhvm.server.type; HHVM uses its default, proxygen",
            "HHVM's option -v Server.GracefulShutdownWait=-1: invalid value \"-1\" for Server.GracefulShutdownWait; \
             HHVM uses its default, 0",
        ];
        assert_eq!(told[..4], expected);
    }
}
