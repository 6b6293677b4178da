//! The settings: one table, one parser for their values, one name for each everywhere.
//!
//! A setting has the same name as a key in the files, as a long flag, and as a variable `HHVM_DRAIN_…`.

pub mod balancer;
pub mod fleet;
pub mod layers;

mod contradictions;
mod file;
mod places;
mod table;
pub mod told;
mod value;

pub use table::{Form, SPECS, Settings, Spec};
pub use value::Repool;

#[cfg(any(test, fuzzing))]
#[path = "../../tests/fuzz/properties/settings.rs"]
pub mod properties;
