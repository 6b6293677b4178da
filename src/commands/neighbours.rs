//! How the other units stand that share a health file with this one.

use crate::context::UnitName;
use crate::order;
use crate::pool::{Member, Neighbours, Standing};
use crate::systemd;
use crate::unit::Activity;
use std::time::{Duration, Instant};

/// No further unit is asked about after this time: a start hook must end.
const PATIENCE: Duration = Duration::from_secs(2);

/// The units that have a claim on a health file of this one; asks systemd only if there are any.
pub(super) fn neighbours(member: &Member) -> Neighbours {
    let give_up = Instant::now() + PATIENCE;
    let standing = |unit: &UnitName| match systemd::unit(unit)?.activity {
        // It has a claim, so its own hooks have not found it ready yet.
        Activity::Active | Activity::Activating | Activity::Deactivating => Some(Standing::Comes),
        Activity::Other => Some(Standing::Stopped),
    };
    let asked = member.sharers().into_iter().take_while(|_| Instant::now() < give_up);
    order::map(asked.filter_map(|unit| Some((unit.clone(), standing(&unit)?))))
}
