//! The rules on made-up programs, so that a rule that sees nothing is seen.

use crate::imports::{Tree, module};
use crate::rules::{Layers, circles};
use std::collections::BTreeMap;

const LAYERS: &str = "\
//! Something else: `not`.
//!
//! 1. program: [`top`],
//!    `commands`
//! 2. decisions: `judge`
//! 3. effects: [`disk`], [`values::files`]
//! 4. values: [`values`](mod@values)
//!
//! And `more`.
";

fn tree(files: &[(&str, &str)]) -> Tree {
    let files: BTreeMap<String, String> =
        files.iter().map(|(name, text)| (module(name).unwrap(), (*text).to_owned())).collect();
    Tree::of(&files)
}

fn violations(files: &[(&str, &str)]) -> Vec<String> {
    Layers::read(LAYERS).violations(&tree(files).imports())
}

#[test]
fn a_circle_is_found_in_every_form_of_import() {
    for (one, other) in [
        ("use crate::disk::Disk;", "use crate::top::Top;"),
        ("use crate::{disk::{Disk, Sync}, text};", "fn f() { crate::top::run() }"),
        ("fn f(disk: &crate::disk::Disk) {}", "use super::top::{self, Top};"),
    ] {
        let found = circles(&tree(&[("top.rs", one), ("disk.rs", other)]).imports());
        assert_eq!(found, [["disk".to_owned(), "top".to_owned()].into()], "{one} {other}");
    }
}

#[test]
fn a_circle_may_be_long_and_go_through_a_directory() {
    let files = [
        ("commands/mod.rs", "mod a;\nmod b;\npub fn run() { a::run() }\n"),
        ("commands/a.rs", "use super::b::help;\n"),
        ("commands/b.rs", "use super::{run, a};\n"),
    ];
    let found = circles(&tree(&files).imports());
    assert_eq!(found, [["commands", "commands::a", "commands::b"].map(str::to_owned).into()]);
}

#[test]
fn handing_a_name_on_is_no_import_and_leads_to_where_it_is_from() {
    let files = [
        ("values/mod.rs", "mod table;\npub use table::Table;\n"),
        ("values/table.rs", "use super::other::Other;\n"),
        ("values/other.rs", ""),
        ("top.rs", "use crate::values::Table;\n"),
    ];
    let imports = tree(&files).imports();
    assert!(circles(&imports).is_empty(), "{imports:?}");
    assert_eq!(imports["top"], ["values::table".to_owned()].into());
    assert_eq!(imports["values"], [].into());
}

#[test]
fn an_arrow_that_runs_up_is_found_and_one_between_decisions_and_effects() {
    let files = [("disk.rs", "use crate::judge::judge;\n"), ("judge.rs", "use crate::disk::Disk;\n")];
    assert_eq!(
        violations(&files),
        ["disk (effects) imports from judge (decisions)", "judge (decisions) imports from disk (effects)"]
    );
    let files = [("values/mod.rs", "mod a;\n"), ("values/a.rs", "use crate::top::Top;\n"), ("top.rs", "")];
    assert_eq!(violations(&files), ["values::a (values) imports from top (program)"]);
}

#[test]
fn a_module_may_be_in_another_layer_than_its_directory() {
    let files =
        [("judge.rs", "use crate::values::files::read;\n"), ("values/mod.rs", ""), ("values/files.rs", "")];
    assert_eq!(violations(&files), ["judge (decisions) imports from values::files (effects)"]);
}

#[test]
fn comments_tests_and_what_is_below_import_nothing_wrong() {
    let code = "// use crate::top::Top;\nuse crate::values::Value; // crate::top::Top\n#[cfg(test)]\nmod tests {\nuse crate::top::Top;\n}\n";
    assert!(violations(&[("judge.rs", code), ("top.rs", ""), ("values/mod.rs", "")]).is_empty());
}
