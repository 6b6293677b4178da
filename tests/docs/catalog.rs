//! The message catalog, and the kinds and fields of log lines in the manual.

use crate::page::Page;
use crate::{assert_same, text};

fn is_id(word: &str) -> bool {
    word.len() == 32 && word.bytes().all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase())
}

fn is_field(word: &str) -> bool {
    word.starts_with("HHVM_DRAIN_")
}

/// Words in quotes in the sources that write the log.
fn quoted(wanted: fn(&str) -> bool) -> Vec<String> {
    let sources = ["src/message.rs", "src/report.rs"].map(text).join("");
    sources.split('"').filter(|word| wanted(word)).map(str::to_owned).collect()
}

#[test]
fn every_message_id_is_explained() {
    let catalog = text("systemd/hhvm-drain.catalog");
    let entries: Vec<&str> = catalog.split("\n-- ").skip(1).collect();
    let explained: Vec<&str> = entries.iter().map(|entry| entry.lines().next().unwrap()).collect();
    assert_same(explained.clone(), quoted(is_id), "the catalog");
    assert_eq!(explained.len(), quoted(is_id).len(), "an id is explained twice");
    for entry in entries {
        let (id, rest) = entry.split_once('\n').unwrap();
        let (head, body) = rest.split_once("\n\n").unwrap();
        for line in ["Subject: ", "Defined-By: hhvm-drain", "Documentation: man:hhvm-drain(8)"] {
            assert!(head.lines().any(|found| found.starts_with(line)), "{id}: no {line}");
        }
        assert!(body.trim().split("\n\n").count() >= 2, "{id}: what happened, what it means, what to do");
        for field in rest.split('@').skip(1).step_by(2) {
            assert!(quoted(is_field).iter().any(|real| real == field), "{id}: no field {field}");
        }
    }
}

#[test]
fn the_manual_lists_every_message_id_and_every_field() {
    let page = Page::open("man/hhvm-drain.8");
    assert_same(page.names("LOG", "Dv"), quoted(is_id), "message ids in hhvm-drain(8)");
    let documented = page.names("LOG", "Va").into_iter().filter(|name| is_field(name));
    assert_same(documented.map(str::to_owned), quoted(is_field), "fields in hhvm-drain(8)");
}
