//! Looks at a running HHVM: reads its command line and the files that it names.
//!
//! HHVM's side is not trusted: of whatever file the command line names, only known keys are read, up to a bound.

use crate::files::{read, text};
use crate::hhvm::arguments::{self, Argument};
use crate::hhvm::{Hhvm, Origin, ini};
use std::fs;
use std::path::{Path, PathBuf};

/// A larger file is none of HHVM's.
const FILE_MAX: u64 = 1 << 20;

/// Looks at the process `pid`, if its name is that of HHVM. `proc` is the mounted procfs.
///
/// Paths are those of the process: below its own root, relative to its own directory.
#[must_use]
pub fn hhvm(pid: i32, proc: &Path) -> Option<Hhvm> {
    let process = proc.join(pid.to_string());
    let name = fs::read_to_string(process.join("comm")).ok()?;
    if name.trim_end() != "hhvm" {
        return None;
    }
    let command_line = fs::read(process.join("cmdline")).ok().filter(|bytes| !bytes.is_empty())?;
    let root = process.join("root");
    let directory = fs::read_link(process.join("cwd")).unwrap_or_default();
    Some(of_command_line(&command_line, &root, &directory))
}

/// Reads the arguments, and the files that they name: below `root`, relative to `directory`. What comes later
/// wins; the command line wins over files, and `--port` and `--admin-port` over all
/// (`hphp/runtime/base/program-functions.cpp`).
pub(crate) fn of_command_line(command_line: &[u8], root: &Path, directory: &Path) -> Hhvm {
    let arguments = arguments::read(command_line);
    let mut hhvm = Hhvm::default();
    let names_files = |argument: &Argument| matches!(argument, Argument::Config(_) | Argument::NoDefaults);
    if !arguments.iter().any(names_files) {
        for path in default_files(root) {
            read_file(&mut hhvm, root, path);
        }
    }
    for argument in &arguments {
        if let Argument::Config(path) = argument {
            read_file(&mut hhvm, root, directory.join(path));
        }
    }
    for argument in arguments {
        if let Argument::Option { name, value, word } = argument {
            hhvm.set(name, value, Origin::CommandLine(word));
        }
    }
    hhvm
}

fn read_file(hhvm: &mut Hhvm, root: &Path, name: PathBuf) {
    if name.extension().is_some_and(|extension| extension == "hdf") {
        hhvm.unread.push((name, "hdf files are not supported".to_owned()));
        return;
    }
    match read(&root.join(name.strip_prefix("/").unwrap_or(&name)), FILE_MAX).and_then(text) {
        Ok(text) => {
            for setting in ini::parse(&text) {
                hhvm.set(setting.name, setting.value, Origin::File(name.clone(), setting.line));
            }
        }
        Err(error) => hhvm.unread.push((name, format!("cannot be read ({error})"))),
    }
}

/// What HHVM reads when it is told of no file: `/etc/hhvm/php*.ini` and `config*.hdf`, each by name.
fn default_files(root: &Path) -> Vec<PathBuf> {
    let directory = Path::new("/etc/hhvm");
    let mut names: Vec<PathBuf> = fs::read_dir(root.join("etc/hhvm"))
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.file_name().into()))
        .collect();
    names.retain(|name| {
        let name = name.to_string_lossy();
        (name.starts_with("php") && name.ends_with(".ini"))
            || (name.starts_with("config") && name.ends_with(".hdf"))
    });
    names.sort();
    names.into_iter().map(|name| directory.join(name)).collect()
}

#[cfg(test)]
#[path = "discover_tests.rs"]
mod tests;
