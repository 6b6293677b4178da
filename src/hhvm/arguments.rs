//! HHVM's command line, as far as it matters: `hphp/runtime/base/program-functions.cpp`, `execute_program_impl`.

use std::path::PathBuf;

/// One argument that matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Argument {
    /// `-c FILE`, `--config FILE`.
    Config(PathBuf),
    /// `-n`, `--no-config`: no files but those that are named.
    NoDefaults,
    /// `-d NAME=VALUE`, `-v NAME=VALUE`, `--port N`, `--admin-port N`.
    Option {
        /// Its ini or hdf name.
        name: String,
        /// Its value.
        value: String,
        /// The words that it was found in.
        word: String,
    },
}

/// Reads `/proc/PID/cmdline`: words that end in a zero byte. Ports come last, as they win over `-d` and `-v`.
#[must_use]
pub fn read(command_line: &[u8]) -> Vec<Argument> {
    let words: Vec<String> = command_line
        .strip_suffix(b"\0")
        .unwrap_or(command_line)
        .split(|byte| *byte == 0)
        .skip(1)
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect();
    let mut words = words.iter().map(String::as_str);
    let (mut found, mut ports) = (Vec::new(), Vec::new());
    while let Some(word) = words.next() {
        // Behind this are arguments of a script.
        if word == "--" {
            break;
        }
        if matches!(word, "-n" | "--no-config") {
            found.push(Argument::NoDefaults);
        }
        let Some((flag, attached)) = split(word) else { continue };
        let Some(value) = attached.or_else(|| words.next()) else { break };
        match flag {
            "-c" => found.push(Argument::Config(PathBuf::from(value))),
            "-p" => ports.push(option("hhvm.server.port", value, &format!("--port {value}"))),
            "--admin-port" => {
                ports.push(option("hhvm.admin_server.port", value, &format!("--admin-port {value}")));
            }
            _ => {
                let (name, assigned) = value.split_once('=').unwrap_or((value, ""));
                found.push(option(name.trim(), assigned.trim(), &format!("{flag} {value}")));
            }
        }
    }
    found.extend(ports);
    found
}

fn option(name: &str, value: &str, word: &str) -> Argument {
    Argument::Option { name: name.to_owned(), value: value.to_owned(), word: word.to_owned() }
}

/// A flag in its short form, and a value in the same word: `--port=1`, `-vName=1`; none for words that do not matter.
fn split(word: &str) -> Option<(&'static str, Option<&str>)> {
    const LONG: [(&str, &str); 5] = [
        ("--config", "-c"),
        ("--define", "-d"),
        ("--config-value", "-v"),
        ("--port", "-p"),
        ("--admin-port", "--admin-port"),
    ];
    for (long, flag) in LONG {
        match word.strip_prefix(long) {
            Some("") => return Some((flag, None)),
            Some(rest) if rest.starts_with('=') => return Some((flag, Some(&rest[1..]))),
            _ => {}
        }
    }
    ["-c", "-d", "-v", "-p"].into_iter().find_map(|flag| {
        let rest = word.strip_prefix(flag)?;
        Some((flag, Some(rest.strip_prefix('=').unwrap_or(rest)).filter(|rest| !rest.is_empty())))
    })
}
