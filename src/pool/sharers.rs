//! The other units that name a health file of this one, by their records.

use super::lock::drain_in_progress;
use super::member::Member;
use super::record::{By, Parked, Record};
use super::sharing::{Claim, Neighbour, Neighbours, Own, Standing, Verdict, decide, decide_for_operator};
use crate::context::UnitName;
use crate::error::Result;
use std::collections::BTreeSet;
use std::path::Path;

/// Records of other units.
pub(super) type Others = Vec<(UnitName, Record)>;

/// Who wants a file back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asker {
    /// A hook.
    Drain(Own),
    /// An operator.
    Operator,
}

/// Who wants files back, and what must be asked first.
pub(super) struct Return<'a> {
    pub(super) asker: Asker,
    pub(super) neighbours: &'a Neighbours,
    pub(super) others: &'a Others,
}

impl Member {
    /// The other units that have drained, and keep away a health file of this one. Whoever brings files back finds out
    /// first how they stand; with an operator's claim it does not matter.
    #[must_use]
    pub fn sharers(&self) -> Vec<UnitName> {
        let own = self.store.record().ok().flatten();
        let own = own.as_ref().map(|record| record.parked.as_slice()).unwrap_or_default();
        let concerns_us =
            |entry: &Parked| self.is_named_here(entry) || own.iter().any(|parked| parked.is_same(entry));
        let mut units = BTreeSet::new();
        for (unit, record) in self.store.others() {
            if record.by == By::Drain && record.parked.iter().any(concerns_us) {
                units.insert(unit);
            }
        }
        units.into_iter().collect()
    }

    /// Whether the settings name the file of this entry.
    pub(super) fn is_named_here(&self, entry: &Parked) -> bool {
        self.health_files.iter().any(|path| path == entry.named())
    }

    /// What other units have parked of what the settings name here: a record like theirs, with those files alone.
    pub(super) fn parked_by_others(&self, others: &Others) -> Vec<Record> {
        let here = |record: &Record| {
            let parked = record.parked.iter().filter(|entry| self.is_named_here(entry)).cloned();
            Record { parked: parked.collect(), ..record.clone() }
        };
        others.iter().map(|(_, record)| here(record)).filter(|record| !record.parked.is_empty()).collect()
    }

    /// The records of other units by which the health file at `path` is away, or an older one of that name, and the
    /// entries: of each record, the one that was parked last is the last.
    pub(super) fn claims_on<'a>(
        &self,
        path: &Path,
        others: &'a Others,
    ) -> impl Iterator<Item = (&'a Record, &'a Parked)> {
        let entries =
            others.iter().flat_map(|(_, record)| record.parked.iter().map(move |entry| (record, entry)));
        entries.filter(move |(record, entry)| entry.named() == path && self.find(record, entry).is_parked())
    }

    /// The first of them.
    pub(super) fn claim_on<'a>(&self, path: &Path, others: &'a Others) -> Option<(&'a Record, &'a Parked)> {
        self.claims_on(path, others).next()
    }

    /// What becomes of the claim on `parked`.
    pub(super) fn verdict(&self, parked: &Parked, wanted: &Return) -> Verdict {
        let claims =
            wanted.others.iter().filter(|(_, record)| record.parked.iter().any(|p| p.is_same(parked)));
        let mut others: Vec<Neighbour> = claims
            .map(|(unit, record)| Neighbour {
                unit: unit.clone(),
                claim: Some(match record.by {
                    By::Drain => Claim::Drain,
                    By::Operator => Claim::Operator,
                }),
                standing: wanted.neighbours.get(unit).copied().unwrap_or(Standing::Comes),
            })
            .collect();
        for (unit, standing) in wanted.neighbours {
            if unit.as_str() != self.unit && others.iter().all(|other| other.unit != *unit) {
                others.push(Neighbour { unit: unit.clone(), claim: None, standing: *standing });
            }
        }
        for other in &mut others {
            if drain_in_progress(&self.store.of(&other.unit)) {
                other.standing = Standing::Drains;
            }
        }
        match wanted.asker {
            Asker::Drain(own) => decide(own, &others),
            Asker::Operator => decide_for_operator(&others),
        }
    }

    /// Takes the file out of the records of these units: it is back.
    pub(super) fn void(&self, units: &[UnitName], parked: &Parked, others: &Others) -> Result<()> {
        for (unit, record) in others.iter().filter(|(unit, _)| units.contains(unit)) {
            let left: Vec<Parked> =
                record.parked.iter().filter(|entry| !entry.is_same(parked)).cloned().collect();
            let store = self.store.of(unit);
            if left.is_empty() {
                store.forget()?;
            } else {
                store.save(&Record { parked: left, ..record.clone() })?;
            }
        }
        Ok(())
    }

    /// An operator wants the node back, and a unit drains just now: no wish of an operator keeps it away after that.
    pub(super) fn overrule(&self, parked: &Parked, others: &Others) -> Result<()> {
        let wishes = others.iter().filter(|(_, record)| record.by == By::Operator);
        for (unit, record) in wishes.filter(|(_, record)| record.parked.iter().any(|p| p.is_same(parked))) {
            let store = self.store.of(unit);
            if drain_in_progress(&store) {
                store.save(&Record { by: By::Drain, ..record.clone() })?;
            } else {
                self.void(std::slice::from_ref(unit), parked, others)?;
            }
        }
        Ok(())
    }
}

impl Parked {
    /// Whether both entries, of records of two units, are about the same file.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.health_file == other.health_file
            && self.disabled == other.disabled
            && self.file.inode == other.file.inode
    }
}
