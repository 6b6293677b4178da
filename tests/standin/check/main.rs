//! Checks of the stand-in itself, from outside, against literal bytes: a stand-in that is wrong would make other tests right by mistake.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails, in its helpers too")]

mod ending;
mod faults;
mod harness;
mod processes;
mod protocol;
