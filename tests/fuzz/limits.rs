//! The limits of one input: its length, which is what the program reads at most, and the time that it takes.

use std::borrow::Cow;
use std::time::Duration;

/// No input may take longer, of the time of a processor: what else runs on the machine must not count.
const TIME: Duration = Duration::from_secs(5);
/// Between what stands once and what is repeated.
const TURN: u8 = 0xfe;
/// Behind what is repeated.
const REPEATED: u8 = 0xff;

/// Hands `bytes`, stretched or cut off to `bound`, to `property`.
pub fn within(bytes: &[u8], bound: usize, property: impl Fn(&[u8])) {
    let bytes = stretched(bytes, bound);
    let began = used();
    property(&bytes);
    let took = used().saturating_sub(began);
    assert!(took < TIME, "{took:?} for {} bytes", bytes.len());
}

/// `bytes` up to `bound`; of `HEAD 0xfe PATTERN 0xff` the head, and the pattern again and again, up to the very bound. A
/// fuzzer alone would hardly come to a megabyte, and it is there that slowness and greed show.
fn stretched(bytes: &[u8], bound: usize) -> Cow<'_, [u8]> {
    let marked = bytes.strip_suffix(&[REPEATED]).and_then(|bytes| {
        let turn = bytes.iter().rposition(|byte| *byte == TURN)?;
        Some((&bytes[..turn], &bytes[turn + 1..]))
    });
    match marked {
        Some((head, pattern)) if !pattern.is_empty() && head.len() < bound => {
            let repeated = pattern.iter().cycle().take(bound - head.len());
            head.iter().chain(repeated).copied().collect()
        }
        _ => Cow::Borrowed(&bytes[..bytes.len().min(bound)]),
    }
}

/// The time of a processor that this thread has had.
fn used() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}
