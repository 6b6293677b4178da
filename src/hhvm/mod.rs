//! What HHVM's command line and configuration files say, read as HHVM reads them.

pub mod arguments;
mod configuration;
mod files;
mod hdf;
mod includes;
mod ini;
mod known;
mod lexer;
mod number;
mod options;
mod origin;
mod patterns;
mod tree;
mod value;

pub use configuration::{Start, read};
pub use files::{Files, Missing};
pub use known::Hhvm;
pub use options::{Options, ServerType};
pub use origin::{Cause, Found, Origin, Value};

#[cfg(any(test, fuzzing))]
#[path = "../../tests/fuzz/properties/hhvm.rs"]
pub mod properties;

#[cfg(test)]
mod noise_tests;
#[cfg(test)]
mod tests;
