//! What holds on every host that a search comes to.

use crate::events::{Event, NAME};
use crate::hooks::Step;
use crate::host::{Host, Interruption, Node, OWN, Phase, RUNTIME, Wish};
use crate::pool::{By, Parked};
use crate::scenes::Scene;
use std::collections::BTreeSet;
use std::ffi::OsStr;

/// The first promise that a step has broken, if one was.
pub fn broken_by(
    before: &Host,
    step: Step,
    interruption: Option<(usize, Interruption)>,
    after: &Host,
    scene: &Scene,
) -> Option<String> {
    nothing_is_lost(before, after)
        .or_else(|| no_bait_is_taken(after))
        .or_else(|| a_wish_holds(before, step, interruption, after, scene))
        .or_else(|| nothing_is_forgotten(before, step, interruption, after, scene))
        .or_else(|| a_record_does_not_lie(after))
}

fn is_in_place(host: &Host, scene: &Scene) -> bool {
    let at = host.disk.paths.get(scene.directory()).map(|(_, at)| *at);
    at.is_some_and(|at| matches!(host.disk.folders[at].get(OsStr::new(NAME)), Some(Node::File(_))))
}

/// What deploys and people have put there is there, and nothing else but copies of it.
fn nothing_is_lost(before: &Host, after: &Host) -> Option<String> {
    let (wanted, found) = (&after.disk.contents, after.disk.found());
    let copies: BTreeSet<u8> = before.disk.copies().iter().map(|copy| copy.content).collect();
    let is_lost = wanted.difference(&found).next().is_some();
    let is_made_up = found.difference(wanted).any(|content| !copies.contains(content));
    (is_lost || is_made_up).then(|| format!("the contents are {found:?} in place of {wanted:?}"))
}

/// What somebody has put under the disabled name is not the file that was parked.
fn no_bait_is_taken(host: &Host) -> Option<String> {
    let in_place = host.disk.folders.iter().find_map(|folder| folder.get(OsStr::new(NAME)));
    match in_place {
        Some(Node::File(file)) if host.disk.baits.contains(&file.content) => {
            Some("a stranger's file is in place".to_owned())
        }
        _ => None,
    }
}

/// What an operator has taken out comes back by no hook.
fn a_wish_holds(
    before: &Host,
    step: Step,
    interruption: Option<(usize, Interruption)>,
    after: &Host,
    scene: &Scene,
) -> Option<String> {
    let is_a_hook = !matches!(step, Step::Pool(_) | Step::Event(_));
    let is_alone = !matches!(interruption, Some((_, Interruption::Meanwhile(_))));
    let is_out = matches!(before.wish, Wish::Operator | Wish::Hand) && !is_in_place(before, scene);
    (is_a_hook && is_alone && is_out && is_in_place(after, scene))
        .then(|| "a hook has put back what a person has taken out".to_owned())
}

/// An entry of a record goes only when its health file is in its place, or another unit has it.
fn nothing_is_forgotten(
    before: &Host,
    step: Step,
    interruption: Option<(usize, Interruption)>,
    after: &Host,
    scene: &Scene,
) -> Option<String> {
    // What is in memory only goes with the power.
    let had_to =
        before.disk.state.keys().any(|path| path.starts_with(RUNTIME)) && after.wish == Wish::Unclear;
    // It was back before that.
    let is_away_again = matches!(
        interruption,
        Some((_, Interruption::Meanwhile(Event::HandOut | Event::HandBack | Event::Clean)))
    );
    if matches!(step, Step::Event(_) | Step::Boot { .. }) || had_to || is_away_again {
        return None;
    }
    let entries = |host: &Host| {
        let records = host.disk.records();
        records.into_iter().flat_map(|(_, record)| record.parked).collect::<Vec<Parked>>()
    };
    let kept = entries(after);
    let is_over = |host: &Host, parked: &Parked| {
        let directory = parked.health_file.parent().and_then(|path| host.disk.paths.get(path));
        let is_in_its_place = directory.is_some_and(|(_, at)| {
            matches!(host.disk.folders[*at].get(OsStr::new(NAME)), Some(Node::File(_)))
        });
        is_in_its_place || is_in_place(host, scene)
    };
    let is_lost = |parked: &&Parked| {
        let is_same = |other: &Parked| other.disabled == parked.disabled;
        !is_over(before, parked) && !is_over(after, parked) && !kept.iter().any(is_same)
    };
    entries(before).iter().find(is_lost).map(|parked| format!("{parked:?} was forgotten"))
}

