//! The drains of a unit: the last one in a file of its own, which later hooks add to; those before it in another, a line each.

use super::beside::{append, read_trusted};
use super::lock::WriteLock;
use super::past_drain::{PastDrain, Stage};
use super::shelf::{STATE, Spot};
use super::store::Store;
use super::whole::{Durability, Readers, is_absent, read, write, write_text};
use crate::error::{Error, Result};
use rustix::io::Errno;
use std::io;

/// Most rows before the last one.
pub const ROWS_MAX: usize = 999;
/// Most bytes of them.
const BYTES_MAX: usize = 1 << 20;
/// When there are more, so many go at once: most drains only add a line.
const DROPPED: usize = 100;
/// How the name of the file ends.
const HISTORY: &str = "history";
const LAST: &str = "last.json";

/// The drains of a unit, the last one at the end.
#[derive(Debug, Default)]
pub struct History {
    /// Those that can be read.
    pub drains: Vec<PastDrain>,
    /// So many lines cannot.
    pub broken: usize,
}

impl Store {
    /// The last drain, if one is known.
    #[must_use]
    pub fn last_drain(&self) -> Option<PastDrain> {
        read(&self.spot(STATE, LAST)).ok().flatten()
    }

    /// Notes a drain that is over. Nothing depends on it, so a full disk, or a lock that is not to be had, only costs the note.
    pub fn note_drain(&self, drain: &PastDrain) {
        let _lock = WriteLock::of_unit(self);
        self.note_drain_at_once(drain);
    }

    /// The same without the lock, for who may hold it, or cannot wait: a clock may be broken.
    pub fn note_drain_at_once(&self, drain: &PastDrain) {
        let Some(before) = self.last_drain() else { return self.write_last(drain) };
        if drain.is_covered_by(&before) {
            return;
        }
        let mut totals = before.totals();
        totals.rows = self.keep(&before.row(), before.before.as_ref().and_then(|totals| totals.rows)).ok();
        self.write_last(&PastDrain { before: Some(totals), ..drain.clone() });
    }

    /// Notes that `stage` begins now, if that belongs to the last drain.
    pub fn note_stage(&self, stage: Stage) {
        let Ok(_lock) = WriteLock::of_unit(self) else { return };
        let Some(mut last) = self.last_drain() else { return };
        if last.begins(stage, &self.now()) {
            self.write_last(&last);
            self.publish();
        }
    }

    /// Changes what is known of the last drain.
    pub(super) fn amend(&self, change: impl FnOnce(&mut PastDrain)) {
        let Ok(_lock) = WriteLock::of_unit(self) else { return };
        if let Some(mut last) = self.last_drain() {
            change(&mut last);
            self.write_last(&last);
            self.publish();
        }
    }

    fn write_last(&self, drain: &PastDrain) {
        let _ = write(&self.spot(STATE, LAST), drain, Readers::Root, Durability::WhenConvenient);
    }

    /// Adds a line to the history, which has so many, if that is known; how many it has then.
    fn keep(&self, drain: &PastDrain, rows: Option<usize>) -> io::Result<usize> {
        let spot = self.spot(STATE, HISTORY);
        let mut line = serde_json::to_vec(drain)?;
        line.push(b'\n');
        // Most drains read nothing of it.
        if let Some(rows) = rows.filter(|rows| *rows < ROWS_MAX)
            && append(&spot, &line, BYTES_MAX).is_ok()
        {
            return Ok(rows + 1);
        }
        let text = match read_trusted(&spot) {
            Ok(text) => text,
            Err(error) if is_absent(&error) => Vec::new(),
            // Not ours, too long, or cannot be read: begun anew.
            Err(_) => return Self::replace(&spot, &line),
        };
        let rows = lines(&text);
        if rows < ROWS_MAX && append(&spot, &line, BYTES_MAX).is_ok() {
            return Ok(rows + 1);
        }
        let mut kept = newest(&text, ROWS_MAX - DROPPED, BYTES_MAX - BYTES_MAX / 10 - line.len()).to_vec();
        if kept.last().is_some_and(|last| *last != b'\n') {
            kept.push(b'\n');
        }
        kept.extend(line);
        Self::replace(&spot, &kept)
    }

    fn replace(spot: &Spot, text: &[u8]) -> io::Result<usize> {
        write_text(spot, text, Readers::Root, Durability::WhenConvenient)?;
        Ok(lines(text))
    }

    /// All drains that are known.
    ///
    /// # Errors
    /// [`Error::History`] when they cannot be read.
    pub fn history(&self) -> Result<History> {
        let spot = self.spot(STATE, HISTORY);
        let text = trusted(&spot)?.unwrap_or_default();
        let mut history = History::default();
        for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            match serde_json::from_slice(line) {
                Ok(drain) => history.add(drain),
                Err(_) => history.broken += 1,
            }
        }
        let last = self.spot(STATE, LAST);
        match trusted(&last)?.map(|text| serde_json::from_slice(&text)) {
            Some(Ok(drain)) => history.add(PastDrain::row(&drain)),
            Some(Err(_)) => history.broken += 1,
            None => {}
        }
        Ok(history)
    }
}

