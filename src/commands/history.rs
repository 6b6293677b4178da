//! `history`: past drains, one in a line; or one of them in full.

use crate::context::{Context, Env};
use crate::curve::Characters;
use crate::error::{Error, Result};
use crate::outcome::Outcome;
use crate::pool::{PastDrain, Store};
use crate::terminal::{Colour, Terminal};
use crate::text::{clean, tenths};
use std::io::Write;
use std::time::{Duration, SystemTime};

/// Which drains, and how.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    /// Only those that began then or later.
    pub(super) since: Option<SystemTime>,
    /// Only those that did not wait for all requests.
    pub(super) failed: bool,
    /// How they are shown.
    pub(super) form: Form,
}

/// How drains are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A line each.
    Table,
    /// The last one in full.
    Full,
    /// A JSON object each.
    Json,
}

/// Runs the command.
pub(super) fn run(context: &Context, wanted: Wanted) -> Result<()> {
    let history = Store::new(context).history()?;
    if history.broken > 0 {
        let what = format!("{} lines of the history cannot be read, and are left out", history.broken);
        let _ = writeln!(std::io::stderr(), "hhvm-drain: {what}");
    }
    let since = wanted.since.map(|since| humantime::format_rfc3339_seconds(since).to_string());
    let is_wanted = |drain: &&PastDrain| {
        // In UTC and of the same form, texts have the order of time.
        since.as_deref().is_none_or(|since| when(drain) >= since) && (!wanted.failed || drain.has_failed())
    };
    let drains: Vec<&PastDrain> = history.drains.iter().filter(is_wanted).collect();
    let text = match wanted.form {
        Form::Json => drains.iter().map(|drain| json(drain)).collect::<Result<String>>()?,
        Form::Table => table(&drains, &Terminal::of_output(&context.env)),
        Form::Full => full(drains.last().copied(), &context.env),
    };
    std::io::stdout().write_all(text.as_bytes()).map_err(Error::Output)
}

/// When it began; of one that version 0.1.0 has noted, when it ended.
fn when(drain: &PastDrain) -> &str {
    drain.began.as_ref().map_or(drain.at.as_str(), |began| began.at.as_str())
}

fn json(drain: &PastDrain) -> Result<String> {
    let mut text = serde_json::to_string(drain).map_err(|error| Error::Output(error.into()))?;
    text.push('\n');
    Ok(text)
}

/// A column: its heading, its width, and what stands in it.
struct Column {
    heading: &'static str,
    width: usize,
    is_right: bool,
    of: fn(&PastDrain, usize, Characters) -> String,
}

/// From the most to the least wanted; the last one has what is left of a line.
const COLUMNS: [Column; 6] = [
    Column {
        heading: "WHEN (UTC)",
        width: 16,
        is_right: false,
        of: |drain, width, _| day_and_time(drain, width),
    },
    Column {
        heading: "OUTCOME",
        width: 11,
        is_right: false,
        of: |drain, _, _| drain.outcome.name().to_owned(),
    },
    Column { heading: "TOTAL", width: 6, is_right: true, of: |drain, _, _| short(drain.total()) },
    Column {
        heading: "WHERE THE TIME WENT",
        width: 22,
        is_right: false,
        of: |drain, width, _| longest(drain, width),
    },
    Column {
        heading: "LOAD",
        width: 9,
        is_right: false,
        of: |drain, _, characters| loads(drain, characters),
    },
    Column {
        heading: "CURVE",
        width: 11,
        is_right: false,
        of: |drain, width, characters| drain.curve.sparkline(width, characters),
    },
];

fn table(drains: &[&PastDrain], terminal: &Terminal) -> String {
    if drains.is_empty() {
        return "No drains.\n".to_owned();
    }
    let columns = columns(terminal.columns);
    let heading: Vec<String> =
        columns.iter().map(|(column, width)| cell(column.heading, *width, column.is_right)).collect();
    let mut text = heading.join(" ").trim_end().to_owned() + "\n";
    for drain in drains {
        let cells: Vec<String> = columns
            .iter()
            .enumerate()
            .map(|(at, (column, width))| {
                let text = clean(&(column.of)(drain, *width, terminal.characters));
                let text = cell(&text, *width, column.is_right);
                if at == 1 { painted(&text, drain, terminal) } else { text }
            })
            .collect();
        text.push_str(cells.join(" ").trim_end());
        text.push('\n');
    }
    text
}

