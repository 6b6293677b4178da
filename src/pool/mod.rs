//! The pool's files: the health file, its parked twin, and the durable record of who parked it. This module and its
//! children are the only writers of either.

mod activity;
mod announcement;
mod away;
mod beside;
mod bring_back;
mod bytes;
mod copies;
mod copy;
mod depool;
mod directory;
mod fate;
mod find;
mod guard;
mod half_move;
mod history;
mod identity;
mod lock;
mod member;
mod metrics_file;
mod names;
mod obstacle;
mod park;
mod past_drain;
mod publish;
mod published;
mod record;
mod sharers;
mod sharing;
mod shelf;
mod sight;
mod store;
mod turn;
mod whereabouts;
mod whole;

pub use activity::{Activity, Live, Phase, Writer};
pub use announcement::Announcement;
pub use away::{Away, Said};
pub use bring_back::Left;
pub use depool::{Depooled, Out};
pub use directory::Directory;
pub use fate::{Fate, Place, View};
pub use history::History;
pub use identity::{Boot, FileId, Written};
pub use lock::{DrainLock, drain_in_progress};
pub use member::Member;
pub use names::{Entry, Names};
pub use obstacle::{Obstacle, Rights};
pub use past_drain::{PHASES, PastDrain, Phases, Stage, Totals, Why};
pub use published::{Checked, Membership, Published, Word};
pub use record::{By, Parked, Record, Wish};
pub use sharing::{Neighbours, Own, Standing};
pub use sight::Sight;
pub use store::{Saved, Store};
pub use turn::SlotNote;
pub use whereabouts::Whereabouts;

#[cfg(any(test, fuzzing))]
#[path = "../../tests/fuzz/properties/pool.rs"]
pub mod properties;

#[cfg(test)]
mod tests;
