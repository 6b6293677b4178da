//! What HHVM's configuration says, from its command line, its environment and its files, as HHVM reads them.
//!
//! `RuntimeOption::Load` (`hphp/runtime/base/runtime-option.cpp`) and `Config::Get` (`config.cpp`): later ini files win
//! over earlier ones and `-d` over them; hdf files and then `-v` over all of these; `--port` and `--admin-port` over all.

use super::arguments::{self, Arguments, Word};
use super::files::{Files, Missing, matching};
use super::hdf;
use super::includes::Whole;
use super::ini;
use super::known::Hhvm;
use super::options::{KEYS, Key, PORT};
use super::origin::{Cause, Origin};
use super::tree::Tree;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// More files than any host names.
const FILES_MAX: usize = 16;

/// How HHVM was started.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Start {
    /// `/proc/PID/cmdline`, or its beginning.
    pub command_line: Vec<u8>,
    /// Whether it is more than the beginning.
    pub is_whole: bool,
    /// `/proc/PID/environ`; none where it cannot be read, or is too long.
    pub environment: Option<Vec<u8>>,
    /// What relative names are relative to.
    pub directory: PathBuf,
}

/// What is known of an HHVM that was started like this, and has read these files.
#[must_use]
pub fn read(start: &Start, files: &mut dyn Files) -> Hhvm {
    let arguments = arguments::read(&start.command_line);
    let mut reading = Reading { hhvm: Hhvm::default(), tree: Tree::default(), start, files };
    reading.read_files(&arguments);
    for word in &arguments.ini {
        reading.ini_word(word);
    }
    reading.hdf_words(&arguments.hdf);
    let Reading { mut hhvm, tree, .. } = reading;
    tree.causes.iter().for_each(|cause| hhvm.remark(cause.clone()));
    hhvm.options.set_hdf(&tree).into_iter().for_each(|cause| hhvm.remark(cause));
    for name in KEYS.into_iter().flat_map(Key::foreign_in_hdf) {
        if let Some(origin) = tree.place(name.as_bytes()) {
            hhvm.ignored(name, origin);
        }
    }
    take_ports(&mut hhvm, &arguments);
    if !start.is_whole {
        let why = "too long to be read";
        hhvm.forget(Cause { origin: Origin::Start, why: why.to_owned() });
    }
    hhvm
}

fn take_ports(hhvm: &mut Hhvm, arguments: &Arguments) {
    for (is_admin, word) in [(false, &arguments.port), (true, &arguments.admin_port)] {
        let Some(word) = word else { continue };
        let origin = Origin::CommandLine(word.shown.clone());
        hhvm.options.set_port(is_admin, &word.value, origin).into_iter().for_each(|cause| hhvm.remark(cause));
    }
    if let Some(word) = &arguments.port_fd {
        let why = "HHVM uses an open socket instead of a port".to_owned();
        let cause = Cause { origin: Origin::CommandLine(word.shown.clone()), why };
        hhvm.options.not_known(PORT, &cause);
    }
}

struct Reading<'a> {
    hhvm: Hhvm,
    tree: Tree,
    start: &'a Start,
    files: &'a mut dyn Files,
}

