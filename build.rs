//! Leaves the unwind tables out of the released program, a ninth of its size: it aborts on a panic and prints no
//! backtrace, so nobody would read them. Tests and debug builds keep theirs.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=no-unwind.ld");
    if env::var("PROFILE").is_ok_and(|profile| profile == "release") {
        let script = format!("{}/no-unwind.ld", env::var("CARGO_MANIFEST_DIR").unwrap_or_default());
        // Not by "-Wl,": the path may hold a comma.
        println!("cargo::rustc-link-arg-bins=-T{script}");
        println!("cargo::rustc-link-arg-bins=-Wl,--no-eh-frame-hdr");
    }
}
