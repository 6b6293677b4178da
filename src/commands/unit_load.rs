//! Puts together what reads the load of a unit.

use crate::context::Context;
use crate::endpoint::Wanted;
use crate::kernel::{Host, Scope};
use crate::locate::{Configured, Hints};
use crate::place::{Reach, Tried};
use crate::probe::{Keys, Subject, UnitLoad};
use crate::settings::Settings;
use crate::sockets::Listener;

/// What reads the load that is wanted of a unit.
pub(super) fn unit_load(
    context: &Context,
    settings: &Settings,
    wanted: Wanted,
    (scope, configured, keys): (Scope, Configured, Keys),
) -> UnitLoad {
    let subject = Subject {
        scope,
        host: Host::below(&context.root),
        kind: settings.kind,
        target: match &wanted {
            Wanted::At(target) => Some(target.clone()),
            Wanted::Auto | Wanted::Sockets => None,
        },
        keys,
        threshold: settings.threshold,
        former: configured.pages(),
    };
    let hints = Hints { wanted, set_by: settings.set_by.get("endpoint").cloned(), configured };
    let choose = Box::new(move |reach: &Reach, listeners: &[Listener], tried: &[Tried]| {
        hints.choose(reach, listeners, tried)
    });
    UnitLoad::new(subject, choose)
}
