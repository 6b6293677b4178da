//! The structure of `src/`: no circle between files, and no import that the layers in `src/lib.rs` do not allow.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod imports;
mod made_up;
mod rules;

use imports::Tree;
use rules::Layers;
use std::collections::BTreeMap;
use std::path::Path;

/// The source of the program: each file's module, and its text.
fn source() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = BTreeMap::new();
    let mut directories = vec![root.clone()];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
            if let Some(module) = imports::module(&name) {
                files.insert(module, std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    files
}

#[test]
fn no_file_imports_itself_in_a_circle() {
    let circles = rules::circles(&Tree::of(&source()).imports());
    assert!(circles.is_empty(), "files that import each other: {circles:#?}");
}

#[test]
fn every_import_is_one_that_the_layers_allow() {
    let source = source();
    let layers = Layers::read(&source["lib"]);
    let wrong = layers.violations(&Tree::of(&source).imports());
    assert!(wrong.is_empty(), "see \"Layers\" in src/lib.rs:\n{}", wrong.join("\n"));
}

#[test]
fn every_module_has_its_layer_and_every_layer_its_modules() {
    let source = source();
    let layers = Layers::read(&source["lib"]);
    for module in source.keys().filter(|module| *module != "lib") {
        assert!(layers.of(module).is_some(), "{module} is in no layer of src/lib.rs");
    }
    for module in layers.modules() {
        assert!(source.contains_key(module), "src/lib.rs lists {module}, which is no module");
    }
}
