//! What must hold after whatever happened, by what lies on the disk and by what the program itself says of it.

use crate::cases::{Before, Call, Caller, End as Wanted, POOL, STATUS, Where};
use crate::errnos;
use crate::files::{Meta, Original, disabled};
use crate::host::{Host, RUNTIME, Run, STATE, TIMEOUT};
use crate::outcome::{End, KILL, Traced};
use crate::point::{Fault, Point};
use nix::errno::Errno;
use std::fs;
use std::path::Path;
use std::time::Duration;

type Held = Result<(), String>;

/// How the names of files end that may stay in the state directories.
const KNOWN: [&str; 7] = [".json", ".copies", ".lock", ".drain", ".state", ".away", ".history"];

/// What is found of the health files.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    places: Vec<Where>,
}

/// How strictly is looked.
#[derive(Clone, Copy, PartialEq)]
enum When {
    /// A command was cut short, and nobody has tidied up.
    Meanwhile,
    /// The hooks have run.
    InTheEnd,
}

/// Right after the fault.
pub fn meanwhile(
    host: &Host,
    fault: Option<(&Point, Fault)>,
    traced: &Traced,
    stderr: &str,
) -> Result<Seen, String> {
    let may_abort = match fault {
        Some((point, Fault::Fails(errno) | Fault::FailsForGood(errno))) => {
            errnos::named(point.call).is_some_and(|call| errnos::may_abort(call, errno))
        }
        _ => false,
    };
    let is_killed = matches!(fault, Some((_, Fault::Kill))) && traced.was_met;
    // The loader has not come to the program.
    let is_not_loaded = traced.end == End::Exited(127);
    // It tries again for as long as it takes, once a second, and has told why.
    let may_wait = host.case.call.caller == Caller::Repool
        && matches!(fault, Some((_, Fault::FailsForGood(_))) if traced.was_met);
    match traced.end {
        End::Exited(0 | 1) => {}
        End::Hung if may_wait => {}
        End::Exited(127) if fault.is_some() => {}
        End::Signaled(KILL) if is_killed => {}
        End::Signaled(_) | End::Exited(_) if may_abort => {}
        end => return Err(format!("ended by {end:?}: {stderr}")),
    }
    if stderr.contains("panicked") && !may_abort {
        return Err(format!("panicked: {stderr}"));
    }
    if host.case.load > 0
        && fault.is_none_or(|(_, fault)| fault != Fault::Kill)
        && !may_abort
        && !is_not_loaded
    {
        busy(traced.took, stderr)?;
    }
    look(host, When::Meanwhile, fault)
}

/// With requests in flight, a stop waits for all of its time.
fn busy(took: Duration, stderr: &str) -> Held {
    if took < TIMEOUT {
        return Err(format!("did not wait for the requests in flight, only {took:?}: {stderr}"));
    }
    let last = fs::read_to_string(format!("{STATE}/hhvm.service.last.json")).unwrap_or_default();
    if last.contains("\"drained\"") { Err(format!("a false zero: {last}")) } else { Ok(()) }
}

/// What has happened until the hooks run.
pub struct Story<'a> {
    pub fault: Option<(&'a Point, Fault)>,
    /// Whether the command has said that it was done.
    pub is_done: bool,
    /// How it has left the files.
    pub seen: Seen,
}

/// Runs the hooks, and looks where the node is.
pub fn in_the_end(host: &Host, story: &Story, hooks: &[Call]) -> Held {
    let Story { fault, is_done, ref seen } = *story;
    for hook in hooks {
        let run = host.run(hook);
        well(&run).map_err(|why| format!("{hook:?}: {why}"))?;
    }
    let end = look(host, When::InTheEnd, fault)?;
    published()?;
    let all = |place: Where| end.places.iter().all(|found| *found == place);
    match host.case.end {
        Wanted::InPool => {
            check(all(Where::In), || format!("not back in the pool: {end:?}"))?;
            no_record()
        }
        Wanted::Depooled => {
            check(all(Where::Out), || format!("the operator's node is in the pool: {end:?}"))?;
            operators_record(host, &end)?;
            pooled_by_the_operator(host, fault)
        }
        Wanted::ByHand => {
            check(all(Where::Out), || format!("the operator's node is in the pool: {end:?}"))?;
            no_record()?;
            pooled_by_the_operator(host, fault)
        }
        Wanted::As(wanted) => {
            if is_done {
                check(all(wanted), || format!("said that it was done: {end:?}"))?;
            }
            let left = left_by(host, is_done, seen);
            check(left.is_none_or(|left| left == end), || format!("was left as {seen:?}, is {end:?}"))?;
            if all(Where::Out) && host.case.before != Before::ByHand {
                operators_record(host, &end)?;
            }
            if all(Where::In) {
                let told = status(host)?;
                check(told["pooled"] == true && told["by"].is_null(), || format!("status: {told}"))?;
            }
            pooled_by_the_operator(host, fault)
        }
    }
}

/// How an operator's command left the node, if nothing may change that.
fn left_by(host: &Host, is_done: bool, seen: &Seen) -> Option<Seen> {
    // A drain's, as long as the operator has not been told otherwise: its hooks may put it back.
    let is_a_drains = host.case.before == Before::Drained && !is_done;
    // Half of a pool() that was cut short: the next stop takes the node out for the operator, whole.
    let is_half = seen.places.contains(&Where::In) && seen.places.contains(&Where::Out);
    (!is_a_drains && !is_half).then(|| seen.clone())
}

fn pooled_by_the_operator(host: &Host, fault: Option<(&Point, Fault)>) -> Held {
    let run = host.run(&POOL);
    check(run.end == End::Exited(0), || format!("pool: {run:?}"))?;
    let end = look(host, When::InTheEnd, fault)?;
    check(end.places.iter().all(|place| *place == Where::In), || format!("pool: {end:?}"))?;
    published()?;
    no_record()
}

