//! HHVM's command line, as far as it matters: `execute_program_impl` and `compute_hhvm_argc` in
//! `hphp/runtime/base/program-functions.cpp`, in whose words boost's parser takes no abbreviations.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// A value on the command line.
#[derive(Clone, PartialEq, Eq)]
pub struct Word {
    /// The value.
    pub value: Vec<u8>,
    /// It and its flag, for people: without what is behind `=` where that may be a password.
    pub shown: String,
}

impl std::fmt::Debug for Word {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.shown)
    }
}

/// What the command line says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Arguments {
    /// `-c FILE`, `--config FILE`, in order.
    pub files: Vec<PathBuf>,
    /// `--no-config`: no files but those that are named.
    pub has_no_defaults: bool,
    /// `-d NAME=VALUE`, `--define`: lines of an ini file.
    pub ini: Vec<Word>,
    /// `-v NAME=VALUE`, `--config-value`: lines of an hdf file.
    pub hdf: Vec<Word>,
    /// `-p N`, `--port N`.
    pub port: Option<Word>,
    /// `--port-fd N`: an open socket in place of a port.
    pub port_fd: Option<Word>,
    /// `--admin-port N`.
    pub admin_port: Option<Word>,
}

/// Flags with a value: the long one, and the letter if it has one.
const WITH_VALUE: [(&str, u8); 24] = [
    ("mode", b'm'),
    ("config", b'c'),
    ("config-value", b'v'),
    ("define", b'd'),
    ("port", b'p'),
    ("user", b'u'),
    ("file", b'f'),
    ("lint", b'l'),
    ("show", b'w'),
    ("port-fd", 0),
    ("ssl-port-fd", 0),
    ("admin-port", 0),
    ("debug-config", 0),
    ("debug-port", 0),
    ("debug-extension", 0),
    ("debug-cmd", 0),
    ("debug-sandbox", 0),
    ("count", 0),
    ("no-safe-access-check", 0),
    ("arg", 0),
    ("extra-header", 0),
    ("build-id", 0),
    ("instance-id", 0),
    ("xhprof-flags", 0),
];

/// Reads `/proc/PID/cmdline`: words that end in a zero byte.
#[must_use]
pub fn read(command_line: &[u8]) -> Arguments {
    let words = command_line.strip_suffix(b"\0").unwrap_or(command_line).split(|byte| *byte == 0);
    let mut words = words.skip(1).peekable();
    let mut arguments = Arguments::default();
    while let Some(word) = words.next() {
        // From here on they are a script's.
        if word == b"--" || word.len() < 2 || word[0] != b'-' {
            break;
        }
        let (name, attached) = split(word);
        let value = match (attached, is_with_value(name)) {
            (Some(value), _) => value,
            (None, true) => match words.next() {
                Some(value) => value,
                None => break,
            },
            // A flag of another version: a value of its own does not look like a flag.
            (None, false) if !is_known(name) => {
                words.next_if(|next| !next.starts_with(b"-"));
                continue;
            }
            (None, false) => b"",
        };
        arguments.take(name, value);
    }
    arguments
}

/// The absolute names of files in a text that root wrote: a command line, a file of variables, a script.
#[must_use]
pub fn absolute_names(text: &[u8]) -> Vec<PathBuf> {
    let between = |byte: &u8| byte.is_ascii_whitespace() || b"\"'=;:,(){}[]`".contains(byte);
    let words = text.split(between).filter_map(|word| {
        // -c/etc/hhvm/server.ini
        let path = word.strip_prefix(b"-c").unwrap_or(word);
        path.starts_with(b"/").then(|| PathBuf::from(OsStr::from_bytes(path)))
    });
    words.collect()
}

/// The name, as `mode` or `m`, and a value in the same word: `--port=1`, `-p1`. With a letter, `=` is a part of the
/// value.
fn split(word: &[u8]) -> (&[u8], Option<&[u8]>) {
    let (name, value) = match word.strip_prefix(b"--") {
        Some(long) => match long.iter().position(|byte| *byte == b'=') {
            Some(at) => (&long[..at], &long[at + 1..]),
            None => (long, &b""[..]),
        },
        None => (&word[1..2], &word[2..]),
    };
    (name, Some(value).filter(|value| !value.is_empty()))
}

fn is_with_value(name: &[u8]) -> bool {
    WITH_VALUE.iter().any(|(long, letter)| long.as_bytes() == name || name == [*letter])
        // Of the debugger for an editor.
        || name.starts_with(b"vsDebug")
}

