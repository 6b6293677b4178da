//! Every order of events, within bounds: drains, operators, deploys, kills, reboots and mounts, with the program's own
//! code in a file system of our own.
//!
//! `pool/` compiles the files of `src/pool/` once more, all but the four that call the disk. `host.rs` is the disk in
//! their place; it can stop a command before each of its calls, fail the call, or let something else happen first.

mod clock;
mod events;
mod hooks;
mod host;
mod pool;
mod promises;
mod scenes;
mod search;

use hhvm_drain::{context, error, message, text};
use scenes::Size;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let size = if arguments.any(|word| word == "--large") { Size::Large } else { Size::Small };
    let only: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let wanted = |name: &str| only.is_empty() || only.iter().any(|word| name.contains(word));
    let mut has_failed = false;
    for scene in scenes::all(size).into_iter().filter(|scene| wanted(scene.name)) {
        has_failed |= !search::run(scene);
    }
    if has_failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