/// A call that nobody hurt.
fn well(run: &Run) -> Held {
    let is_well = matches!(run.end, End::Exited(0 | 1)) && !run.stderr.contains("panicked");
    check(is_well, || format!("{run:?}"))
}

fn check(holds: bool, otherwise: impl FnOnce() -> String) -> Held {
    if holds { Ok(()) } else { Err(otherwise()) }
}

/// After a power cut, before the hooks of the boot.
pub fn at_the_boot(host: &Host) -> Result<Seen, String> {
    look(host, When::Meanwhile, None)
}

/// Finds each health file, whole, under one of its names, and nothing else.
fn look(host: &Host, when: When, fault: Option<(&Point, Fault)>) -> Result<Seen, String> {
    let places: Result<_, _> =
        host.originals.iter().map(|original| find(host, original, when, fault)).collect();
    let seen = Seen { places: places? };
    if when == When::InTheEnd {
        for directory in [STATE, RUNTIME] {
            for name in names(Path::new(directory)) {
                let is_known = KNOWN.iter().any(|ending| name.strip_suffix(ending).is_some());
                check(is_known, || format!("{directory}/{name} is left"))?;
            }
        }
    }
    Ok(seen)
}

fn find(
    host: &Host,
    original: &Original,
    when: When,
    fault: Option<(&Point, Fault)>,
) -> Result<Where, String> {
    // Where the file system answers so, it keeps neither owners nor modes.
    let knows_no_owners = fault.is_some_and(|(point, fault)| {
        let is_so = matches!(fault, Fault::Fails(Errno::EPERM) | Fault::FailsForGood(Errno::EPERM));
        is_so && ["fchown", "fchmod", "fchownat"].contains(&point.call)
    });
    let (health, disabled) = (&original.health, &disabled(&original.health));
    let directory = health.parent().unwrap();
    let is_whole = |path: &Path| {
        let found = Meta::of(path)?;
        // A copy is another file with the same contents.
        let inode = if host.case.before == Before::Deleted { original.meta.inode } else { found.inode };
        let known = Meta { inode, ..found };
        Some(known == original.meta || (knows_no_owners && known.text == original.meta.text))
    };
    let all = names(directory);
    let unknown = |name: &&String| {
        let path = directory.join(name);
        path != *health && path != *disabled
    };
    let left = all.iter().find(unknown);
    check(when == When::Meanwhile || left.is_none(), || format!("{left:?} is left"))?;
    match (is_whole(health), is_whole(disabled)) {
        (Some(true), None) => Ok(Where::In),
        (None, Some(true)) => Ok(Where::Out),
        // A rename by way of a hard link.
        (Some(true), Some(true)) if when == When::Meanwhile => Ok(Where::In),
        // A rename by way of a file that keeps the name.
        (Some(false), Some(true)) if when == When::Meanwhile && keeps_the_name(health) => Ok(Where::Out),
        (Some(true), Some(false)) if when == When::Meanwhile && keeps_the_name(disabled) => Ok(Where::In),
        (None, None) if when == When::Meanwhile && host.case.before == Before::Deleted => Ok(Where::Out),
        (health, disabled) => {
            Err(format!("whole under its names: {health:?}, {disabled:?}; there is {all:?}"))
        }
    }
}

fn keeps_the_name(path: &Path) -> bool {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.bytes().all(|byte| byte == 0) || text.starts_with("hhvm-drain holds this name")
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn record() -> Option<serde_json::Value> {
    let texts = [RUNTIME, STATE].map(|directory| fs::read(format!("{directory}/hhvm.service.json")));
    texts.into_iter().find_map(Result::ok).map(|text| serde_json::from_slice(&text).unwrap_or_default())
}

fn no_record() -> Held {
    let record = record();
    check(record.is_none(), || format!("a record is left: {record:?}"))?;
    let copies = Path::new(STATE).join("hhvm.service.copies");
    check(!copies.exists(), || format!("{} is left", copies.display()))
}

/// What everybody can read, and the agent answers by, is what the record says; and nothing goes on any more.
fn published() -> Held {
    let text =
        fs::read(format!("{RUNTIME}/hhvm.service.state")).map_err(|why| format!("published: {why}"))?;
    let told: serde_json::Value = serde_json::from_slice(&text).map_err(|why| format!("published: {why}"))?;
    let record = record();
    let (node, by) = match &record {
        Some(record) => ("out", &record["by"]),
        None => ("in", &serde_json::Value::Null),
    };
    let is_true = told["node"] == node && told["by"] == *by && told["activity"].is_null();
    check(is_true, || format!("published: {told}; the record: {record:?}"))
}

/// The record tells of the operator and the very files; and so does `status`.
fn operators_record(host: &Host, end: &Seen) -> Held {
    let record = record().ok_or("no record of the operator's depool")?;
    check(record["by"] == "operator", || format!("the record is not the operator's: {record}"))?;
    let inodes: Vec<_> =
        record["parked"].as_array().into_iter().flatten().map(|file| &file["file"]["inode"]).collect();
    for (original, place) in host.originals.iter().zip(&end.places) {
        let is_told = inodes.iter().any(|inode| **inode == original.meta.inode);
        check(is_told || *place == Where::In, || format!("the record does not tell of all files: {record}"))?;
    }
    let told = status(host)?;
    check(told["by"] == "operator" && told["pooled"] == false, || format!("status: {told}"))
}

/// What the program itself says.
fn status(host: &Host) -> Result<serde_json::Value, String> {
    let status = host.run(&STATUS);
    serde_json::from_str(&status.stdout).map_err(|_| format!("{status:?}"))
}
