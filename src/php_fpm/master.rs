//! Which files a running master has read: by its title, or by the words that it was started with, over which it writes
//! the title. `-p PREFIX` is lost then: relative paths may be read wrongly, and the kernel's word settles that.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// What the master writes over its command line (`fpm_env.c`, `fpm_env_init_main`).
const TITLE: &[u8] = b"php-fpm: master process (";

/// What `./configure` of every distribution's package says; `--prefix=/usr/local` is that of PHP itself.
const PREFIX: &str = "/usr";

/// What is known of the configuration of a master.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Master {
    /// Its main file; absolute, unless it was given otherwise.
    pub file: PathBuf,
    /// Where relative paths begin.
    pub prefix: PathBuf,
}

impl Master {
    /// Reads `/proc/PID/cmdline`. None if it is no master of PHP-FPM's.
    #[must_use]
    pub fn of(command_line: &[u8]) -> Option<Self> {
        if let Some(file) = title(command_line) {
            return Some(Self { prefix: usual_prefix(&file), file });
        }
        let words: Vec<&[u8]> = command_line.split(|byte| *byte == 0).collect();
        let words = Words::read(&words)?;
        let file = words.file.or_else(|| usual_file(&words.program, words.prefix.as_deref()))?;
        Some(Self { prefix: words.prefix.unwrap_or_else(|| usual_prefix(&file)), file })
    }
}

/// The file in a title, unless the title was cut off.
fn title(command_line: &[u8]) -> Option<PathBuf> {
    let end = command_line.iter().position(|byte| *byte == 0).unwrap_or(command_line.len());
    let file = command_line[..end].strip_prefix(TITLE)?.strip_suffix(b")")?;
    (!file.is_empty()).then(|| path(file))
}

fn path(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(bytes))
}

/// `-p PREFIX` alone makes `PREFIX/etc/php-fpm.conf` the main file, and so does a PHP that was built below a prefix.
fn usual_prefix(file: &Path) -> PathBuf {
    let bytes = file.as_os_str().as_bytes();
    match bytes.strip_suffix(b"/etc/php-fpm.conf") {
        Some(prefix) if !prefix.is_empty() => path(prefix),
        _ => PathBuf::from(PREFIX),
    }
}

/// The main file where nobody names one: Debian's lies below the version, which is in the program's name.
fn usual_file(program: &[u8], prefix: Option<&Path>) -> Option<PathBuf> {
    if let Some(prefix) = prefix {
        return Some(prefix.join("etc/php-fpm.conf"));
    }
    let name = program.rsplit(|byte| *byte == b'/').next()?;
    let version = name.strip_prefix(b"php-fpm").filter(|version| !version.is_empty());
    Some(match version {
        Some(version) => path(&[b"/etc/php/", version, b"/fpm/php-fpm.conf"].concat()),
        None => PathBuf::from("/etc/php-fpm.conf"),
    })
}

/// The words of a command line that matter.
struct Words {
    program: Vec<u8>,
    file: Option<PathBuf>,
    prefix: Option<PathBuf>,
}

impl Words {
    /// Reads them as `main/getopt.c` and the options of `fpm_main.c` do; none if the program is not PHP-FPM.
    fn read(words: &[&[u8]]) -> Option<Self> {
        let (program, mut rest) = words.split_first()?;
        let name = program.rsplit(|byte| *byte == b'/').next()?;
        // A colon: the title of a process that is no master.
        let is_fpm =
            name.starts_with(b"php") && name.windows(3).any(|part| part == b"fpm") && !name.contains(&b':');
        if !is_fpm {
            return None;
        }
        let mut found = Self { program: program.to_vec(), file: None, prefix: None };
        while let Some((word, behind)) = rest.split_first() {
            rest = behind;
            let Some((option, attached)) = option(word) else { continue };
            let value = match (attached, rest.split_first()) {
                (Some(value), _) => value,
                (None, Some((value, behind))) => {
                    rest = behind;
                    value
                }
                (None, None) => break,
            };
            match option {
                b'y' => found.file = Some(path(value)),
                b'p' => found.prefix = Some(path(value)),
                _ => {}
            }
        }
        Some(found)
    }
}

/// The option with a value that a word ends in, and the value if it stands in the same word: `-y F`, `-yF`, `-y=F`,
/// `-FRyF`, `--fpm-config F`, `--fpm-config=F`.
fn option(word: &[u8]) -> Option<(u8, Option<&[u8]>)> {
    const LONG: [(&[u8], u8); 5] =
        [(b"fpm-config", b'y'), (b"prefix", b'p'), (b"php-ini", b'c'), (b"define", b'd'), (b"pid", b'g')];
    if let Some(long) = word.strip_prefix(b"--") {
        return LONG.into_iter().find_map(|(name, option)| match long.strip_prefix(name)? {
            [] => Some((option, None)),
            [b'=', value @ ..] => Some((option, Some(value))),
            _ => None,
        });
    }
    let letters = word.strip_prefix(b"-")?;
    let at = letters.iter().position(|letter| b"ypcdg".contains(letter))?;
    let value = letters[at + 1..].strip_prefix(b"=").unwrap_or(&letters[at + 1..]);
    Some((letters[at], Some(value).filter(|value| !value.is_empty())))
}
