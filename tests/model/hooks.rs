//! The program's commands, as systemd and operators call them, and what becomes of the unit.

use crate::events::Event;
use crate::host::{self, End, Host, Interruption, Kind, Phase, Wish};
use crate::pool::{By, Left, Member, Neighbours, Out, Own, Standing, drain_in_progress};
use crate::scenes::Scene;
use hhvm_drain::context::{Caller, UnitName};
use hhvm_drain::repool::{Because, Decision, Moment, decide};
use std::path::PathBuf;

/// One step of the host, for the unit of that number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// `ExecStop=`, its first part: the node is taken out.
    Stop(usize),
    /// The drain looks whether the health file came back.
    Watch(usize),
    /// `stop` returns, or HHVM ends by itself.
    End(usize),
    /// `ExecStopPost=`.
    StopPost(usize),
    /// `ExecStartPre=`.
    StartPre(usize),
    /// `ExecStartPost=`: HHVM serves.
    StartPost(usize),
    /// `hhvm-drain-repool@.service`: HHVM serves.
    Repool(usize),
    /// `depool`.
    Depool(usize),
    /// `pool`.
    Pool(usize),
    /// A power cut or a reset, after which disks may have other numbers.
    Boot { renumber: bool },
    /// Something else.
    Event(Event),
}

/// What a command said, as far as people go by it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Said {
    Drains(Vec<PathBuf>),
    Out,
    In,
    Nothing,
    Failed,
}

impl Step {
    /// All that can be done on this host.
    pub fn all(host: &Host, scene: &Scene) -> Vec<Self> {
        let mut steps = Vec::new();
        for (unit, phase) in host.phases.iter().enumerate() {
            steps.extend(match phase {
                Phase::Serves => vec![Self::Stop(unit), Self::End(unit), Self::Repool(unit)],
                Phase::Drains(_) => vec![Self::Watch(unit), Self::End(unit)],
                Phase::Ended => vec![Self::StopPost(unit)],
                Phase::Stopped => vec![Self::StartPre(unit)],
                Phase::Started => vec![Self::StartPost(unit), Self::End(unit)],
            });
            if scene.has_operators {
                steps.extend([Self::Depool(unit), Self::Pool(unit)]);
            }
        }
        steps.push(Self::Boot { renumber: false });
        if scene.renumbers {
            steps.push(Self::Boot { renumber: true });
        }
        let events = scene.events.iter().filter(|event| event.may_happen(host, scene));
        steps.extend(events.map(|event| Self::Event(*event)));
        steps
    }

    /// Takes the step, interrupted before the call of that number. The calls that the program made.
    pub fn take(
        self,
        host: &mut Host,
        scene: &'static Scene,
        interruption: Option<(usize, Interruption)>,
    ) -> Vec<Kind> {
        match self {
            Self::Boot { renumber } => host.boot(renumber),
            Self::Event(event) => event.happen(host, scene),
            Self::End(unit) => host.phases[unit] = Phase::Ended,
            command => return command.call(host, scene, interruption),
        }
        Vec::new()
    }

    fn call(
        self,
        host: &mut Host,
        scene: &'static Scene,
        interruption: Option<(usize, Interruption)>,
    ) -> Vec<Kind> {
        let (calls, end) = host::run(host, scene, interruption, || self.command(scene));
        let said = match end {
            End::Whole(said) => said,
            End::Killed => {
                self.was_killed(host);
                return calls;
            }
            End::PowerCut => {
                self.was_killed(host);
                host.boot(false);
                return calls;
            }
        };
        // What another did meanwhile may contradict it.
        let is_alone = !matches!(interruption, Some((_, Interruption::Meanwhile(_))));
        match (self, said) {
            (Self::Stop(unit) | Self::Watch(unit), Said::Drains(watched)) => {
                host.phases[unit] = Phase::Drains(watched);
            }
            (Self::StopPost(unit), _) => host.phases[unit] = Phase::Stopped,
            (Self::StartPre(unit), _) => host.phases[unit] = Phase::Started,
            (Self::StartPost(unit), _) => host.phases[unit] = Phase::Serves,
            (Self::Depool(_), Said::Out) if is_alone && is_parked(host) => host.wish = Wish::Operator,
            (Self::Pool(_), Said::In) if is_alone => host.wish = Wish::Nobody,
            (Self::Depool(_) | Self::Pool(_), _) => host.wish = Wish::Unclear,
            _ => {}
        }
        calls
    }

    /// What systemd makes of a hook that was killed, and people of a command.
    fn was_killed(self, host: &mut Host) {
        match self {
            Self::Stop(unit) | Self::Watch(unit) => host.phases[unit] = Phase::Ended,
            Self::StopPost(unit) => host.phases[unit] = Phase::Stopped,
            Self::StartPre(unit) => host.phases[unit] = Phase::Started,
            Self::StartPost(unit) => host.phases[unit] = Phase::Serves,
            Self::Depool(_) | Self::Pool(_) => host.wish = Wish::Unclear,
            Self::Repool(_) | Self::End(_) | Self::Boot { .. } | Self::Event(_) => {}
        }
    }

