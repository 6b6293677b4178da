//! What holds on every host, whatever it is. Each says of a story what is wrong, if anything is.

use crate::draw::{Deploy, Kill, Server, Slow};
use crate::furnish::TIMEOUT;
use crate::host::Entry;
use crate::visit::{REQUEST_MS, Story, Words};

/// A promise, by its name.
pub type Invariant = (&'static str, fn(&Story) -> Result<(), String>);

macro_rules! invariants {
    ($($name:ident),+ $(,)?) => {
        /// All of them, the gravest first.
        pub const INVARIANTS: &[Invariant] = &[$((stringify!($name), $name)),+];
    };
}

invariants! {
    the_request_is_answered_or_check_said_no,
    a_zero_is_never_false,
    a_green_check_means_a_drain,
    the_node_stays_out_until_all_is_answered,
    the_neighbour_has_the_node_back,
    a_red_check_is_right,
    the_server_is_stopped,
    the_server_starts_again,
    the_node_is_back_or_it_is_said_why,
    no_file_is_lost,
    check_status_and_the_hook_agree,
}

/// `MESSAGE_ID=` of the line about what is waited for.
const WAITING: &str = "0bf35f82a1e848bb971fd66e4b7b0e15";

impl Words {
    fn is_green(&self) -> bool {
        self.check.code == Some(0)
    }

    fn says_unknown(&self) -> bool {
        self.check.stdout.contains("the load is unknown")
    }

    /// The load that `check` names, if it names one.
    fn load(&self) -> Option<u64> {
        let after = self.check.stdout.split(", load ").nth(1)?;
        after.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    }

    fn status_load(&self) -> Option<u64> {
        self.status["load"].as_u64()
    }
}

fn was_green(story: &Story) -> bool {
    story.idle.is_green()
}

/// How the stop's drain ended; a restart that failed may have been followed by another stop.
fn outcome(story: &Story) -> &str {
    let mut outcomes = story.drain.iter().map(|entry| entry.field("HHVM_DRAIN_OUTCOME"));
    outcomes.find(|outcome| !outcome.is_empty()).unwrap_or("none")
}

fn messages(entries: &[Entry]) -> String {
    indented(entries.iter().map(Entry::message))
}

fn errors(story: &Story) -> String {
    let lines = story.idle.check.stdout.lines().filter(|line| !line.starts_with("ok "));
    indented(lines)
}

fn indented<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    lines.flat_map(|line| ["    ", line, "\n"]).collect()
}

fn answered(story: &Story) -> bool {
    story.request.code == Some(0) && story.request.stdout.contains(&format!("worked {REQUEST_MS} ms"))
}

fn the_request_is_answered_or_check_said_no(story: &Story) -> Result<(), String> {
    if answered(story) || story.befell.crashed {
        return Ok(());
    }
    let request =
        format!("the request was not answered ({:?} {:?})", story.request.code, story.request.stderr.trim());
    if was_green(story) {
        return Err(format!("{request}, and check was green; outcome {}", outcome(story)));
    }
    if story.stop < TIMEOUT && outcome(story) != "timeout" && !says_it_cannot(story) {
        return Err(format!(
            "{request}, the stop took only {:?} with outcome {}, although check said\n{}",
            story.stop,
            outcome(story),
            errors(story)
        ));
    }
    Ok(())
}

/// Whether `check` said in so many words that the next stop does not drain at all.
fn says_it_cannot(story: &Story) -> bool {
    story.idle.check.stdout.lines().any(|line| {
        line.starts_with("ERROR")
            && ["RootDirectory", "RootImage", "before the drain", "not drain", "before hhvm-drain"]
                .iter()
                .any(|words| line.contains(words))
    })
}

fn a_zero_is_never_false(story: &Story) -> Result<(), String> {
    let busy = &story.busy;
    if busy.load() == Some(0) && !busy.says_unknown() {
        return Err(format!("check says load 0 with a request in flight:\n{}", busy.check.stdout));
    }
    if busy.status_load() == Some(0) {
        return Err(format!(
            "status says load 0 with a request in flight; check said\n{}",
            busy.check.stdout
        ));
    }
    match first_load(story) {
        // The request may be cut off before the drain begins, if check said so.
        Some("0") if !says_it_cannot(story) => {
            Err(format!("the hook saw load 0 with a request in flight\n{}", messages(&story.drain)))
        }
        _ => Ok(()),
    }
}

/// The load that the hook saw first: empty if it was unknown, none if it did not wait.
fn first_load(story: &Story) -> Option<&str> {
    let waiting = story.drain.iter().find(|entry| entry.field("MESSAGE_ID") == WAITING)?;
    Some(waiting.field("HHVM_DRAIN_LOAD"))
}

fn a_green_check_means_a_drain(story: &Story) -> Result<(), String> {
    if !was_green(story) {
        return Ok(());
    }
    let is_drained = match outcome(story) {
        // A crash ends the drain, long before the timeout.
        "hhvm-ended" => story.befell.crashed && story.stop < TIMEOUT,
        outcome => outcome == "drained",
    };
    if !is_drained {
        return Err(format!(
            "check was green, but the outcome is {}\n{}",
            outcome(story),
            messages(&story.drain)
        ));
    }
    if !story.node.was_out {
        return Err(format!("check was green, but the node never left\n{}", messages(&story.drain)));
    }
    Ok(())
}