fn is_known(name: &[u8]) -> bool {
    const WITHOUT_VALUE: [&[u8]; 17] = [
        b"a",
        b"h",
        b"n",
        b"help",
        b"version",
        b"modules",
        b"info",
        b"php",
        b"compiler-id",
        b"repo-schema",
        b"repo-option-hash",
        b"interactive",
        b"no-config",
        b"debug-host",
        b"check-repo",
        b"temp-file",
        b"hphp",
    ];
    WITHOUT_VALUE.contains(&name)
}

impl Arguments {
    fn take(&mut self, name: &[u8], value: &[u8]) {
        let word = |flag: &str| Word { value: value.to_vec(), shown: format!("{flag} {}", shown(value)) };
        match name {
            b"c" | b"config" => self.files.push(PathBuf::from(OsStr::from_bytes(value))),
            // `-n` is that of PHP's own command line, which `--php` stands for.
            b"n" | b"no-config" => self.has_no_defaults = true,
            b"d" | b"define" => self.ini.push(word("-d")),
            b"v" | b"config-value" => self.hdf.push(word("-v")),
            b"p" | b"port" => self.port = Some(word("--port")),
            b"port-fd" => self.port_fd = Some(word("--port-fd")),
            b"admin-port" => self.admin_port = Some(word("--admin-port")),
            _ => {}
        }
    }
}

fn shown(value: &[u8]) -> String {
    let text = String::from_utf8_lossy(value);
    let is_secret = text.to_ascii_lowercase().contains("password");
    let end = text.find('=').filter(|_| is_secret).unwrap_or(text.len());
    text[..end].trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(words: &[&str]) -> Arguments {
        read(words.join("\0").as_bytes())
    }

    fn files(words: &[&str]) -> Vec<String> {
        of(words).files.iter().map(|path| path.display().to_string()).collect()
    }

    /// `desc.add_options()`, and the style without guessing.
    #[test]
    fn a_value_is_the_next_word_or_a_part_of_the_same() {
        for words in
            [&["hhvm", "-c", "a"][..], &["hhvm", "-ca"], &["hhvm", "--config", "a"], &["hhvm", "--config=a"]]
        {
            assert_eq!(files(words), ["a"], "{words:?}");
        }
        assert_eq!(files(&["hhvm", "-c=a"]), ["=a"], "behind a letter the sign is a part of the value");
        assert_eq!(files(&["hhvm", "--conf", "a"]), [""; 0], "abbreviations are not taken");
        let all = of(&[
            "hhvm",
            "-m",
            "server",
            "-u",
            "www-data",
            "-p",
            "1",
            "--admin-port=2",
            "-vA=3",
            "-d",
            "b=4",
        ]);
        let values = [all.port, all.admin_port, all.hdf.first().cloned(), all.ini.first().cloned()];
        assert_eq!(
            values.map(|word| word.unwrap().value),
            [&b"1"[..], b"2", b"A=3", b"b=4"].map(<[u8]>::to_vec)
        );
        assert!(of(&["hhvm", "--no-config"]).has_no_defaults);
    }

    /// `compute_hhvm_argc`.
    #[test]
    fn behind_two_dashes_or_a_script_nothing_is_hhvms() {
        for words in
            [&["hhvm", "--", "-c", "a"][..], &["hhvm", "x.php", "-c", "a"], &["hhvm", "-", "-c", "a"]]
        {
            assert_eq!(files(words), [""; 0], "{words:?}");
        }
        assert_eq!(files(&["hhvm", "-f", "x.php", "-c", "a"]), ["a"], "the script is a value there");
        assert_eq!(files(&["hhvm", "-m", "-c", "-c", "a"]), ["a"]);
    }

    #[test]
    fn a_flag_at_the_end_has_no_value() {
        for words in ["hhvm\0--config\0", "hhvm\0--config", "hhvm", ""] {
            assert_eq!(read(words.as_bytes()), Arguments::default(), "{words:?}");
        }
    }

    #[test]
    fn a_flag_that_is_not_known_takes_a_word_that_is_no_flag() {
        assert_eq!(files(&["hhvm", "--new", "x", "-c", "a", "--newer", "-c", "b"]), ["a", "b"]);
    }

    #[test]
    fn words_are_bytes_and_passwords_are_not_shown() {
        let arguments =
            read(b"hhvm\0-c\0/etc/\xff.ini\0-v\0AdminServer.Password=geheim\0-d\0x=1\nPASSWORD=geheim");
        assert_eq!(arguments.files[0].as_os_str().as_bytes(), b"/etc/\xff.ini");
        assert_eq!(arguments.hdf[0].shown, "-v AdminServer.Password");
        assert!(!format!("{arguments:?}").contains("geheim"), "{arguments:?}");
    }
}
