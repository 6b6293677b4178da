//! The control file: synthetic load and faults of the admin server, changed by a test while the stand-in runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::message::Pace;
use crate::{lock, log};

/// Where the admin server falls silent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Hang {
    /// After accepting, before reading.
    Accept,
    /// After reading the request.
    Reply,
}

/// A number in place of a real one.
#[derive(Clone, PartialEq, Eq)]
pub enum Synthetic {
    Fixed(i64),
    /// Goes evenly from one to the other.
    Ramp {
        from: i64,
        to: i64,
        over: Duration,
    },
}

impl Synthetic {
    fn at(&self, elapsed: Duration) -> i64 {
        match *self {
            Self::Fixed(number) => number,
            Self::Ramp { to, over, .. } if elapsed >= over => to,
            Self::Ramp { from, to, over } => {
                let left = i128::try_from(over.saturating_sub(elapsed).as_nanos()).unwrap_or(0);
                let whole = i128::try_from(over.as_nanos()).unwrap_or(1).max(1);
                let distance = i128::from(from - to) * left;
                // Away from the end, so that the end is reached at its time and not before.
                let rounded = (distance.abs() + whole - 1) / whole * distance.signum();
                to + i64::try_from(rounded).unwrap_or(0)
            }
        }
    }
}

/// The file's content.
#[derive(Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "switches that have nothing to do with each other")]
pub struct Faults {
    load: Option<Synthetic>,
    queued: Option<Synthetic>,
    pub flicker: bool,
    pub queued_404: bool,
    /// Only this command is given the status and the body below; otherwise all that begin with `check-`.
    pub only: Option<String>,
    pub status: Option<u16>,
    pub body: Option<String>,
    pub drip: Option<Pace>,
    pub split: bool,
    pub hang: Option<Hang>,
    pub delay: Duration,
    pub refuse: bool,
}

#[derive(Default)]
struct State {
    text: String,
    faults: Faults,
    load_since: Option<Instant>,
    queued_since: Option<Instant>,
}

/// The file, read again whenever somebody asks.
pub struct Control {
    path: Option<PathBuf>,
    state: Mutex<State>,
}

impl Control {
    /// Reads the file for the first time; it need not exist.
    pub fn new(path: Option<PathBuf>) -> Result<Self, String> {
        let control = Self { path, state: Mutex::default() };
        control.refresh()?;
        Ok(control)
    }

    /// The content now. A mistake in the file ends the process, or the test would run without the fault it asks for.
    pub fn faults(&self) -> Faults {
        if let Err(why) = self.refresh() {
            log(&why);
            process::exit(2);
        }
        lock(&self.state).faults.clone()
    }

    /// The synthetic load, if there is one.
    pub fn load(&self) -> Option<i64> {
        let faults = self.faults();
        let since = lock(&self.state).load_since;
        Some(faults.load?.at(since?.elapsed()))
    }

    /// The synthetic queue, if there is one.
    pub fn queued(&self) -> Option<i64> {
        let faults = self.faults();
        let since = lock(&self.state).queued_since;
        Some(faults.queued?.at(since?.elapsed()))
    }

    fn refresh(&self) -> Result<(), String> {
        let Some(path) = &self.path else {
            return Ok(());
        };
        // Locked before reading, or a thread that read first could put back what another has replaced.
        let mut state = lock(&self.state);
        let text = fs::read_to_string(path);
        // Empty means that somebody is writing it: to clear it, write a newline or remove it.
        if text.as_ref().is_ok_and(String::is_empty) {
            return Ok(());
        }
        let text = text.unwrap_or_default();
        if text == state.text {
            return Ok(());
        }
        let faults = parse(path, &text)?;
        if faults.load != state.faults.load {
            state.load_since = Some(Instant::now());
        }
        if faults.queued != state.faults.queued {
            state.queued_since = Some(Instant::now());
        }
        state.faults = faults;
        state.text = text;
        Ok(())
    }
}

fn parse(path: &Path, text: &str) -> Result<Faults, String> {
    let mut faults = Faults::default();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (key, value) = line.split_once('=').unwrap_or((line, ""));
        let (key, value) = (key.trim(), value.trim());
        set(&mut faults, key, value)
            .ok_or_else(|| format!("{}:{}: \"{line}\" is not understood", path.display(), index + 1))?;
    }
    Ok(faults)
}

fn set(faults: &mut Faults, key: &str, value: &str) -> Option<()> {
    match key {
        "load" => faults.load = Some(synthetic(value)?),
        "queued" => faults.queued = Some(synthetic(value)?),
        "flicker" => faults.flicker = flag(value)?,
        "queued-404" => faults.queued_404 = flag(value)?,
        "only" => faults.only = Some(value.into()),
        "status" => faults.status = Some(status(value)?),
        "body" => faults.body = Some(value.into()),
        "drip" if value == "body" => faults.drip = Some(Pace::DripBody),
        "drip" => faults.drip = flag(value)?.then_some(Pace::DripAll),
        "split" => faults.split = flag(value)?,
        "hang" if value == "accept" => faults.hang = Some(Hang::Accept),
        "hang" if value == "reply" => faults.hang = Some(Hang::Reply),
        "delay" => faults.delay = duration(value)?,
        "refuse" => faults.refuse = flag(value)?,
        _ => return None,
    }
    Some(())
}

fn status(value: &str) -> Option<u16> {
    let status = value.parse().ok()?;
    (100..1000).contains(&status).then_some(status)
}

fn flag(value: &str) -> Option<bool> {
    value.parse().ok()
}

/// `16`, or `16>0/10s`.
fn synthetic(value: &str) -> Option<Synthetic> {
    let Some((from, rest)) = value.split_once('>') else {
        return value.parse().ok().map(Synthetic::Fixed);
    };
    let (to, over) = rest.split_once('/')?;
    Some(Synthetic::Ramp {
        from: from.trim().parse().ok()?,
        to: to.trim().parse().ok()?,
        over: duration(over)?,
    })
}

fn duration(value: &str) -> Option<Duration> {
    let value = value.trim();
    if let Some(number) = value.strip_suffix("ms") {
        return number.parse().ok().map(Duration::from_millis);
    }
    value.strip_suffix('s')?.parse().ok().map(Duration::from_secs)
}
