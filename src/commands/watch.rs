//! `status --watch`: what is published of the unit, drawn anew once a second. It takes no lock and asks nobody, so a drain does
//! not notice it.

use crate::clock::Stamp;
use crate::context::Context;
use crate::curve::Characters;
use crate::drain::Event;
use crate::error::{Error, Result};
use crate::pool::{Activity, By, Membership, Phase, Published, Store};
use crate::terminal::{Colour, Terminal};
use crate::text::clean;
use crate::wait::{Signals, Watch};
use nix::sys::signal::{SigSet, Signal};
use std::io::{Write, stdout};
use std::time::{Duration, Instant};

/// How often it is drawn.
const EVERY: Duration = Duration::from_secs(1);
/// Another screen of the terminal, without a cursor; and back (xterm's ctlseqs).
const BEGIN: &str = "\x1b[?1049h\x1b[?25l";
const END: &str = "\x1b[?25h\x1b[?1049l";
/// The names at the left, with a space behind them.
const NAMES: usize = 12;

/// Watches until a signal comes, or nobody reads any more.
pub(super) fn run(context: &Context) -> Result<()> {
    let signals = Signals::take_over();
    let store = Store::new(context);
    let is_screen = screen_of(context).is_some();
    let _screen = is_screen.then(Screen::begin).transpose()?;
    let mut next = Instant::now();
    loop {
        let now = store.now();
        let seen = Seen::of(&store, context, &now);
        let text = match screen_of(context).filter(|_| is_screen) {
            Some(terminal) => drawn(&frame(&seen, &now, &terminal), &terminal),
            None => format!("{} {}\n", now.at, clean(&line(&seen, &now))),
        };
        show(&text)?;
        next = (next + EVERY).max(Instant::now());
        let mut watch = Watch::over(None, &signals);
        while Instant::now() < next {
            if watch.next(next) == Event::Interrupted {
                return Ok(());
            }
        }
    }
}

/// The terminal, if it can be drawn on. Its size is asked for each time: it may have changed.
fn screen_of(context: &Context) -> Option<Terminal> {
    let terminal = Terminal::of_output(&context.env);
    let can_draw = context.env.get("TERM").is_some_and(|term| term != "dumb");
    Some(terminal).filter(|terminal| terminal.is_terminal && can_draw)
}

fn show(text: &str) -> Result<()> {
    let mut out = stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(Error::Output)
}

/// Another screen of the terminal, until this is dropped.
struct Screen;

impl Screen {
    fn begin() -> Result<Self> {
        // Who is stopped by Ctrl-Z could not leave the screen.
        let mut stop = SigSet::empty();
        stop.add(Signal::SIGTSTP);
        let _ = stop.thread_block();
        show(BEGIN)?;
        Ok(Self)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = show(END);
    }
}

/// What there is to show.
enum Seen {
    /// Nothing has been published since the host was booted.
    Nothing,
    /// This, and whether the process that does something has ended in the middle of it.
    State(Box<Published>, bool),
    /// It cannot be read.
    Unreadable(String),
}

impl Seen {
    fn of(store: &Store, context: &Context, now: &Stamp) -> Self {
        let published = match store.published() {
            Ok(published) => published,
            Err(error) => return Self::Unreadable(error.to_string()),
        };
        let current = published.filter(|published| published.is_about(context.unit.as_str(), &now.boot_id));
        current.map_or(Self::Nothing, |published| {
            let writer = published.activity.as_ref().map(|activity| activity.writer);
            let is_dead =
                writer.is_some_and(|writer| writer.runs(&context.root.join("/proc")) == Some(false));
            Self::State(Box::new(published), is_dead)
        })
    }
}

const NOTHING: &str = "nothing is known: hhvm-drain has not run for this unit since the host was booted";

/// All of it in a line.
fn line(seen: &Seen, now: &Stamp) -> String {
    match seen {
        Seen::Nothing => NOTHING.to_owned(),
        Seen::Unreadable(why) => format!("the published state cannot be read ({why})"),
        Seen::State(state, is_dead) => {
            let goes_on = match &state.activity {
                Some(activity) if *is_dead => format!("; {}", dead(activity)),
                Some(activity) => format!("; {}", doing(activity, now)),
                None => String::new(),
            };
            format!("{}: {}{goes_on}", state.unit, place(&state.membership))
        }
    }
}