impl Reading<'_> {
    fn variable(&self, name: &[u8]) -> Option<Vec<u8>> {
        let environment = self.start.environment.as_deref()?;
        let of_name = |entry: &[u8]| Some(entry.strip_prefix(name)?.strip_prefix(b"=")?.to_vec());
        environment.split(|byte| *byte == 0).find_map(of_name)
    }

    fn forget(&mut self, cause: Cause) {
        self.tree.forget(cause.clone());
        self.hhvm.forget(cause);
    }

    fn read_files(&mut self, arguments: &Arguments) {
        let mut names: Vec<PathBuf> =
            arguments.files.iter().map(|name| self.start.directory.join(name)).collect();
        let defaults_are_off =
            arguments.has_no_defaults || self.variable(b"HHVM_NO_DEFAULT_CONFIGS").is_some();
        let mut patterns = Vec::new();
        if names.is_empty() && !defaults_are_off {
            patterns.extend(["/etc/hhvm/php*.ini", "/etc/hhvm/config*.hdf"].map(PathBuf::from));
        }
        if let Some(pattern) = self.variable(b"HHVM_CONFIG_FILE") {
            patterns.push(self.start.directory.join(OsStr::from_bytes(&pattern)));
        }
        for pattern in patterns {
            match matching(self.files, &pattern) {
                Ok(found) => names.extend(found),
                Err(cause) => self.forget(cause),
            }
        }
        // Of a file that is named more than once the last time is what counts.
        let is_last = |(at, name): &(usize, &PathBuf)| !names[at + 1..].contains(name);
        let names: Vec<&PathBuf> = names.iter().enumerate().filter(is_last).map(|(_, name)| name).collect();
        let count = names.len();
        for name in names.into_iter().take(FILES_MAX) {
            self.read_file(name);
        }
        let why = if count > FILES_MAX {
            "too many configuration files"
        } else if self.start.environment.is_none() {
            "cannot read the environment, which may name a configuration file"
        } else {
            return;
        };
        self.forget(Cause { origin: Origin::Start, why: why.to_owned() });
    }

    /// By its name it is of one kind or the other (`Config::ParseConfigFile`, `Hdf::append`, `zend_parse_ini_string`).
    fn read_file(&mut self, name: &Path) {
        let bytes = name.as_os_str().as_bytes();
        let has_hdf = bytes.windows(4).any(|part| part == b".hdf") || bytes.ends_with(b".hphp");
        let is_ini = bytes.ends_with(b".ini") && bytes.len() > 4;
        if has_hdf == is_ini {
            let why =
                "not every version of HHVM reads a file of this name, so the values that it sets are unknown";
            return self.forget(Cause { origin: Origin::Whole(name.to_owned()), why: why.to_owned() });
        }
        match self.files.read(name, None) {
            Ok(text) if is_ini => self.ini_file(name, &text),
            Ok(text) => hdf::read_file(&mut self.tree, self.files, name, &text),
            Err(Missing::Absent) => {
                let why = "not found; HHVM ignores that".to_owned();
                self.hhvm.remark(Cause { origin: Origin::Whole(name.to_owned()), why });
            }
            Err(missing) => {
                let Cause { origin, why } = Cause::of_file(name.to_owned(), missing);
                let cause = Cause { origin, why: format!("{why}, so the values that it sets are unknown") };
                if is_ini { self.hhvm.forget(cause) } else { self.tree.forget(cause) }
            }
        }
    }

    fn ini_file(&mut self, name: &Path, text: &[u8]) {
        let whole = Whole::of(self.files, name, text);
        self.ini(&whole.text, |line| whole.place(line));
        whole.absent.into_iter().for_each(|cause| self.hhvm.remark(cause));
        if let Some(cause) = whole.missing {
            self.hhvm.forget(cause);
        }
    }

    fn ini_word(&mut self, word: &Word) {
        self.ini(&word.value, |_| Origin::CommandLine(word.shown.clone()));
    }

    fn ini(&mut self, text: &[u8], place: impl Fn(usize) -> Origin) {
        let reading = ini::parse(text, &|name| self.variable(name));
        for key in KEYS {
            // Of several the last counts.
            let last =
                reading.settings.iter().rev().find_map(|setting| Some((setting, Form::of(setting, key)?)));
            let Some((setting, form)) = last else { continue };
            let origin = place(setting.line);
            let remark = match form {
                Form::Plain => self.hhvm.options.set_ini(key, &setting.value, origin),
                Form::Odd => {
                    let why = format!("cannot parse how {} is set", key.ini);
                    let cause = Cause { origin, why };
                    self.hhvm.options.not_known(key, &cause);
                    Some(cause)
                }
            };
            if let Some(cause) = remark {
                self.hhvm.remark(cause);
            }
        }
        for name in KEYS.into_iter().flat_map(Key::foreign_in_ini) {
            if let Some(setting) = reading.settings.iter().rfind(|setting| setting.name == name.as_bytes()) {
                self.hhvm.ignored(name, place(setting.line));
            }
        }
        if let Some(line) = reading.stopped {
            let why = "syntax error; HHVM ignores the rest of the file".to_owned();
            let cause = Cause { origin: place(line), why };
            self.hhvm.options.doubt(&cause);
            self.hhvm.remark(cause);
        }
    }

    /// Behind the files; and once more where a tier, whose conditions are not worked out here, may have changed
    /// everything but them.
    fn hdf_words(&mut self, words: &[Word]) {
        let read = |tree: &mut Tree| {
            for word in words {
                hdf::read_word(tree, word.shown.clone(), &word.value);
            }
        };
        read(&mut self.tree);
        if let Some(origin) = self.tree.place(b"Tiers") {
            let why = "Tiers can change any option, and this program does not evaluate them".to_owned();
            self.tree.forget(Cause { origin, why });
            read(&mut self.tree);
        }
    }
}

/// How a setting in an ini file sets an option.
enum Form {
    /// By its name; a list by brackets behind it.
    Plain,
    /// A list in place of a value, or the other way, or by brackets in place of dots (`ini_iterate`).
    Odd,
}

impl Form {
    /// None if it sets another.
    fn of(setting: &ini::Setting, key: Key) -> Option<Self> {
        let rest = key.ini.as_bytes().strip_prefix(&setting.name[..])?;
        match (rest, setting.is_element) {
            ([], is_element) if is_element == key.is_list() => Some(Self::Plain),
            ([], _) | ([b'.', ..], true) => Some(Self::Odd),
            _ => None,
        }
    }
}
