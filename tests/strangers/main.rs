//! Hosts that nobody chose: draws hosts at random, stops and starts their servers, and holds hhvm-drain to its promises.
//!
//! ```text
//! cargo test --test strangers                            the draws of seeds.txt
//! cargo test --test strangers -- --draws 500             with a new seed; --seed 0x… for an old one
//! cargo test --test strangers -- --draw "kill=none …"    this one; --keep-large does not look for the smallest
//! ```

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod config;
mod deploy;
mod draw;
mod faults;
mod front;
mod furnish;
mod health;
#[path = "../hosts/host/mod.rs"]
mod host;
mod invariants;
mod neighbour;
mod possible;
mod random;
mod run;
mod shrink;
mod unit;
mod visit;

use std::env;
use std::process::ExitCode;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use draw::{Draw, Release};
use random::Random;
use run::{Plan, Verdict};

/// The draws that every test runs, and the seeds of others.
const SEEDS: &str = include_str!("seeds.txt");
/// A host waits more than it works.
const AT_ONCE: usize = 4;

fn main() -> ExitCode {
    let begin = Instant::now();
    // First, because it runs this program anew, which would draw another seed.
    let prepared = host::prepare();
    let mut plan = match plan(env::args().skip(1)) {
        Ok(plan) => plan,
        Err(why) => {
            eprintln!("strangers: {why}");
            return ExitCode::from(2);
        }
    };
    if let Err(why) = draws_read_back() {
        eprintln!("strangers: {why}");
        return ExitCode::FAILURE;
    }
    let twelve = Release::Twelve.debian();
    if let Err(why) = prepared.and_then(|()| twelve.root("").map(drop)) {
        println!("host tests on Debian {} are ignored: {why}", twelve.number());
        return ExitCode::SUCCESS;
    }
    for release in [Release::Eleven, Release::Thirteen] {
        leave_out_if_missing(release, &mut plan.draws);
    }
    // What a host's maker says is told with its draw.
    std::panic::set_hook(Box::new(|_| {}));
    let verdicts = run::run(&plan);
    let count = |is: fn(&Verdict) -> bool| verdicts.iter().filter(|verdict| is(verdict)).count();
    let violated = count(|verdict| matches!(verdict, Verdict::Violated { .. }));
    let broken = count(|verdict| matches!(verdict, Verdict::Broken(_)));
    println!(
        "strangers: {} hosts in {} s: {} kept every promise ({} of them with a check that failed), {violated} did not, {broken} could not be made",
        verdicts.len(),
        begin.elapsed().as_secs(),
        count(|verdict| matches!(verdict, Verdict::Held { .. })),
        count(|verdict| matches!(verdict, Verdict::Held { green: false })),
    );
    if violated + broken == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn plan(mut words: impl Iterator<Item = String>) -> Result<Plan, String> {
    let (mut number, mut seed, mut draws, mut keep_large, mut at_once) =
        (None, None, Vec::new(), false, AT_ONCE);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word} needs a value"));
        match word.as_str() {
            "--draws" => number = Some(value()?.parse::<usize>().map_err(|_| "--draws needs a number")?),
            "--seed" => seed = Some(parse_seed(&value()?)?),
            "--draw" => draws.push(value()?.parse()?),
            "--at-once" => at_once = value()?.parse().map_err(|_| "--at-once needs a number")?,
            "--keep-large" => keep_large = true,
            _ => return Err(format!("unknown option {word}")),
        }
    }
    if let Some(number) = number.or(seed.map(|_| 1)) {
        let seed = seed.unwrap_or_else(new_seed);
        println!("strangers: {number} draws of seed {seed:#x}");
        let mut random = Random::new(seed);
        draws.extend((0..number).map(|_| Draw::random(&mut random)));
    } else if draws.is_empty() {
        draws = kept_draws()?;
    }
    Ok(Plan { draws, keep_large, at_once })
}

/// Leaves out what would run a release of which no root can be made here, and says so.
fn leave_out_if_missing(release: Release, draws: &mut Vec<Draw>) {
    if !draws.iter().any(|draw| draw.release == release) {
        return;
    }
    let debian = release.debian();
    if let Err(why) = debian.root("") {
        println!("host tests on Debian {} are ignored: {why}", debian.number());
        draws.retain(|draw| draw.release != release);
    }
}

/// Those of seeds.txt: a line is a draw, or a seed, whose first draw is meant.
fn kept_draws() -> Result<Vec<Draw>, String> {
    let lines = SEEDS.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| match line.strip_prefix("seed ") {
            Some(seed) => Ok(Draw::random(&mut Random::new(parse_seed(seed)?))),
            None => line.parse(),
        })
        .collect()
}

/// The text form is what a failure is repeated by.
fn draws_read_back() -> Result<(), String> {
    let mut random = Random::new(0);
    for draw in (0..10_000).map(|_| Draw::random(&mut random)) {
        let read: Draw = draw.to_string().parse()?;
        if read != draw {
            return Err(format!("{draw} reads back as {read}"));
        }
    }
    Ok(())
}

fn parse_seed(text: &str) -> Result<u64, String> {
    let digits = text.trim().trim_start_matches("0x");
    u64::from_str_radix(digits, 16).map_err(|_| format!("{text:?} is no seed"))
}

fn new_seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time after 1970");
    Random::new(now.as_secs() << 30 | u64::from(now.subsec_nanos())).next() >> 32
}