/// The columns that a line has room for, with their widths.
fn columns(room: usize) -> Vec<(&'static Column, usize)> {
    // As narrow as that, the day goes without its year.
    let first = if room < COLUMNS[0].width + 1 + COLUMNS[1].width { 11 } else { COLUMNS[0].width };
    let mut left = room.saturating_sub(first);
    let mut columns = vec![(&COLUMNS[0], first)];
    for (at, column) in COLUMNS.iter().enumerate().skip(1) {
        let width = match at {
            1 => column.width.min(left.saturating_sub(1)),
            _ if at + 1 == COLUMNS.len() && left > 1 + column.width => left - 1,
            _ => column.width,
        };
        if left < 1 + width {
            break;
        }
        left -= 1 + width;
        columns.push((column, width));
    }
    columns
}

fn cell(text: &str, width: usize, is_right: bool) -> String {
    let text: String = text.chars().take(width).collect();
    if is_right { format!("{text:>width$}") } else { format!("{text:<width$}") }
}

fn painted(text: &str, drain: &PastDrain, terminal: &Terminal) -> String {
    match drain.outcome {
        _ if drain.has_failed() => terminal.paint(text, Colour::Red),
        Outcome::Drained => terminal.paint(text, Colour::Green),
        _ => text.to_owned(),
    }
}

/// `2026-11-25 14:02`, or without the year.
fn day_and_time(drain: &PastDrain, width: usize) -> String {
    let text: String = when(drain).replace('T', " ").chars().take(16).collect();
    text.chars().skip(16_usize.saturating_sub(width)).collect()
}

/// In six characters.
fn short(time: Duration) -> String {
    match time.as_secs() {
        0..10 => tenths(time),
        seconds @ 10..1000 => format!("{seconds} s"),
        seconds @ 1000..60_000 => format!("{} min", (seconds + 30) / 60),
        seconds => format!("{} h", (seconds + 1800) / 3600),
    }
}

/// The phases that took longest, as many as there is room for.
fn longest(drain: &PastDrain, width: usize) -> String {
    let mut phases: Vec<_> = drain.phases().filter(|(_, time)| time.as_millis() >= 50).collect();
    phases.sort_by_key(|(_, time)| std::cmp::Reverse(*time));
    let mut text = String::new();
    for (name, time) in phases {
        let comma = if text.is_empty() { "" } else { ", " };
        let phase = format!("{comma}{name} {}", short(time));
        if text.len() + phase.len() > width {
            break;
        }
        text.push_str(&phase);
    }
    text
}

/// The load from the beginning to the end.
fn loads(drain: &PastDrain, characters: Characters) -> String {
    let arrow = if characters == Characters::Unicode { '→' } else { '>' };
    let load = |load: Option<u64>| load.map_or("?".to_owned(), |load| load.to_string());
    match (drain.load_first, drain.load) {
        (None, None) => String::new(),
        (first, last) => format!("{}{arrow}{}", load(first), load(last)),
    }
}

/// Widest curve of a drain that is shown in full, beside its name.
const NAMES: usize = 12;

fn full(drain: Option<&PastDrain>, env: &Env) -> String {
    let Some(drain) = drain else { return "No drains.\n".to_owned() };
    let terminal = Terminal::of_output(env);
    let lines = story(drain, &terminal);
    let line = |(name, text): &(&str, String)| format!("{:<NAMES$}{}\n", format!("{name}:"), clean(text));
    lines.iter().map(line).collect()
}

