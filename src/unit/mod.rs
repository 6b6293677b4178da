//! A service unit: what `systemctl show` and its files say that matters to a drain.

mod filter;
mod mounts;
mod own;
mod properties;
mod show;
mod words;

pub use filter::Filter;
pub use mounts::{Hidden, Mounts};
pub use own::{Own, calls};
pub use properties::Unit;
pub use words::{Activity, Author, KillMode, Lifetime, NotifyAccess, Output, Patience, Relation};

#[cfg(any(test, fuzzing))]
#[path = "../../tests/fuzz/properties/unit.rs"]
pub mod promises;
