//! A fleet's turns: every order of requests, losses, crashes and leases that run out, within bounds, with the program's own
//! protocol and an engine in memory; and drawn orders of a larger fleet.
//!
//! What must hold is in `world.rs`. `--large` searches wider bounds; a word searches the scenes that have it in their names.

#![expect(clippy::unwrap_used, reason = "a panic is how a promise is broken")]

mod etcd;
mod scenes;
mod search;
mod world;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let large = arguments.iter().any(|word| word == "--large");
    let only: Vec<&String> = arguments.iter().filter(|word| !word.starts_with('-')).collect();
    let wanted = |name: &str| only.is_empty() || only.iter().any(|word| name.contains(word.as_str()));
    let mut has_failed = false;
    for scene in scenes::all(large).into_iter().filter(|scene| wanted(scene.name)) {
        has_failed |= !search::run(&scene);
    }
    if has_failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