/// All that is known of a drain.
fn story(drain: &PastDrain, terminal: &Terminal) -> Vec<(&'static str, String)> {
    let number = |load: Option<u64>| load.map_or("unknown".to_owned(), |load| load.to_string());
    let at_most = drain.at_most.map(|most| format!(" of at most {most} s")).unwrap_or_default();
    let held_up = drain.held_up_by.as_ref().map(|what| format!(", {what}")).unwrap_or_default();
    let mut lines = vec![
        ("Began", format!("{}, {}", when(drain), drain.why.name())),
        ("Outcome", format!("{} after {} s{at_most}{held_up}", drain.outcome.name(), drain.seconds)),
    ];
    for (name, time) in drain.ms.all() {
        let part = match (name, drain.ms.front_end) {
            ("notice", Some(front_end)) => {
                format!(", the front end {}", tenths(Duration::from_millis(front_end)))
            }
            _ => String::new(),
        };
        lines.push((title(name), format!("{}{part}", tenths(time))));
    }
    lines.extend(drain.seconds_out.map(|time| ("Out", format!("{time} s out of the pool"))));
    if drain.load_first.is_some() {
        lines.push((
            "Load",
            format!(
                "{} at first, {} at most, {} at the end",
                number(drain.load_first),
                number(drain.load_highest),
                number(drain.load)
            ),
        ));
        let curve = drain.curve.sparkline(terminal.columns.saturating_sub(NAMES), terminal.characters);
        lines.push(("Curve", curve));
    }
    lines.extend(drain.invocation.clone().map(|invocation| ("Invocation", invocation)));
    lines
}

fn title(phase: &'static str) -> &'static str {
    match phase {
        "turn" => "Turn",
        "notice" => "Notice",
        "requests" => "Requests",
        "end" => "End",
        "down" => "Down",
        "start" => "Start",
        "balancers" => "Balancers",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::{Phases, Why};

    fn drain() -> PastDrain {
        let mut drain = PastDrain::died(None, Duration::from_secs(30), "2026-11-25T14:02:41Z".to_owned());
        drain.why = Why::Restart;
        drain.ms =
            Phases { notice: Some(10_000), requests: Some(20_000), end: Some(400), ..Phases::default() };
        (drain.load_first, drain.load) = (Some(16), Some(3));
        (0..60).for_each(|at| drain.curve.add(Duration::from_millis(at * 500), Some(60 - at)));
        drain
    }

    fn terminal(columns: usize, characters: Characters, colour: bool) -> Terminal {
        Terminal { is_terminal: true, columns, rows: None, colour, characters }
    }

    #[test]
    fn a_row_fits_the_line_however_short_it_is() {
        let drain = drain();
        let mut long = drain.clone();
        long.outcome = Outcome::Interrupted;
        (long.load_first, long.load) = (Some(u64::MAX), None);
        (long.seconds, long.ms.start, long.ms.turn) =
            (u64::MAX / 1_000_000, Some(u64::MAX / 8), Some(99_999_999));
        for columns in 20..200 {
            for characters in [Characters::Unicode, Characters::Ascii] {
                let text = table(&[&drain, &long], &terminal(columns, characters, false));
                for line in text.lines() {
                    assert!(line.chars().count() <= columns, "{columns}: {line}");
                    assert!(characters == Characters::Unicode || line.is_ascii(), "{line}");
                }
            }
        }
    }

    #[test]
    fn a_table_says_when_how_it_ended_and_where_the_time_went() {
        let text = table(&[&drain()], &terminal(80, Characters::Ascii, false));
        assert_eq!(
            text,
            "WHEN (UTC)       OUTCOME      TOTAL WHERE THE TIME WENT    LOAD      CURVE\n\
             2026-11-25 14:02 died          30 s requests 20 s          16>3      @#*++=--..\n"
        );
        let narrow = table(&[&drain()], &terminal(20, Characters::Ascii, false));
        assert_eq!(narrow.lines().nth(1), Some("11-25 14:02 died"));
    }

    #[test]
    fn colours_are_around_the_outcome_only() {
        let text = table(&[&drain()], &terminal(80, Characters::Unicode, true));
        assert_eq!(text.matches("\x1b[31mdied       \x1b[0m").count(), 1);
        assert_eq!(text.matches('\x1b').count(), 2);
    }

    #[test]
    fn times_are_short() {
        let said = [0, 49, 4300, 12_000, 999_000, 1_800_000, 86_400_000, 999 * 3_600_000]
            .map(|ms| short(Duration::from_millis(ms)));
        assert_eq!(said, ["0.0 s", "0.0 s", "4.3 s", "12 s", "999 s", "30 min", "24 h", "999 h"]);
    }

    #[test]
    fn one_in_full_tells_each_phase() {
        let lines = story(&drain(), &terminal(80, Characters::Ascii, false));
        let names: Vec<_> = lines.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["Began", "Outcome", "Notice", "Requests", "End", "Load", "Curve"]);
    }
}
