//! Every crash point and every failing call of the commands that move the health file; see `tests/README.md`.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod cases;
mod errnos;
mod figures;
mod files;
mod history;
mod host;
mod house;
mod invariants;
mod outcome;
mod point;
mod trace;
mod watchdog;
mod worker;

use cases::{CASES, Case};
use libtest_mimic::{Arguments, Failed, Trial};
use std::env;
use std::path::Path;
use std::process::{ExitCode, Stdio};
use std::sync::{Arc, Mutex};
use worker::{Figures, Scope};

/// Names what is tried: `all`, or a point as a failure prints it. A sample, if it is not set.
const WHAT: &str = "FAULT";

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    match words.first().map(String::as_str) {
        Some("traced") => house::become_traced(&words[1..]),
        Some("inside") => {
            let cgroup = house::move_in(Path::new(&words[1]));
            let case = CASES.iter().find(|case| case.name == words[2]).unwrap();
            println!("{}", serde_json::to_string(&worker::work(*case, &scope(), cgroup)).unwrap());
            ExitCode::SUCCESS
        }
        _ => all(),
    }
}

fn scope() -> Scope {
    match env::var(WHAT) {
        Err(_) => Scope::Sample,
        Ok(all) if all == "all" => Scope::All,
        Ok(at) => {
            let (point, fault) = at.rsplit_once(' ').expect("a point and a fault");
            Scope::At(point.parse().unwrap(), fault.parse().unwrap())
        }
    }
}

/// A test for each case.
fn all() -> ExitCode {
    let arguments = Arguments::from_args();
    let why_not = if arguments.list { None } else { house::obstacle() };
    if let Some(why_not) = &why_not {
        println!("the fault tests are ignored: {why_not}");
    }
    let figures: Arc<Mutex<Vec<Figures>>> = Arc::default();
    let trial = |case: &'static Case| {
        let figures = figures.clone();
        let run = move || {
            let found = in_a_house(case)?;
            let verdict = verdict(&found);
            figures.lock().unwrap().push(found);
            verdict
        };
        Trial::test(case.name, run).with_ignored_flag(why_not.is_some())
    };
    let rules = Trial::test("rules-of-file-systems", || history::rules::hold().map_err(Failed::from));
    let conclusion = libtest_mimic::run(&arguments, CASES.iter().map(trial).chain([rules]).collect());
    let mut figures = std::mem::take(&mut *figures.lock().unwrap());
    figures.sort_by_key(|figures| CASES.iter().position(|case| case.name == figures.name));
    if !figures.is_empty() {
        println!("{}", figures::table(&figures));
    }
    if scope() == Scope::All && figures.len() == CASES.len() && !conclusion.has_failed() {
        figures::write(&figures);
    }
    conclusion.exit_code()
}

/// Works off a case in name spaces of its own.
fn in_a_house(case: &Case) -> Result<Figures, Failed> {
    let root = tempfile::tempdir()?;
    let done = house::command(root.path()).arg(case.name).stderr(Stdio::inherit()).output()?;
    if !done.status.success() {
        return Err(format!("the tests themselves: {}", done.status).into());
    }
    Ok(serde_json::from_slice(&done.stdout)?)
}

fn verdict(figures: &Figures) -> Result<(), Failed> {
    match &figures.broken[..] {
        [] => Ok(()),
        broken => Err(format!("{} broken promises:\n{}", broken.len(), broken.join("\n")).into()),
    }
}
