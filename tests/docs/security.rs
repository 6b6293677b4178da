//! The threat model names tests that there are, and all that play an attacker.

use crate::{path, text};
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

/// The files whose tests play an attacker, each of them.
const ATTACKS: [&str; 5] = [
    "tests/cli/attacks.rs",
    "tests/cli/docroot.rs",
    "tests/cli/image.rs",
    "tests/cli/liar.rs",
    "tests/hosts/attacks.rs",
];

/// The rows of the threat model: who, what, and the names of the tests.
fn rows() -> Vec<(String, BTreeSet<String>)> {
    let page = text("SECURITY.md");
    let rows = page.lines().filter(|line| line.starts_with('|')).skip(2);
    rows.map(|row| {
        let (_, tests) = row.trim_end_matches([' ', '|']).rsplit_once('|').expect("a table");
        (row.to_owned(), tests.split('`').skip(1).step_by(2).map(str::to_owned).collect())
    })
    .collect()
}

/// All files of the source and the tests.
fn sources() -> Vec<String> {
    let mut directories: Vec<PathBuf> = ["src", "tests"].map(path).into();
    let mut texts = Vec::new();
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                directories.push(entry.path());
            } else if entry.path().extension().is_some_and(|extension| extension == "rs") {
                texts.push(fs::read_to_string(entry.path()).unwrap());
            }
        }
    }
    texts
}

/// The functions of a file that are tests: with the attribute, or, in the files of host tests, all that others can call.
fn tests(text: &str) -> BTreeSet<String> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let name = |line: &str, before: &str| Some(line.strip_prefix(before)?.split('(').next()?.to_owned());
    let attributed =
        lines.windows(2).filter(|pair| pair[0] == "#[test]").filter_map(|pair| name(pair[1], "fn "));
    let of_hosts =
        lines.iter().filter(|line| line.ends_with("() {")).filter_map(|line| name(line, "pub fn "));
    attributed.chain(of_hosts).collect()
}

#[test]
fn each_line_of_the_threat_model_has_tests_and_they_exist() {
    let all: BTreeSet<String> = sources().iter().flat_map(|text| tests(text)).collect();
    let rows = rows();
    assert!(rows.len() > 15, "{}", rows.len());
    for (row, names) in rows {
        assert!(!names.is_empty(), "no test: {row}");
        let missing: Vec<_> = names.difference(&all).collect();
        assert!(missing.is_empty(), "there is no test {missing:?}: {row}");
    }
}

#[test]
fn each_test_that_plays_an_attacker_is_in_the_threat_model() {
    let named: BTreeSet<String> = rows().into_iter().flat_map(|(_, names)| names).collect();
    // What the cure of an attack must not break stands beside the attack.
    let honest =
        ["a_state_directory_on_another_disk_is_believed", "an_images_symlinks_lead_to_its_own_files"];
    for file in ATTACKS {
        let tests = tests(&text(file));
        assert!(!tests.is_empty(), "{file}");
        for test in tests.iter().filter(|test| !honest.contains(&test.as_str())) {
            assert!(named.contains(test), "{file}: SECURITY.md does not name {test}");
        }
    }
}

#[test]
fn reports_reach_the_maintainer_of_the_package() {
    let manifest = text("Cargo.toml");
    let maintainer = manifest.lines().find_map(|line| line.strip_prefix("maintainer = ")).unwrap();
    let address = maintainer.split(['<', '>']).nth(1).unwrap();
    assert!(text("SECURITY.md").contains(address), "{address}");
}
