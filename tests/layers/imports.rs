//! Reads which file imports which from `use` lines and from paths that begin with `crate::`, `super::` or a child's
//! name.

use std::collections::{BTreeMap, BTreeSet};

/// For each file's module those that it imports from.
pub type Imports = BTreeMap<String, BTreeSet<String>>;

/// The module of the file `name` below `src/`; none for the binary and for tests.
pub fn module(name: &str) -> Option<String> {
    let path = name.strip_suffix(".rs")?;
    let is_test = path == "main" || path == "tests" || path.ends_with("/tests") || path.ends_with("_tests");
    (!is_test).then(|| path.strip_suffix("/mod").unwrap_or(path).replace('/', "::"))
}

/// All files, without comments and tests.
pub struct Tree {
    code: BTreeMap<String, String>,
    /// What a directory's module hands on with `pub use`: its name there, and the file that it is of.
    handed_on: BTreeMap<(String, String), String>,
}

impl Tree {
    pub fn of(source: &BTreeMap<String, String>) -> Self {
        let code = source.iter().map(|(module, text)| (module.clone(), without_tests(text))).collect();
        let mut tree = Self { code, handed_on: BTreeMap::new() };
        for (module, text) in &tree.code {
            for path in statements(text, "pub use ").flat_map(expand) {
                let (child, name) = path.rsplit_once("::").unwrap_or((&path, &path));
                let child = join(module, child);
                if tree.code.contains_key(&child) {
                    tree.handed_on.insert((module.clone(), name.to_owned()), child);
                }
            }
        }
        tree
    }

    pub fn imports(&self) -> Imports {
        let of = |(module, text): (&String, &String)| (module.clone(), self.imports_of(module, text));
        self.code.iter().filter(|(module, _)| *module != "lib").map(of).collect()
    }

    fn imports_of(&self, module: &str, text: &str) -> BTreeSet<String> {
        let mut text = text.to_owned();
        for statement in statements(&text.clone(), "pub use ") {
            text = text.replace(&format!("pub use {statement};"), "");
        }
        let used: Vec<String> = statements(&text, "use ").flat_map(expand).collect();
        let paths = used.into_iter().chain(inline(&text));
        let files = paths.filter_map(|path| self.file(module, &path));
        files.filter(|file| file != module).collect()
    }

    /// The file in which what `path` names is, as `module` says it.
    fn file(&self, module: &str, path: &str) -> Option<String> {
        let mut words = path.split("::").peekable();
        let mut at = match *words.peek()? {
            "crate" => {
                words.next();
                String::new()
            }
            "self" => {
                words.next();
                module.to_owned()
            }
            "super" => {
                let mut at = module.to_owned();
                while words.next_if_eq(&"super").is_some() {
                    at = at.rsplit_once("::").map_or(String::new(), |(parent, _)| parent.to_owned());
                }
                at
            }
            child if self.code.contains_key(&join(module, child)) => module.to_owned(),
            _ => return None,
        };
        for word in words {
            let handed_on = self.handed_on.get(&(at.clone(), word.to_owned())).cloned();
            match handed_on.or_else(|| Some(join(&at, word)).filter(|file| self.code.contains_key(file))) {
                Some(file) => at = file,
                None => break,
            }
        }
        Some(at).filter(|file| !file.is_empty())
    }
}

fn join(module: &str, child: &str) -> String {
    if module.is_empty() || module == "lib" { child.to_owned() } else { format!("{module}::{child}") }
}

/// Tests stand last in a file; comments and texts import nothing.
fn without_tests(text: &str) -> String {
    let code = text.split("#[cfg(test)]\n").next().unwrap_or_default();
    let code = code.split("#[cfg(any(test, fuzzing))]\n").next().unwrap_or_default();
    code.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// What stands between `keyword` at the begin of a line and the next semicolon.
fn statements<'a>(text: &'a str, keyword: &'a str) -> impl Iterator<Item = &'a str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let start = if rest.starts_with(keyword) { 0 } else { rest.find(&format!("\n{keyword}"))? + 1 };
        let statement = &rest[start + keyword.len()..];
        let end = statement.find(';')?;
        rest = &statement[end..];
        Some(&statement[..end])
    })
}

/// `a::{b, c::{d, e}}` becomes `a::b`, `a::c::d` and `a::c::e`; an `as NAME` is dropped.
fn expand(tree: &str) -> Vec<String> {
    let tree = tree.trim();
    let Some((head, rest)) = tree.split_once('{') else {
        return vec![tree.split(" as ").next().unwrap_or_default().trim().to_owned()];
    };
    let inside = rest.trim_end().strip_suffix('}').unwrap_or(rest);
    let (mut depth, mut start, mut parts) = (0, 0, Vec::new());
    for (at, c) in inside.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&inside[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&inside[start..]);
    let parts = parts.into_iter().map(str::trim).filter(|part| !part.is_empty());
    parts.flat_map(expand).map(|part| format!("{head}{part}").trim_end_matches("::self").to_owned()).collect()
}

/// Paths that are written out where they are used.
fn inline(text: &str) -> Vec<String> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let words = text.split(|c| !is_word(c)).map(|word| word.trim_matches(':'));
    words.filter(|word| word.contains("::")).map(str::to_owned).collect()
}
