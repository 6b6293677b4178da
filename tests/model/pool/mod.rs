//! The files of `src/pool/`, compiled once more with another disk below them.

#![allow(dead_code, unused_imports, reason = "a part of the program, without what calls the rest of it")]
#![allow(clippy::unnecessary_wraps, clippy::unused_self, reason = "what stands in for a file looks like it")]

mod beside;
mod copy;
mod directory;
mod lock;
mod publish;

#[path = "../../../src/pool/bring_back.rs"]
mod bring_back;
#[path = "../../../src/pool/bytes.rs"]
mod bytes;
#[path = "../../../src/pool/copies.rs"]
mod copies;
#[path = "../../../src/pool/depool.rs"]
mod depool;
#[path = "../../../src/pool/fate.rs"]
mod fate;
#[path = "../../../src/pool/find.rs"]
mod find;
#[path = "../../../src/pool/half_move.rs"]
mod half_move;
#[path = "../../../src/pool/identity.rs"]
mod identity;
#[path = "../../../src/pool/member.rs"]
mod member;
#[path = "../../../src/pool/names.rs"]
mod names;
#[path = "../../../src/pool/park.rs"]
mod park;
#[path = "../../../src/pool/record.rs"]
mod record;
#[path = "../../../src/pool/sharers.rs"]
mod sharers;
#[path = "../../../src/pool/sharing.rs"]
mod sharing;
#[path = "../../../src/pool/shelf.rs"]
mod shelf;
#[path = "../../../src/pool/sight.rs"]
mod sight;
#[path = "../../../src/pool/store.rs"]
mod store;
#[path = "../../../src/pool/whereabouts.rs"]
mod whereabouts;
#[path = "../../../src/pool/whole.rs"]
mod whole;

pub use bring_back::Left;
pub use copy::Copy;
pub use depool::{Depooled, Out};
pub use identity::{Boot, FileId, Written};
pub use lock::drain_in_progress;
pub use member::Member;
pub use record::{By, Parked, Record, Wish};
pub use sharing::{Neighbours, Own, Standing};

use crate::context::{Context, Env, Root, UnitName};
use std::path::PathBuf;

impl Member {
    /// The process of `stop` as it goes on, of which only the health files that it watches are left in memory.
    pub fn of(unit: &UnitName, health_files: &[PathBuf], watched: &[PathBuf]) -> Self {
        let context = Context::new(Root::new("/".into()), Env::default(), unit.clone());
        let mut member = Self::new(&context, health_files);
        member.watched = watched.to_vec();
        member
    }

    pub fn watched(&self) -> Vec<PathBuf> {
        self.watched.clone()
    }
}
