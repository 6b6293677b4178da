//! What is left of a run that ends in the middle: by a panic, which tells of itself, or without a word (SIGKILL, no
//! memory), which the next hook notices.

use crate::context::Context;
use crate::message::Message;
use crate::pool::{Member, PastDrain, Store, drain_in_progress};
use crate::report::{LastWords, Reporter};
use nix::time::{ClockId, clock_gettime};
use std::panic::{self, PanicHookInfo};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Most characters of a panic's own words that are told.
const WORDS_MAX: usize = 200;

/// Lets a panic tell of itself before the program ends. Whatever is locked by then is not waited for.
pub(super) fn prepare(context: &Context, drains: bool) {
    let store = drains.then(|| Store::new(context));
    let (words, began) = (LastWords::of(context), Store::new(context).now());
    let is_said = AtomicBool::new(false);
    panic::set_hook(Box::new(move |panic| {
        if is_said.swap(true, Ordering::SeqCst) {
            return;
        }
        words.say(&Message::Panicked(what(panic)));
        let Some(store) = &store else { return };
        // Not by what panics itself where the clock is broken.
        let now = clock_gettime(ClockId::CLOCK_BOOTTIME).map(Duration::from).unwrap_or_default();
        let elapsed = now.saturating_sub(Duration::from_millis(began.boottime_ms));
        store.note_drain_at_once(&PastDrain::died(Some(began.clone()), elapsed, began.at.clone()));
        store.note_end();
    }));
}

fn what(panic: &PanicHookInfo<'_>) -> String {
    let payload = panic.payload();
    let words = payload.downcast_ref::<&str>().copied();
    let words = words.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or_default();
    let words: String = words.chars().take(WORDS_MAX).collect();
    match panic.location() {
        Some(place) => format!("{words}, at {}:{}", place.file(), place.line()),
        None => words,
    }
}

/// A drain that has begun and has not ended, and that nobody is busy with: for so long it went on at most.
pub(super) fn ended_silently(member: &Member) -> Option<Duration> {
    let store = member.store();
    let began = store.unfinished()?;
    if drain_in_progress(store) {
        return None;
    }
    Some(began.until(&store.now()).unwrap_or_default())
}

/// Tells of such a drain, once.
pub(super) fn tell(member: &Member, elapsed: Duration, reporter: &Reporter) {
    reporter.tell(Message::EndedSilently(elapsed));
    let store = member.store();
    store.note_drain(&PastDrain::died(store.unfinished(), elapsed, store.now().at));
    store.publish();
    store.note_end();
}
