//! hhvm-drain: see the library.
fn main() {}