fn place(membership: &Membership) -> String {
    match membership {
        Membership::In => "in the pool".to_owned(),
        Membership::Unknown => {
            "not known whether it is in the pool, because the record cannot be read".to_owned()
        }
        Membership::Out { by, who, reason, since } => {
            let by = match (by, who) {
                (By::Drain, _) => "a drain",
                (By::Operator, Some(who)) => who.as_str(),
                (By::Operator, None) => "an operator",
            };
            let reason = reason.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
            format!("taken out of the pool by {by} since {}{reason}", since.at)
        }
    }
}

fn dead(activity: &Activity) -> String {
    format!(
        "hhvm-drain (process {}) has ended without a word in the middle of its work; see the journal",
        activity.writer.pid
    )
}

/// What goes on, and for how long.
fn doing(activity: &Activity, now: &Stamp) -> String {
    let what = match (activity.phase, activity.live.load) {
        (Phase::Waiting, _) => "waiting for its turn in the fleet".to_owned(),
        (Phase::Draining, Some(load)) => format!("draining, {load} in flight"),
        (Phase::Draining, None) => "draining".to_owned(),
        (Phase::Returning, _) => "waiting until it serves, or gets requests again".to_owned(),
        (Phase::Other, _) => "busy".to_owned(),
    };
    let time = activity.since.until(now).unwrap_or_default().as_secs();
    let at_most = activity.at_most.map(|at_most| format!(" of at most {at_most} s")).unwrap_or_default();
    format!("{what}, {time} s{at_most}")
}

/// All of it, a line each.
fn frame(seen: &Seen, now: &Stamp, terminal: &Terminal) -> Vec<String> {
    let (state, is_dead) = match seen {
        Seen::State(state, is_dead) => (state, *is_dead),
        Seen::Nothing | Seen::Unreadable(_) => return vec![now.at.clone(), line(seen, now)],
    };
    let mut lines = vec![format!("{}  {}", state.unit, now.at), named("Node", &place(&state.membership))];
    match &state.activity {
        Some(activity) if is_dead => lines.push(named("Dead", &dead(activity))),
        Some(activity) => lines.extend(details(activity, now, terminal)),
        None => {}
    }
    if let Some(last) = &state.last_drain {
        let (outcome, seconds, at) = (last.outcome.name(), last.seconds, &last.at);
        lines.push(named("Last drain", &format!("{outcome} after {seconds} s, {at}")));
    }
    lines
}

fn named(name: &str, text: &str) -> String {
    format!("{:<NAMES$}{text}", format!("{name}:"))
}

fn details(activity: &Activity, now: &Stamp, terminal: &Terminal) -> Vec<String> {
    let room = terminal.columns.saturating_sub(NAMES);
    let mut lines = vec![named("Now", &doing(activity, now))];
    lines.extend(activity.at_most.map(|at_most| {
        let passed = activity.since.until(now).unwrap_or_default();
        named("Time", &bar(passed, Duration::from_secs(at_most), room, terminal.characters))
    }));
    let live = &activity.live;
    if !live.curve.points.is_empty() {
        lines.push(named("Load", &live.curve.sparkline(room, terminal.characters)));
    }
    lines.extend(live.balancers.iter().map(|balancer| named("Balancer", balancer)));
    lines.extend(live.lines.iter().map(|line| named("Log", line)));
    lines
}

/// How much of `whole` has passed.
fn bar(passed: Duration, whole: Duration, width: usize, characters: Characters) -> String {
    let (full, empty) = match characters {
        Characters::Unicode => ('█', '░'),
        Characters::Ascii => ('#', '.'),
    };
    let part = passed.as_millis() * width as u128 / whole.as_millis().max(1);
    let filled = usize::try_from(part).unwrap_or(width).min(width);
    let cell = |at: usize| if at < filled { full } else { empty };
    (0..width).map(cell).collect()
}

