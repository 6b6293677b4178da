//! Where a health file is, in the light of the record.

use super::find::Prospect;
use super::member::Member;
use super::record::{Parked, Record};
use super::sight::Sight;
use super::whole::is_absent;
use std::io;
use std::path::Path;

/// Where a health file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whereabouts {
    /// In its place.
    InPlace,
    /// Parked, and the record tells by whom.
    OnRecord,
    /// The record tells that it was parked, and it cannot be put back as things are; why.
    Lost(String),
    /// Parked, and no record tells of it.
    ByHand,
    /// Not there.
    Nowhere,
}

impl Member {
    /// Where the health file at `path` of the settings is, in the light of `record`.
    ///
    /// # Errors
    /// That of `sight`, unless it only says that there is no such directory, or the record knows better.
    pub fn whereabouts(
        &self,
        path: &Path,
        sight: &io::Result<Sight>,
        record: Option<&Record>,
    ) -> io::Result<Whereabouts> {
        if sight.as_ref().is_ok_and(|sight| sight.health.is_some()) {
            return Ok(Whereabouts::InPlace);
        }
        if let Some(on_record) = record.and_then(|record| self.on_record(path, sight, record)) {
            return Ok(on_record);
        }
        match sight {
            Ok(sight) if sight.disabled.file().is_some() => Ok(Whereabouts::ByHand),
            Ok(_) => Ok(Whereabouts::Nowhere),
            Err(error) if is_absent(error) => Ok(Whereabouts::Nowhere),
            Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
        }
    }

    /// What the record says of a health file that is not in its place.
    fn on_record(&self, path: &Path, sight: &io::Result<Sight>, record: &Record) -> Option<Whereabouts> {
        let real = sight.as_ref().ok().map(|sight| self.root.shorten(&sight.health_path()));
        let is_about_it = |parked: &&Parked| {
            parked.named() == path || real.as_ref().is_some_and(|real| *real == parked.health_file)
        };
        let mut lost = None;
        for parked in record.parked.iter().filter(is_about_it) {
            match self.find(record, parked) {
                prospect if prospect.is_parked() => return Some(Whereabouts::OnRecord),
                Prospect::OutOfSight(why) => lost = Some(why),
                Prospect::Here(found) => {
                    lost = lost.or(found.fate.trouble(&parked.disabled));
                }
                Prospect::Elsewhere(_) => {}
            }
        }
        lost.map(Whereabouts::Lost)
    }

    /// Whether every health file of the record is in its place, so that the record has served its purpose.
    #[must_use]
    pub fn is_over(&self, record: &Record) -> bool {
        record.parked.iter().all(|parked| self.find(record, parked).is_over())
    }
}
