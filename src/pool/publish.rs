//! Publishes for everybody how things stand, in memory.

use super::activity::{Activity, Precedence, Writer};
use super::published::{Checked, Membership, Published, VERSION};
use super::shelf::{RUNTIME, Spot};
use super::store::Store;
use super::whole::{Durability, Readers, read, write};
use std::io;
use std::path::PathBuf;

/// How often the published state is written anew, should the record change meanwhile.
const TRIES: usize = 3;
/// A file that debian/prerm makes in [`RUNTIME`].
const LEAVING: &str = "leaving";

impl Store {
    /// The published state, if there is one.
    ///
    /// # Errors
    /// As open(2) and read(2), and for what is no published state.
    pub fn published(&self) -> io::Result<Option<Published>> {
        read(&self.published_spot())
    }

    /// Where it is.
    #[must_use]
    pub fn published_path(&self) -> PathBuf {
        self.published_spot().path()
    }

    fn published_spot(&self) -> Spot {
        self.spot(RUNTIME, "state")
    }

    /// Whether the package is being removed: its script says so, for the agent.
    #[must_use]
    pub fn is_package_leaving(&self) -> bool {
        self.shared(LEAVING.to_owned()).path().exists()
    }

    /// Publishes how things stand. Nothing that this program does depends on it, so a full `/run` only costs others
    /// the news.
    pub fn publish(&self) {
        let (activity, check) = self.known();
        self.publish_with(activity.as_ref(), check.as_ref());
    }

    /// Publishes what `check --quiet` has found.
    pub fn publish_check(&self, check: &Checked) {
        self.publish_with(self.known().0.as_ref(), Some(check));
    }

    /// Publishes what a process does from now on.
    pub(super) fn announce(&self, activity: Activity, precedence: Precedence) {
        let (others, check) = self.known();
        let others = others.filter(|other| other.writer != activity.writer);
        let others = others.filter(|_| precedence == Precedence::Last);
        self.publish_with(Some(&others.unwrap_or(activity)), check.as_ref());
    }

    /// Publishes that `writer` has done what it announced.
    pub(super) fn announce_end(&self, writer: Writer) {
        let (others, check) = self.known();
        self.publish_with(others.filter(|other| other.writer != writer).as_ref(), check.as_ref());
    }

    /// What a process that still runs, or may, has announced; and what `check` has found.
    fn known(&self) -> (Option<Activity>, Option<Checked>) {
        let published = self.published().ok().flatten();
        let boot_id = self.now().boot_id;
        let published = published.filter(|published| published.is_about(self.unit(), &boot_id));
        let Some(Published { activity, check, .. }) = published else { return (None, None) };
        (activity.filter(|activity| activity.writer.runs(&self.proc()) != Some(false)), check)
    }

    /// Writers do not wait for each other. As each looks at the record once more after it has written, the last one of
    /// them leaves what the record says.
    fn publish_with(&self, activity: Option<&Activity>, check: Option<&Checked>) {
        for _ in 0..TRIES {
            let membership = self.membership();
            let state = Published {
                version: VERSION,
                unit: self.unit().to_owned(),
                written: self.now(),
                membership: membership.clone(),
                activity: activity.cloned(),
                last_drain: self.last_drain(),
                check: check.cloned(),
            };
            let written =
                write(&self.published_spot(), &state, Readers::Everybody, Durability::WhenConvenient);
            if written.is_err() || self.membership() == membership {
                break;
            }
        }
    }

    fn membership(&self) -> Membership {
        self.record().map_or(Membership::Unknown, |record| Membership::of(record.as_ref()))
    }
}
