//! Completions are generated here, so that the program does not carry their generator. `UPDATE=1` writes them.

use crate::path;
use clap::CommandFactory;
use clap_complete::{Shell, generate};
use hhvm_drain::cli::Cli;

fn check(shell: Shell, file: &str) {
    let mut fresh = Vec::new();
    generate(shell, &mut Cli::command(), "hhvm-drain", &mut fresh);
    let path = path("completions").join(file);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &fresh).unwrap();
    }
    let committed = std::fs::read(&path).unwrap_or_default();
    assert!(committed == fresh, "completions/{file} is stale; run: UPDATE=1 cargo test --test docs");
}

#[test]
fn bash() {
    check(Shell::Bash, "hhvm-drain.bash");
}

#[test]
fn zsh() {
    check(Shell::Zsh, "_hhvm-drain");
}

#[test]
fn fish() {
    check(Shell::Fish, "hhvm-drain.fish");
}