/// It says whose the depool is.
fn a_record_does_not_lie(host: &Host) -> Option<String> {
    let by: Vec<By> = host.disk.records().iter().map(|(_, record)| record.by).collect();
    match host.wish {
        Wish::Operator if !by.contains(&By::Operator) => {
            Some("no record tells of the operator's wish".to_owned())
        }
        Wish::Nobody | Wish::Hand if by.contains(&By::Operator) => {
            Some("a record tells of a wish that nobody has".to_owned())
        }
        _ => None,
    }
}

/// Wherever it is left, a stop and a start bring the node back, unless a person wants it out.
pub fn broken_in_the_end(host: &Host, scene: &'static Scene) -> Option<String> {
    let mut end = host.clone();
    end.mounts_left = 1;
    if scene.events.contains(&crate::events::Event::Mount) {
        Step::Event(crate::events::Event::Mount).take(&mut end, scene, None);
    }
    let was_in_place = is_in_place(&end, scene);
    let has_files = end
        .disk
        .paths
        .get(scene.directory())
        .is_some_and(|(_, at)| end.disk.folders[*at].files().next().is_some());
    for _ in 0..2 {
        for unit in 0..end.phases.len() {
            serve(&mut end, unit, scene);
        }
    }
    match host.wish {
        Wish::Unclear => None,
        Wish::Operator | Wish::Hand => (!was_in_place && is_in_place(&end, scene))
            .then(|| "a stop and a start put back what a person has taken out".to_owned()),
        // Nor does what a stranger has overwritten come back.
        Wish::Nobody if !has_files || !end.disk.baits.is_empty() => None,
        Wish::Nobody if !is_in_place(&end, scene) => {
            Some(format!("a stop and a start do not bring the node back:\n{end:?}"))
        }
        Wish::Nobody => left_over(&end).or_else(|| older_in_place(&end, scene)),
    }
}

/// Of what deploys have brought, the latest counts. Its content has the highest number, as long as no file goes.
fn older_in_place(host: &Host, scene: &Scene) -> Option<String> {
    if scene.events != [Event::Put] {
        return None;
    }
    let (_, at) = host.disk.paths.get(scene.directory())?;
    let in_place = host.disk.folders[*at].get(OsStr::new(NAME));
    let latest = host.disk.found().last().copied();
    let is_latest = matches!(in_place, Some(Node::File(file)) if Some(file.content) == latest);
    (!is_latest).then(|| format!("an older file than the last one that was deployed is in place:\n{host:?}"))
}

/// The hooks of a stop and a start.
fn serve(host: &mut Host, unit: usize, scene: &'static Scene) {
    let mut steps = match host.phases[unit] {
        Phase::Drains(_) => {
            vec![Step::End(unit), Step::StopPost(unit), Step::StartPre(unit), Step::StartPost(unit)]
        }
        Phase::Ended => vec![Step::StopPost(unit), Step::StartPre(unit), Step::StartPost(unit)],
        Phase::Stopped => vec![Step::StartPre(unit), Step::StartPost(unit)],
        Phase::Started => vec![Step::StartPost(unit)],
        Phase::Serves => vec![],
    };
    steps.push(Step::Repool(unit));
    for step in steps {
        step.take(host, scene, None);
    }
}

/// What the program should have cleared away.
fn left_over(host: &Host) -> Option<String> {
    let is_hidden = |parked: &Parked| {
        let directory = parked.health_file.parent().and_then(|path| host.disk.paths.get(path));
        directory
            .is_none_or(|(_, at)| parked.directory.is_none_or(|id| id.inode != host.disk.folders[*at].inode))
    };
    for (path, record) in host.disk.records() {
        if !record.parked.iter().all(is_hidden) {
            return Some(format!("{} is left: {record:?}", path.display()));
        }
    }
    for folder in &host.disk.folders {
        let mut inodes = BTreeSet::new();
        for (name, node) in folder.names() {
            let is_ours = match node {
                Node::Placeholder => true,
                Node::File(file) => name == OWN || !inodes.insert(file.inode),
            };
            if is_ours {
                return Some(format!("{} is left", name.display()));
            }
        }
    }
    None
}
