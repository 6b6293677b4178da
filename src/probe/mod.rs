//! Reads the load: a gauge for each kind of server, a client for each protocol.

mod client;
mod count;
pub mod fastcgi;
pub mod front_end;
mod gauge;
mod hhvm;
pub mod http;
mod inside;
mod own;
mod php_fpm;
mod pools;
mod prober;
mod reach;
mod recognise;
mod several;
mod source;
mod unit;

pub use client::{Client, Reply};
pub use front_end::FrontEnd;
pub use gauge::Gauge;
pub use pools::{Answer, Pools, Which};
pub use prober::Prober;
pub use recognise::ask_for_help;
pub use several::Sum;
pub use source::Source;
pub use unit::{Keys, Subject, UnitLoad};

#[cfg(any(test, fuzzing))]
#[path = "../../tests/fuzz/properties/load.rs"]
pub mod properties;