impl History {
    /// A drain of which a crash has left two rows is one.
    fn add(&mut self, drain: PastDrain) {
        match self.drains.last_mut() {
            Some(before) if before.is(&drain) => *before = drain,
            _ => self.drains.push(drain),
        }
    }
}

fn trusted(spot: &Spot) -> Result<Option<Vec<u8>>> {
    match read_trusted(spot) {
        Ok(text) => Ok(Some(text)),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) if error.raw_os_error() == Some(Errno::ACCESS.raw_os_error()) => {
            Err(Error::HistoryDenied(spot.path()))
        }
        Err(source) => Err(Error::History { path: spot.path(), source }),
    }
}

/// How many lines there are, the last of which may be cut.
fn lines(text: &[u8]) -> usize {
    text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count()
}

/// The last lines of `text`, so many and of so many bytes at most.
fn newest(text: &[u8], rows: usize, bytes: usize) -> &[u8] {
    let body = text.strip_suffix(b"\n").unwrap_or(text);
    let breaks = body.iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
    let starts = breaks.chain([0]).take(rows).take_while(|start| text.len() - start <= bytes);
    starts.last().map_or(&[], |start| &text[start..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::{Context, Env, Root, UnitName};
    use std::fs;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::path::PathBuf;
    use std::time::Duration;

    fn store(dir: &tempfile::TempDir) -> (Store, PathBuf) {
        let unit = UnitName::parse("hhvm").unwrap();
        let store = Store::new(&Context::new(Root::new(dir.path().to_owned()), Env::default(), unit));
        (store, dir.path().join("var/lib/hhvm-drain/hhvm.service.history"))
    }

    fn drain(number: usize) -> PastDrain {
        PastDrain::died(None, Duration::from_secs(number as u64), format!("at {number}"))
    }

    fn seconds(store: &Store) -> Vec<u64> {
        store.history().unwrap().drains.iter().map(|drain| drain.seconds).collect()
    }

    #[test]
    fn every_drain_leaves_a_row_and_the_oldest_are_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let (store, path) = store(&dir);
        (0..3).for_each(|number| store.note_drain(&drain(number)));
        assert_eq!(seconds(&store), [0, 1, 2]);
        assert_eq!(
            fs::read_to_string(&path).unwrap().lines().count(),
            2,
            "the last one has a file of its own"
        );
        assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o600);
        (3..1500).for_each(|number| store.note_drain(&drain(number)));
        let kept = seconds(&store);
        assert!((900..=1000).contains(&kept.len()), "{}", kept.len());
        assert!(kept.windows(2).all(|pair| pair[0] + 1 == pair[1]) && kept.last() == Some(&1499));
    }

    #[test]
    fn long_rows_are_bounded_by_their_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let (store, path) = store(&dir);
        for number in 0..60 {
            store.note_drain(&PastDrain { held_up_by: Some("x".repeat(50_000)), ..drain(number) });
            assert!(path.metadata().map_or(0, |meta| meta.len()) <= 1 << 20);
        }
        let kept = seconds(&store);
        assert!((15..25).contains(&kept.len()) && kept.last() == Some(&59), "{kept:?}");
    }

    #[test]
    fn a_line_that_was_cut_costs_only_itself() {
        let dir = tempfile::tempdir().unwrap();
        let (store, path) = store(&dir);
        (0..4).for_each(|number| store.note_drain(&drain(number)));
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, &text[..text.len() - 20]).unwrap();
        store.note_drain(&drain(4));
        fs::write(&path, [&[0; 30], fs::read(&path).unwrap().as_slice()].concat()).unwrap();
        let history = store.history().unwrap();
        assert_eq!((seconds(&store), history.broken), (vec![1, 3, 4], 2));
    }

    #[test]
    fn a_row_that_a_crash_has_written_twice_is_one() {
        let dir = tempfile::tempdir().unwrap();
        let (store, path) = store(&dir);
        (0..3).for_each(|number| store.note_drain(&drain(number)));
        let last = serde_json::to_string(&drain(2)).unwrap() + "\n";
        fs::write(&path, fs::read_to_string(&path).unwrap() + &last).unwrap();
        assert_eq!(seconds(&store), [0, 1, 2]);
    }

    #[test]
    fn a_history_that_others_can_write_is_not_believed_and_a_link_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let (store, path) = store(&dir);
        (0..3).for_each(|number| store.note_drain(&drain(number)));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        assert!(matches!(store.history(), Err(Error::History { .. })));
        store.note_drain(&drain(3));
        assert_eq!(seconds(&store), [2, 3], "begun anew");
        let victim = dir.path().join("victim");
        fs::write(&victim, "precious").unwrap();
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink(&victim, &path).unwrap();
        store.note_drain(&drain(4));
        assert_eq!((fs::read_to_string(victim).unwrap().as_str(), seconds(&store)), ("precious", vec![3, 4]));
    }

    #[test]
    fn the_newest_lines_are_whole() {
        let text = b"aa\nbb\ncc\n";
        assert_eq!((newest(text, 2, 99), newest(text, 9, 99)), (&text[3..], &text[..]));
        assert_eq!((newest(text, 9, 5), newest(text, 9, 2)), (&text[6..], &b""[..]));
        assert_eq!(newest(b"", 9, 9), b"");
    }
}
