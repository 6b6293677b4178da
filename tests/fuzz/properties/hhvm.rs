//! What holds for every command line and every ini file, whoever wrote them.

use super::{Hhvm, Origin, arguments, ini as ini_file};
use crate::locate::Configured;
use arguments::Argument;
use std::path::{Path, PathBuf};

/// A password that no input has by chance.
const SECRET: &str = "geheim-6b1f";

/// Settings keep to their own lines, and a password is found and not shown.
///
/// # Panics
/// When one of these does not hold.
pub fn ini(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let text = format!("{text}\nhhvm.admin_server.password = {SECRET}");
    let lines: Vec<&str> = text.lines().collect();
    let settings = ini_file::parse(&text);
    assert!(settings.is_sorted_by(|one, next| one.line < next.line), "{settings:?}");
    let mut hhvm = Hhvm::default();
    for setting in settings {
        let line = lines[setting.line - 1];
        assert!(line.contains(&setting.name) && line.contains(&setting.value), "{setting:?} of {line:?}");
        assert!(!setting.name.is_empty(), "{setting:?}");
        let origin = Origin::File(PathBuf::from("server.ini"), setting.line);
        hhvm.options.set(&setting.name, &setting.value, &origin);
        let alone = ini_file::parse(line);
        assert_eq!(
            alone,
            [ini_file::Setting { line: 1, ..setting }],
            "means something else among other lines"
        );
    }
    assert!(hhvm.options.admin_password.as_ref().is_some_and(|found| found.value.0 == SECRET));
    is_usable(&hhvm, bytes);
}

/// Arguments are pieces of the command line, ports come last, and a password is not shown.
///
/// # Panics
/// When one of these does not hold.
pub fn command_line(bytes: &[u8]) {
    let arguments = arguments::read(bytes);
    let text = String::from_utf8_lossy(bytes);
    let is_port = |argument: &Argument| match argument {
        Argument::Config(path) => {
            assert!(text.contains(&*path.to_string_lossy()), "{}", path.display());
            false
        }
        Argument::NoDefaults => false,
        Argument::Option { name, value, word } => {
            let is_port = word.starts_with("--");
            assert!(text.contains(value) && (is_port || text.contains(name)), "{name} {value}");
            is_port
        }
    };
    assert!(arguments.iter().map(is_port).is_sorted(), "{arguments:?}");
    if !bytes.ends_with(b"\0") {
        assert_eq!(arguments::read(&[bytes, b"\0"].concat()), arguments, "depends on the last zero byte");
    }
    let longer = [bytes, b"\0-v\0AdminServer.Password=", SECRET.as_bytes()].concat();
    // No file, so that nothing is read.
    is_usable(&crate::discover::of_command_line(&longer, Path::new("/nonexistent"), Path::new("")), bytes);
}

/// What the drain goes by is what is set, and what is shown has no password, unless `source` has it elsewhere too.
fn is_usable(hhvm: &Hhvm, source: &[u8]) {
    let configured = Configured::of(hhvm);
    let port = hhvm.options.admin_port.as_ref().map_or(0, |found| found.value);
    assert_eq!(configured.admin_port.unwrap_or(0), port);
    assert_eq!(configured.pages().len(), 2 * usize::from(configured.page_port.is_some()));
    let origin = hhvm.options.admin_password.as_ref().map(|found| found.origin.to_string());
    let shown = format!("{hhvm:?} {origin:?}");
    assert!(!shown.contains(SECRET) || String::from_utf8_lossy(source).contains(SECRET), "{shown}");
}
