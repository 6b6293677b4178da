//! What holds for every command line and every file of HHVM's, whoever wrote them.

use super::tree::{Answer, Tree};
use super::value::Text;
use super::{Files, Hhvm, Missing, Start, Value, arguments, hdf as hdf_file, ini as ini_file, read};
use crate::locate::Configured;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// A password that no input has by chance.
const SECRET: &str = "geheim-6b1f";

/// Every file has this content; as many are read as are of a host.
struct All<'a>(&'a [u8], usize);

impl Files for All<'_> {
    fn read(&mut self, _: &Path, _: Option<&Path>) -> Result<Rc<[u8]>, Missing> {
        self.1 += 1;
        if self.1 > 16 { Err(Missing::Unreadable("too many".to_owned())) } else { Ok(self.0.into()) }
    }

    fn list(&mut self, _: &Path) -> Result<Vec<OsString>, Missing> {
        Ok(Vec::new())
    }
}

/// What HHVM with this command line makes of such files.
fn hhvm(command_line: &[u8], content: &[u8]) -> Hhvm {
    let start = Start {
        command_line: command_line.to_vec(),
        is_whole: true,
        environment: Some(b"PORT=9000\0".to_vec()),
        directory: PathBuf::from("/"),
    };
    read(&start, &mut All(content, 0))
}

/// Settings keep their order, what follows a file that was read to its end is read, nothing is a default behind a
/// mistake, and a password is not shown.
///
/// # Panics
/// When one of these does not hold.
pub fn ini(bytes: &[u8]) {
    let variable = |name: &[u8]| (name == b"PORT").then(|| b"9000".to_vec());
    let reading = ini_file::parse(bytes, &variable);
    let lines = bytes.split(|byte| *byte == b'\n').count();
    assert!(reading.settings.is_sorted_by_key(|setting| setting.line), "{reading:?}");
    let last = reading.settings.last().map(|setting| setting.line).into_iter().chain(reading.stopped).max();
    assert!(last.is_none_or(|last| last < lines), "{reading:?} has {lines} lines");

    // A dollar sign takes one end of a line for itself.
    let ended = [bytes, b"\n\n"].concat();
    let reading = ini_file::parse(&ended, &variable);
    let longer = [&ended, &b"hhvm.admin_server.password = "[..], SECRET.as_bytes()].concat();
    let more = ini_file::parse(&longer, &variable);
    assert!(more.settings.starts_with(&reading.settings), "{reading:?} {more:?}");
    let found = more.settings.last().is_some_and(|setting| setting.value == Text::Known(SECRET.into()));
    assert_eq!(found, reading.stopped.is_none(), "{more:?}");

    let hhvm = hhvm(b"hhvm\0-c\0/a.ini", &longer);
    assert!(reading.stopped.is_none() || hhvm.options.graceful_wait != Value::Default, "{hhvm:?}");
    is_usable(&hhvm, bytes);
}

/// What follows a file without a mistake is read, nothing is a default behind one, and a password is not shown.
///
/// # Panics
/// When one of these does not hold.
pub fn hdf(bytes: &[u8]) {
    let longer = [bytes, b"\nAdminServer.Password = ", SECRET.as_bytes()].concat();
    let mut tree = Tree::default();
    hdf_file::read_word(&mut tree, "-v".to_owned(), &longer);
    let found = match tree.get(b"AdminServer.Password") {
        Answer::Value(Text::Known(value), _) => value == SECRET.as_bytes(),
        _ => false,
    };
    let is_open = bytes.windows(2).any(|pair| pair == b"<<");
    assert!(found || is_open || !tree.causes.is_empty(), "{tree:?}");
    let hhvm = hhvm(b"hhvm\0-c\0/a.hdf", &longer);
    assert!(tree.causes.is_empty() || hhvm.options.graceful_wait != Value::Default, "{hhvm:?}");
    is_usable(&hhvm, bytes);
}

/// Arguments are pieces of the command line, and a password is not shown.
///
/// # Panics
/// When one of these does not hold.
pub fn command_line(bytes: &[u8]) {
    use std::os::unix::ffi::OsStrExt;
    let arguments = arguments::read(bytes);
    let is_piece = |piece: &[u8]| piece.is_empty() || bytes.windows(piece.len()).any(|part| part == piece);
    assert!(arguments.files.iter().all(|file| is_piece(file.as_os_str().as_bytes())), "{arguments:?}");
    let words =
        arguments.ini.iter().chain(&arguments.hdf).chain(&arguments.port).chain(&arguments.admin_port);
    assert!(words.chain(&arguments.port_fd).all(|word| is_piece(&word.value)), "{arguments:?}");
    if !bytes.ends_with(b"\0") {
        assert_eq!(arguments::read(&[bytes, b"\0"].concat()), arguments, "depends on the last zero byte");
    }
    let longer = [bytes, b"\0-v\0AdminServer.Password=", SECRET.as_bytes()].concat();
    let shown = format!("{:?}", arguments::read(&longer));
    assert!(!shown.contains(SECRET), "{shown}");
    is_usable(&hhvm(&longer, b""), bytes);
}

/// What the drain goes by is what is set, and what is shown has no password, unless `source` has it elsewhere too.
fn is_usable(hhvm: &Hhvm, source: &[u8]) {
    let configured = Configured::of(hhvm);
    assert_eq!(configured.admin_port.unwrap_or(0), hhvm.options.admin_port.or_default(0).unwrap_or(0));
    assert_eq!(configured.pages().len(), 2 * usize::from(configured.page_port.is_some()));
    assert!(hhvm.remarks.len() <= 20 && (hhvm.more_remarks == 0 || hhvm.remarks.len() == 20), "{hhvm:?}");
    // Lines that a value goes on for may be those of the password.
    let source = String::from_utf8_lossy(source);
    let shown = format!("{hhvm:?} {:?}", hhvm.options.admin_password());
    assert!(!shown.contains(SECRET) || source.contains(SECRET) || source.contains("<<"), "{shown}");
}