    /// Within the process of the program.
    fn command(self, scene: &Scene) -> Said {
        match self {
            Self::Stop(unit) => {
                let mut member = member(unit, scene, &[]);
                member.depool(&crate::pool::Wish::drain());
                Said::Drains(member.watched())
            }
            Self::Watch(unit) => {
                let watched = host::with(|host| match &host.phases[unit] {
                    Phase::Drains(watched) => watched.clone(),
                    _ => Vec::new(),
                });
                let mut member = member(unit, scene, &watched);
                member.keep_out();
                Said::Drains(member.watched())
            }
            Self::StopPost(unit) => restore(unit, scene, Caller::StopHook, false),
            Self::StartPre(unit) => restore(unit, scene, Caller::StartHook, false),
            Self::StartPost(unit) => restore(unit, scene, Caller::StartHook, true),
            Self::Repool(unit) => restore(unit, scene, Caller::RepoolUnit, false),
            Self::Depool(unit) => {
                let mut member = member(unit, scene, &[]);
                let wish = crate::pool::Wish { by: By::Operator, who: None, reason: None };
                match member.depool(&wish).out {
                    Out::For(_) if !member.any_in_place() => Said::Out,
                    _ => Said::Failed,
                }
            }
            Self::Pool(unit) => {
                let member = member(unit, scene, &[]);
                match member.pool(&neighbours(&member), &mut Vec::new()) {
                    Ok(()) => Said::In,
                    Err(_) => Said::Failed,
                }
            }
            Self::End(_) | Self::Boot { .. } | Self::Event(_) => Said::Nothing,
        }
    }
}

/// Whether all that records tell of is as they tell it, in sight or not.
fn is_parked(host: &Host) -> bool {
    let records = host.disk.records();
    let mut parked = records.iter().flat_map(|(_, record)| &record.parked);
    parked.all(|parked| host.disk.is_at(parked.file.inode, parked.disabled.file_name().unwrap_or_default()))
}

pub fn name(unit: usize) -> UnitName {
    match UnitName::parse(&format!("hhvm@{unit}")) {
        Ok(name) => name,
        Err(why) => unreachable!("{why}"),
    }
}

fn member(unit: usize, scene: &Scene, watched: &[PathBuf]) -> Member {
    Member::of(&name(unit), &[scene.health_file()], watched)
}

/// What `restore` does of its own, as `src/commands/restore.rs`, where HHVM serves when it is asked.
fn restore(unit: usize, scene: &Scene, caller: Caller, wait: bool) -> Said {
    let member = member(unit, scene, &[]);
    let Ok(record) = member.store().record() else { return Said::Failed };
    if (record.is_none() && member.sharers().is_empty())
        || record.as_ref().is_some_and(|record| record.by == By::Operator)
    {
        return Said::Nothing;
    }
    let draining = drain_in_progress(member.store());
    match decide(scene.repool, Moment { caller, draining, wait }) {
        Decision::BringBack | Decision::OnceItServes(_) => undo(&member, Own::Ready, &neighbours(&member)),
        Decision::StayOut(Because::Stopped) if record.is_some() => leave_to_others(unit, &member),
        Decision::StayOut(_) | Decision::LeaveForNow => Said::Nothing,
    }
}

/// As `src/commands/sharing.rs`.
fn leave_to_others(unit: usize, member: &Member) -> Said {
    let serves = |(_, phase): &(usize, &Phase)| matches!(phase, Phase::Serves);
    let active: Vec<usize> = host::with(|host| {
        let others = host.phases.iter().enumerate().filter(|(other, _)| *other != unit);
        others.filter(serves).map(|(other, _)| other).collect()
    });
    if active.is_empty() {
        return Said::Nothing;
    }
    let mut others = neighbours(member);
    for unit in active {
        others.entry(name(unit)).or_insert(Standing::Serves);
    }
    undo(member, Own::Stopped, &others)
}

fn undo(member: &Member, own: Own, others: &Neighbours) -> Said {
    match member.undo_drain(own, others, &mut Vec::new()) {
        Ok(Left::Nothing) => Said::In,
        Ok(_) => Said::Nothing,
        Err(_) => Said::Failed,
    }
}

/// As `src/commands/neighbours.rs`.
fn neighbours(member: &Member) -> Neighbours {
    let standing = |unit: &UnitName| {
        host::with(|host| {
            let phase = host.phases.iter().enumerate().find(|(number, _)| name(*number) == *unit);
            match phase {
                Some((_, Phase::Stopped)) | None => Standing::Stopped,
                Some(_) => Standing::Comes,
            }
        })
    };
    member.sharers().into_iter().map(|unit| (unit.clone(), standing(&unit))).collect()
}
