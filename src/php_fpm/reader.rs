//! Reads the main file and what it includes, entry by entry, into sections.

use super::line::{Statement, statements};
use super::pattern::{absolute, expand};
use super::pools::Pool;
use super::section::{Entry, Fault, Section, Spot};
use super::value::Unclear;
use super::{Files, Master};
use std::collections::BTreeMap;
use std::path::Path;

/// So deep may files include each other: PHP-FPM's own bound.
const DEPTH_MAX: usize = 5;
/// More files are no configuration of PHP-FPM's.
const FILES_MAX: usize = 64;
/// More text is none either, however often one file is included.
const TEXT_MAX: usize = 4 << 20;
/// Nobody reads more of what is wrong.
const FAULTS_MAX: usize = 20;
/// More pools are not looked after one by one.
const POOLS_MAX: usize = 256;
/// Longest value that matters; `$pool` could make one of any length.
const VALUE_MAX: usize = 4096;

/// What the files say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Configuration {
    /// The pools, in the order of the files.
    pub pools: Vec<Pool>,
    /// What is not known. A pool of a file that is not read is not among the pools.
    pub faults: Vec<Fault>,
}

/// The names that matter, in any section.
const KNOWN: [&str; 5] = ["listen", "listen.allowed_clients", "pm.status_path", "pm.status_listen", "prefix"];

/// Reads the files of `master`.
pub fn read(master: &Master, files: &mut dyn Files) -> Configuration {
    let mut reader = Reader {
        prefix: &master.prefix,
        files,
        read: 0,
        included: 0,
        text: 0,
        untold: 0,
        pools: Vec::new(),
        current: None,
        faults: Vec::new(),
    };
    reader.file(&master.file, 0);
    let (mut faults, untold) = (reader.faults, reader.untold);
    let pools = reader.pools.iter().map(|section| Pool::of(section, &master.prefix, &mut faults)).collect();
    let untold = untold + faults.len().saturating_sub(FAULTS_MAX);
    faults.truncate(FAULTS_MAX);
    if untold > 0 {
        let what = format!("and what it includes have {untold} more mistakes");
        faults.push(Fault { line: None, file: master.file.clone(), what });
    }
    Configuration { pools, faults }
}

struct Reader<'a> {
    prefix: &'a Path,
    files: &'a mut dyn Files,
    /// How many files were read.
    read: usize,
    /// How many patterns of files to include there were.
    included: usize,
    /// How many bytes were read.
    text: usize,
    /// How many faults are not kept.
    untold: usize,
    pools: Vec<Section>,
    /// The pool whose section goes on, also from one file into another; none in `[global]`.
    current: Option<usize>,
    faults: Vec<Fault>,
}

impl Reader<'_> {
    fn file(&mut self, path: &Path, depth: usize) {
        let fault = |what: String| Fault { line: None, file: path.to_owned(), what };
        if depth >= DEPTH_MAX || self.read >= FILES_MAX {
            let what =
                format!("is not read: more than {FILES_MAX} files, or {DEPTH_MAX} that include each other");
            return self.tell(fault(what));
        }
        self.read += 1;
        let content = match self.files.content(path) {
            Ok(content) => content,
            Err(why) => return self.tell(fault(format!("cannot be read ({why})"))),
        };
        self.text += content.len();
        if self.text > TEXT_MAX {
            return self.tell(fault("is not read: the files are larger than 4 MiB in total".to_owned()));
        }
        for (index, line) in content.split(|byte| *byte == b'\n').enumerate() {
            let spot = Spot { file: path.to_owned(), line: index + 1 };
            for statement in statements(line) {
                self.statement(statement, &spot, depth);
            }
        }
    }

    fn statement(&mut self, statement: Statement, spot: &Spot, depth: usize) {
        match statement {
            Statement::Section(Ok(name)) => self.section(name, spot),
            Statement::Section(Err(why)) => {
                // What follows is nobody's.
                self.section(Vec::new(), spot);
                self.tell(Fault::at(spot, format!("the name of a section {why}")));
            }
            Statement::Entry(name, value) if name == "include" => self.include(value, spot, depth),
            Statement::Entry(name, value) => self.entry(&name, value, spot),
            Statement::Element => {}
        }
    }

    /// `[global]`, in letters of any size, or a pool; that of a name which was there before goes on.
    fn section(&mut self, name: Vec<u8>, spot: &Spot) {
        if name.eq_ignore_ascii_case(b"global") {
            self.current = None;
            return;
        }
        let known = self.pools.iter().position(|pool| pool.name.eq_ignore_ascii_case(&name));
        if known.is_none() && self.pools.len() == POOLS_MAX {
            return self.tell(Fault::at(spot, format!("more than {POOLS_MAX} pools are not read")));
        }
        self.current = known.or_else(|| {
            self.pools.push(Section { name, spot: spot.clone(), entries: BTreeMap::new() });
            Some(self.pools.len() - 1)
        });
    }

    fn entry(&mut self, name: &str, value: Result<Vec<u8>, Unclear>, spot: &Spot) {
        let Some(known) = KNOWN.into_iter().find(|known| *known == name) else { return };
        let pool = self.current.and_then(|index| self.pools.get(index));
        let pool = pool.map(|section| section.name.as_slice()).unwrap_or_default();
        let value = value.and_then(|value| in_pool(value, pool));
        if let Err(why) = value {
            self.tell(Fault::at(spot, format!("{known} {why}")));
        }
        if let Some(section) = self.current.and_then(|index| self.pools.get_mut(index)) {
            section.entries.insert(known, Entry { value, spot: spot.clone() });
        }
    }

    fn include(&mut self, value: Result<Vec<u8>, Unclear>, spot: &Spot, depth: usize) {
        let pattern = match value {
            Ok(value) => absolute(&value, self.prefix),
            Err(why) => return self.tell(Fault::at(spot, format!("include {why}"))),
        };
        self.included += 1;
        if self.included > FILES_MAX {
            let what = format!("is not followed: there are more than {FILES_MAX}");
            return self.tell(Fault::at(spot, format!("include {what}")));
        }
        match expand(&pattern, self.files) {
            Ok(paths) => {
                for path in paths {
                    self.file(&path, depth + 1);
                }
            }
            Err(why) => self.tell(Fault::at(spot, format!("include cannot be read ({why})"))),
        }
    }

    fn tell(&mut self, fault: Fault) {
        if self.faults.len() < FAULTS_MAX { self.faults.push(fault) } else { self.untold += 1 }
    }
}

/// Puts the pool's name in place of `$pool`, in what it makes again, too, as PHP-FPM does.
fn in_pool(mut value: Vec<u8>, pool: &[u8]) -> Result<Vec<u8>, Unclear> {
    const TOKEN: &[u8] = b"$pool";
    while let Some(at) = value.windows(TOKEN.len()).position(|part| part == TOKEN) {
        value.splice(at..at + TOKEN.len(), pool.iter().copied());
        if value.len() > VALUE_MAX || pool.windows(TOKEN.len()).any(|part| part == TOKEN) {
            return Err(Unclear::Syntax);
        }
    }
    Ok(value)
}