/// What a terminal is sent for these lines: no more of them, and no longer ones, than it has room for.
fn drawn(lines: &[String], terminal: &Terminal) -> String {
    let mut text = "\x1b[H".to_owned();
    let rows = terminal.rows.unwrap_or(24).max(1);
    for (at, line) in lines.iter().take(rows).enumerate() {
        if at > 0 {
            text.push_str("\r\n");
        }
        let shown: String = clean(line).chars().take(terminal.columns).collect();
        let shown = if terminal.characters == Characters::Ascii {
            shown.replace(|c: char| !c.is_ascii(), "?")
        } else {
            shown
        };
        text.push_str(&if shown.starts_with("Dead:") { terminal.paint(&shown, Colour::Red) } else { shown });
        text.push_str("\x1b[K");
    }
    text.push_str("\x1b[J");
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::{Live, Writer};

    fn stamp(ms: u64) -> Stamp {
        Stamp { at: "2026-11-25T14:02:11Z".to_owned(), boot_id: "one".to_owned(), boottime_ms: ms }
    }

    fn draining(is_dead: bool) -> Seen {
        let mut live =
            Live { balancers: vec!["lb1: web/web1 DRAIN".to_owned()], load: Some(16), ..Live::default() };
        live.lines = vec!["größe \x1b[31m".repeat(30)];
        (0..50).for_each(|at| live.curve.add(Duration::from_millis(at * 250), Some(50 - at)));
        let activity = Activity {
            phase: Phase::Draining,
            since: stamp(10_000),
            at_most: Some(30),
            writer: Writer { pid: 7, started: 9 },
            live,
        };
        let since = stamp(10_000);
        let membership = Membership::Out { by: By::Drain, who: None, reason: None, since };
        let (written, unit) = (stamp(17_000), "hhvm.service".to_owned());
        let (activity, last_drain, check) = (Some(activity), None, None);
        Seen::State(
            Box::new(Published { version: 1, unit, written, membership, activity, last_drain, check }),
            is_dead,
        )
    }

    fn terminal(columns: usize, rows: usize, characters: Characters) -> Terminal {
        Terminal { is_terminal: true, columns, rows: Some(rows), colour: false, characters }
    }

    #[test]
    fn a_drain_has_its_bar_its_load_and_its_balancers() {
        let lines = frame(&draining(false), &stamp(18_000), &terminal(42, 24, Characters::Ascii));
        assert_eq!(lines[2], "Now:        draining, 16 in flight, 8 s of at most 30 s");
        assert_eq!(lines[3], "Time:       ########......................");
        assert!(lines[4].starts_with("Load:       @"), "{lines:?}");
        assert_eq!(lines[5], "Balancer:   lb1: web/web1 DRAIN");
    }

    #[test]
    fn whatever_the_size_no_line_wraps_and_none_is_below_the_screen() {
        for (columns, rows) in [(20, 3), (21, 1), (80, 24), (200, 50)] {
            for characters in [Characters::Ascii, Characters::Unicode] {
                let terminal = terminal(columns, rows, characters);
                let text = drawn(&frame(&draining(false), &stamp(99_000), &terminal), &terminal);
                let text = text.strip_prefix("\x1b[H").unwrap().strip_suffix("\x1b[J").unwrap();
                assert!(text.split("\r\n").count() <= rows, "{text}");
                for line in text.split("\r\n") {
                    let line = line.strip_suffix("\x1b[K").unwrap();
                    assert!(line.chars().count() <= columns && !line.contains('\x1b'), "{line}");
                    assert!(characters == Characters::Unicode || line.is_ascii(), "{line}");
                }
            }
        }
    }

    #[test]
    fn a_dead_writer_is_told() {
        let lines = frame(&draining(true), &stamp(18_000), &terminal(80, 24, Characters::Ascii));
        assert!(
            lines[2].starts_with("Dead:       hhvm-drain (process 7) has ended without a word"),
            "{lines:?}"
        );
        assert!(line(&draining(true), &stamp(18_000)).contains("has ended without a word"));
        assert_eq!(
            line(&draining(false), &stamp(18_000)),
            "hhvm.service: taken out of the pool by a drain since 2026-11-25T14:02:11Z; draining, 16 in flight, 8 s of at most \
             30 s"
        );
    }
}