fn the_node_stays_out_until_all_is_answered(story: &Story) -> Result<(), String> {
    let is_deployed = matches!(story.draw.deploy, Deploy::PutsBack | Deploy::Switches);
    if story.node.was_back_early && was_green(story) && !is_deployed {
        return Err(format!("the node was back with a request in flight\n{}", messages(&story.journal)));
    }
    match &story.neighbour {
        Some(request) if request.code != Some(0) && was_green(story) => {
            Err(format!("the neighbour's request was not answered ({:?})", request.stderr.trim()))
        }
        _ => Ok(()),
    }
}

fn the_neighbour_has_the_node_back(story: &Story) -> Result<(), String> {
    if story.node.is_back_for_neighbour || !was_green(story) {
        return Ok(());
    }
    Err(format!("the neighbour serves, and the node stayed out\n{}", messages(&story.drain)))
}

fn a_red_check_is_right(story: &Story) -> Result<(), String> {
    let faults = story.draw.faults();
    for check in [&story.idle.check.stdout, &story.busy.check.stdout] {
        let errors = || check.lines().filter(|line| line.starts_with("ERROR"));
        let says = |line: &str, words: &[&str]| words.iter().all(|word| line.contains(word));
        let of_nothing = errors().find(|line| !faults.iter().any(|fault| says(line, fault)));
        if let Some(line) = of_nothing {
            return Err(format!("nothing of the draw accounts for\n    {line}"));
        }
        let silent = faults.iter().find(|fault| !errors().any(|line| says(line, fault)));
        if let Some(fault) = silent {
            return Err(format!("check has no error with {fault:?}, but\n{}", self::errors(story)));
        }
    }
    Ok(())
}

fn the_server_is_stopped(story: &Story) -> Result<(), String> {
    let draw = &story.draw;
    let is_said =
        matches!(draw.kill, Kill::None | Kill::Process) && story.idle.check.stdout.contains("KillMode");
    if story.left.is_empty() || is_said {
        return Ok(());
    }
    Err(format!(
        "{} of the server's processes are left: {:?}; check said\n{}",
        story.left.len(),
        story.left,
        errors(story)
    ))
}

fn the_server_starts_again(story: &Story) -> Result<(), String> {
    match (&story.start_error, story.serves) {
        (Some(why), _) => Err(format!("the start failed: {why}")),
        (None, false) => Err("no page is served after the start".to_owned()),
        (None, true) => Ok(()),
    }
}

fn the_node_is_back_or_it_is_said_why(story: &Story) -> Result<(), String> {
    if story.is_back {
        return if story.status.contains(": in the pool") {
            Ok(())
        } else {
            Err(format!("the node is back, and status says\n{}", story.status))
        };
    }
    let is_told = story.journal.iter().any(|entry| {
        story.draw.health_files().iter().any(|file| entry.message().contains(file))
            && entry.field("PRIORITY") <= "4"
    });
    // Hooks that find nothing of the host tell nothing of it.
    let is_told = is_told || says_it_cannot(story);
    match (story.status.contains(": in the pool"), is_told) {
        (false, true) => Ok(()),
        (in_pool, told) => Err(format!(
            "the node is not back (status says it is: {in_pool}; the journal says why: {told})\n{}{}",
            story.status,
            messages(&story.journal)
        )),
    }
}

fn no_file_is_lost(story: &Story) -> Result<(), String> {
    let (before, after) = (&story.files.0, &story.files.1);
    // Of a node that is out, the health file has its other name.
    if !story.is_back && before.lines().count() == after.lines().count() {
        return Ok(());
    }
    story.draw.what_is_lost(story.befell.deployed, before, after)
}

fn check_status_and_the_hook_agree(story: &Story) -> Result<(), String> {
    for (when, words) in [("idle", &story.idle), ("busy", &story.busy)] {
        let (check, status) = (!words.says_unknown() && words.load().is_some(), words.status_load());
        if check != status.is_some() {
            return Err(format!(
                "{when}: check says\n{}status says {:?} ({})",
                words.check.stdout, status, words.status["load_error"]
            ));
        }
        if check && words.load() != status && story.draw.server == Server::Hhvm {
            return Err(format!("{when}: check says {:?}, status {status:?}", words.load()));
        }
    }
    if says_it_cannot(story) {
        // The hook is not run where HHVM is, or not at all.
        return Ok(());
    }
    let hook = match first_load(story) {
        Some("") => false,
        Some(_) => true,
        None if outcome(story) == "none" => return Ok(()),
        None => outcome(story) == "drained",
    };
    let check = story.busy.status_load().is_some();
    if hook == check || story.draw.slow == Slow::Yes {
        Ok(())
    } else {
        Err(format!(
            "the load is known to check and status: {check}, to the hook: {hook}; check said\n{}the hook\n{}",
            story.busy.check.stdout,
            messages(&story.drain)
        ))
    }
}
